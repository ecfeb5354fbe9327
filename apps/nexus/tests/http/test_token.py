"""POST /auth/token, to the letter of RFC 6749."""

import base64
import json
from collections.abc import Awaitable, Callable
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.oauth import assert_refused, basic

from nexus.http.parts import HttpParts
from nexus.store.database import Database

FORM = "application/x-www-form-urlencoded"
GRANT = {"grant_type": "client_credentials"}


def in_body(member) -> dict[str, str]:
    return GRANT | {"client_id": member.client_id, "client_secret": member.secret}


@pytest.mark.parametrize("way", ["form", "basic", "json", "basic with its id in the body", "percent-encoded"])
async def test_a_client_gets_a_token_in_every_way(api, parts: HttpParts, acme, way: str):
    encoded = "%61" + acme.client_id[1:]
    answer = await {
        "form": lambda: api.post("/auth/token", data=in_body(acme)),
        "basic": lambda: api.post("/auth/token", data=GRANT, headers=basic(acme.client_id, acme.secret)),
        "json": lambda: api.post("/auth/token", json=in_body(acme)),
        "basic with its id in the body": lambda: api.post(
            "/auth/token",
            data=GRANT | {"client_id": acme.client_id},
            headers=basic(acme.client_id, acme.secret),
        ),
        "percent-encoded": lambda: api.post(
            "/auth/token", data=GRANT, headers=basic(encoded, quote(acme.secret, safe=""))
        ),
    }[way]()

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 900)
    assert body["scope"] == "admin:read admin:write"
    assert answer.headers["cache-control"] == "no-store" and answer.headers["pragma"] == "no-cache"
    principal = await parts.tokens.verify(body["access_token"])
    assert (principal.client_id, principal.tenant_id) == (acme.client_id, acme.id)


async def test_a_token_opens_the_api(api, acme):
    token = (await api.post("/auth/token", data=in_body(acme))).json()["access_token"]
    answer = await api.get("/v1/tenants", headers={"Authorization": f"Bearer {token}"})
    assert [tenant["name"] for tenant in answer.json()["items"]] == [acme.name]


async def test_an_agents_token_names_the_agent(api, parts: HttpParts, acme):
    made = await parts.directory.create(acme.id, "fixer")
    body = GRANT | {"client_id": made.client_id, "client_secret": made.client_secret}
    answer = (await api.post("/auth/token", data=body)).json()
    assert answer["scope"] == "agent"
    assert (await parts.tokens.verify(answer["access_token"])).agent_id == made.agent_id


async def test_scopes_can_be_narrowed_and_never_widened(api, parts: HttpParts, acme):
    narrowed = (await api.post("/auth/token", data=in_body(acme) | {"scope": "admin:read"})).json()
    assert narrowed["scope"] == "admin:read"
    assert (await parts.tokens.verify(narrowed["access_token"])).scopes == {"admin:read"}
    for scope in ("agent", "admin:read agent", "admin:read  admin:write", " admin:read", "root", '"'):
        assert_refused(await api.post("/auth/token", data=in_body(acme) | {"scope": scope}), 400, "invalid_scope")


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": None}, 400, "invalid_request"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, 400, "unsupported_grant_type"),
        ({"client_secret": "obl_sk_wrong"}, 401, "invalid_client"),
        ({"client_secret": None}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"client_id": "adm_nobody"}, 401, "invalid_client"),
        ({"client_id": None}, 401, "invalid_client"),
        ({"client_id": "adm\x00"}, 400, "invalid_request"),
        ({"client_id": "ädm"}, 400, "invalid_request"),
    ],
)
@pytest.mark.parametrize("kind", ["data", "json"])
async def test_each_mistake_has_its_error(api, acme, kind: str, changes: dict, status: int, error: str):
    body = {name: value for name, value in (in_body(acme) | changes).items() if value is not None}
    assert_refused(await api.post("/auth/token", **{kind: body}), status, error)


async def test_basic_with_a_wrong_secret_is_challenged_with_basic(api, acme):
    answer = await api.post("/auth/token", data=GRANT, headers=basic(acme.client_id, "wrong"))
    assert_refused(answer, 401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Basic " + base64.b64encode(b"nocolon").decode(), "Bearer x", "Basic /w=="]
)
async def test_malformed_authorization_is_invalid_client(api, header: str):
    answer = await api.post("/auth/token", data=GRANT, headers={"Authorization": header})
    assert_refused(answer, 401, "invalid_client")


async def test_only_one_way_to_authenticate_is_allowed(api, acme, rival):
    headers = basic(acme.client_id, acme.secret)
    assert_refused(await api.post("/auth/token", data=in_body(acme), headers=headers), 400, "invalid_request")
    other = GRANT | {"client_id": rival.client_id}
    assert_refused(await api.post("/auth/token", data=other, headers=headers), 400, "invalid_request")
    twice = [*headers.items(), *headers.items()]
    assert_refused(await api.post("/auth/token", data=GRANT, headers=twice), 400, "invalid_request")
    query = {"client_secret": acme.secret}
    assert_refused(await api.post("/auth/token", params=query, data=in_body(acme)), 400, "invalid_request")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", b"grant_type=client_credentials"),
        ("", b"grant_type=client_credentials"),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("application/json", b"{"),
        ("application/json", b"[]"),
        ("application/json", b"null"),
        ("application/json", b'"grant_type"'),
        ("application/json", b'{"grant_type": ["client_credentials"]}'),
        ("application/json", b'{"grant_type": "client_credentials", "grant_type": "client_credentials"}'),
        ("application/json", b'{"grant_type": "\\ud800"}'),
        ("application/json", b'{"grant_type": "\\u0000"}'),
        ("application/json", b"[" * 15_000),
        ("application/json", b'{"a":' * 3_000),
        ("application/json", b"1" * 10_000),
        ("application/json", b"\xff\xfe"),
        (FORM, b"grant_type=client_credentials&grant_type=client_credentials"),
        (FORM, b"grant_type=%ff"),
        (FORM, b"grant_type=\xff"),
        (FORM, b"&".join(b"a=%d" % n for n in range(1000))),
        (FORM, b""),
    ],
)
async def test_a_malformed_body_is_an_invalid_request(api, acme, content_type: str, body: bytes):
    answer = await api.post(
        "/auth/token",
        content=body,
        headers=basic(acme.client_id, acme.secret) | {"Content-Type": content_type},
    )
    assert_refused(answer, 400, "invalid_request")


async def test_unknown_parameters_and_a_charset_are_ignored(api, acme):
    extended = json.dumps(in_body(acme) | {"audience": ["x"], "note": {"ä": 1}})
    answer = await api.post(
        "/auth/token", content=extended, headers={"Content-Type": "application/json; charset=utf-8"}
    )
    assert answer.status_code == 200
    assert (await api.post("/auth/token", data=in_body(acme) | {"note": "ä"})).status_code == 200


@pytest.mark.parametrize("size", [17_000, 3_000_000])
@pytest.mark.parametrize("announced", [True, False])
async def test_a_huge_body_is_refused_unread(api, size: int, announced: bool):
    taken = 0

    async def chunks():
        nonlocal taken
        for _ in range(0, size, 1000):
            taken += 1000
            yield b"x" * 1000

    headers = {"Content-Type": FORM} | ({"Content-Length": str(size)} if announced else {})
    answer = await api.post("/auth/token", content=chunks(), headers=headers)
    assert answer.status_code == 413
    assert taken <= 1_100_000


async def test_the_endpoint_is_for_post_only(api):
    answer = await api.get("/auth/token", params={"grant_type": "client_credentials"})
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


async def test_who_guesses_is_slowed_down_and_who_knows_is_not(api, acme):
    wrong = in_body(acme) | {"client_secret": "obl_sk_guess"}
    answers = [await api.post("/auth/token", data=wrong) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert_refused(answers[-1], 429, "invalid_client")
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert (await api.post("/auth/token", data=in_body(acme))).status_code == 200


async def test_a_secret_that_was_made_for_some_days_ends_by_itself(api, parts: HttpParts, acme, clock):
    made = await parts.directory.create(acme.id, "guest", secret_days=7)
    body = GRANT | {"client_id": made.client_id, "client_secret": made.client_secret}
    clock.advance(7 * 24 * 3600 - 1)
    assert (await api.post("/auth/token", data=body)).status_code == 200
    clock.advance(1)
    assert_refused(await api.post("/auth/token", data=body), 401, "invalid_client")


async def test_both_secrets_work_during_a_rotation_and_the_old_one_ends(api, parts: HttpParts, acme, clock):
    async def status(secret: str) -> int:
        return (await api.post("/auth/token", data=in_body(acme) | {"client_secret": secret})).status_code

    second = await parts.clients.rotate(acme.id, acme.client_id, 60)
    assert [await status(acme.secret), await status(second)] == [200, 200]
    clock.advance(61)
    assert [await status(acme.secret), await status(second)] == [401, 200]
    third = await parts.clients.rotate(acme.id, acme.client_id, 3600)
    fourth = await parts.clients.rotate(acme.id, acme.client_id, 3600)
    assert [await status(second), await status(third), await status(fourth)] == [401, 200, 200]


async def test_a_revoked_client_gets_nothing_and_its_tokens_end(api, parts: HttpParts, acme):
    assert (await api.get("/v1/tenants", headers=acme.headers)).status_code == 200
    await parts.clients.revoke(acme.id, acme.client_id)
    assert_refused(await api.post("/auth/token", data=in_body(acme)), 401, "invalid_client")
    answer = await api.get("/v1/tenants", headers=acme.headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


async def test_without_a_database_it_says_try_again(serve, make_parts: Callable[..., HttpParts], acme):
    away = Database("postgresql://nobody@127.0.0.1:1/none")
    answer = await serve(make_parts(away)).post("/auth/token", data=in_body(acme))
    assert_refused(answer, 503, "temporarily_unavailable")
    assert int(answer.headers["retry-after"]) > 0


KINDS = st.sampled_from([FORM, "application/json", "application/json; charset=utf-16", "x/y", "", "\x7f"])
BODIES = st.one_of(
    st.binary(max_size=300),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(st.sampled_from(["grant_type", "client_id", "client_secret", "scope", "x"]), inner),
        ),
    ).map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.sampled_from(["grant_type", "client_id", "client_secret", "scope"]), st.binary()).map(
        lambda form: b"&".join(name.encode() + b"=" + value for name, value in form.items())
    ),
)
HEADERS = st.one_of(st.none(), st.binary(max_size=40).map(lambda tail: b"Basic " + base64.b64encode(tail)))


@pytest.mark.parametrize("path", ["/auth/token", "/auth/introspect", "/auth/revoke"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=KINDS, body=BODIES, authorization=HEADERS)
async def test_garbage_never_breaks_it(api, path: str, kind: str, body: bytes, authorization: bytes | None):
    headers = {b"content-type": kind.encode()} | ({b"authorization": authorization} if authorization else {})
    answer = await api.post(path, content=body, headers=headers)
    assert answer.status_code in (400, 401, 413, 429), answer.text
    assert answer.json()["error"]


async def introspect(api, caller, token: str, secret: str | None = None) -> httpx.Response:
    return await api.post(
        "/auth/introspect", data={"token": token}, headers=basic(caller.client_id, secret or caller.secret)
    )


async def test_introspection_tells_whether_a_token_is_good(
    api, parts: HttpParts, acme, rival, clock, join: Callable[..., Awaitable]
):
    token = acme.headers["Authorization"].removeprefix("Bearer ")
    told = (await introspect(api, acme, token)).json()
    assert told["active"] is True
    assert (told["client_id"], told["scope"]) == (acme.client_id, "admin:read admin:write")
    assert told["tenant_id"] == str(acme.id)

    assert (await introspect(api, rival, token)).json() == {"active": False}
    assert (await introspect(api, acme, token + "x")).json() == {"active": False}
    assert_refused(await introspect(api, acme, token, "wrong"), 401, "invalid_client")
    assert_refused(await introspect(api, acme, ""), 400, "invalid_request")
    clock.advance(901)
    assert (await introspect(api, acme, token)).json() == {"active": False}


async def test_an_agent_may_introspect_its_own_tokens_only(api, parts: HttpParts, acme):
    client_id, secret = await parts.clients.create(acme.id, "small", ["agent"])
    own = (await parts.tokens.issue(client_id, acme.id, ["agent"])).access_token
    headers = basic(client_id, secret)
    foreign = acme.headers["Authorization"].removeprefix("Bearer ")
    assert (await api.post("/auth/introspect", data={"token": own}, headers=headers)).json()["active"]
    answer = await api.post("/auth/introspect", data={"token": foreign}, headers=headers)
    assert answer.json() == {"active": False}


async def test_introspection_knows_that_a_client_was_revoked(api, parts: HttpParts, acme):
    client_id, _ = await parts.clients.create(acme.id, "small", ["agent"])
    token = (await parts.tokens.issue(client_id, acme.id, ["agent"])).access_token
    assert (await introspect(api, acme, token)).json()["active"] is True
    await parts.clients.revoke(acme.id, client_id)
    assert (await introspect(api, acme, token)).json() == {"active": False}


async def test_metadata_and_keys_let_others_verify_our_tokens(api, acme):
    import jwt

    metadata = (await api.get("/.well-known/oauth-authorization-server")).json()
    assert metadata["issuer"] == "https://nexus.example"
    assert metadata["token_endpoint"] == "https://nexus.example/auth/token"
    assert metadata["grant_types_supported"] == [
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:token-exchange",
    ]
    path = metadata["jwks_uri"].removeprefix("https://nexus.example")
    keys = jwt.PyJWKSet.from_dict((await api.get(path)).json())
    token = acme.headers["Authorization"].removeprefix("Bearer ")
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["EdDSA"], audience="nexus", issuer=metadata["issuer"])
    assert claims["sub"] == acme.client_id
    assert all("d" not in key for key in (await api.get(path)).json()["keys"])
