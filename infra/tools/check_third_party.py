"""Renders every values file of the third-party releases against real charts, with helm 3 and 4.

CHARTS_DIR holds unpacked charts with their dependencies, one folder each, named as the chart:
`helm pull --untar` of what infra/versions.env names fills it.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

INFRA = Path(__file__).resolve().parents[1]
NAMESPACES = {
    "external-secrets": "external-secrets",
    "kong": "kong",
    "kube-prometheus-stack": "monitoring",
    "opentelemetry-collector": "monitoring",
    "langfuse": "langfuse",
    "traffic-manager": "ambassador",
}
"""Everything else is in `oblivion`."""
SERVICES = {
    "postgresql": ("postgresql", 5432),
    "postgres-groundhog2k": ("postgresql", 5432),
    "redis": ("redis-master", 6379),
    "valkey": ("redis-master", 6379),
}
"""Where secrets.sh and Langfuse's values expect a release to answer."""


def versions() -> dict[str, str]:
    """What infra/versions.env sets."""
    return dict(re.findall(r"^(\w+)=(.*)$", (INFRA / "versions.env").read_text(), re.MULTILINE))


def chart_of(release: str) -> str:
    """The folder's name of a release's chart."""
    if release == "traffic-manager":
        return "telepresence-oss"
    return versions()[f"{release.upper().replace('-', '_')}_CHART"].rpartition("/")[2]


def rendered(helm: str, release: str, chart: Path) -> list[dict[str, Any]]:
    """Every object. Raises CalledProcessError with helm's words."""
    values = INFRA / "local/values" / f"{release}.yaml"
    namespace = NAMESPACES.get(release, "oblivion")
    command = [helm, "template", release, str(chart), "-f", str(values), "-n", namespace, "--kube-version", "1.35.0"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [document for document in yaml.safe_load_all(text) if document]


def images(objects: list[dict[str, Any]]) -> set[str]:
    """Every image that a container of them runs."""
    found: set[str] = set()

    def look(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("image"), str) and "name" in value:
                found.add(value["image"])
            for child in value.values():
                look(child)
        elif isinstance(value, list):
            for child in value:
                look(child)

    look(objects)
    return found


def answers(objects: list[dict[str, Any]], name: str, port: int) -> bool:
    """Whether there is a Service of that name with that port."""
    services = [one for one in objects if (one["kind"], one["metadata"]["name"]) == ("Service", name)]
    return any(each["port"] == port for one in services for each in one["spec"]["ports"])


def main(charts: Path) -> int:
    """Prints a line for each release; 1 when one cannot be rendered."""
    failed = 0
    helms = [helm for name in ("helm3", "helm4", "helm") if (helm := shutil.which(name, path=_path()))]
    for values in sorted((INFRA / "local/values").glob("*.yaml")):
        release = values.stem
        if release.startswith("oblivion-"):
            continue
        chart = charts / chart_of(release)
        if not (chart / "Chart.yaml").exists():
            print(f"✗ {release}: there is no {chart}")
            failed = 1
            continue
        for helm in helms:
            try:
                objects = rendered(helm, release, chart)
            except subprocess.CalledProcessError as error:
                print(f"✗ {release} ({Path(helm).name}): {error.stderr.strip()}")
                failed = 1
            else:
                if release in SERVICES and not answers(objects, *SERVICES[release]):
                    print(f"✗ {release} ({Path(helm).name}): no Service {SERVICES[release]}")
                    failed = 1
                    continue
                print(f"✓ {release} ({Path(helm).name}): {len(objects)} objects; {', '.join(sorted(images(objects)))}")
    return failed


def _path() -> str:
    return f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: check_third_party.py CHARTS_DIR")
    sys.exit(main(Path(sys.argv[1])))
