"""The spans that `oblivion up` keeps, and the tree that `oblivion trace` makes of them."""

import gzip
import re
from pathlib import Path

import httpx
import pytest

from nexus.cli.trace import tree
from nexus.kit import otlp
from nexus.kit.otlp import Receiver, SpanFile, SpanRecord


def a_span(trace: str, name: str, span_id: str, parent_id: str = "", *, at: int = 0, lasts: int = 1) -> SpanRecord:
    began = at * 1_000_000
    return SpanRecord(trace, span_id, parent_id, "worker", name, "internal", began, began + lasts * 1_000_000, False)


def test_kept_spans_come_back_as_traces_and_the_newest_is_last(tmp_path: Path) -> None:
    kept = SpanFile(tmp_path / "traces")
    kept.append([a_span("t1", "b", "2", "1", at=5), a_span("t2", "c", "3")])
    kept.append([a_span("t1", "a", "1", at=1)])
    assert [(name, [span.name for span in spans]) for name, spans in kept.traces().items()] == [
        ("t2", ["c"]),
        ("t1", ["a", "b"]),
    ]


def test_file_is_bounded_the_oldest_spans_go_and_half_a_line_harms_nobody(tmp_path: Path) -> None:
    kept = SpanFile(tmp_path, max_file_bytes=20_000)
    for number in range(1000):
        kept.append([a_span(f"t{number}", "x" * 50, "1")])
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 40_000
    names = list(kept.traces())
    assert names[-1] == "t999" and "t0" not in names and len(names) > 50
    with (tmp_path / "spans.jsonl").open("a") as file:
        file.write('{"trace_id": "t10')
    assert list(kept.traces()) == names


def test_tree_shows_who_called_whom_and_a_span_whose_parent_was_not_sent_stands_at_the_top() -> None:
    lines = tree(
        [
            a_span("t", "POST /webhooks/{source}", "1", at=0, lasts=12),
            a_span("t", "process inbox", "2", "1", at=20, lasts=30),
            a_span("t", "send slack", "3", "2", at=60),
            a_span("t", "send task.assigned", "4", "2", at=40),
            a_span("t", "model.call", "9", "8", at=70, lasts=5),
        ]
    )
    assert [re.sub(r"\[/?\w*\]", "", line)[:54].rstrip() for line in lines[2:]] == [
        "POST /webhooks/{source}",
        "└─ process inbox",
        "   ├─ send task.assigned",
        "   └─ send slack",
        "model.call",
    ]
    assert lines[0].startswith("[bold]trace t   5 spans of worker   75.0 ms")
    assert lines[3].split()[-4:] == ["20.0", "ms", "30.0", "ms"]


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (b"", "", 200),
        (gzip.compress(b""), "gzip", 200),
        (b"not protobuf", "", 400),
        (b"not gzip", "gzip", 400),
        (gzip.compress(bytes(otlp.MAX_BODY_BYTES + 1)), "gzip", 400),
    ],
    ids=["nothing", "nothing, gzipped", "no protobuf", "no gzip", "a bomb"],
)
async def test_receiver_takes_what_is_otlp_and_refuses_the_rest(body: bytes, encoding: str, status: int) -> None:
    taken: list[list[SpanRecord]] = []
    transport = httpx.ASGITransport(app=Receiver(taken.append))  # pyright: ignore[reportArgumentType]
    async with httpx.AsyncClient(transport=transport, base_url="http://collector") as client:
        headers = {"content-encoding": encoding} if encoding else {}
        assert (await client.post("/v1/traces", content=body, headers=headers)).status_code == status
        assert (await client.get("/v1/traces")).status_code == 404
    assert taken == ([[]] if status == 200 else [])
