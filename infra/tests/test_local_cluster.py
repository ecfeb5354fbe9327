"""`make cluster-up` against stubs: in order, once, resumed after a failure, secrets in the cluster only."""

import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from stub_tools import SEED, Laptop, ended

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / "infra/local"
SCRIPTS = sorted(LOCAL.glob("*.sh"))


def releases(laptop: Laptop) -> list[str]:
    return [args[args.index("--install") + 1] for args in laptop.calls("helm", "upgrade")]


def test_everything_is_installed_in_order_and_another_cluster_is_never_touched(laptop: Laptop) -> None:
    code, out = laptop.run("up", profile="full")
    assert code == 0, out
    assert releases(laptop) == [
        "external-secrets", "kong", "postgresql", "redis", "qdrant", "monitoring", "langfuse", "otel-collector",
        "oblivion", "oblivion",
    ]  # fmt: skip
    first, full = laptop.calls("helm", "upgrade")[-2:]
    assert any(word.endswith("oblivion-first.yaml") for word in first)
    assert not any(word.endswith("oblivion-first.yaml") for word in full)
    assert any(word.endswith("values-local-full.yaml") for word in full)
    for tool, flag in (("kubectl", "--context"), ("helm", "--kube-context")):
        for args in laptop.calls(tool):
            assert args[0] == "version" or "--dry-run=client" in args or args[:2] == [flag, "kind-oblivion"], args
    assert "http://sandbox.oblivion.local" in out and "127.0.0.1 oblivion.local api.oblivion.local" in out


def test_open_stores_take_the_place_of_bitnamis_at_the_same_address(laptop: Laptop) -> None:
    code, out = laptop.run("up", stores="open")
    assert code == 0, out
    assert releases(laptop)[2:5] == ["postgres", "valkey", "qdrant"]
    postgres, valkey = laptop.calls("helm", "upgrade")[2:4]
    assert "https://groundhog2k.github.io/helm-charts" in postgres
    assert "https://valkey-io.github.io/valkey-helm" in valkey
    used = {Path(args[args.index("--values") + 1]).stem for args in (postgres, valkey)}
    assert used == {"postgres-groundhog2k", "valkey"}
    store = laptop.state["objects"]["ClusterSecretStore//oblivion"]
    assert "@postgresql:5432/" in store and "@redis-master:6379/" in store
    names = {
        name: yaml.safe_load((LOCAL / f"values/{name}.yaml").read_text())["fullnameOverride"]
        for name in ("postgresql", "postgres-groundhog2k", "redis", "valkey")
    }
    # Bitnami's chart appends `-master`; `make third-party-check` looks at what the charts make of these.
    assert names == {
        "postgresql": "postgresql", "postgres-groundhog2k": "postgresql", "redis": "redis", "valkey": "redis-master"
    }  # fmt: skip


@pytest.mark.parametrize("release", ["postgresql", "redis", "postgres", "valkey"])
def test_a_cluster_keeps_the_stores_that_it_was_made_with(laptop: Laptop, release: str) -> None:
    first, then = ("bitnami", "open") if release in ("postgresql", "redis") else ("open", "bitnami")
    laptop.change(clusters=["oblivion"], releases=[f"{release} oblivion"])
    code, out = laptop.run("up", stores=then)
    assert code == 1
    assert f"The cluster has the PostgreSQL and Redis of STORES={first}" in out
    assert f"make cluster-up STORES={first}" in out and "make cluster-down (deletes the data)" in out
    assert not laptop.calls("helm", "upgrade") and not laptop.calls("kubectl", "apply")
    code, out = ended(laptop.start("steps.sh", "preflight", STORES=first))
    assert code == 0, out


@pytest.mark.parametrize(
    ("helm", "flags"),
    [
        ("v3.14.0", set[str]()),
        ("v3.17.3+gabc", {"--take-ownership"}),
        ("v4.1.4", {"--take-ownership", "--server-side=true", "--force-conflicts"}),
    ],
)
def test_helm_takes_back_what_tilt_has_changed(laptop: Laptop, helm: str, flags: set[str]) -> None:
    laptop.change(helm=helm, clusters=["oblivion"])
    code, out = ended(laptop.start("steps.sh", "oblivion"))
    assert code == 0, out
    (args,) = laptop.calls("helm", "upgrade", "oblivion")
    assert {"--take-ownership", "--server-side=true", "--force-conflicts"} & set(args) == flags


def test_the_store_has_what_was_generated_and_what_was_seeded(laptop: Laptop) -> None:
    assert laptop.run("up")[0] == 0
    store = yaml.safe_load(laptop.state["objects"]["ClusterSecretStore//oblivion"])
    values = {entry["key"]: entry["value"] for entry in store["spec"]["provider"]["fake"]["data"]}
    password = laptop.secret("oblivion", "oblivion-postgresql")["password"]
    assert (
        values["/oblivion/nexus/OBLIVION_DATABASE_URL"]
        == f"postgresql://oblivion:{password}@postgresql:5432/oblivion_db"
    )
    assert values["/oblivion/observer/OBSERVER_CLIENT_SECRET"] == "observer-secret-seeded"
    assert values["/oblivion/agents/demo/AGENT_ID"] == "demo_agent-id-seeded"
    external = yaml.safe_load((ROOT / "infra/helm/oblivion/values.yaml").read_text())["externalSecrets"]
    paths = {"nexus": "nexusKeys", "observer": "observerKeys", "agents/demo": "agentKeys"}
    wanted = {f"/oblivion/{path}/{key}" for path, keys in paths.items() for key in external[keys]}
    assert wanted == set(values)


def test_a_second_run_changes_nothing_and_gives_back_the_credentials(laptop: Laptop) -> None:
    assert laptop.run("up")[0] == 0
    before = laptop.state["objects"]
    code, out = laptop.run("up")
    assert code == 0, out
    assert laptop.state["objects"] == before, "no secret is generated again"
    assert not laptop.calls("kind", "create") and not laptop.calls("kind", "load")
    assert not laptop.calls("kubectl", "restart")
    assert releases(laptop)[-1:] == ["oblivion"] and releases(laptop).count("oblivion") == 1
    given = [given for tool, args, given in laptop.state["calls"] if tool == "kubectl" and "exec" in args]
    assert given == [SEED]


def test_only_what_runs_on_a_new_image_is_loaded_and_started_again(laptop: Laptop) -> None:
    assert laptop.run("up")[0] == 0
    images = laptop.state["images"] | {"localhost/oblivion/nexus:dev": "sha256:nexus2"}
    laptop.change(images=images)
    assert laptop.run("up")[0] == 0
    assert [args[-1] for args in laptop.calls("kind", "load")] == ["localhost/oblivion/nexus:dev"]
    restarted = [args[-1] for args in laptop.calls("kubectl", "restart")]
    assert restarted == ["deployment/oblivion-gateway", "deployment/oblivion-worker"]


def test_after_a_failure_it_says_what_hangs_and_goes_on_there(laptop: Laptop) -> None:
    laptop.change(failing=["helm .*--install redis"])
    code, out = laptop.run("up")
    assert code == 1
    assert "✗ Redis" in out and "stub: helm fails" in out
    assert "pod/the-pod" in out and "run make cluster-up again" in out
    assert not laptop.calls("kind", "load")
    secrets = laptop.state["objects"]["Secret/oblivion/oblivion-bootstrap"]
    laptop.change(failing=[])
    assert laptop.run("up")[0] == 0
    assert laptop.state["objects"]["Secret/oblivion/oblivion-bootstrap"] == secrets


@pytest.mark.parametrize("failing", ["", "helm .*--install qdrant", "kubectl .*exec"])
def test_no_secret_is_seen_in_arguments_logs_or_on_the_screen(laptop: Laptop, failing: str) -> None:
    laptop.change(failing=[failing] if failing else [])
    _, out = laptop.run("up", profile="full")
    secrets = set(laptop.secret("oblivion", "oblivion-bootstrap").values())
    assert len(secrets) == 17 and all(len(value) == 64 for value in secrets)
    seen = out + laptop.told
    assert not [value for value in secrets | {"observer-secret-seeded", "agent-secret-seeded"} if value in seen]


def test_credentials_are_printed_when_they_are_asked_for(laptop: Laptop) -> None:
    laptop.run("up")
    code, out = laptop.run("credentials")
    assert code == 0
    assert "AGENT_ID=agent-id-seeded AGENT_SECRET=agent-secret-seeded" in out


def test_secrets_that_are_lost_while_data_is_kept_are_not_made_anew(laptop: Laptop) -> None:
    laptop.run("up")
    laptop.change(objects={}, pvc="persistentvolumeclaim/data-postgresql-0")
    code, out = laptop.run("up")
    assert code == 1 and "PostgreSQL's data is there" in out
    assert "Secret/oblivion/oblivion-bootstrap" not in laptop.state["objects"]


@pytest.mark.parametrize("tool", ["docker", "kind", "helm", "kubectl"])
def test_a_missing_tool_is_named_with_the_way_to_get_it(laptop: Laptop, tool: str) -> None:
    (laptop.home / "bin" / tool).unlink()
    if shutil.which(tool, path="/usr/bin:/bin"):
        pytest.skip(f"{tool} is part of this system")
    code, out = laptop.run("up")
    assert code == 1
    assert f"{tool} is not installed" in out and re.search(r"next +(https://|brew )", out)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "v0.20.0"}, "kind 0.20.0 is too old"),
        ({"memory": str(2 * 2**30)}, "2048 MiB of memory"),
        ({"failing": ["^docker info$"]}, "Docker does not answer"),
        ({"stores": "redis"}, "There are no stores redis"),
    ],
)
def test_what_will_not_do_is_said_before_anything_begins(laptop: Laptop, changes: dict[str, object], said: str) -> None:
    stores = str(changes.pop("stores", "bitnami"))
    laptop.change(**changes)
    code, out = laptop.run("up", stores=stores)
    assert code == 1 and said in out and "next" in out
    assert not laptop.calls("kind", "create")


def test_a_taken_port_is_named_unless_it_is_the_clusters_own(laptop: Laptop) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        kind = laptop.root / "infra/local/kind.yaml"
        kind.write_text(kind.read_text().replace("hostPort: 1,", f"hostPort: {port},"))
        code, out = laptop.run("up")
        assert code == 1 and f"Port {port} of this laptop is taken" in out
        laptop.change(clusters=["oblivion"])
        assert laptop.run("up")[0] == 0


def test_down_deletes_the_cluster_and_is_content_without_one(laptop: Laptop) -> None:
    assert laptop.run("down") == (0, "There is no cluster oblivion.\n")
    laptop.run("up")
    assert laptop.run("down")[0] == 0
    assert laptop.state["clusters"] == []
    assert laptop.run("status")[0] == 1


def test_names_are_written_into_the_hosts_file_once_and_nothing_else_is_lost(laptop: Laptop) -> None:
    hosts = laptop.home / "hosts"
    assert laptop.run("hosts", profile="full")[0] == 0
    written = hosts.read_text()
    assert written.startswith("127.0.0.1 localhost\n") and "::1 oblivion.local" in written
    assert laptop.run("hosts", profile="full")[0] == 0
    assert hosts.read_text() == written
    hosts.write_text(written.replace(" grafana.oblivion.local", ""))
    laptop.run("hosts", profile="full")
    assert hosts.read_text() == written


def test_the_scripts_are_clean_short_and_old_bashes_can_read_them() -> None:
    shellcheck = Path(sys.executable).parent / "shellcheck"
    done = subprocess.run([shellcheck, "-x", *SCRIPTS], capture_output=True, text=True, cwd=LOCAL)
    assert done.returncode == 0, done.stdout
    for script in SCRIPTS:
        text = script.read_text()
        assert len(text.splitlines()) < 200
        newer = re.search(r"declare -A|mapfile|readarray|\$\{\w+(,,|\^\^)|\|&|&>>", text)
        assert newer is None, f"{script.name}: bash 3.2 of macOS does not know {newer and newer[0]}"


def test_values_and_manifests_are_well_formed_and_of_the_versions_that_are_written_down() -> None:
    yamllint = Path(sys.executable).parent / "yamllint"
    rules = (
        "{extends: default, rules: {document-start: disable, line-length: disable, "
        "braces: {max-spaces-inside: 1}, comments: {min-spaces-from-content: 1}}}"
    )
    done = subprocess.run(
        [yamllint, "-s", "-d", rules, LOCAL, ROOT / "infra/production"], text=True, stdout=subprocess.PIPE
    )
    assert done.returncode == 0, done.stdout
    versions = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / "infra/versions.env").read_text(), re.MULTILINE))
    for values in (LOCAL / "values").glob("*.yaml"):
        if values.stem.startswith(("oblivion-", "traffic-manager")):
            continue
        prefix = values.stem.upper().replace("-", "_")
        assert versions[f"{prefix}_CHART"] and re.fullmatch(r"\d+\.\d+\.\d+", versions[f"{prefix}_VERSION"])
    for prefix, name in (("KONG", "kong"), ("POSTGRESQL", "postgresql"), ("REDIS", "redis")):
        image = yaml.safe_load((LOCAL / f"values/{name}.yaml").read_text())["image"]
        found = "/".join(part for part in (image.get("registry"), image["repository"]) if part)
        assert f"{found}:{image['tag']}" == versions[f"{prefix}_IMAGE"]
    assert versions["CLICKHOUSE_IMAGE"] in (LOCAL / "manifests/clickhouse.yaml").read_text()
    assert versions["CLOUDNATIVE_PG_IMAGE"] in (ROOT / "infra/production/postgresql-cloudnative-pg.yaml").read_text()


def test_every_secret_that_values_name_is_made(laptop: Laptop) -> None:
    laptop.run("up", profile="full")
    made = {
        key.rpartition("/")[2]: set(yaml.safe_load(text)["stringData"])
        for key, text in laptop.state["objects"].items()
        if key.startswith("Secret/") and "seed" not in key
    }
    for path in (*(LOCAL / "values").glob("*.yaml"), *(LOCAL / "manifests").glob("*.yaml")):
        for name, key in re.findall(r"\{name: (oblivion-[\w-]+), key: ([\w-]+)\}", path.read_text()):
            assert key in made[name], f"{path.name}: {name} has no {key}"
