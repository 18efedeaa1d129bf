"""Channel access tokens: short-lived (v2), by a signed assertion (v2.1), stateless (v3); issue, verify, revoke."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from line.standin import byhand, jwt
from line.standin.clockwork import Clock
from line.standin.operations import Call, Operation, Reply
from line.standin.rates import PER_SECOND_370
from line.standin.schemas import Fault
from line.standin.things import Things

if TYPE_CHECKING:
    from line.standin.world import World

SHORT_LIFE_S = 30 * 86_400
STATELESS_LIFE_S = 900
LONGEST_LIFE_S = 30 * 86_400
LONGEST_ASSERTION_S = 1800
MOST_AT_ONCE = 30
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
AUDIENCE = "https://api.line.me/"


class Tokens:
    """The tokens that the stand-in has issued, beside the channel's long-lived one."""

    def __init__(self, things: Things, clock: Clock) -> None:
        """Kept in `things`, aged by the stand-in's clock."""
        self._things = things
        self._clock = clock

    def issue(self, version: str, *, life_s: float, **more: Any) -> dict[str, Any]:
        """A fresh token that is good for so long, as LINE answers it."""
        token = secrets.token_urlsafe(96)
        until_s = self._clock.now_s() + life_s
        self._things.put("token", token, {"version": version, "until_s": until_s, "token": token, **more})
        return {"access_token": token, "expires_in": int(life_s), "token_type": "Bearer"}

    def good(self, token: str) -> dict[str, Any] | None:
        """The token's document while it is good."""
        found = self._things.get("token", token) if token else None
        return found if found is not None and found["until_s"] > self._clock.now_s() else None

    def is_good(self, token: str) -> bool:
        """The token is a channel's, was issued here, and neither expired nor revoked."""
        found = self.good(token)
        return found is not None and found["version"] != "user"

    def every_good(self, version: str) -> list[dict[str, Any]]:
        """All good tokens of a version."""
        now_s = self._clock.now_s()
        return [t for t in self._things.every("token") if t["version"] == version and t["until_s"] > now_s]

    def revoke(self, token: str) -> None:
        """The token is good for nothing."""
        self._things.remove("token", token)

    def left_s(self, found: dict[str, Any]) -> int:
        """How many seconds a token is still good."""
        return int(found["until_s"] - self._clock.now_s())


def oauth_refusal(error: str, description: str) -> Reply:
    """400 in the shape of LINE's token endpoints."""
    return Reply(400, {"error": error, "error_description": description})


def _is_channel(world: World, body: dict[str, str]) -> bool:
    is_id = hmac.compare_digest(body["client_id"].encode(), world.channel.channel_id.encode())
    return is_id & hmac.compare_digest(body["client_secret"].encode(), world.channel.secret.encode())


def issue_short_lived(world: World, call: Call) -> Reply:
    """v2: a token for 30 days."""
    if call.body["grant_type"] != "client_credentials":
        return oauth_refusal("unsupported_grant_type", "grant_type must be client_credentials")
    if not _is_channel(world, call.body):
        return oauth_refusal("invalid_client", "invalid client_id or client_secret")
    return Reply(200, world.tokens.issue("v2", life_s=SHORT_LIFE_S))


def _assertion(world: World, kind: str, assertion: str) -> dict[str, Any] | Reply:
    """The assertion's claims, or why it is refused."""
    if kind != ASSERTION_TYPE:
        return oauth_refusal("invalid_request", "client_assertion_type is invalid")
    refused = oauth_refusal("invalid_client", "Invalid client_assertion")
    try:
        kid = str(jwt.header(assertion).get("kid"))
        jwk = world.store.things.get("assertion_key", kid)
        if jwk is None:
            return refused
        claims = jwt.claims_of_assertion(assertion, jwk)
    except jwt.BadTokenError:
        return refused
    now_s = world.platform.aged_s()
    expires = claims.get("exp")
    is_ours = claims.get("iss") == claims.get("sub") == world.channel.channel_id and claims.get("aud") == AUDIENCE
    if not is_ours or not isinstance(expires, int | float) or not now_s < expires <= now_s + LONGEST_ASSERTION_S + 60:
        return refused
    return claims


def issue_by_assertion(world: World, call: Call) -> Reply:
    """v2.1: a token with a key id, for as long as the assertion asks."""
    claims = _assertion(world, call.body["client_assertion_type"], call.body["client_assertion"])
    if isinstance(claims, Reply):
        return claims
    life_s = claims.get("token_exp")
    if isinstance(life_s, bool) or not isinstance(life_s, int) or not 0 < life_s <= LONGEST_LIFE_S:
        return oauth_refusal("invalid_request", "token_exp is invalid")
    if len(world.tokens.every_good("v2.1")) >= MOST_AT_ONCE:
        return oauth_refusal("invalid_request", "The number of valid channel access tokens has exceeded the limit")
    kid = secrets.token_urlsafe(16)
    return Reply(200, world.tokens.issue("v2.1", life_s=life_s, kid=kid) | {"key_id": kid})


def issue_stateless(world: World, call: Call) -> Reply:
    """v3: a token for 15 minutes that cannot be revoked, by assertion or by secret."""
    if "client_assertion" in call.body:
        claims = _assertion(world, call.body["client_assertion_type"], call.body["client_assertion"])
        if isinstance(claims, Reply):
            return claims
    elif not _is_channel(world, call.body):
        return oauth_refusal("invalid_client", "invalid client_id or client_secret")
    return Reply(200, world.tokens.issue("v3", life_s=STATELESS_LIFE_S))


def list_key_ids(world: World, call: Call) -> Reply:
    """The key ids of all good v2.1 tokens."""
    claims = _assertion(world, call.asked("client_assertion_type"), call.asked("client_assertion"))
    if isinstance(claims, Reply):
        return claims
    return Reply(200, {"kids": [token["kid"] for token in world.tokens.every_good("v2.1")]})


def verify(world: World, call: Call) -> Reply:
    """Whose token it is and how long it is good; a user's (LIFF) tells its own channel and scope."""
    token = call.body["access_token"] if call.body else call.asked("access_token")
    found = world.tokens.good(token)
    if found is None:
        return oauth_refusal("invalid_request", "access token expired")
    answer = {"client_id": found.get("client_id", world.channel.channel_id), "expires_in": world.tokens.left_s(found)}
    return Reply(200, answer | ({"scope": found["scope"]} if "scope" in found else {}))


def revoke_short_lived(world: World, call: Call) -> Reply:
    """The token is good for nothing; no error where it never was."""
    world.tokens.revoke(call.body["access_token"])
    return Reply(200, {})


def revoke_by_secret(world: World, call: Call) -> Reply:
    """As before, asked by whoever knows the channel's secret."""
    if not _is_channel(world, call.body):
        return oauth_refusal("invalid_client", "invalid client_id or client_secret")
    found = world.tokens.good(call.body["access_token"])
    if found is not None and found["version"] != "v3":
        world.tokens.revoke(call.body["access_token"])
    return Reply(200, {})


def _stateless_faults(body: dict[str, str]) -> Sequence[Fault]:
    if "client_assertion" in body:
        return byhand.needs(grant_type=str, client_assertion_type=str)(body)
    return byhand.needs(grant_type=str, client_id=str, client_secret=str)(body)


OPERATIONS = [
    Operation("POST", "/v2/oauth/accessToken", "issueChannelToken", issue_short_lived, takes="form", bears="nobody",
              by_hand=byhand.needs(grant_type=str, client_id=str, client_secret=str)),
    Operation("POST", "/v2/oauth/verify", "verifyChannelToken", verify, takes="form", bears="nobody",
              by_hand=byhand.needs(access_token=str)),
    Operation("POST", "/v2/oauth/revoke", "revokeChannelToken", revoke_short_lived, takes="form", bears="nobody",
              by_hand=byhand.needs(access_token=str)),
    Operation(
        "POST", "/oauth2/v2.1/token", "issueChannelTokenByJWT", issue_by_assertion, takes="form", bears="nobody",
        by_hand=byhand.needs(grant_type=str, client_assertion_type=str, client_assertion=str),
    ),
    Operation("GET", "/oauth2/v2.1/verify", "verifyChannelTokenByJWT", verify, bears="nobody"),
    Operation("GET", "/oauth2/v2.1/tokens/kid", "getsAllValidChannelAccessTokenKeyIds", list_key_ids, bears="nobody"),
    Operation(
        "POST", "/oauth2/v2.1/revoke", "revokeChannelTokenByJWT", revoke_by_secret, takes="form", bears="nobody",
        by_hand=byhand.needs(client_id=str, client_secret=str, access_token=str),
    ),
    Operation(
        "POST", "/oauth2/v3/token", "issueStatelessChannelToken", issue_stateless, PER_SECOND_370, takes="form",
        bears="nobody", by_hand=_stateless_faults,
    ),
]
