"""Which conversations may go along when their list is linked to another channel: those that certainly never arrived."""

import pytest

from nexus.pipeline.moving import was_never_posted
from nexus.pipeline.tries import KEPT_TRIES


def tries(*outcomes: str) -> list[dict[str, str]]:
    return [{"outcome": outcome} for outcome in outcomes]


@pytest.mark.parametrize(
    ("attempted", "outcomes", "never"),
    [
        (False, [], True),
        (False, ["deferred"], True),
        (True, ["dead"], True),
        (True, ["retry", "retry", "dead"], True),
        (True, ["dead", "replayed", "dead"], True),
        (True, ["unsure", "dead"], False),
        (True, ["crash", "dead"], False),
        (True, ["dead", "replayed", "unsure"], False),
        (True, ["done"], False),
        (True, ["of next year"], False),
    ],
)
def test_a_card_that_may_stand_in_the_old_channel_stays_there(
    attempted: bool, outcomes: list[str], never: bool
) -> None:
    assert was_never_posted(attempted, tries(*outcomes)) is never


def test_what_is_not_remembered_may_have_had_an_effect() -> None:
    assert was_never_posted(True, []) is False, "tried before tries were remembered"
    assert was_never_posted(True, tries(*["retry"] * (KEPT_TRIES - 1))) is True
    assert was_never_posted(True, tries(*["retry"] * KEPT_TRIES)) is False, "the first ones may be forgotten"
