"""ClickUp's errors: `{"err", "ECODE"}` (https://developer.clickup.com/docs/common_errors)."""

from oblivion_sandbox.jsontypes import JsonObject


class ClickUpError(Exception):
    """Ends a request with a status, a wording and a code."""

    def __init__(self, status: int, err: str, ecode: str | None) -> None:
        super().__init__(err)
        self.status = status
        self.err = err
        self.ecode = ecode

    def body(self) -> JsonObject:
        """The body of the answer."""
        return {"err": self.err} | ({} if self.ecode is None else {"ECODE": self.ecode})


def header_missing() -> ClickUpError:
    """No Authorization header."""
    return ClickUpError(401, "Authorization header required", "OAUTH_017")


def token_invalid() -> ClickUpError:
    """A token nobody has."""
    return ClickUpError(401, "Token invalid", "OAUTH_025")


def not_authorized() -> ClickUpError:
    """An id that is unknown or another workspace's: ClickUp does not say which, and never says 404."""
    return ClickUpError(401, "Team not authorized", "OAUTH_027")


def rate_limited() -> ClickUpError:
    """The window of this token is used up."""
    return ClickUpError(429, "Rate limit reached", None)


def invalid_input(err: str, ecode: str = "INPUT_001") -> ClickUpError:
    """A body ClickUp cannot use. Codes other than OAUTH_* are unverified; decide on the status."""
    return ClickUpError(400, err, ecode)
