"""Secrets at rest: sealed for those we read again, hashed for those we only compare."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.kit.sealing import Sealer, SealError

OLD, NEW = "o" * 40, "n" * 40
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(value=st.dictionaries(st.text(), JSON, max_size=4))
def test_what_was_sealed_opens_as_it_was(value: dict[str, Any]) -> None:
    sealer = Sealer([NEW])
    assert sealer.open(sealer.seal(value)) == value


def test_sealed_value_shows_nothing_and_is_different_each_time() -> None:
    sealer = Sealer([NEW])
    first, second = (sealer.seal({"token": "xoxb-visible"}) for _ in range(2))
    assert b"visible" not in first
    assert first != second


def test_foreign_key_opens_nothing() -> None:
    with pytest.raises(SealError):
        Sealer([NEW]).open(Sealer([OLD]).seal({"token": "t"}))


@given(place=st.integers(0, 10_000), change=st.integers(1, 255))
def test_changed_seal_is_refused(place: int, change: int) -> None:
    sealer = Sealer([NEW])
    sealed = bytearray(sealer.seal({"token": "t"}))
    sealed[place % len(sealed)] ^= change
    try:
        opened = sealer.open(bytes(sealed))
    except SealError:
        return
    # base64 ignores some bits of its last character.
    assert opened == {"token": "t"}


@pytest.mark.parametrize("garbage", [b"", b"\x00\xff", b"not sealed at all"])
def test_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(SealError):
        Sealer([NEW]).open(garbage)


def test_rotation_seals_with_the_first_key_and_opens_with_all() -> None:
    before = Sealer([OLD]).seal({"n": 1})
    rotating = Sealer([NEW, OLD])
    assert rotating.open(before) == {"n": 1}
    after = rotating.seal({"n": 2})
    assert Sealer([NEW]).open(after) == {"n": 2}
    with pytest.raises(SealError):
        Sealer([OLD]).open(after)


@given(secret=st.text(), other=st.text())
def test_hash_matches_its_own_secret_only(secret: str, other: str) -> None:
    sealer = Sealer([NEW])
    hashed = sealer.hash(secret)
    assert len(hashed) == 32
    assert sealer.matches(secret, hashed)
    assert sealer.matches(other, hashed) == (other == secret)


def test_hash_made_before_a_rotation_still_matches_and_new_ones_use_the_new_pepper() -> None:
    before = Sealer([OLD]).hash("obl_sk_one")
    rotating = Sealer([NEW, OLD])
    assert rotating.matches("obl_sk_one", before)
    assert rotating.hash("obl_sk_one") == Sealer([NEW]).hash("obl_sk_one") != before
    assert not Sealer([NEW]).matches("obl_sk_one", before)


@pytest.mark.parametrize("keys", [[], [""], [NEW, ""]])
def test_missing_key_is_an_error(keys: list[str]) -> None:
    with pytest.raises(ValueError, match="secret key"):
        Sealer(keys)
