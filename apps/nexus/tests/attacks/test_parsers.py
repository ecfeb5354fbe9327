"""Everything that reads what others wrote: it answers, or says that it cannot, and soon."""

import base64
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from attacks import mangling
from attacks.conftest import Figures
from pydantic import ValidationError

from nexus.auth import names
from nexus.auth.errors import Invalid, TokenInvalid
from nexus.auth.tokens import _kid_of
from nexus.feed.reading import Position
from nexus.gateway.wire import Json, JsonPacket
from nexus.http import credentials
from nexus.http.credentials import OAuthRefused
from nexus.http.paging import decode_cursor
from nexus.http.problems import Refused
from nexus.integrations.clickup import text as clickup_text
from nexus.integrations.clickup.answers import Task
from nexus.integrations.clickup.settings import read_credentials
from nexus.integrations.clickup.source import ClickUpSource
from nexus.integrations.slack import text as slack_text
from nexus.integrations.slack.source import SlackSource
from nexus.kit.clock import SystemClock
from nexus.kit.logging import redact
from nexus.kit.masking import masked, masked_text
from nexus.kit.trace import trace_id_of, traceparent_or_new
from nexus.mcp.tools import TOOLS
from nexus.pipeline.addressing import find_address
from nexus.pipeline.errors import Rejected
from nexus.pipeline.facts import Person
from nexus.pipeline.fingerprint import fingerprint, normalised
from nexus.pipeline.ports import Connected, Incoming, RawRequest, Unreadable
from nexus.search.lexical import encode_query
from nexus.settings import Settings, SettingsError
from oblivion_protocol.admin import Resume, Subscribe
from oblivion_protocol.commands import COMMANDS

pytestmark = pytest.mark.timeout(900)

INPUTS = 100_000
HANG_SECONDS = 1.0
PAYLOADS = Path(__file__).parent.parent / "payloads"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CLICKUP, SLACK = ClickUpSource(SystemClock()), SlackSource()
TEXTS = (
    "@AI_Squad fix_bug the `export` of <https://example.com/a?b=1|spec> &amp; mail a.b@example.com\n```\ncode\n```",
    "!sync use v2 &lt;id&gt; <@U0SAM00002> <!here> *bold* _it_ xoxb-1-secret token=abcdefgh",
    "**Fixed** in [PR 12](https://git.example/p/12), see `app.py`\n- one\n- two\n\n> quote",
)


Reading = Callable[[], object]
"""Reads one input that was made for it."""


@dataclass(frozen=True)
class Parser:
    """Something that reads, and how it says that it cannot."""

    name: str
    given: Callable[[random.Random], Reading]
    says_no: tuple[type[Exception], ...] = ()


def samples(vendor: str, pattern: str) -> list[Any]:
    found = [json.loads(path.read_text()) for path in sorted((PAYLOADS / vendor).glob(pattern))]
    return [one.get("payload", one.get("body", one)) for one in found]


def webhook(source: Any, vendor: str, request: RawRequest, facts: dict[str, Any]) -> None:
    """As the inbox and the worker read it."""
    source.verify(request, "secret", NOW)
    source.key_of(request)
    read = source.read(request)
    if isinstance(read, Incoming):
        assert len(read.dedup_key) < 2000
        read.dedup_key.encode(errors="surrogatepass")
        connection = Connected(UUID(int=1), UUID(int=2), vendor, "T1", {}, facts)
        told = source.facts(request.body, request.headers.get("content-type", ""), connection)
        assert isinstance(told, list)
        assert "\x00" not in repr(told), "PostgreSQL takes no NUL"


def clickup_webhook(dice: random.Random) -> Reading:
    headers = {"content-type": "application/json", "x-signature": mangling.text(dice)}
    body = mangling.body(dice.choice(CLICKUP_EVENTS), dice)
    return partial(webhook, CLICKUP, "clickup", RawRequest(body, headers, ""), {"user_id": 1})


def slack_event(dice: random.Random) -> Reading:
    request = RawRequest(mangling.body(dice.choice(SLACK_EVENTS), dice), slack_headers(dice), "")
    return partial(webhook, SLACK, "slack", request, {})


def slack_interaction(dice: random.Random) -> Reading:
    inner = mangling.body(dice.choice(SLACK_PRESSES), dice)
    body = urlencode({"payload": inner}).encode() if dice.random() < 0.9 else mangling.raw(b"payload=" + inner, dice)
    headers = slack_headers(dice) | {"content-type": "application/x-www-form-urlencoded"}
    return partial(webhook, SLACK, "slack", RawRequest(body, headers, "interactive"), {})


def slack_headers(dice: random.Random) -> dict[str, str]:
    return {
        "content-type": mangling.text(dice, ("application/json",)),
        "x-slack-request-timestamp": mangling.text(dice, (str(int(NOW.timestamp())),)),
        "x-slack-signature": mangling.text(dice, ("v0=" + "0" * 64,)),
    }


CLICKUP_EVENTS = samples("clickup", "webhook_*.json")
SLACK_EVENTS = samples("slack", "event_*.json")
SLACK_PRESSES = samples("slack", "interactivity_*.json")
CLICKUP_TASK = samples("clickup", "get_task_*.json")[0]
FORM = {"grant_type": "client_credentials", "client_id": "adm_x_1", "client_secret": "obl_sk_x", "scope": "admin:read"}


def oauth_form(dice: random.Random) -> Reading:
    encoded = urlencode(FORM).encode()
    body = mangling.raw(encoded, dice) if dice.random() < 0.7 else mangling.text(dice).encode(errors="replace")
    given = authorization(dice)
    return lambda: credentials.with_credentials(credentials.form_parameters(body), given)


def oauth_json(dice: random.Random) -> Reading:
    body, given = mangling.body(FORM, dice), authorization(dice)
    return lambda: credentials.with_credentials(credentials.json_parameters(body), given)


def authorization(dice: random.Random) -> list[str]:
    pair = mangling.text(dice, ("adm_x_1:obl_sk_x",)).encode(errors="replace")
    encoded = base64.b64encode(pair).decode()
    return [mangling.text(dice, (f"Basic {encoded}",)) for _ in range(dice.choice((0, 0, 1, 1, 2)))]


def some_text(*reads: Callable[[str], object]) -> Callable[[random.Random], Reading]:
    return lambda dice: partial(dice.choice(reads), mangling.text(dice, TEXTS))


def slack_pieces(text: str) -> None:
    escaped = slack_text.neutralise(text)
    assert all(len(part) <= 2900 for part in slack_text.pieces(escaped, 2900))
    assert len(slack_text.truncate(escaped, 150)) <= 150
    slack_text.linked(escaped)
    slack_text.plain_title(text, 150)


def slack_incoming(text: str) -> None:
    slack_text.mentioned(text)
    slack_text.readable(text, {"U0SAM00002": "sam"})
    slack_text.unescape(text)
    slack_text.web_link(text, text[:50])


def address(text: str) -> None:
    aliases = ("AI_Squad", "ai.squad-2", "a")
    find_address(text[:300], text, [text[:50]], aliases=aliases, skills=("fix_bug", "default"))


def clickup_comment(text: str) -> None:
    written = clickup_text.mirrored_comment(Person("U1", text[:80]), text, "https://slack.example/p1")
    assert len(written) <= clickup_text.MAX_COMMENT_CHARS + 200
    assert clickup_text.mirrors(written, "https://slack.example/p1")
    clickup_text.mirrors(text, "https://slack.example/p1")


def searched(text: str) -> None:
    encode_query(text[:2000].encode(errors="replace").decode())  # the doors let no half of a character in


def clickup_task(dice: random.Random) -> Reading:
    body = mangling.body(CLICKUP_TASK, dice)
    return lambda: clickup_text.description_of(Task.model_validate_json(body))


def command(dice: random.Random) -> Reading:
    name = dice.choice(list(COMMANDS))
    sample = {
        "task_id": "t1", "epoch": 1, "event_id": "e1", "text": "said", "question": "which?", "options": ["a"],
        "steps": [{"title": "one", "state": "running"}], "action": "do", "instance": "one", "skills": ["fix_bug"],
        "holding": [{"task_id": "t1", "epoch": 1}], "seq": 1, "token": "x", "error": "no", "name": "n", "url": "https://a",
    }  # fmt: skip
    return partial(COMMANDS[name].model_validate, mangling.value(sample, dice))


class Frame(JsonPacket):
    """With the JSON port that the gateway's server gives it."""

    json = Json


def frame(dice: random.Random) -> Reading:
    written = json.dumps(["task.message", {"task_id": "t1", "epoch": 1, "event_id": "e1", "text": dice.choice(TEXTS)}])
    sample = "2/agents,17" + mangling.text(dice, (written,))
    return partial(Frame, encoded_packet=mangling.spoiled(sample, dice))


def tool_arguments(dice: random.Random) -> Reading:
    sample = {
        "task_id": "t1", "epoch": 1, "text": "said", "question": "which?", "wait_seconds": 1, "limit": 3,
        "steps": [{"title": "one"}], "action": "do", "question_id": "q", "query": "what", "error": "no",
    }  # fmt: skip
    model = dice.choice(list(TOOLS.values())).arguments
    wanted = {name: value for name, value in sample.items() if name in model.model_fields}
    return partial(model.model_validate, mangling.value(wanted, dice))


def watching(dice: random.Random) -> Reading:
    if dice.random() < 0.5:
        wanted = mangling.value({"filters": {"levels": ["info"], "q": "x"}, "tail": 5}, dice)
        return partial(Subscribe.model_validate, wanted)
    given = mangling.value({"since": mangling.text(dice, ("2026-11-22T12:00:00+00:00~17",)), "filters": {}}, dice)
    return lambda: Position.of(Resume.model_validate(given).since)


def settings(dice: random.Random) -> Reading:
    sample = {
        "database_url": "postgresql://a:b@c/d", "redis_url": "redis://a", "secret_key": "k" * 40, "port": "8000",
        "public_url": "https://nexus.example", "observer_url": "https://observer.example", "environment": "production",
        "cors_origins": '["https://a.example"]', "log_format": "json",
    }  # fmt: skip
    given = mangling.value(sample, dice)

    def read() -> object:
        made = Settings.model_validate(given)
        made.socket_origins()
        made.required("database_url")
        return made.secret_keys()

    return read


def token_header(dice: random.Random) -> Reading:
    header = mangling.body({"alg": "EdDSA", "typ": "at+jwt", "kid": "7xb4xTFclfk6RlJG"}, dice)
    encoded = base64.urlsafe_b64encode(header).decode().rstrip("=")
    token = mangling.text(dice, (f"{encoded}.e30.AAAA", f"{encoded}.e30.", f"{encoded}.AAAA.{encoded}"))
    return partial(_kid_of, token)


def json_to_mask(dice: random.Random) -> Reading:
    return partial(masked, mangling.value(dice.choice(SLACK_EVENTS), dice))


def clickup_credentials(dice: random.Random) -> Reading:
    return partial(read_credentials, mangling.value({"api_token": "pk_1_ABCDEFGH"}, dice))


PARSERS = [
    Parser("webhooks of ClickUp", clickup_webhook, (Unreadable,)),
    Parser("events of Slack", slack_event, (Unreadable,)),
    Parser("interactivity of Slack", slack_interaction, (Unreadable,)),
    Parser("OAuth forms and Basic", oauth_form, (OAuthRefused,)),
    Parser("OAuth JSON", oauth_json, (OAuthRefused,)),
    Parser("heads of tokens", token_header, (TokenInvalid,)),
    Parser("traceparent", some_text(traceparent_or_new, trace_id_of)),
    Parser("text for Slack", some_text(slack_pieces)),
    Parser("text from Slack", some_text(slack_incoming)),
    Parser("text for ClickUp", some_text(clickup_comment)),
    Parser("tasks of ClickUp", clickup_task, (ValidationError,)),
    Parser("addresses", some_text(address)),
    Parser("commands of agents", command, (ValidationError,)),
    Parser("frames of sockets", frame, (ValueError,)),
    Parser("arguments of MCP tools", tool_arguments, (ValidationError,)),
    Parser("what watchers send", watching, (ValidationError, ValueError)),
    Parser("cursors", some_text(decode_cursor), (Refused,)),
    Parser("names", some_text(names.agent_name, names.alias), (Invalid,)),
    Parser("settings", settings, (ValidationError, SettingsError)),
    Parser("credentials of ClickUp", clickup_credentials, (Rejected,)),
    Parser("what is logged", some_text(redact)),
    Parser("what is masked", some_text(masked_text)),
    Parser("JSON that is masked", json_to_mask),
    Parser("reasons of failures", some_text(normalised, fingerprint)),
    Parser("what is searched for", some_text(searched)),
]


def test_no_input_crashes_a_parser_or_keeps_it_busy(
    size: Callable[[int], int], dice: random.Random, figures: Figures
) -> None:
    each = -(-size(INPUTS) // len(PARSERS))
    crashes: dict[str, str] = {}
    slowest: Counter[str] = Counter()
    read = 0
    for parser in PARSERS:
        for _ in range(each):
            reading = parser.given(dice)
            started = time.thread_time()
            try:
                reading()
            except parser.says_no:
                pass
            except BaseException as error:
                crashes.setdefault(f"{parser.name}: {type(error).__name__}", f"{error}"[:500])
            micros = int(1e6 * (time.thread_time() - started))
            slowest[parser.name] = max(slowest[parser.name], micros)
            read += 1
    name, micros = slowest.most_common(1)[0]
    figures.keep(
        "Inputs of parsers",
        parsers=len(PARSERS),
        inputs=read,
        crashes=len(crashes),
        hangs=sum(one > HANG_SECONDS * 1e6 for one in slowest.values()),
        slowest_millis=round(micros / 1000, 1),
        slowest_parser=name,
    )
    print(slowest.most_common())
    assert crashes == {}
    assert micros < HANG_SECONDS * 1e6
