"""Long texts in pieces that a small model can read at once. Pure."""

from collections.abc import Iterator

PASSAGE_CHARS = 800
"""About 200 tokens of English; the packaged model reads 256."""
MAX_PASSAGES = 16
"""What stands further down in one text is not found by its words. Nobody says that much in a comment."""


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each passage, cut at white space where there is any; nothing for a blank text."""
    start, made = 0, 0
    while start < len(text) and made < MAX_PASSAGES:
        end = min(len(text), start + PASSAGE_CHARS)
        if end < len(text):
            cut = max(text.rfind(mark, start + PASSAGE_CHARS // 2, end) for mark in ("\n", " "))
            end = cut if cut > start else end
        if text[start:end].strip():
            yield start, end
            made += 1
        start = end
