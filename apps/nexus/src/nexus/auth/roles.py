"""What a person may do, by role, and which right includes which. Pure."""

from collections.abc import Collection
from typing import Literal

from oblivion_protocol.scopes import ADMIN_OPERATE, ADMIN_READ, ADMIN_SCOPES, ADMIN_WRITE, Scope

Role = Literal["viewer", "operator", "admin"]

ROLE_SCOPES: dict[Role, tuple[Scope, ...]] = {
    "viewer": (ADMIN_READ,),
    "operator": (ADMIN_READ, ADMIN_OPERATE),
    "admin": (ADMIN_READ, ADMIN_OPERATE, ADMIN_WRITE),
}

ROLE_NEEDED: dict[Scope, Role] = {ADMIN_READ: "viewer", ADMIN_OPERATE: "operator", ADMIN_WRITE: "admin"}
"""The weakest role that has a scope."""


def sufficient(wanted: Scope) -> tuple[Scope, ...]:
    """The scopes of which each one alone allows what `wanted` allows."""
    return ADMIN_SCOPES[ADMIN_SCOPES.index(wanted) :] if wanted in ADMIN_SCOPES else (wanted,)


def allows(scopes: Collection[str], wanted: Scope) -> bool:
    """Whether who has these scopes may do what `wanted` stands for."""
    return any(scope in scopes for scope in sufficient(wanted))


def role_of(scopes: Collection[str]) -> Role | None:
    """The strongest role whose rights these scopes have; None when they have not even a viewer's."""
    return next((ROLE_NEEDED[scope] for scope in reversed(ADMIN_SCOPES) if scope in scopes), None)
