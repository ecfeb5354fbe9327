"""Values: what is wrong is refused with words that help; schema, values.yaml and README agree."""

from typing import Any

import chart_readme
import chart_schema
import pytest
import yaml
from rendering import CHART, HELMS, REGISTRY, Refused, run

GOOD: dict[str, Any] = {"images": {"registry": REGISTRY}, "nexus": {"qdrantUrl": "http://qdrant:6333"}}


def refusal(helm: str, values: dict[str, Any], command: str = "template") -> str:
    with pytest.raises(Refused) as refused:
        run(helm, command, "oblivion", str(CHART), values=(values,))
    return str(refused.value)


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"gatewey": {}}, ["gatewey"]),
        ({"gateway": {"replica": 2}}, ["gateway", "replica"]),
        ({"gateway": {"replicas": "2"}}, ["gateway", "replicas", "string"]),
        ({"gateway": {"terminationGracePeriodSeconds": 10}}, ["gateway", "terminationGracePeriodSeconds", "45"]),
        ({"worker": {"keda": {"minReplicas": 0}}}, ["worker", "keda", "minReplicas"]),
        ({"images": {"tag": 17}}, ["images", "tag"]),
        ({"environment": "staging"}, ["environment", "production", "development"]),
        ({"ingress": {"host": "https://oblivion.local"}}, ["ingress", "host"]),
        ({"migrations": {"mode": "always"}}, ["migrations", "mode", "hook"]),
        ({"agents": [{"name": "Fixer", "image": {"name": "own"}}]}, ["agents", "name"]),
        ({"agents": [{"name": "fixer"}]}, ["agents", "image"]),
        ({"agents": [{"name": "fixer", "image": {"repository": "a/b"}}]}, ["agents", "tag"]),
        ({"agents": [{"name": "fixer", "image": {"name": "own"}, "token": "x"}]}, ["agents", "token"]),
        ({"nexus": {"publicUrl": "api.example"}}, ["nexus", "publicUrl"]),
        ({"nexus": {"trustedProxies": ["kong"]}}, ["nexus", "trustedProxies"]),
        ({"externalSecrets": {"prefix": "oblivion"}}, ["externalSecrets", "prefix"]),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(helm: str, wrong: dict[str, Any], words: list[str]) -> None:
    said = refusal(helm, {**GOOD, **wrong})
    assert not [word for word in words if word not in said], said


@pytest.mark.parametrize("helm", HELMS)
def test_what_is_required_is_asked_for_with_what_to_do(helm: str) -> None:
    assert "images.registry is not set" in refusal(helm, {"nexus": GOOD["nexus"]})
    assert "nexus.qdrantUrl is not set" in refusal(helm, {"images": GOOD["images"]})
    both = {"worker": {"keda": {"enabled": True}, "autoscaling": {"enabled": True}}}
    assert "Turn one off" in refusal(helm, GOOD | both)


def test_the_notes_say_what_to_do_next() -> None:
    agents = [{"name": "fixer", "image": {"name": "own"}, "skills": ["fix_bug"], "aliases": ["AI_Squad"]}]
    said = run(
        "helm4", "install", "oblivion", str(CHART), "-n", "oblivion", "--dry-run=client",
        values=({**GOOD, "agents": agents},),
    )  # fmt: skip
    notes = said.split("NOTES:")[1]
    assert "helm test oblivion -n oblivion" in notes
    assert "oblivion agent create fixer --skill fix_bug --alias AI_Squad" in notes
    assert "HTTPS only" in notes


def test_the_schema_is_the_one_that_its_source_makes() -> None:
    text = (CHART / "values.schema.json").read_text(encoding="utf-8")
    assert text == chart_schema.rendered(), "run: make generate-infra"


def test_every_value_is_in_the_schema_and_every_key_of_the_schema_is_a_value() -> None:
    def walk(schema: dict[str, Any], values: dict[str, Any], path: str) -> list[str]:
        keys = schema["properties"].keys() - {"global"}
        problems = [f"{path}{key}" for key in keys ^ values.keys()]
        for key in keys & values.keys():
            inner = schema["properties"][key]
            if "properties" in inner and key not in ("resources", "requests", "limits"):
                problems += walk(inner, values[key], f"{path}{key}.")
        return problems

    assert walk(chart_schema.VALUES, yaml.safe_load((CHART / "values.yaml").read_text()), "") == []


def test_the_readme_lists_every_value() -> None:
    text = (CHART / "README.md").read_text(encoding="utf-8")
    assert text == chart_readme.rendered(), "run: make generate-infra"
    assert text.count("| `gateway.") > 10
