"""Text without what hides: characters that nobody sees, or that turn round what people read. Pure."""

import re

# Controls (but tab and newline), lone surrogates, and what Unicode calls "default ignorable": soft hyphen, fillers,
# joiners, zero-width, bidirectional marks, overrides and isolates, tags, variation selectors. The two selectors that
# make a sign a picture or a letter (U+FE0E, U+FE0F) stay: without them emoji are not what their author wrote.
# https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def visible(text: str) -> str:
    """The text without characters that hide or reorder what people see; every line ends with a newline alone."""
    return _HIDDEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
