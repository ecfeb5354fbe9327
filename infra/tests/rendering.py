"""The chart as helm renders it, for each version of helm and each set of values."""

import functools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
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
    "nexus": {"qdrantUrl": "http://qdrant:6333", "corsOrigins": ["https://intranet.example"]},
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
    return tuple(one for one in yaml.load_all(rendered(profile, helm), yaml.CSafeLoader) if one)


def found(profile: str, kind: str, name: str) -> dict[str, Any]:
    """One object."""
    (one,) = (one for one in objects(profile) if (one["kind"], one["metadata"]["name"]) == (kind, name))
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
    """What the kubelet would give the workload's container; `secrets` by key, of which optional ones may lack."""
    kind, name = workload.split("/")
    (container,) = found(profile, kind, name)["spec"]["template"]["spec"]["containers"]
    given: dict[str, str] = {}
    for source in container.get("envFrom", []):
        given |= found(profile, "ConfigMap", source["configMapRef"]["name"])["data"]
    for variable in container.get("env", []):
        if "value" in variable:
            given[variable["name"]] = variable["value"]
        elif "secretKeyRef" in variable["valueFrom"]:
            reference = variable["valueFrom"]["secretKeyRef"]
            if reference["key"] in secrets or not reference.get("optional"):
                given[variable["name"]] = secrets[reference["key"]]
        else:
            given[variable["name"]] = name
    return given
