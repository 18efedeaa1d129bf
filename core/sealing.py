"""People's data at rest: sealed with AES-256-GCM, found again by a keyed hash."""

from __future__ import annotations

import functools
import hashlib
import hmac
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.settings import secret

_NONCE_BYTES = 12


@functools.cache
def _cipher() -> AESGCM:
    return AESGCM(bytes.fromhex(secret("people-data-key")))


@functools.cache
def _index_key() -> bytes:
    return bytes.fromhex(secret("people-index-key"))


def read_anew() -> None:
    """The next word is sealed with the keys of the data folder that is named then."""
    _cipher.cache_clear()
    _index_key.cache_clear()


def seal(text: str) -> bytes:
    """The text as nonce + ciphertext; the same text gives other bytes each time."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + _cipher().encrypt(nonce, text.encode(), None)


def unseal(sealed: bytes) -> str:
    """The text again. Raises cryptography's InvalidTag where the bytes were changed or sealed with another key."""
    return _cipher().decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None).decode()


def fingerprint(text: str) -> bytes:
    """32 bytes by which equal texts are found without being read (HMAC-SHA-256 under the installation's key)."""
    return hmac.new(_index_key(), text.encode(), hashlib.sha256).digest()
