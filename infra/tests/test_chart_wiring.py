"""What the chart names exists: variables, routes, ports, keys of Secrets; and who may talk to whom."""

import functools
import json
import re
import subprocess
from typing import Any

import pytest
from reachability import Peer, allowed
from rendering import PROFILES, ROOT, environment, found, objects, pods

OUTSIDE = {
    "/docs", "/openapi.json", "/mcp", "/.well-known/oauth-protected-resource", "/socket.io/",
    "/webhooks/clickup", "/webhooks/slack/interactive",
}  # fmt: skip
"""What Nexus serves for outsiders that is not in its OpenAPI document."""
INSIDE = {"/livez", "/readyz", "/metrics"}


class _Every(dict[str, str]):
    """Secrets that have every key."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: str) -> str:
        return "x"


SECRETS = _Every()


@functools.cache
def nexus() -> dict[str, Any]:
    """What Nexus itself says of its settings and routes."""
    done = subprocess.run(
        [ROOT / ".venv/bin/python", ROOT / "infra/tools/nexus_facts.py"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def container(profile: str, workload: str) -> dict[str, Any]:
    kind, name = workload.split("/")
    (one,) = found(profile, kind, name)["spec"]["template"]["spec"]["containers"]
    return one


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("role", ["gateway", "worker"])
def test_nexus_knows_every_variable_that_it_is_given(profile: str, role: str) -> None:
    given = environment(profile, f"Deployment/oblivion-{role}", SECRETS)
    assert [name for name in given if name not in nexus()["variables"]] == []
    assert {"OBLIVION_DATABASE_URL", "OBLIVION_SECRET_KEY", "OBLIVION_PUBLIC_URL"} <= given.keys()


def test_the_dashboard_reads_every_variable_that_it_is_given() -> None:
    given = environment("everything", "Deployment/oblivion-observer", SECRETS)
    sources = "".join(path.read_text() for path in (ROOT / "apps/observer/src").rglob("*.ts*"))
    # Of Next.js's own server, and of Auth.js: https://authjs.dev/reference/core#trusthost
    known = {"PORT", "HOSTNAME", "AUTH_URL", "AUTH_SECRET"}
    assert [name for name in given.keys() - known if name not in sources] == []


def test_the_sdk_reads_every_variable_that_an_agent_is_given() -> None:
    given = environment("production", "StatefulSet/oblivion-agent-fixer", SECRETS)
    places = ("packages/sdk-python/src", "agents/reference/src")
    sources = "".join(path.read_text() for place in places for path in (ROOT / place).rglob("*.py"))
    assert [name for name in given if f'"{name}"' not in sources] == []
    assert given["AGENT_INSTANCE"] == "oblivion-agent-fixer"


@pytest.mark.parametrize(
    ("role", "port", "variable"), [("gateway", "http", "OBLIVION_PORT"), ("worker", "health", "OBLIVION_HEALTH_PORT")]
)
def test_it_listens_where_its_probes_and_its_service_ask(role: str, port: str, variable: str) -> None:
    one = container("production", f"Deployment/oblivion-{role}")
    assert one["ports"] == [
        {
            "name": port,
            "containerPort": int(environment("production", f"Deployment/oblivion-{role}", SECRETS)[variable]),
        }
    ]
    asked = {kind: one[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}
    assert {probe["port"] for probe in asked.values()} == {port}
    assert {kind: probe["path"] for kind, probe in asked.items()} == {
        "startup": "/livez", "liveness": "/livez", "readiness": "/readyz"
    }  # fmt: skip
    assert {"/livez", "/readyz", "/metrics"} <= {*nexus()["routes"]}


def test_there_is_time_enough_to_end_in_order() -> None:
    for profile in PROFILES:
        gateway = found(profile, "Deployment", "oblivion-gateway")["spec"]["template"]["spec"]
        pause = gateway["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert gateway["terminationGracePeriodSeconds"] > pause + nexus()["gateway_grace_seconds"]
        worker = found(profile, "Deployment", "oblivion-worker")["spec"]["template"]["spec"]
        assert worker["terminationGracePeriodSeconds"] > nexus()["worker_grace_seconds"]


def test_what_is_for_outside_is_routed_and_nothing_else_is() -> None:
    rules = {
        rule["host"]: rule["http"]["paths"] for rule in found("production", "Ingress", "oblivion")["spec"]["rules"]
    }
    prefixes = [path["path"] for path in rules["api.oblivion.example.com"]]

    def routed(route: str) -> bool:
        return any(route == prefix or route.startswith(prefix.rstrip("/") + "/") for prefix in prefixes)

    routes = {*nexus()["routes"], *OUTSIDE}
    assert {route for route in routes if not routed(route)} == INSIDE
    assert [prefix for prefix in prefixes if not any(route.startswith(prefix) for route in routes)] == []
    dashboard = [(path["path"], path["backend"]["service"]["name"]) for path in rules["oblivion.example.com"]]
    assert dashboard == [("/socket.io", "oblivion-gateway"), ("/", "oblivion-observer")]


@pytest.mark.parametrize("profile", PROFILES)
def test_services_and_routes_lead_to_pods(profile: str) -> None:
    templates = [template for _, template in pods(profile)]
    services = {one["metadata"]["name"]: one["spec"] for one in objects(profile) if one["kind"] == "Service"}
    for name, service in services.items():
        (target,) = [one for one in templates if service["selector"].items() <= one["metadata"]["labels"].items()]
        names = {port["name"] for port in target["spec"]["containers"][0]["ports"]}
        assert {port["targetPort"] for port in service["ports"]} <= names, name
    for one in objects(profile):
        if one["kind"] == "Ingress":
            for rule in one["spec"]["rules"]:
                for path in rule["http"]["paths"]:
                    backend = path["backend"]["service"]
                    assert backend["port"]["name"] in {port["name"] for port in services[backend["name"]]["ports"]}
        if one["kind"] in ("PodDisruptionBudget", "PodMonitor"):
            assert any(
                one["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
                for template in templates
            )


@pytest.mark.parametrize("profile", PROFILES)
def test_every_account_that_a_pod_names_is_made_and_early_enough(profile: str) -> None:
    accounts = {one["metadata"]["name"]: one for one in objects(profile) if one["kind"] == "ServiceAccount"}
    for name, template in pods(profile):
        account = template["spec"].get("serviceAccountName")
        if name == "Pod/oblivion-test":
            continue
        assert accounts[account]["automountServiceAccountToken"] is False
    for one in objects(profile):
        notes = one["metadata"].get("annotations", {})
        if one["kind"] == "Job" and "helm.sh/hook" in notes:
            used = accounts[one["spec"]["template"]["spec"]["serviceAccountName"]]["metadata"]["annotations"]
            assert int(used["helm.sh/hook-weight"]) < int(notes["helm.sh/hook-weight"])
            assert used["helm.sh/hook"] == notes["helm.sh/hook"]


def test_the_secret_of_the_migration_outlives_its_external_secret() -> None:
    nexus_secret = found("production", "ExternalSecret", "oblivion-nexus")
    assert nexus_secret["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert nexus_secret["spec"]["target"]["creationPolicy"] == "Orphan", "a hook is deleted before it is made again"
    gitops = found("production-gitops", "ExternalSecret", "oblivion-nexus")
    assert "annotations" not in gitops["metadata"]
    assert gitops["spec"]["target"]["creationPolicy"] == "Owner"


@pytest.mark.parametrize("profile", ["local", "staging", "production", "everything"])
def test_each_secret_that_pods_need_is_fetched_with_the_keys_that_they_need(profile: str) -> None:
    brought = {
        one["metadata"]["name"]: {item["secretKey"]: item["remoteRef"]["key"] for item in one["spec"]["data"]}
        for one in objects(profile)
        if one["kind"] == "ExternalSecret"
    }
    for name, template in pods(profile):
        for variable in template["spec"]["containers"][0].get("env", []):
            reference = variable.get("valueFrom", {}).get("secretKeyRef")
            if reference and not reference.get("optional"):
                assert reference["key"] in brought[reference["name"]], f"{name} lacks {reference}"
    assert brought["oblivion-nexus"]["OBLIVION_DATABASE_URL"] == "/oblivion/nexus/OBLIVION_DATABASE_URL"
    assert brought["oblivion-observer"]["AUTH_SECRET"] == "/oblivion/observer/AUTH_SECRET"


def test_a_laptop_and_production_ask_the_same_store_for_the_same_keys() -> None:
    def asked(profile: str) -> set[tuple[str, str, str]]:
        return {
            (one["spec"]["secretStoreRef"]["kind"], one["spec"]["secretStoreRef"]["name"], item["remoteRef"]["key"])
            for one in objects(profile)
            if one["kind"] == "ExternalSecret"
            for item in one["spec"]["data"]
            if "/agents/" not in item["remoteRef"]["key"]
        }

    assert asked("local") == asked("production") != set()


def test_a_change_of_settings_restarts_the_pods() -> None:
    def checksum(profile: str) -> str:
        template = found(profile, "Deployment", "oblivion-worker")["spec"]["template"]
        return template["metadata"]["annotations"]["checksum/config"]

    assert checksum("local") != checksum("production")
    assert checksum("production") == checksum("production-gitops")


def test_images_are_ours_or_those_that_an_agent_names() -> None:
    images = {template["spec"]["containers"][0]["image"] for _, template in pods("everything")}
    assert images == {
        "registry.example/oblivion/nexus:0.1.0",
        "registry.example/oblivion/observer:0.1.0",
        "registry.example/oblivion/agent-reference:0.1.0",
        "registry.example/me/own:7",
    }
    names = {path.name for path in (ROOT / "infra/images").iterdir() if (path / "Dockerfile").exists()}
    ours = {match[1] for image in images if (match := re.fullmatch(r"registry\.example/oblivion/(.+):0\.1\.0", image))}
    assert ours <= names


def pod(component: str, profile: str = "everything") -> Peer:
    for _, template in pods(profile):
        labels = template["metadata"]["labels"]
        if labels["app.kubernetes.io/component"] == component:
            ports = template["spec"]["containers"][0].get("ports", [])
            return Peer(labels, ports={port["name"]: port["containerPort"] for port in ports})
    raise AssertionError(component)


STORE = Peer({"app.kubernetes.io/name": "postgresql"})
GITHUB, METADATA, PRIVATE = Peer(address="140.82.121.4"), Peer(address="169.254.169.254"), Peer(address="10.1.2.3")
GITHUB6, PRIVATE6 = Peer(address="2606:50c0::1"), Peer(address="fd00::1")
KONG, PROMETHEUS, STRANGER = Peer(namespace="kong"), Peer(namespace="monitoring"), Peer(namespace="default")
DNS = Peer(namespace="kube-system")


@pytest.mark.parametrize(
    ("source", "target", "port", "may"),
    [
        (KONG, "gateway", 8000, True),
        (KONG, "observer", 3000, True),
        (KONG, "worker", 8080, False),
        (PROMETHEUS, "gateway", 8000, True),
        (PROMETHEUS, "worker", 8080, True),
        (STRANGER, "gateway", 8000, False),
        (STRANGER, "observer", 3000, False),
        (STRANGER, "agent-fixer", 8000, False),
        ("observer", "gateway", 8000, True),
        ("observer", STORE, 5432, False),
        ("observer", GITHUB, 443, True),
        ("agent-fixer", "gateway", 8000, True),
        ("agent-own", "gateway", 8000, True),
        ("agent-fixer", "agent-own", 8000, False),
        ("agent-fixer", STORE, 5432, False),
        ("agent-fixer", STORE, 6379, False),
        ("agent-fixer", GITHUB, 443, True),
        ("agent-fixer", GITHUB6, 443, True),
        ("agent-fixer", GITHUB, 80, False),
        ("agent-fixer", METADATA, 443, False),
        ("agent-fixer", PRIVATE, 443, False),
        ("agent-fixer", PRIVATE6, 443, False),
        ("agent-fixer", DNS, 53, True),
        ("gateway", STORE, 5432, True),
        ("gateway", PRIVATE, 5432, True),
        ("gateway", METADATA, 80, False),
        ("worker", STORE, 6379, True),
        ("worker", GITHUB, 443, True),
        ("worker", "gateway", 8000, False),
        ("migrate", STORE, 5432, True),
        ("test", "gateway", 8000, True),
        ("test", "observer", 3000, True),
        ("test", STORE, 5432, False),
    ],
)
def test_who_may_talk_to_whom(source: Peer | str, target: Peer | str, port: int, may: bool) -> None:
    policies = [one for one in objects("everything") if one["kind"] == "NetworkPolicy"]
    ends = [pod(end) if isinstance(end, str) else end for end in (source, target)]
    assert allowed(policies, ends[0], ends[1], port) is may


def test_the_sandbox_plays_the_vendors_on_a_laptop_only() -> None:
    sandbox = Peer({"app.kubernetes.io/name": "sandbox"})
    for profile, may in (("local", True), ("production", False)):
        policies = [one for one in objects(profile) if one["kind"] == "NetworkPolicy"]
        assert allowed(policies, pod("worker", profile), sandbox, 8002) is may
        assert not allowed(policies, sandbox, pod("gateway", profile), 8000), "its webhooks come in through Kong"


def test_spans_get_to_the_collector_from_everybody_who_makes_some_and_nobody_else_gets_there() -> None:
    collector = Peer(namespace="monitoring")
    for profile, may in (("local-full", True), ("local", False), ("everything", False)):
        policies = [one for one in objects(profile) if one["kind"] == "NetworkPolicy"]
        agent = "agent-fixer" if profile == "everything" else "agent-demo"
        for workload in ("Deployment/oblivion-gateway", "Deployment/oblivion-worker", f"StatefulSet/oblivion-{agent}"):
            given = environment(profile, workload, SECRETS)
            component = workload.rpartition("oblivion-")[2]
            assert ("OTEL_EXPORTER_OTLP_ENDPOINT" in given) is may, (profile, workload)
            assert allowed(policies, pod(component, profile), collector, 4318) is may, (profile, workload)
        assert not allowed(policies, pod("observer", profile), collector, 4318)
    assert environment("local-full", "StatefulSet/oblivion-agent-demo", SECRETS)["OTEL_SERVICE_NAME"] == "demo"


def test_langfuse_takes_the_spans_of_nexus_with_keys_from_its_secret() -> None:
    for role in ("gateway", "worker"):
        given = environment("everything", f"Deployment/oblivion-{role}", SECRETS)
        assert given["LANGFUSE_BASE_URL"] == "https://langfuse.example"
        assert {"LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY"} <= given.keys()
        assert (given["OTEL_TRACES_SAMPLER"], given["OTEL_TRACES_SAMPLER_ARG"]) == ("parentbased_always_on", "0.1")
    assert "LANGFUSE_PUBLIC_KEY" not in environment("local", "Deployment/oblivion-gateway", SECRETS)
