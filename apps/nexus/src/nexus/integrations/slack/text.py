"""Slack's text markup: out (untrusted text made harmless) and in (made readable). Pure.

Rules: docs.slack.dev/messaging/formatting-message-text. `&`, `<` and `>` are the only special characters:
without a raw `<` there is no ping, no link and no label, so escaping is the whole defence against faked ones.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from nexus.kit.visible import visible

ELLIPSIS = "…"
MAX_URL_CHARS = 1500

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_CHARACTERS = {entity: character for character, entity in _ENTITIES.items()}
_SPECIAL = re.compile(r"[&<>]")
_ENTITY = re.compile(r"&(?:amp|lt|gt);")
_ATOM = re.compile(r"<[^<>]*>|&(?:amp|lt|gt);|.", re.DOTALL)
# In escaped text: an address ends before an escaped angle bracket, and before the full stop after it.
_BARE_URL = re.compile(r"https?://(?:(?!&[lg]t;)[^\s<>|\"])+(?<![.,;:!?)\]'*_~`])")
# What stands there is where it leads: no user before the host, no letter that looks like another one.
_PLAIN_HOST = re.compile(r"https?://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?(?=[/?#]|$)", re.IGNORECASE)
_MARKUP = re.compile(r"<([^<>]*)>")


def escape(text: str) -> str:
    """The text with `&`, `<` and `>` as entities: exactly what Slack asks for, and no more."""
    return _SPECIAL.sub(lambda match: _ENTITIES[match[0]], text)


def unescape(text: str) -> str:
    """Entities as characters, once: `&amp;lt;` is `&lt;`."""
    return _ENTITY.sub(lambda match: _CHARACTERS[match[0]], text)


def neutralise(text: str, limit: int | None = None) -> str:
    """Plain text as mrkdwn that can neither ping, nor link, nor hide; `limit` counts escaped."""
    safe = escape(visible(text))
    return safe if limit is None else truncate(safe, limit)


def truncate(escaped: str, limit: int) -> str:
    """At most `limit` characters, ending with `…` if cut, never inside an entity or a `<…>`."""
    return escaped if len(escaped) <= limit else _head(escaped, limit - len(ELLIPSIS)) + ELLIPSIS


def pieces(escaped: str, limit: int) -> list[str]:
    """Parts of at most `limit` characters, cut at a line or a space if there is a late one, never in a link."""
    found: list[str] = []
    while len(escaped) > limit:
        part = _head(escaped, limit) or escaped[:limit]
        for separator in ("\n", " "):
            at = part.rfind(separator)
            if at > limit // 2:
                part = part[: at + 1]
                break
        found.append(part)
        escaped = escaped[len(part) :]
    return [*found, escaped]


def _head(escaped: str, limit: int) -> str:
    for atom in _ATOM.finditer(escaped):
        if atom.end() > limit:
            return escaped[: atom.start()]
    return escaped


def linked(escaped: str) -> str:
    """Bare web addresses as links that show exactly where they lead; others stay text."""
    return _BARE_URL.sub(lambda match: f"<{match[0]}>" if _is_plain(match[0]) else match[0], escaped)


def _is_plain(url: str) -> bool:
    return len(url) <= MAX_URL_CHARS and _PLAIN_HOST.match(url) is not None


def plain_title(text: str, limit: int) -> str:
    """One line for a `plain_text` field, which knows no markup; never empty, as Slack refuses that."""
    line = " ".join(visible(text).split()) or "(no title)"
    return line if len(line) <= limit else line[: limit - len(ELLIPSIS)] + ELLIPSIS


def web_link(url: str, label: str) -> str | None:
    """A link of ours with our own label; None unless the address is an ordinary web address."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host:
        return None
    if visible(url) != url or any(character.isspace() for character in url) or not _PLAIN_HOST.match(url):
        return None
    address = escape(url.replace("|", "%7C").replace("<", "%3C").replace(">", "%3E"))
    return f"<{address}|{escape(label)}>" if len(address) <= MAX_URL_CHARS else None


def mentioned(text: str) -> tuple[set[str], set[str]]:
    """The ids of the people, and of the channels without a name, that a text from Slack mentions."""
    people: set[str] = set()
    channels: set[str] = set()
    for inner in _MARKUP.findall(text):
        target, _, label = inner.partition("|")
        if target[:1] == "@":
            people.add(target[1:])
        elif target[:1] == "#" and not label:
            channels.add(target[1:])
    return people, channels


def readable(text: str, names: Mapping[str, str]) -> str:
    """Text from Slack as people read it; `names` maps ids of people and channels to their names."""
    parts: list[str] = []
    end = 0
    for match in _MARKUP.finditer(text):
        parts += [unescape(text[end : match.start()]), _resolved(match[1], names)]
        end = match.end()
    return "".join([*parts, unescape(text[end:])])


def _resolved(inner: str, names: Mapping[str, str]) -> str:
    target, _, label = inner.partition("|")
    label = unescape(label)
    match target[:1]:
        case "@":
            return "@" + (names.get(target[1:]) or label or target[1:]).removeprefix("@")
        case "#":
            return "#" + (label or names.get(target[1:]) or target[1:]).removeprefix("#")
        case "!":
            kind, *rest = target[1:].split("^")
            if kind == "date":
                return label or " ".join(rest[1:2])
            return label or "@" + (rest[0] if rest else kind)
        case _:
            return _link(unescape(target), label)


def _link(url: str, label: str) -> str:
    # Slack itself turns `example.com` into `<http://example.com|example.com>`: the label adds nothing.
    address = re.sub(r"^(?:mailto:|tel:|https?://)", "", url)
    if not label or label == url or label.rstrip("/") == address.rstrip("/"):
        return url if url.startswith("http") else address
    return f"{label} ({url})"
