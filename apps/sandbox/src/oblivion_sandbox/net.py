"""The sandbox talks to this machine only, unless it is told of others; these checks keep it so."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit


def is_loopback_host(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_loopback_url(url: str) -> bool:
    """Whether a URL is http(s) and stays on this machine."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and is_loopback_host(parts.hostname or "")
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a sandbox is found, and whom it calls besides this machine."""

    public_url: str | None = None
    """Where people open it, without a slash at the end; None: where it listens."""
    api_url: str | None = None
    """Where programs call it; None: where people open it."""
    targets: frozenset[str] = frozenset()
    """Names of hosts that it calls although they are not this machine."""

    def may_call(self, url: str) -> bool:
        """Whether an event may be sent to this URL."""
        if is_loopback_url(url):
            return True
        try:
            parts = urlsplit(url)
            return parts.scheme in ("http", "https") and (parts.hostname or "") in self.targets
        except ValueError:
            return False

    @property
    def whom(self) -> str:
        """Whom it calls, for people."""
        return ", ".join(["this machine (127.0.0.0/8, ::1, localhost)", *sorted(self.targets)])
