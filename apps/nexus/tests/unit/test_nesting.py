"""The depth of JSON, told before anything is parsed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.kit.nesting import MAX_DEPTH, is_too_deep


def deep(levels: int, opening: str = "[", closing: str = "]") -> bytes:
    return (opening * levels + "1" + closing * levels).encode()


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_the_limit_is_where_it_is_said_to_be(opening: str, closing: str) -> None:
    levels = MAX_DEPTH // len(closing)  # pairs at a time
    assert not is_too_deep(deep(levels, opening, closing))
    assert is_too_deep(deep(levels + 1, opening, closing))


def test_brackets_within_text_are_no_brackets() -> None:
    said = json.dumps({"text": '[[{{"\\' * 100, "\\": "]" * 100}).encode()
    assert not is_too_deep(said)
    assert is_too_deep(said[:-1] + b',"a":' + deep(40) + b"}")


def test_many_brackets_side_by_side_are_not_deep() -> None:
    assert not is_too_deep(json.dumps([[], {}, [1]] * 1000).encode())


def test_what_is_not_closed_counts_as_too_deep() -> None:
    assert is_too_deep(b"[" * 1_000_000)
    assert is_too_deep(b'{"a":' * 100_000)


@given(st.recursive(st.text(max_size=5), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner)))
def test_it_agrees_with_a_count_by_hand(value: object) -> None:
    def levels(one: object) -> int:
        parts = one.values() if isinstance(one, dict) else one if isinstance(one, list) else None
        return 0 if parts is None else 1 + max(map(levels, parts), default=0)

    filler = json.dumps([value] + [[]] * 40).encode()  # past the short cut for few brackets
    for limit in (1, 2, 3, 5):
        assert is_too_deep(filler, limit) == (1 + max(1, levels(value)) > limit), filler
