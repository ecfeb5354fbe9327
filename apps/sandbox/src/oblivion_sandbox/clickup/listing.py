"""Reading many tasks: filters, order and pages of 100."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from oblivion_sandbox.clickup.errors import invalid_input
from oblivion_sandbox.jsontypes import JsonObject

PAGE_SIZE = 100
ORDER_FIELDS = {"created": "date_created", "updated": "date_updated", "due_date": "due_date", "id": "id"}


@dataclass(frozen=True, slots=True)
class TaskQuery:
    """Query of GET /list/{id}/task and GET /team/{id}/task."""

    list_ids: frozenset[str]
    page: int
    order_field: str
    reverse: bool
    include_closed: bool
    subtasks: bool
    updated_after_ms: int
    created_after_ms: int

    @classmethod
    def read(cls, params: Mapping[str, str], list_ids: set[str]) -> Self:
        """Read the query string; raises a 400 for values ClickUp refuses."""
        order = params.get("order_by", "created")
        if order not in ORDER_FIELDS:
            raise invalid_input(f"order_by invalid: {order}", "INPUT_003")
        return cls(
            frozenset(list_ids),
            _number(params, "page"),
            ORDER_FIELDS[order],
            params.get("reverse") == "true",
            params.get("include_closed") == "true",
            params.get("subtasks") == "true",
            _number(params, "date_updated_gt", -1),
            _number(params, "date_created_gt", -1),
        )


def _number(params: Mapping[str, str], name: str, default: int = 0) -> int:
    value = params.get(name)
    if value is None:
        return default
    if not value.isdigit():
        raise invalid_input(f"{name} invalid", "INPUT_003")
    return int(value)


def find_tasks(documents: Iterable[JsonObject], query: TaskQuery) -> tuple[list[JsonObject], bool]:
    """One page, newest first unless reversed, and whether it is the last."""
    found = [
        document
        for document in documents
        if document["list"]["id"] in query.list_ids
        and (query.include_closed or document["status"]["type"] != "closed")
        and (query.subtasks or document["parent"] is None)
        and int(document["date_updated"]) > query.updated_after_ms
        and int(document["date_created"]) > query.created_after_ms
    ]
    found.sort(key=lambda document: (str(document[query.order_field] or ""), str(document["id"])))
    if not query.reverse:
        found.reverse()
    start = query.page * PAGE_SIZE
    return found[start : start + PAGE_SIZE], start + PAGE_SIZE >= len(found)
