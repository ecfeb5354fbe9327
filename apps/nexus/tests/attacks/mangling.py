"""Spoils what is well-formed: texts, bytes and JSON, by chance and by what is known to hurt parsers."""

import json
import random
from typing import Any

NASTY_TEXTS = (
    "", "\x00", "\ud800", "\udfff\ud800", "\u202e", "\ufeff", "é" * 50, "🏁🇩🇪", "NaN", "-Infinity", "1e999", "null",
    "%00", "%ud800", "\\u0000", "\r\n\r\n", "' OR 1=1 --", "{{7*7}}", "${jndi:x}", "../../etc/passwd", "<!channel>",
    "<@U1|x>", "<http://a|b", "&lt;!here&gt;", "00-" + "f" * 32 + "-" + "f" * 16 + "-01", "1795000000.000100",
    "9" * 6000, "-1", "0", "١٢٣", "1_000", "0x10", "2026-11-22T12:00:00Z~1", "9999-12-31T23:59:59+14:00",
    "0001-01-01T00:00:00-14:00~",
)  # fmt: skip
REPEATED = (
    "`", "``` ", "`a", "`` `", "~~~", "<", "<a", "<a|", ">", "&", "&lt;", "&amp;", "@", "@a", "@AI_Squad ", "https://",
    "http://a.b/?", "http://a,", "\\", "\\_", "[", "{", '{"a":', "[[]", '"', "'", "a@a.", "a.a", "a_", "a-",
    "0", "1.1.", " ", "\t", "\n", "\r\n", "\u200b", "é", "\ud800", "token=", "secret: '", "eyJaaaaaaaa.",
    "-----BEGIN PRIVATE KEY-----", "=", "%", "%41", "a=b&", "xoxb-", "://a:", "//a:b", "a ", "1 ", "0123abcd-",
)  # fmt: skip
NASTY_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 10**40, -(10**400), 2**63, 1e308, float("inf"), float("nan"), -0.0, [], {}, [[]],
    {"": {}}, {"id": None}, [None], "x" * 300,
)  # fmt: skip


def text(dice: random.Random, samples: tuple[str, ...] = ()) -> str:
    """Some text; mostly short, sometimes as long as anybody may send."""
    match dice.randrange(6):
        case 0:
            return dice.choice(NASTY_TEXTS)
        case 1:
            length = dice.choice((3, 30, 300, 3000)) if dice.random() < 0.97 else 60_000
            piece = dice.choice(REPEATED) + (dice.choice(REPEATED) if dice.random() < 0.3 else "")
            end = dice.choice(("", "x", "\n", "`", ">", "\x00", " "))
            return (piece * (length // len(piece) + 1))[:length] + end
        case 2:
            return "".join(
                chr(dice.choice((dice.randrange(128), dice.randrange(0x110000)))) for _ in range(dice.randrange(40))
            )
        case _:
            return spoiled(dice.choice(samples), dice) if samples else dice.choice(NASTY_TEXTS) + dice.choice(REPEATED)


def spoiled(sample: str, dice: random.Random) -> str:
    """The sample with some places changed."""
    for _ in range(dice.randrange(4)):
        at, to = sorted((dice.randrange(len(sample) + 1), dice.randrange(len(sample) + 1)))
        piece = dice.choice((dice.choice(NASTY_TEXTS[:-5]), dice.choice(REPEATED), sample[at:to], ""))
        sample = sample[:at] + piece + sample[at if dice.random() < 0.7 else to :]
        sample = sample[:100_000]
    return sample


def value(sample: Any, dice: random.Random, depth: int = 0) -> Any:
    """The JSON value with some of its parts exchanged, dropped or doubled."""
    if depth and dice.random() < 0.04:
        return dice.choice(NASTY_VALUES)
    if isinstance(sample, dict):
        changed = {name: value(each, dice, depth + 1) for name, each in sample.items() if dice.random() > 0.03}
        if dice.random() < 0.03:
            changed[text(dice)] = dice.choice(NASTY_VALUES)
        return changed
    if isinstance(sample, list):
        changed = [value(each, dice, depth + 1) for each in sample]
        return changed * dice.choice((1, 1, 1, 1, 0, 2)) if len(changed) < 50 else changed
    if isinstance(sample, str):
        return text(dice, (sample,)) if dice.random() < 0.08 else sample
    return dice.choice((str(sample), sample * 10**30)) if isinstance(sample, int) and dice.random() < 0.05 else sample


def body(sample: Any, dice: random.Random) -> bytes:
    """A JSON body that once was the sample."""
    match dice.randrange(8):
        case 0:
            return raw(json.dumps(sample).encode(), dice)
        case 1:
            depth = dice.choice((20, 31, 32, 33, 40, 200, 5000, 100_000))
            opening, closing = dice.choice((("[", "]"), ('{"a":', "}"), ('[{"event":', "}]")))
            nested = opening * depth + dice.choice(("", "1")) + closing * dice.choice((depth, 0))
            written = json.dumps(sample)
            return (dice.choice((nested, written[:-1] + ',"deep":' + nested + "}"))).encode()
        case 2:
            written = json.dumps(sample)
            twice = [f'"{name}": {json.dumps(dice.choice((1, None, "x", [])))}' for name in list(sample)[:3]]
            return (written[:-1] + "".join(f", {one}" for one in twice) + "}").encode()
        case _:
            return json.dumps(value(sample, dice), allow_nan=True).encode()


def raw(sample: bytes, dice: random.Random) -> bytes:
    """The bytes with some of them changed."""
    changed = bytearray(sample)
    for _ in range(dice.randrange(1, 8)):
        at = dice.randrange(len(changed) + 1)
        match dice.randrange(4):
            case 0:
                changed[at : at + dice.randrange(30)] = b""
            case 1:
                changed[at:at] = dice.choice(
                    (b"\x00", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b"[" * 50, b'"', b"9" * 5000)
                )
            case _ if at < len(changed):
                changed[at] = dice.randrange(256)
            case _:
                changed.append(0)
    return bytes(changed)
