"""What credentials look like, and a text without them. Pure.

One table of shapes for logs, for the dashboard and for what leaves. Logs and the dashboard mask whatever has a shape
(`masked_shapes`); words that people read lose only what is one in earnest (`without_credentials`), since a hash, an id
or an example of the documentation is often what they are about.
"""

import base64
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from nexus.kit.visible import visible

_SHAPES: Mapping[str, tuple[str, str]] = {
    "slack_token": ("Slack token", r"\bxox[a-z](?:\.[a-z]+)?-[\w.%+/=-]{6,} | \bxapp-[\w-]{6,}"),
    "slack_webhook": ("Slack webhook", r"\bhttps?://hooks\.slack\.com/[^\s\"'<>]+"),
    "clickup_token": ("ClickUp token", r"\bpk_\d+_[A-Z0-9]{8,}"),
    "oblivion_secret": ("Oblivion secret", r"\bobl_sk_[\w-]{8,}"),
    "github_token": ("GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{16,} | \bgithub_pat_\w{16,}"),
    "gitlab_token": ("GitLab token", r"\bgl(?:pat|dt|rt|ptt|cbt)-[\w-]{16,}"),
    "model_key": ("key of a model provider", r"\bsk-[A-Za-z0-9_-]{16,} | \bhf_[A-Za-z0-9]{20,}"),
    "stripe_key": ("Stripe key", r"\b[sr]k_(?:live|test)_\w{8,} | \bwhsec_[\w+/=]{16,}"),
    "aws_key": ("AWS key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "google_key": ("Google key", r"\bAIza[\w-]{30,} | \bya29\.[\w-]{20,} | \bGOCSPX-[\w-]{20,}"),
    "registry_token": ("token of a package registry", r"\bnpm_[A-Za-z0-9]{30,} | \bpypi-AgEI[\w-]{20,}"),
    "mail_key": ("key of a mail service", r"\bSG\.[\w-]{16,}\.[\w-]{16,}"),
    "bot_token": ("bot token", r"\b\d{8,10}:AA[\w-]{32,}"),
    "json_web_token": ("JSON Web Token", r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*"),
    "private_key": (
        "private key",
        r"-----BEGIN\ [A-Z0-9 ]*PRIVATE\ KEY(?:\ BLOCK)?-----.*?"
        r"(?:-----END\ [A-Z0-9 ]*PRIVATE\ KEY(?:\ BLOCK)?-----|\Z)",
    ),
    "address_password": ("password in an address", r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"),
}
_IN_SPEECH: Mapping[str, tuple[str, str]] = {
    "authorization": ("authorization header", r"\b(?i:bearer|basic)\s+[\w.~+/=-]{16,}"),
    "assigned": (
        "secret",
        r"""(?i:(?:passwo?r?d|passphrase|secret(?:[_-]?(?:access[_-]?)?key)?|api[_-]?key|access[_-]?key
        |private[_-]?key|(?:access|auth|refresh|bot|api|bearer)[_-]?token))["']?\s*[:=]{1,2}\s*["'`]?
        [A-Za-z0-9+/=_~.!@\#%^*-]{12,}""",
    ),
}
KNOWN = "known"
_WORDS = {kind: words for kind, (words, _) in {**_SHAPES, **_IN_SPEECH}.items()} | {KNOWN: "credential of Oblivion"}
KINDS = tuple(_WORDS)
"""By which names what was found is counted."""


def _compiled(shapes: Mapping[str, tuple[str, str]]) -> re.Pattern[str]:
    named = (f"(?P<{kind}>{pattern})" for kind, (_, pattern) in shapes.items())
    return re.compile("|".join(named), re.VERBOSE | re.DOTALL)


_SHAPE = _compiled(_SHAPES)
_SPOKEN = _compiled({**_SHAPES, **_IN_SPEECH})

MIN_KNOWN_CHARS = 8
"""A known secret that is shorter would be found in harmless words."""
_MIN_BITS = 3.0
"""Of entropy per character: less is a word, `xxxx` or `1234`. https://en.wikipedia.org/wiki/Entropy_(information_theory)"""
_PLACEHOLDER = re.compile(r"(?i)example|your[_-]|placeholder|redacted|removed|changeme|dummy|xxxx|\.\.\.|…|\*\*\*|••")
_STOOD_IN_PASSWORD = re.compile(r"(?i)[$<{%\[*].*|pass|passwo?r?d|pwd?|secret|token|[x.•]+")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_PATH = re.compile(r"[a-z_]+(?:[._-][a-z0-9_]+)*", re.IGNORECASE)
_RUN = re.compile(r"(?=[A-Za-z]*\d)[A-Za-z0-9]{20,}")
_NAME = {"authorization": re.compile(r"\w+\s+"), "assigned": re.compile(r"[\w-]+[\"']?\s*[:=]{1,2}\s*[\"'`]?")}


def masked_shapes(text: str, mask: str) -> str:
    """The text with a mask in place of everything that has the shape of a credential."""
    return _SHAPE.sub(mask, text)


def without_credentials(text: str, known: Iterable[str] = ()) -> tuple[str, list[str]]:
    """The text with `[secret removed: …]` in place of each credential, and the kinds of those; else the same text.

    `known` are secrets that are credentials whatever they look like, also where they are encoded or turned round.
    Characters that nobody sees do not hide a credential: they are gone from a text that held one.
    """
    kinds: list[str] = []
    seen = visible(text)

    def removed(kind: str) -> str:
        kinds.append(kind)
        return f"[secret removed: {_WORDS[kind]}]"

    def judged(match: re.Match[str]) -> str:
        kind, value = str(match.lastgroup), match[0]
        if kind not in _IN_SPEECH:
            return removed(kind) if _is_earnest(kind, value) else value
        # The name stays, and what stands behind it may have a shape of its own.
        name = _NAME[kind].match(value)
        head = name[0] if name else ""
        tail = value[len(head) :]
        told = _SHAPE.sub(judged, tail)
        return head + (removed(kind) if told == tail and _is_random(tail) else told)

    shorter = seen
    for secret in sorted({form for one in known for form in _forms(one)}, key=len, reverse=True):
        if secret in shorter:
            shorter = shorter.replace(secret, removed(KNOWN))
    shorter = _SPOKEN.sub(judged, shorter)
    return (shorter, kinds) if kinds else (text, kinds)


def _forms(secret: str) -> Iterable[str]:
    """A secret as it is, and as whoever wants it out may write it; not all ways, the ways of one step."""
    if len(secret) < MIN_KNOWN_CHARS:
        return ()
    raw = secret.encode(errors="replace")
    encoded = base64.b64encode(raw).decode()
    return (
        secret, secret[::-1], quote(secret, safe=""), encoded, encoded.rstrip("="),
        base64.urlsafe_b64encode(raw).decode(), raw.hex(), raw.hex().upper(), "-".join(secret), " ".join(secret),
    )  # fmt: skip


def _is_earnest(kind: str, value: str) -> bool:
    """Whether it is a credential and not an example, a name or a hash that only looks like one."""
    match kind:
        case "private_key":
            return len(value) > 80 and "..." not in value
        case "slack_webhook":
            return any(character.isdigit() for character in value)
        case "address_password":
            return _STOOD_IN_PASSWORD.fullmatch(value.partition(":")[2]) is None
        case "json_web_token":
            return True
        case _:
            pass
    if _PLACEHOLDER.search(value) or not any(character.isdigit() for character in value):
        return False
    return kind != "model_key" or _RUN.search(value) is not None


def _is_random(value: str) -> bool:
    """Whether a value is one that somebody has rolled, and not a word, a name in code, an id or an example."""
    if (
        _PLACEHOLDER.search(value)
        or _UUID.fullmatch(value)
        or (_PATH.fullmatch(value) and ("_" in value or "." in value or "-" in value))
    ):
        return False
    if not any(character.isdigit() for character in value) or not any(character.isalpha() for character in value):
        return False
    counts = Counter(value)
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values()) >= _MIN_BITS
