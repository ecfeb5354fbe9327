"""The wire is what the golden fixtures say, and the generated files are what the models say."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from oblivion_protocol import EVENTS, MAX_TEXT_CHARS, TaskAssigned, TaskMessage
from oblivion_protocol.schema import all_models, render

HERE = Path(__file__).parent.parent
GOLDEN: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((HERE / "fixtures").glob("*.json"))
}


def test_checked_in_schema_is_what_the_models_say() -> None:
    assert (HERE / "schema.json").read_text(encoding="utf-8") == render(), "run `make generate`"


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_message_survives_a_round_trip(name: str) -> None:
    golden = GOLDEN[name]
    model = all_models()[golden["model"]]
    assert model.model_validate(golden["message"]).model_dump(mode="json") == golden["message"]


def test_every_model_has_a_golden_message() -> None:
    assert set(all_models()) == {golden["model"] for golden in GOLDEN.values()}


def test_unknown_fields_are_ignored_so_that_old_agents_survive_new_servers() -> None:
    message = GOLDEN["task.assigned"]["message"] | {"field_of_next_year": {"a": 1}}
    assert TaskAssigned.model_validate(message) == TaskAssigned.model_validate(GOLDEN["task.assigned"]["message"])


def test_durable_events_carry_a_sequence_number() -> None:
    plain = {"server.draining", "auth.refresh"}
    for name, model in EVENTS.items():
        assert ("seq" in model.model_fields) is (name not in plain), name


@pytest.mark.parametrize(
    "broken",
    [{"epoch": 0}, {"task_id": ""}, {"event_id": "x" * 129}, {"text": ""}, {"text": "x" * (MAX_TEXT_CHARS + 1)}],
)
def test_a_broken_command_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TaskMessage.model_validate(GOLDEN["task.message"]["message"] | broken)
