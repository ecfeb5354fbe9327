"""Secrets at rest: encrypted for those we must read again, keyed hashes for those we only compare."""

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class SealError(Exception):
    """A sealed value cannot be opened: the secret key is another one than it was sealed with."""


class Sealer:
    """Seals JSON with keys derived from the installation's secret keys; the first one seals, all open.

    Fernet is AES-128-CBC with HMAC-SHA256 and versioned tokens (https://github.com/fernet/spec). Several
    keys allow a rotation without downtime.
    """

    def __init__(self, secret_keys: list[str]) -> None:
        if not secret_keys or not all(secret_keys):
            raise ValueError("at least one secret key is needed")
        ciphers = [Fernet(_derive(key, b"seal")) for key in secret_keys]
        self._first, self._fernet = ciphers[0], MultiFernet(ciphers)
        self._peppers = [_derive(key, b"pepper") for key in secret_keys]
        self.pepper = _derive(secret_keys[0], b"name of the pepper")[:12].decode()
        """The name of the pepper that `hash` takes; says nothing about the key."""

    def seal(self, value: dict[str, Any]) -> bytes:
        """Encrypts a JSON object."""
        return self._fernet.encrypt(json.dumps(value).encode())

    def open(self, sealed: bytes) -> dict[str, Any]:
        """Decrypts what `seal` made. Raises SealError under a foreign key."""
        try:
            return json.loads(self._fernet.decrypt(sealed))
        except InvalidToken as error:
            raise SealError("sealed with another secret key") from error

    def resealed(self, sealed: bytes) -> bytes | None:
        """The same value under the first key; None when it is already. Raises SealError under a foreign key."""
        try:
            self._first.decrypt(sealed)
        except InvalidToken:
            return self.seal(self.open(sealed))
        return None

    def hash(self, secret: str) -> bytes:
        """HMAC-SHA256 under the current pepper, 32 bytes. Only for secrets of high entropy."""
        return hmac.digest(self._peppers[0], secret.encode(), hashlib.sha256)

    def matches(self, secret: str, hashed: bytes) -> bool:
        """Whether `hashed` was made of `secret` under any live pepper, in constant time."""
        found = False
        for pepper in self._peppers:
            found |= hmac.compare_digest(hmac.digest(pepper, secret.encode(), hashlib.sha256), hashed)
        return found


def _derive(secret_key: str, purpose: bytes) -> bytes:
    """A 32-byte key for one purpose, RFC 5869."""
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret_key.encode())
    return base64.urlsafe_b64encode(derived)
