"""The parts that compute and do not wait."""

import types

import pytest

import oblivion
from oblivion import Agent, ConfigurationError
from oblivion._auth import TokenSource
from oblivion._backoff import FullJitter
from oblivion._duration import seconds_of
from oblivion._inbox import Inbox
from oblivion._settings import resolve
from oblivion_protocol import Durable

SETTINGS = {"OBLIVION_URI": "https://nexus.example.com/", "AGENT_ID": "a", "AGENT_SECRET": "obl_sk_right"}


def event(seq: int) -> Durable:
    return Durable(delivery_id=f"d{seq}", seq=seq)


def seqs(events: list[Durable]) -> list[int]:
    return [event.seq for event in events]


def test_delays_grow_to_the_cap_and_start_over():
    backoff = FullJitter(0.5, 30, draw=lambda low, high: high)
    assert [backoff.next_seconds() for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    backoff.reset()
    assert backoff.next_seconds() == 0.5


def test_delays_are_drawn_from_zero():
    assert FullJitter(draw=lambda low, high: low).next_seconds() == 0


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("1.5h", 5400), ("1d", 86400), (2, 2), (None, None)]
)
def test_durations_read_as_people_write_them(text: str | float | None, seconds: float | None):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "soon", "-1s", "0s", 0, -1])
def test_other_durations_are_refused(text: str | float):
    with pytest.raises(ConfigurationError):
        seconds_of(text)


def test_events_held_back_when_a_connection_is_lost_are_taken_when_they_come_again():
    inbox = Inbox()
    inbox.opening()
    inbox.announced(2)
    assert seqs(inbox.take(event(2))) == []
    assert inbox.last_seq == 0
    inbox.opening()
    inbox.announced(2)
    assert seqs(inbox.take(event(1)) + inbox.take(event(2))) == [1, 2]
    assert inbox.last_seq == 2


def test_an_announced_event_that_never_comes_does_not_hold_up_the_others_for_ever():
    inbox = Inbox()
    inbox.opening()
    inbox.take(event(3))
    assert seqs(inbox.announced(2)) == []
    assert seqs(inbox.release()) == [3]
    assert seqs(inbox.take(event(3))) == []


async def test_a_token_is_used_for_most_of_its_life(nexus):
    now = 0.0
    tokens = TokenSource(nexus.uri, "fixer-id", "obl_sk_right", now=lambda: now)
    first = await tokens.current()
    now = 719
    assert await tokens.current() == first
    now = 720
    assert await tokens.current() != first


def test_settings_come_from_the_environment_and_arguments_win():
    settings = resolve("fixer", SETTINGS, client_id="b")
    assert (settings.uri, settings.client_id) == ("https://nexus.example.com", "b")
    assert settings.instance.startswith("fixer-")
    assert resolve("fixer", SETTINGS | {"AGENT_INSTANCE": "one"}).instance == "one"
    assert "obl_sk_right" not in repr(settings)


def test_the_secret_may_come_as_a_file(tmp_path):
    path = tmp_path / "secret"
    path.write_text("from a file\n")
    environ = SETTINGS | {"AGENT_SECRET_FILE": str(path)}
    assert resolve("fixer", environ).client_secret == "from a file"
    with pytest.raises(ConfigurationError, match="cannot be read"):
        resolve("fixer", SETTINGS | {"AGENT_SECRET_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize("uri", ["nexus.example.com", "ftp://nexus", "http://"])
def test_an_address_that_is_none_is_refused(uri: str):
    with pytest.raises(ConfigurationError, match="no address of Nexus"):
        resolve("fixer", SETTINGS, uri=uri)


def test_a_type_has_one_handler():
    agent = Agent("fixer")
    agent.on_task("fix_bug")(lambda task, ctx: "")
    with pytest.raises(ConfigurationError, match="already"):
        agent.on_task("fix_bug")(lambda task, ctx: "")
    with pytest.raises(ConfigurationError, match="no task type"):
        agent.on_task("fix bug")(lambda task, ctx: "")


def test_nothing_is_public_that_is_not_declared():
    public = {
        name
        for name, value in vars(oblivion).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert public == set(oblivion.__all__)
    assert list(oblivion.__all__) == sorted(oblivion.__all__)


def test_a_missing_setting_exits_with_78_and_names_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.delenv("AGENT_SECRET", raising=False)
    agent = Agent("fixer", uri="http://127.0.0.1:9", client_id="a")
    agent.on_task()(lambda task, ctx: "")
    with pytest.raises(SystemExit) as exit_:
        agent.run()

    assert exit_.value.code == 78
    assert "AGENT_SECRET is not set" in caplog.text
