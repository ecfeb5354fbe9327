"""What may go wrong in here, each with a sentence for the caller.

AuthError
├── TokenInvalid      not a token of ours: forged, malformed, for somebody else, or its client was revoked
│   └── TokenExpired  was a token of ours; get a new one
├── AlreadyExists     choose another name
├── LastAdmin         somebody must be left who can undo it
├── NotFound          no such agent, client or alias in this tenant
└── Invalid           the value can never be accepted
"""


class AuthError(Exception):
    """Base of the errors of this package; `reason` is fit for the caller's eyes."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TokenInvalid(AuthError):
    """Not a token that this audience accepts."""


class TokenExpired(TokenInvalid):
    """A token of ours whose time is over."""


class AlreadyExists(AuthError):
    """The name is taken."""


class LastAdmin(AuthError):
    """Without this member nobody could manage the others."""


class NotFound(AuthError):
    """No such thing in this tenant."""


class Invalid(AuthError):
    """The value breaks a rule that is named in the reason."""
