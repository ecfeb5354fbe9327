"""The chart as helm renders it, for each version of helm and each set of values.

As a program it prints what one workload runs: `rendering.py Deployment/oblivion-gateway < request.json`, where the
request is {"values": …, "secrets": {key: value}} and the answer {"args", "env", "ports", "probes", …}. With
`--env-file` it prints the environment alone, as `podman run --env-file` takes it.
"""

import functools
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "infra/helm/oblivion"
BIN = Path(sys.executable).parent
HELMS = ("helm3", "helm4")
REGISTRY = "registry.example/oblivion"

EVERYTHING: dict[str, Any] = {
    "gateway": {"autoscaling": {"enabled": True}},
    "worker": {"keda": {"enabled": True}},
    "monitoring": {"podMonitor": True, "rules": True, "dashboards": True},
    "externalSecrets": {"enabled": True},
    "nexus": {
        "qdrantUrl": "http://qdrant:6333",
        "corsOrigins": ["https://intranet.example"],
        "trustedProxies": ["10.244.0.0/16"],
    },
    "traces": {"langfuseUrl": "https://langfuse.example", "samplerArgument": "0.1"},
    "ingress": {"tls": {"enabled": True, "secretName": "oblivion-tls"}},
    "agents": [
        {
            "name": "fixer",
            "image": {"name": "agent-reference"},
            "skills": ["fix_bug"],
            "persistence": {"enabled": True},
        },
        {
            "name": "own",
            "image": {"repository": "registry.example/me/own", "tag": "7"},
            "command": ["python", "-m", "own"],
            "env": [{"name": "OPENAI_MODEL", "value": "gpt-5-mini"}],
            "envFromSecrets": ["own-model"],
            "replicas": 2,
        },
    ],
}
PLAIN: dict[str, Any] = {
    "nexus": {"qdrantUrl": "http://qdrant:6333"},
    "observer": {"enabled": False},
    "ingress": {"kong": {"enabled": False}},
    "networkPolicy": {"enabled": False},
    "migrations": {"mode": "job"},
}
PROFILES: dict[str, tuple[str | dict[str, Any], ...]] = {
    "local": ("values-local.yaml",),
    "local-full": ("values-local.yaml", "values-local-full.yaml"),
    "staging": ("values-staging.yaml",),
    "production": ("values-production.yaml",),
    "production-gitops": ("values-production.yaml", {"migrations": {"mode": "job"}}),
    "everything": (EVERYTHING,),
    "plain": (PLAIN,),
}
"""Each values file, alone and as it is meant to be laid over another, and both ends of what can be switched."""


class Refused(Exception):
    """Helm refused; the text is what it said."""


def run(helm: str, command: str, *arguments: str, values: tuple[str | dict[str, Any], ...]) -> str:
    """What helm prints. Values are files of the chart, or given here. Raises Refused."""
    given = [ROOT / CHART / one if isinstance(one, str) else one for one in values]
    text = [part for one in given for part in (("-f", str(one)) if isinstance(one, Path) else ("-f", "-"))]
    inline = [one for one in given if isinstance(one, dict)]
    assert len(inline) <= 1, "there is one standard input"
    done = subprocess.run(
        [str(BIN / helm), command, *arguments, *text],
        input=json.dumps(inline[0]) if inline else None,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
    )
    if done.returncode:
        raise Refused(done.stdout + done.stderr)
    return done.stdout


@functools.cache
def rendered(profile: str, helm: str = "helm4", namespace: str = "oblivion") -> str:
    """The manifests of a profile, as text."""
    return run(
        helm, "template", "oblivion", str(CHART), "-n", namespace, "--set", f"images.registry={REGISTRY}",
        values=PROFILES[profile],
    )  # fmt: skip


@functools.cache
def objects(profile: str, helm: str = "helm4") -> tuple[dict[str, Any], ...]:
    """The manifests of a profile."""
    return parsed(rendered(profile, helm))


def parsed(text: str) -> tuple[dict[str, Any], ...]:
    """Manifests."""
    return tuple(one for one in yaml.load_all(text, yaml.CSafeLoader) if one)


def found(profile: str, kind: str, name: str) -> dict[str, Any]:
    """One object of a profile."""
    return named(objects(profile), kind, name)


def named(manifests: Iterable[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    """One object."""
    (one,) = (one for one in manifests if (one["kind"], one["metadata"]["name"]) == (kind, name))
    return one


def pods(profile: str, helm: str = "helm4") -> Iterator[tuple[str, dict[str, Any]]]:
    """(kind and name, pod template) of everything that makes pods."""
    for one in objects(profile, helm):
        name = f"{one['kind']}/{one['metadata']['name']}"
        if one["kind"] == "Pod":
            yield name, one
        elif one["kind"] in ("Deployment", "StatefulSet", "DaemonSet", "Job"):
            yield name, one["spec"]["template"]
        elif one["kind"] == "CronJob":
            yield name, one["spec"]["jobTemplate"]["spec"]["template"]


def environment(profile: str, workload: str, secrets: dict[str, str]) -> dict[str, str]:
    """What the kubelet would give the container of a profile's workload; see `kubelet_environment`."""
    return kubelet_environment(objects(profile), workload, secrets)


def kubelet_environment(manifests: Iterable[dict[str, Any]], workload: str, secrets: dict[str, str]) -> dict[str, str]:
    """The environment of a workload's container; `secrets` by key, of which optional ones may lack."""
    manifests = tuple(manifests)
    container = container_of(manifests, workload)
    given: dict[str, str] = {}
    for source in container.get("envFrom", []):
        given |= named(manifests, "ConfigMap", source["configMapRef"]["name"])["data"]
    for variable in container.get("env", []):
        if "value" in variable:
            given[variable["name"]] = variable["value"]
        elif "secretKeyRef" in variable["valueFrom"]:
            reference = variable["valueFrom"]["secretKeyRef"]
            if reference["key"] in secrets or not reference.get("optional"):
                given[variable["name"]] = secrets[reference["key"]]
        else:
            given[variable["name"]] = workload.split("/")[1]
    return given


def container_of(manifests: Iterable[dict[str, Any]], workload: str) -> dict[str, Any]:
    """The one container of a workload, `Deployment/oblivion-gateway` for example."""
    kind, name = workload.split("/")
    (container,) = named(manifests, kind, name)["spec"]["template"]["spec"]["containers"]
    return container


def main(workload: str, *options: str) -> None:
    """Reads a request, prints an answer."""
    request = json.loads(sys.stdin.read())
    text = run("helm4", "template", "oblivion", str(CHART), "-n", "oblivion", values=(request["values"],))
    manifests = parsed(text)
    env = kubelet_environment(manifests, workload, request["secrets"])
    if "--env-file" in options:
        print("\n".join(f"{name}={value}" for name, value in env.items()))
        return
    kind, name = workload.split("/")
    spec = named(manifests, kind, name)["spec"]["template"]["spec"]
    container = container_of(manifests, workload)
    answer = {
        "args": container["args"],
        "env": env,
        "ports": {port["name"]: port["containerPort"] for port in container["ports"]},
        "probes": {key: probe["httpGet"] for key, probe in container.items() if key.endswith("Probe")},
        "pre_stop_seconds": container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0),
        "grace_seconds": spec["terminationGracePeriodSeconds"],
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
