"""What `oblivion up` keeps beside the data: secrets of this machine's own installation."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Credential:
    """A client of the local installation."""

    client_id: str = ""
    client_secret: str = ""


@dataclass
class LocalState:
    """What is kept beside the data: secrets of this machine's own installation, readable by its owner only."""

    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    admin: Credential = field(default_factory=Credential)
    demo: Credential = field(default_factory=Credential)
    spare: Credential = field(default_factory=Credential)
    observer: Credential = field(default_factory=Credential)
    auth_secret: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    """With which the dashboard seals its sessions."""


PROGRAMS = {"admin": "admin", "demo_agent": "demo", "agent": "spare", "observer": "observer"}
"""What credentials are called for programs, and which of the state they are."""


def credentials_of(state: LocalState) -> dict[str, str]:
    """Every client's id and secret, flat: `admin_client_id`, `admin_client_secret`, …"""
    found: dict[str, str] = {}
    for program, name in PROGRAMS.items():
        credential: Credential = getattr(state, name)
        found[f"{program}_client_id"] = credential.client_id
        found[f"{program}_client_secret"] = credential.client_secret
    return found


def state_from(credentials: Mapping[str, str]) -> LocalState:
    """The other way round; what is not among them is made when it is needed."""
    state = LocalState()
    for program, name in PROGRAMS.items():
        known = (credentials.get(f"{program}_client_{part}", "") for part in ("id", "secret"))
        setattr(state, name, Credential(*known))
    return state


def load_state(path: Path) -> LocalState:
    """The kept state, or a new one; what an older release did not keep is new."""
    if not path.exists():
        return LocalState()
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    state = LocalState(secret_key=kept["secret_key"])
    state.auth_secret = kept.get("auth_secret", state.auth_secret)
    for name in ("admin", "demo", "spare", "observer"):
        setattr(state, name, Credential(**kept.get(name, {})))
    return state


def save_state(path: Path, state: LocalState) -> None:
    """Writes it so that nobody else can read it, and never half."""
    write_private(path, json.dumps(asdict(state), indent=2))


def write_private(path: Path, text: str) -> None:
    """Replaces a file at once, with mode 0600."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
