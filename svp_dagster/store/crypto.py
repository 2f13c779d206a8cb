"""Secrets at rest: Fernet with rotation for those that are needed again, a hash for those that are only compared."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from svp_dagster.errors import Code, failure
from svp_dagster.private_files import write_once

_HOW_TO_MAKE_ONE = "make one with `svp new-key` and set SVP_ENCRYPTION_KEYS"


class TokenCipher:
    """Encrypts with the first key and decrypts with any, so that keys can be rotated."""

    def __init__(self, keys: str) -> None:
        """`keys` are Fernet keys, comma-separated. Raises `misconfigured` for none or a malformed one."""
        parts = [key.strip() for key in keys.split(",") if key.strip()]
        try:
            self._fernet = MultiFernet([Fernet(key) for key in parts])
        except ValueError:
            # `from None`: the cause's message could quote the key.
            raise failure(
                Code.MISCONFIGURED,
                reason=f"SVP_ENCRYPTION_KEYS (or the key file made at the first start) holds no valid key; "
                f"{_HOW_TO_MAKE_ONE}",
            ) from None

    def encrypt(self, text: str) -> str:
        """Encrypt a text with the first key."""
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, token: str) -> str:
        """Decrypt a text. Raises `misconfigured` when no key fits."""
        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken:
            raise failure(
                Code.MISCONFIGURED,
                reason="a stored token can't be decrypted: SVP_ENCRYPTION_KEYS lacks the key that it was stored with",
            ) from None

    def rotate(self, token: str) -> str:
        """Encrypt the same text again with the first key."""
        try:
            return self._fernet.rotate(token.encode()).decode()
        except InvalidToken:
            raise failure(Code.MISCONFIGURED, reason="SVP_ENCRYPTION_KEYS lacks a key that is still in use") from None


def secret_hash(secret: str) -> str:
    """Return what is stored of a secret that a caller shows again.

    A plain hash is enough: each hashed value has 256 random bits, or is compared with one that has.
    """
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def new_key() -> str:
    """Return a fresh Fernet key."""
    return Fernet.generate_key().decode()


def local_secret(path: Path) -> str:
    """Return the secret in a file that only its owner can read. Create it on the first call."""
    return write_once(path, new_key)
