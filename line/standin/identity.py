"""Who a resident is on a LIFF page: ID tokens, their keys and verification, and what a user's access token opens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from line.standin import jwt
from line.standin.operations import Call, Operation, Reply, refusal
from line.standin.tokens import oauth_refusal

if TYPE_CHECKING:
    from line.standin.world import World

ISSUER = "https://access.line.me"
KID = "standin"


def _key(world: World) -> str:
    kept = world.store.things.get("setting", "id_token_key")
    if kept is None:
        kept = {"pem": jwt.new_signing_key()}
        world.store.things.put("setting", "id_token_key", kept)
    return str(kept["pem"])


def issue(world: World, user: Any, *, client_id: str, life_s: float, nonce: str | None) -> dict[str, Any]:
    """What LIFF gives a page on behalf of the user: an ID token and an access token of this channel."""
    now_s = int(world.platform.aged_s())
    claims = {
        "iss": ISSUER, "sub": user["user_id"], "aud": client_id, "exp": int(now_s + life_s), "iat": now_s,
        "amr": ["linesso"], "name": user["display_name"],
    }
    id_token = jwt.signed(claims | ({"nonce": nonce} if nonce else {}), _key(world), kid=KID)
    access = world.tokens.issue(
        "user", life_s=life_s, client_id=client_id, user_id=user["user_id"], scope="profile openid"
    )
    return {"id_token": id_token, **access}


def verify_id_token(world: World, call: Call) -> Reply:
    """The claims of a good ID token of this channel, for this nonce and user where they are given."""
    body = call.body
    for name in ("id_token", "client_id"):
        if not body.get(name):
            return oauth_refusal("invalid_request", f"{name} is missing")
    try:
        claims = jwt.claims_of_own(body["id_token"], _key(world))
    except jwt.BadTokenError:
        return oauth_refusal("invalid_request", "Invalid IdToken.")
    wrong = [
        (claims.get("iss") != ISSUER, "Invalid IdToken Issuer."),
        (claims.get("exp", 0) <= world.platform.aged_s(), "IdToken expired."),
        (claims.get("aud") != body["client_id"], "Invalid IdToken Audience."),
        ("nonce" in body and claims.get("nonce") != body["nonce"], "Invalid IdToken Nonce."),
        ("user_id" in body and claims.get("sub") != body["user_id"], "Invalid IdToken Subject Identifier."),
    ]
    for is_wrong, words in wrong:
        if is_wrong:
            return oauth_refusal("invalid_request", words)
    return Reply(200, claims)


def list_keys(world: World, _: Call) -> Reply:
    """The public keys by which ID tokens can be checked without asking."""
    return Reply(200, {"keys": [jwt.public_jwk(_key(world), kid=KID)]})


def show_openid_configuration(_: World, __: Call) -> Reply:
    """Where everything of OpenID Connect is found."""
    return Reply(
        200,
        {
            "issuer": ISSUER,
            "jwks_uri": "https://api.line.me/oauth2/v2.1/certs",
            "id_token_signing_alg_values_supported": ["ES256"],
            "subject_types_supported": ["pairwise"],
        },
    )


def _bearer(world: World, call: Call) -> dict[str, Any] | None:
    token = world.tokens.good(call.headers.get("authorization", "").removeprefix("Bearer "))
    return token if token is not None and token["version"] == "user" else None


def show_own_profile(world: World, call: Call) -> Reply:
    """The profile of whose access token it is."""
    token = _bearer(world, call)
    user = world.store.user(token["user_id"]) if token else None
    if user is None:
        return refusal(401, "invalid token")
    return Reply(200, {"userId": user["user_id"], "displayName": user["display_name"]})


def show_friendship(world: World, call: Call) -> Reply:
    """Whether they are a friend of the city's account."""
    token = _bearer(world, call)
    user = world.store.user(token["user_id"]) if token else None
    if user is None:
        return refusal(401, "invalid token")
    return Reply(200, {"friendFlag": user["state"] == "friend"})


# LINE Login is in none of the contract's files; these are as its own reference has them.
OPERATIONS = [
    Operation("POST", "/oauth2/v2.1/verify", "verifyIdToken", verify_id_token, takes="form", bears="nobody"),
    Operation("GET", "/oauth2/v2.1/certs", "getCerts", list_keys, bears="nobody"),
    Operation(
        "GET", "/.well-known/openid-configuration", "getOpenIdConfiguration", show_openid_configuration, bears="nobody"
    ),
    Operation("GET", "/v2/profile", "getOwnProfile", show_own_profile, bears="user"),
    Operation("GET", "/friendship/v1/status", "getFriendshipStatus", show_friendship, bears="user"),
]
