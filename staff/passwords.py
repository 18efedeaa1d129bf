"""Passwords as Argon2id hashes (RFC 9106, second recommended option: 64 MiB, 3 passes, 4 lanes)."""

from __future__ import annotations

import functools

import argon2

_hasher = argon2.PasswordHasher.from_parameters(argon2.profiles.RFC_9106_LOW_MEMORY)


def hash_password(password: str) -> str:
    """The password as an encoded Argon2id hash with a salt of its own; takes about 50 ms and 64 MiB."""
    return _hasher.hash(password)


def is_password(password: str, *, password_hash: str | None) -> bool:
    """The password is the one that was hashed. Without a hash (unknown username) it takes as long, and is false."""
    try:
        _hasher.verify(_nobody() if password_hash is None else password_hash, password)
    except argon2.exceptions.VerificationError:
        return False
    return password_hash is not None


def is_hash_outdated(password_hash: str) -> bool:
    """The hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


@functools.cache
def _nobody() -> str:
    return _hasher.hash("no account has this password")
