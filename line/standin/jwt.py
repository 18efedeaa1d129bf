"""JSON Web Tokens as LINE signs and reads them: ES256 for ID tokens, RS256 for a channel's assertions."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

_HALF = 32


class BadTokenError(Exception):
    """The token is malformed or its signature is not good."""


def new_signing_key() -> str:
    """A fresh P-256 key as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _private(pem: str) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - only our own keys come here.
    return key


def public_jwk(pem: str, *, kid: str) -> dict[str, str]:
    """The public half of a signing key, as a key set lists it."""
    numbers = _private(pem).public_key().public_numbers()
    x, y = (_encoded(n.to_bytes(_HALF, "big")) for n in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid, "x": x, "y": y}


def signed(claims: Mapping[str, Any], pem: str, *, kid: str) -> str:
    """The claims as a token signed with ES256."""
    head = _encoded(json.dumps({"typ": "JWT", "alg": "ES256", "kid": kid}).encode())
    body = _encoded(json.dumps(claims, ensure_ascii=False).encode())
    whole = f"{head}.{body}"
    r, s = decode_dss_signature(_private(pem).sign(whole.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{whole}.{_encoded(r.to_bytes(_HALF, 'big') + s.to_bytes(_HALF, 'big'))}"


def header(token: str) -> dict[str, Any]:
    """The token's head, not yet believed. Raises BadTokenError."""
    return _parts(token)[0]


def claims_of_own(token: str, pem: str) -> dict[str, Any]:
    """The claims of a token that this key signed. Raises BadTokenError."""
    head, claims, whole, signature = _parts(token)
    if head.get("alg") != "ES256" or len(signature) != 2 * _HALF:
        raise BadTokenError
    r, s = (int.from_bytes(half, "big") for half in (signature[:_HALF], signature[_HALF:]))
    try:
        _private(pem).public_key().verify(encode_dss_signature(r, s), whole, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as exc:
        raise BadTokenError from exc
    return claims


def claims_of_assertion(token: str, jwk: Mapping[str, str]) -> dict[str, Any]:
    """The claims of an assertion signed with RS256 by the key whose public half is given. Raises BadTokenError."""
    head, claims, whole, signature = _parts(token)
    if head.get("alg") != "RS256":
        raise BadTokenError
    try:
        n, e = (int.from_bytes(_decoded(jwk[name]), "big") for name in ("n", "e"))
        key = rsa.RSAPublicNumbers(e, n).public_key()
        key.verify(signature, whole, padding.PKCS1v15(), hashes.SHA256())
    except (KeyError, ValueError, InvalidSignature) as exc:
        raise BadTokenError from exc
    return claims


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    pieces = token.split(".")
    if len(pieces) != 3:
        raise BadTokenError
    try:
        head, claims = (json.loads(_decoded(piece)) for piece in pieces[:2])
        signature = _decoded(pieces[2])
    except (ValueError, binascii.Error, RecursionError) as exc:
        raise BadTokenError from exc
    if not isinstance(head, dict) or not isinstance(claims, dict):
        raise BadTokenError
    return head, claims, f"{pieces[0]}.{pieces[1]}".encode(), signature


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
