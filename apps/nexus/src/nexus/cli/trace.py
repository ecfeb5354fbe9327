"""`oblivion trace`: one trace that `oblivion up` has kept, as a tree with durations."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from nexus.kit.otlp import SpanFile, SpanRecord
from nexus.settings import SettingsError

TRACES = "traces"
LISTED = 20
_SHOWN = ("oblivion.outcome", "oblivion.kind", "http.response.status_code", "error.type")
_ID_KEYS = tuple(f"oblivion.{name}" for name in ("task_id", "delivery_id", "inbox_id"))


def trace(
    about: Annotated[
        str | None,
        typer.Argument(help="Id of a trace, a task, a delivery or an event; the newest traces are listed without it."),
    ] = None,
    home: Annotated[Path, typer.Option(help="The directory of `oblivion up`.")] = Path(".oblivion"),
) -> None:
    """Shows one trace that `oblivion up` has kept: every step, in which process, and how long it took."""
    console = Console(soft_wrap=True, highlight=False)
    traces = SpanFile(home / TRACES).traces()
    if about is None:
        _list(console, traces)
        return
    found = [spans for name, spans in traces.items() if name.startswith(about.lower()) or _is_about(spans, about)]
    if not found:
        raise SettingsError(
            f"No trace of {about} in {(home / TRACES).resolve()}. Spans arrive a second after they end; a cluster "
            "sends them to its collector instead."
        )
    for spans in found:
        for line in tree(spans):
            console.print(line)


def _list(console: Console, traces: dict[str, list[SpanRecord]]) -> None:
    for name, spans in list(traces.items())[-LISTED:]:
        began = datetime.fromtimestamp(spans[0].started_ns / 1e9, UTC).astimezone()
        about = next((str(span.attributes[_ID_KEYS[0]]) for span in spans if _ID_KEYS[0] in span.attributes), "")
        console.print(f"{began:%H:%M:%S}  {name}  {len(spans):>3} spans  {escape(spans[0].name):<34} {about}")


def _is_about(spans: Sequence[SpanRecord], about: str) -> bool:
    return any(span.attributes.get(key) == about for span in spans for key in _ID_KEYS)


def tree(spans: Sequence[SpanRecord]) -> list[str]:
    """The lines of one trace, in the console's markup. A span whose parent was not sent stands at the top."""
    known = {span.span_id for span in spans}
    children: dict[str, list[SpanRecord]] = {}
    for span in sorted(spans, key=lambda one: one.started_ns):
        children.setdefault(span.parent_id if span.parent_id in known else "", []).append(span)
    began, ended = min(span.started_ns for span in spans), max(span.ended_ns for span in spans)
    services = dict.fromkeys(span.service for span in spans)
    head = f"trace {spans[0].trace_id}   {len(spans)} spans of {', '.join(services)}   {_milliseconds(ended - began)}"
    lines = [f"[bold]{escape(head)}[/]", f"[dim]{'':<54} {'process':<20} {'begins':>10} {'lasts':>10}[/]"]

    def add(parent_id: str, indent: str) -> None:
        here = children.get(parent_id, [])
        for index, span in enumerate(here):
            last = index == len(here) - 1
            branch = "" if parent_id == "" else "└─ " if last else "├─ "
            begins, lasts = _milliseconds(span.started_ns - began), _milliseconds(span.ended_ns - span.started_ns)
            facts = " ".join(str(span.attributes[key]) for key in _SHOWN if key in span.attributes)
            name = escape(f"{indent}{branch}{span.name}")
            line = f"{name:<54} {escape(span.service):<20} {begins:>10} {lasts:>10}  {escape(facts)}"
            lines.append(f"[red]{line}[/]" if span.failed else line)
            add(span.span_id, indent if parent_id == "" else indent + ("   " if last else "│  "))

    add("", "")
    return lines


def _milliseconds(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e6:.1f} ms"
