"""Text that wants to ping, to fake links and to hide: pieces, and dice that put them together."""

import random

PINGS = [
    "<!channel>", "<!here>", "<!everyone>", "<!here|here>", "<@U0DANA0001>", "<@U0DANA0001|dana>",
    "<#C0GENERAL1|general>",
    "<!subteam^S0ONCALL01>", "<!subteam^S0ONCALL01|@oncall>", "@here", "@channel", "@everyone", "@U0DANA0001",
    "&lt;!channel&gt;", "&amp;lt;!here&amp;gt;", "&#60;!channel&#62;", "&LT;!here&GT;", "<\n!channel>", "< !here >",
    "<<!here>>", "<!<!here>channel>", "<!date^0^{date}|<!here>>", "<! channel>", "<!chan\u200bnel>", "<\u202e!here>",
    "\uff20here", "\ufe6bchannel", "\uff1c!channel\uff1e", "\u2039!here\u203a", "<!channel|", "!channel>",
    "<", ">", "&", "&lt",
    "<!", "<@", "<#", "|",
]  # fmt: skip
LINKS = [
    "<https://evil.example|https://bank.example>", "<https://evil.example|bank.example>", "<javascript:alert(1)|Open>",
    "<slack://user?team=T1&id=U1|Open>", "<data:text/html;base64,PHM+|Open>", "<mailto:a@evil.example|dana>",
    "<http://bank.example@evil.example/>", "http://bank.example@evil.example/", "https://bank.example:443@evil.example",
    "https://bank.example\\@evil.example", "https://b\u0430nk.example/login", "https://bank\u3002example/",
    "https://bank.example\u2044.evil.example", "https://xn--bnk-7cd.example", "https://bank.example%2eevil.example",
    "https://bank.example&lt;.evil.example", "https://bank.example|bank.example", "HTTPS://EVIL.EXAMPLE",
    "https://evil.example/?q=<!here>", "https://evil.example/#<@U0DANA0001>", "https://evil.example/\u202emoc.knab",
    "javascript:alert(1)", "slack://open", "data:text/html,x", "file:///etc/passwd", "https://", "https:// ", "https://[::1]/",
    "https://[evil", "http://0x7f.1/", "[bank.example](https://evil.example)", "![x](https://evil.example/x.png)",
    "https://" + "a" * 2000 + ".example", "https://evil.example/" + "x" * 1600, "www.evil.example", "https://bank.example.",
]  # fmt: skip
UNSEEN = [
    "\u202e", "\u202d", "\u2066", "\u2067", "\u2069", "\u200b", "\u200d", "\u200f", "\u2060", "\u206a", "\ufeff",
    "\u00ad",
    "\u034f", "\u061c", "\u115f", "\u180e", "\u3164", "\uffa0", "\ufff9", "\U000e0041", "\U000e007f", "\U000e0100",
    "\x00", "\x07", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u2029", "\ud800", "\udfff", "\r", "\x0b", "\ufe00",
    "\U0001d173",
]  # fmt: skip
MARKS = [
    "*",
    "_",
    "~",
    "`",
    "```",
    "> ",
    "&gt;",
    "\n",
    "\r\n",
    "\t",
    " ",
    ":x:",
    ":white_check_mark:",
    "•",
    "🪦",
    "👩‍💻",
    "é",
    "ﷺ",
    "z͑ͫ",
]
WORDS = [
    "Login fails",
    "deploy",
    "1.2.3",
    "Done by fixer",
    "",
    "пожар",
    "火事",
    "x" * 300,
    "<" * 200,
    "&" * 3000,
    "word " * 900,
]
PIECES = (PINGS, LINKS, UNSEEN, MARKS, WORDS)


def hostile(dice: random.Random) -> str:
    """One title, reply, name or option: a handful of pieces, some cut in the middle, some woven into each other."""
    parts: list[str] = []
    for _ in range(dice.choice((1, 2, 3, 5, 8))):
        piece = dice.choice(dice.choices(PIECES, weights=(5, 4, 4, 2, 1))[0])
        if piece and dice.random() < 0.15:
            at = dice.randrange(len(piece))
            piece = dice.choice((piece[:at], piece[at:], piece[:at] + dice.choice(UNSEEN) + piece[at:]))
        parts.append(piece)
    return dice.choice(("", " ", "\n")).join(parts)
