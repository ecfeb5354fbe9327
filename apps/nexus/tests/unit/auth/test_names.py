"""What may be called what."""

import pytest

from nexus.auth import names
from nexus.auth.errors import Invalid


@pytest.mark.parametrize("name", ["fixer", "Fixer-2", "a", "a.b_c", "x" * 64])
def test_a_name_that_fits_a_url_is_kept_as_it_is(name: str):
    assert names.agent_name(name) == name


@pytest.mark.parametrize("name", ["", "-x", "a b", "a/b", "a\n", "a\x00", "ä", "x" * 65, "../x"])
def test_a_name_that_does_not_fit_a_url_is_refused(name: str):
    with pytest.raises(Invalid):
        names.agent_name(name)


@pytest.mark.parametrize(("typed", "kept"), [("@AI_Squad", "AI_Squad"), ("squad.eu", "squad.eu"), ("@Büro", "Büro")])
def test_an_alias_is_kept_without_its_at_sign(typed: str, kept: str):
    assert names.alias(typed) == kept


@pytest.mark.parametrize("typed", ["", "@", "@@x", "two words", "a\x00b", "\ud800", "<!channel>", "x" * 81, "a\n"])
def test_an_alias_that_nobody_can_type_as_a_word_is_refused(typed: str):
    with pytest.raises(Invalid):
        names.alias(typed)
