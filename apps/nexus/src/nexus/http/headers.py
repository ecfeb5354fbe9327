"""What every answer of the API tells browsers and caches, beside what it says. Pure."""

from collections.abc import Sequence

Header = tuple[bytes, bytes]

HSTS = (b"strict-transport-security", b"max-age=31536000")
_ALWAYS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_PAGES = ("/docs", "/redoc")
"""Pages for people, with scripts from elsewhere. Nobody may put them into a frame either."""
_NO_PAGE = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_PAGE = (b"content-security-policy", b"frame-ancestors 'none'")
_NO_STORE = (b"cache-control", b"no-store")


def protecting(path: str, scheme: str, given: Sequence[Header], *, cors: bool) -> list[Header]:
    """The headers that an answer lacks. What it has already stays as it is.

    Data is for its reader alone: no cache keeps it unless the answer says for how long. With CORS an answer depends
    on who asks, also when it is nobody who may.
    """
    names = {name.lower() for name, _ in given}
    wanted = [*_ALWAYS, _PAGE if path.startswith(_PAGES) else _NO_PAGE, _NO_STORE]
    if scheme == "https":
        wanted.append(HSTS)
    if cors and not any(name.lower() == b"vary" and b"origin" in value.lower() for name, value in given):
        names.discard(b"vary")
        wanted.append((b"vary", b"Origin"))
    return [header for header in wanted if header[0] not in names]
