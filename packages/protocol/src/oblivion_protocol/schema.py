"""Writes `schema.json`, from which TypeScript is generated: `python -m oblivion_protocol.schema PATH`."""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from oblivion_protocol.admin import FRAMES, FeedAnswer
from oblivion_protocol.base import Wire
from oblivion_protocol.commands import COMMANDS, Accepted, HelloAnswer, Refused
from oblivion_protocol.errors import HandshakeCode, RefusalCode
from oblivion_protocol.events import EVENTS
from oblivion_protocol.operating import OPERATING
from oblivion_protocol.overview import Overview
from oblivion_protocol.resources import RESOURCES
from oblivion_protocol.scopes import Scope
from oblivion_protocol.states import TaskState


def all_models() -> dict[str, type[Wire]]:
    """Every top-level message, by model name, in a stable order."""
    agents = (*EVENTS.values(), *COMMANDS.values(), HelloAnswer, Accepted, Refused)
    found = (*agents, *FRAMES.values(), FeedAnswer, *RESOURCES, *OPERATING, Overview)
    return {model.__name__: model for model in found}


def schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of all messages; `x-events` maps names on the wire to models, by direction."""
    _, combined = models_json_schema(
        [(model, "validation") for model in all_models().values()], ref_template="#/$defs/{model}"
    )
    definitions: dict[str, Any] = combined["$defs"]
    closed_sets: tuple[tuple[str, Any], ...] = (
        ("TaskState", TaskState),
        ("RefusalCode", RefusalCode),
        ("HandshakeCode", HandshakeCode),
        ("Scope", Scope),
    )
    for name, closed_set in closed_sets:
        definitions[name] = TypeAdapter(closed_set).json_schema() | {"title": name}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Oblivion protocol",
        "$defs": dict(sorted(definitions.items())),
        "x-events": {name: model.__name__ for name, model in EVENTS.items()},
        "x-commands": {name: model.__name__ for name, model in COMMANDS.items()},
        "x-frames": {name: model.__name__ for name, model in FRAMES.items()},
    }


def render() -> str:
    """The exact text of `schema.json`."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
