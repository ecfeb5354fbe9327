"""Token exchange: the dashboard asks for a token with which it acts for a person. RFC 8693."""

import re
from collections.abc import Mapping, Sequence

from nexus.auth.clients import Authenticated
from nexus.auth.errors import Invalid
from nexus.auth.members import email_of
from nexus.auth.roles import ROLE_SCOPES
from nexus.auth.tokens import ADMIN_SOCKET, AUDIENCE, Audience
from nexus.http.credentials import OAuthRefused
from nexus.http.parts import HttpParts
from oblivion_protocol.resources import ExchangedTokenResponse
from oblivion_protocol.scopes import DELEGATE

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
EMAIL_TYPE = "urn:oblivion:params:oauth:token-type:email"
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the RFC's word, not a secret

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*")
"""RFC 6749 §3.3."""


async def exchange(parts: HttpParts, client: Authenticated, parameters: Mapping[str, str]) -> ExchangedTokenResponse:
    """A token of the person whom `subject_token` names, by e-mail, with the rights of their role. Raises OAuthRefused.

    That the e-mail is theirs is the client's word: it has signed them in, and the scope `delegate` says that we
    believe it.
    """
    if DELEGATE not in client.scopes:
        raise OAuthRefused("unauthorized_client", f"Only a client with the scope {DELEGATE} may act for people.")
    email = _subject(parameters)
    audience = _audience(parameters)
    role = await parts.members.role_of(client.tenant_id, email)
    if role is None:
        raise OAuthRefused(
            "invalid_grant",
            f"{email} is no member of this Oblivion. An admin adds them in the dashboard, or with "
            f"`oblivion member add {email} --role viewer`.",
        )
    scopes = narrowed(parameters.get("scope"), ROLE_SCOPES[role])
    return await parts.tokens.issue_for(email, client.client_id, client.tenant_id, scopes, audience)


def narrowed(asked: str | None, allowed: Sequence[str]) -> tuple[str, ...]:
    """The scopes asked for, if all of them are allowed; without any, all that are. Raises OAuthRefused."""
    if asked is None:
        return tuple(allowed)
    wanted = tuple(dict.fromkeys(asked.split(" ")))
    if not _SCOPE.fullmatch(asked) or not set(wanted) <= set(allowed):
        raise OAuthRefused("invalid_scope", f"There may be: {' '.join(allowed)}.")
    return wanted


def _subject(parameters: Mapping[str, str]) -> str:
    """RFC 8693 §2.1: what must be there, and what must not."""
    for name in ("subject_token", "subject_token_type"):
        if name not in parameters:
            raise OAuthRefused("invalid_request", f"{name} is missing.")
    if parameters["subject_token_type"] != EMAIL_TYPE:
        raise OAuthRefused("invalid_request", f"The only subject_token_type here is {EMAIL_TYPE}.")
    if "actor_token" in parameters or "actor_token_type" in parameters:
        raise OAuthRefused("invalid_request", "The actor is the client itself; there is no actor_token here.")
    if parameters.get("requested_token_type", ACCESS_TOKEN_TYPE) != ACCESS_TOKEN_TYPE:
        raise OAuthRefused("invalid_request", f"The only requested_token_type here is {ACCESS_TOKEN_TYPE}.")
    try:
        return email_of(parameters["subject_token"])
    except Invalid as error:
        raise OAuthRefused("invalid_request", "subject_token is no e-mail address.") from error


def _audience(parameters: Mapping[str, str]) -> Audience:
    match parameters.get("audience", AUDIENCE):
        case ("nexus" | "nexus:admin-socket") as audience if "resource" not in parameters:
            return audience
        case _:
            raise OAuthRefused("invalid_target", f"The audience is one of {AUDIENCE} and {ADMIN_SOCKET}; no resource.")
