"""Who opened a LIFF page: LINE's own word about the raw ID token, never the page's."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from core import clock
from core.errors import SetupError
from core.settings import settings
from line import client
from line.errors import IdTokenError, LineUnavailableError

PATH = "/oauth2/v2.1/verify"
ISSUER = "https://access.line.me"
# The script by which a page inside LINE asks for the token; a city on the stand-in loads nothing.
SDK = "https://static.line-scdn.net/liff/edge/2/sdk.js"
# What that script, and the page with it, must be allowed to reach.
SDK_HOSTS = ("https://static.line-scdn.net", "https://api.line.me", "https://liffsdk.line-scdn.net")
PAGE = "https://liff.line.me/"
TOKEN_LIMIT = 6000
_USER = re.compile(r"U[0-9a-f]{32}")
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_REASONS = {"expired": "expired", "audience": "foreign", "nonce": "foreign"}


@dataclass(frozen=True)
class Person:
    """Who LINE says it is; `nonce` is the sign-in that made the token, where there was one. Real time."""

    line_user_id: str
    nonce: str | None
    expires_wall_at: datetime


def page_url() -> str:
    """The address that opens the residents' page inside LINE; on the stand-in the page itself."""
    line = settings().line
    return f"{PAGE}{line.liff_id}" if line.liff_id else f"{settings().residents_url}/liff"


def person_of(id_token: str) -> Person:
    """The person whom LINE names for this ID token, made for our channel and not expired.

    Raises IdTokenError with a `reason` (malformed, expired, foreign, forged), LineUnavailableError where LINE does not
    answer, SetupError where the city has no LINE Login channel.
    """
    channel_id = settings().line.login_channel_id
    if not channel_id:
        raise SetupError("LINE_LOGIN_CHANNEL_ID is not set: nobody can be recognised on a LIFF page.")
    # What cannot be right is refused here, so that nobody makes us ask LINE all day; what is right, only LINE knows.
    _check(_claims_of(id_token), channel_id)
    return _check(_ask_line(id_token, channel_id), channel_id)


def _claims_of(id_token: str) -> dict[str, Any]:
    if len(id_token) > TOKEN_LIMIT or not _SHAPE.fullmatch(id_token):
        raise IdTokenError("This is no ID token of LINE.", reason="malformed")
    body = id_token.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        raise IdTokenError("This is no ID token of LINE.", reason="malformed") from None
    if not isinstance(claims, dict):
        raise IdTokenError("This is no ID token of LINE.", reason="malformed")
    return claims


def _ask_line(id_token: str, channel_id: str) -> dict[str, Any]:
    response = client.post_form(PATH, {"id_token": id_token, "client_id": channel_id})
    body = _json_of(response)
    if response.status_code != 200:
        said = str(body.get("error_description", ""))[:200]
        reason = next((found for word, found in _REASONS.items() if word in said.lower()), "forged")
        raise IdTokenError(f"LINE does not vouch for this ID token: {said or response.status_code}", reason=reason)
    return body


def _json_of(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        raise LineUnavailableError("LINE's answer about the ID token cannot be read.") from None
    return body if isinstance(body, dict) else {}


def _check(claims: dict[str, Any], channel_id: str) -> Person:
    expires, user, nonce = claims.get("exp"), claims.get("sub"), claims.get("nonce")
    if claims.get("iss") != ISSUER or claims.get("aud") != channel_id:
        raise IdTokenError("The ID token was made for another channel.", reason="foreign")
    if isinstance(expires, bool) or not isinstance(expires, int) or not 0 < expires < 4_102_444_800:
        raise IdTokenError("The ID token does not say when it expires.", reason="malformed")
    if not isinstance(user, str) or not _USER.fullmatch(user):
        raise IdTokenError("The ID token names nobody.", reason="malformed")
    expires_wall_at = datetime.fromtimestamp(expires, tz=UTC)
    if expires_wall_at <= clock.wall_now():
        raise IdTokenError("The ID token has expired.", reason="expired")
    return Person(user, nonce if isinstance(nonce, str) and nonce else None, expires_wall_at)
