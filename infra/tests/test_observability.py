"""Dashboards and alerts ask for what Nexus exports, and each alert fires, is described and says what to do.

`infra/metrics.txt` is what `/metrics` of a running Nexus shows: apps/nexus/tests/flows/test_metrics.py keeps it true.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from rendering import PLAIN, parsed
from rendering import run as helm

INFRA = Path(__file__).parents[1]
CHART = INFRA / "helm/oblivion"
RULES = CHART / "rules/oblivion.yaml"
DASHBOARDS = sorted((CHART / "dashboards").glob("*.json"))
RUNBOOKS = INFRA.parent / "docs/runbooks"
RULE_TESTS = sorted((INFRA / "tests/rules").glob("*.test.yaml"))
FOREIGN = {"kube_pod_status_ready"}
"""Metrics of others: of kube-state-metrics, which the Prometheus stack brings."""
OF_TARGETS = {"namespace", "job", "pod", "instance", "le"}
"""Labels that Prometheus adds, and that of a histogram's buckets."""
SELECTED = re.compile(r"\b([a-z_]+)\{([^{}]*)\}|\b(oblivion_[a-z_]+)\b")
MATCHER = re.compile(r'([a-z_]+)\s*(?:=~|!~|!=|=)\s*"')
GROUPED = re.compile(r"\b(?:by|on)\s*\(([^()]*)\)")


def exported() -> dict[str, set[str]]:
    """Names as they are queried → their labels."""
    found: dict[str, set[str]] = {}
    for line in (INFRA / "metrics.txt").read_text(encoding="utf-8").splitlines():
        name, kind, *labels = line.split()
        for suffix in ("_bucket", "_sum", "_count") if kind == "histogram" else ("",):
            found[name + suffix] = set(labels)
    return found


def asked(expression: str) -> Iterator[tuple[str, set[str]]]:
    """The metrics in an expression, each with the labels by which it is chosen."""
    for name, matchers, bare in SELECTED.findall(expression):
        yield name or bare, set(MATCHER.findall(matchers))


def dashboard(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def alerts() -> dict[str, dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def expressions() -> dict[str, str]:
    found = {name: rule["expr"] for name, rule in alerts().items()}
    for path in DASHBOARDS:
        for panel in dashboard(path)["panels"]:
            for target in panel["targets"]:
                found[f"{path.stem}: {panel['title']} {target['refId']}"] = target["expr"]
    return found


@pytest.mark.parametrize(("where", "expression"), expressions().items(), ids=expressions())
def test_query_names_metrics_and_labels_that_are_exported(where: str, expression: str) -> None:
    metrics, found = exported(), list(asked(expression))
    assert found, f"{where} asks for nothing"
    labels: set[str] = set()
    for name, chosen in found:
        assert name in metrics or name in FOREIGN, f"{where}: nobody exports {name}"
        assert chosen <= metrics.get(name, {"condition"}) | OF_TARGETS, f"{where}: {name} has no such label"
        labels |= metrics.get(name, set())
    for group in GROUPED.findall(expression):
        assert {one.strip() for one in group.split(",")} <= labels | OF_TARGETS, f"{where}: grouped by {group}"


def test_every_metric_is_looked_at_by_somebody() -> None:
    used = {name for expression in expressions().values() for name, _ in asked(expression)}
    unused = {name for name in exported() if name not in used and not name.endswith(("_sum", "_count"))}
    assert unused == set()


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_dashboard_works_anywhere_and_each_panel_says_what_to_do(path: Path) -> None:
    shown = dashboard(path)
    assert shown["uid"] == f"oblivion-{path.stem}" and shown["schemaVersion"] == 42
    assert [one["name"] for one in shown["templating"]["list"]] == ["datasource", "namespace", "job"]
    panels = shown["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        defaults = panel["fieldConfig"]["defaults"]
        assert len(panel["description"]) > 30 and defaults["unit"] and defaults["thresholds"]["steps"], panel["title"]
        for target in panel["targets"]:
            assert "$namespace" in target["expr"] and "$job" in target["expr"], panel["title"]
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
    for uid in re.findall(r'"uid": "([^"]*)"', path.read_text(encoding="utf-8")):
        assert uid in ("${datasource}", shown["uid"]), "a data source of one installation"


def test_the_four_dashboards_are_there_under_names_of_their_own() -> None:
    assert [path.stem for path in DASHBOARDS] == ["agents", "overview", "pipeline", "vendors"]
    assert len({dashboard(path)["title"] for path in DASHBOARDS}) == len(DASHBOARDS)


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == set(alerts())
    for name, rule in alerts().items():
        assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{name}.md"
        assert rule["annotations"]["summary"] and rule["annotations"]["description"]
        assert rule["labels"]["severity"] in ("critical", "warning")
        page = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")
        assert f"`{name}`, {rule['labels']['severity']}." in page
        assert "## Look here" in page and "## Do this" in page


def test_the_operators_guide_links_every_alert_to_its_runbook() -> None:
    guide = (RUNBOOKS.parent / "operate.md").read_text(encoding="utf-8")
    linked = re.findall(r"^\| \[(\w+)\]\(runbooks/(\w+)\.md\) \| (\w+) \|", guide, re.MULTILINE)
    assert linked == [(name, name, rule["labels"]["severity"]) for name, rule in alerts().items()]


def test_every_alert_is_tested_firing_and_not_firing() -> None:
    told: dict[str, set[bool]] = {}
    for path in RULE_TESTS:
        for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            for check in test["alert_rule_test"]:
                told.setdefault(check["alertname"], set()).add(bool(check["exp_alerts"]))
    assert told == {name: {True, False} for name in alerts()}


def test_chart_brings_all_of_it_and_alerts_link_to_where_the_runbooks_are() -> None:
    monitoring = {"rules": True, "dashboards": True, "runbookBaseUrl": "https://wiki.example/runbooks/"}
    values = {**PLAIN, "monitoring": monitoring, "images": {"registry": "registry.example"}}
    rendered = parsed(helm("helm4", "template", "oblivion", str(CHART), values=(values,)))
    (rules,) = (one for one in rendered if one["kind"] == "PrometheusRule")
    written = (rule for group in rules["spec"]["groups"] for rule in group["rules"])
    linked = {rule["alert"]: rule["annotations"]["runbook_url"] for rule in written}
    assert linked == {name: f"https://wiki.example/runbooks/{name}.md" for name in alerts()}
    shown = [
        json.loads(text)
        for one in rendered
        if one["metadata"].get("labels", {}).get("grafana_dashboard") == "1"
        for text in one["data"].values()
    ]
    assert sorted(one["uid"] for one in shown) == sorted(f"oblivion-{path.stem}" for path in DASHBOARDS)


@pytest.fixture
def promtool() -> str:
    found = os.environ.get("PROMTOOL") or shutil.which("promtool")
    if found is None:
        missing = (
            "promtool is not on PATH: apt-get download prometheus && dpkg -x prometheus_*.deb DIRECTORY, then "
            "PROMTOOL=DIRECTORY/usr/bin/promtool"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return found


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_rules(promtool: str) -> None:
    run(promtool, "check", "rules", str(RULES))


@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_not_otherwise(promtool: str, path: Path) -> None:
    run(promtool, "test", "rules", str(path))
