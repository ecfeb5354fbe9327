"""Reads the body and the client's credentials of an OAuth request, to the letter of RFC 6749. Pure but for `read`."""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import parse_qsl, unquote_plus

from fastapi import Request

from oblivion_protocol.errors import OAuthErrorCode

MAX_OAUTH_BODY_BYTES = 16 * 1024

_REPEATABLE = frozenset({"audience", "resource"})
"""RFC 8693 §2.1: these may be there several times."""
_KNOWN = _REPEATABLE | {
    "grant_type",
    "scope",
    "client_id",
    "client_secret",
    "token",
    "token_type_hint",
    "subject_token",
    "subject_token_type",
    "actor_token",
    "actor_token_type",
    "requested_token_type",
}
_FORM = "application/x-www-form-urlencoded"
_VSCHARS = re.compile(r"[\x20-\x7e]*")
"""RFC 6749 Appendix A: what ids and secrets are made of."""


class OAuthRefused(Exception):
    """An error of RFC 6749 §5.2."""

    def __init__(
        self,
        error: OAuthErrorCode,
        description: str,
        *,
        status: int = 400,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(description)
        self.error: OAuthErrorCode = error
        self.description = description
        self.status = status
        self.headers = headers or {}


def invalid_client(description: str = "Unknown client or wrong secret.") -> OAuthRefused:
    """401 with a challenge, which RFC 9110 §15.5.2 demands of every 401."""
    challenge = {"WWW-Authenticate": 'Basic realm="nexus", charset="UTF-8"'}
    return OAuthRefused("invalid_client", description, status=401, headers=challenge)


@dataclass(frozen=True, slots=True)
class OAuthRequest:
    """The parameters, and the credentials that came with them, not yet proven."""

    parameters: Mapping[str, str]
    client_id: str
    client_secret: str = field(repr=False)


async def read(request: Request) -> OAuthRequest:
    """The request, from a form, HTTP Basic or JSON. Raises OAuthRefused on anything else."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_OAUTH_BODY_BYTES:
            raise OAuthRefused("invalid_request", "The body is too large.", status=413)
    if "client_secret" in request.query_params:
        raise OAuthRefused("invalid_request", "Credentials do not belong into the address.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    match kind:
        case "application/x-www-form-urlencoded":
            parameters = form_parameters(bytes(body))
        case "application/json":
            parameters = json_parameters(bytes(body))
        case _:
            raise OAuthRefused("invalid_request", f"The body must be {_FORM} or application/json.")
    return with_credentials(parameters, request.headers.getlist("authorization"))


def form_parameters(body: bytes) -> dict[str, str]:
    """RFC 6749 §3.2: no parameter twice; one without a value counts as omitted; unknown ones are ignored.

    The values of one that may be there several times are joined by spaces.
    """
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=50)
    except ValueError as error:
        raise OAuthRefused("invalid_request", "The form is malformed.") from error
    return _checked(pairs)


def json_parameters(body: bytes) -> dict[str, str]:
    """The same parameters as members of a JSON object; all of them are strings."""
    try:
        parsed: object = json.loads(body.decode("utf-8"), object_pairs_hook=tuple)
    except (ValueError, RecursionError) as error:
        raise OAuthRefused("invalid_request", "The JSON is malformed.") from error
    if not isinstance(parsed, tuple):
        raise OAuthRefused("invalid_request", "The JSON must be an object.")
    return _checked(cast("tuple[tuple[str, object], ...]", parsed))


def with_credentials(parameters: Mapping[str, str], authorization: list[str]) -> OAuthRequest:
    """Exactly one way to authenticate, RFC 6749 §2.3."""
    body_id, body_secret = parameters.get("client_id"), parameters.get("client_secret")
    if not authorization:
        if body_id is None or body_secret is None:
            raise invalid_client("Client authentication is missing: client_id and client_secret, or HTTP Basic.")
        return OAuthRequest(parameters, body_id, body_secret)
    if len(authorization) > 1 or body_secret is not None:
        raise OAuthRefused("invalid_request", "Authenticate in one way: HTTP Basic or the body, not both.")
    client_id, secret = _basic(authorization[0])
    if body_id is not None and body_id != client_id:
        raise OAuthRefused("invalid_request", "The body names another client than HTTP Basic does.")
    return OAuthRequest(parameters, client_id, secret)


def _basic(header: str) -> tuple[str, str]:
    """RFC 7617, with both parts form-encoded first as RFC 6749 §2.3.1 wants."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise invalid_client("Clients authenticate with HTTP Basic or in the body.")
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as error:
        raise invalid_client("The Basic credentials are malformed.") from error
    client_id, colon, secret = decoded.partition(":")
    if not colon:
        raise invalid_client("The Basic credentials are malformed.")
    return unquote_plus(client_id), unquote_plus(secret)


def _checked(pairs: Iterable[tuple[str, object]]) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name not in _KNOWN:
            continue
        if name in parameters and name not in _REPEATABLE:
            raise OAuthRefused("invalid_request", f"{name} is there more than once.")
        several = cast("list[object]", value) if name in _REPEATABLE and isinstance(value, list) else [value]
        for one in several:
            if not isinstance(one, str) or not _VSCHARS.fullmatch(one):
                raise OAuthRefused("invalid_request", f"{name} is no string of printable ASCII characters.")
            parameters[name] = f"{parameters[name]} {one}" if name in parameters else one
    return {name: value for name, value in parameters.items() if value}
