"""Coupons and memberships of the account."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from line.standin import byhand
from line.standin.operations import Call, Operation, Reply, bad_query, refusal
from line.standin.schemas import Fault

if TYPE_CHECKING:
    from line.standin.world import World

NOT_FOUND = "Not found"


def coupon_faults(body: dict[str, Any]) -> list[Fault]:
    """A coupon ends after it begins."""
    begins, ends = body.get("startTimestamp"), body.get("endTimestamp")
    if isinstance(begins, int) and isinstance(ends, int) and ends <= begins:
        return [Fault("Must be after startTimestamp", "endTimestamp")]
    return []


def create_coupon(world: World, call: Call) -> Reply:
    """The coupon runs under a fresh id."""
    coupon_id = secrets.token_hex(16)
    made = {"couponId": coupon_id, "createdTimestamp": int(world.platform.aged_s()), "status": "RUNNING"}
    world.store.things.put("coupon", coupon_id, call.body | made)
    return Reply(200, {"couponId": coupon_id})


def list_coupons(world: World, call: Call) -> Reply:
    """Coupons, the newest first, a page at a time."""
    asked = {state for value in call.query.get("status", ()) for state in value.split(",")}
    coupons = [c for c in world.store.things.every("coupon")[::-1] if not asked or c["status"] in asked]
    limit, start = call.number("limit", 20, most=100), call.asked("start", "0")
    if not start.isdecimal():
        return bad_query("start")
    page = coupons[int(start) : int(start) + limit]
    more = {"next": str(int(start) + limit)} if len(coupons) > int(start) + limit else {}
    return Reply(200, {"items": [{"couponId": c["couponId"], "title": c["title"]} for c in page]} | more)


def show_coupon(world: World, call: Call) -> Reply:
    """One coupon."""
    found = world.store.things.get("coupon", call.path["couponId"])
    return refusal(404, NOT_FOUND) if found is None else Reply(200, _with_currency(found))


def _with_currency(coupon: dict[str, Any]) -> dict[str, Any]:
    reward = coupon.get("reward")
    price = reward.get("priceInfo") if reward else None
    if reward is None or not isinstance(price, dict) or price.get("type") == "percentage":
        return coupon
    currency = {"currency": "THB"}
    return coupon | {"reward": reward | {"priceInfo": price | currency}}


def close_coupon(world: World, call: Call) -> Reply:
    """The coupon cannot be got any more; 410 where it was closed before."""
    found = world.store.things.get("coupon", call.path["couponId"])
    if found is None:
        return refusal(404, NOT_FOUND)
    if found["status"] == "CLOSED":
        return refusal(410, "The coupon has already been closed")
    world.store.things.put("coupon", call.path["couponId"], found | {"status": "CLOSED"})
    return Reply(200, {})


def list_memberships(world: World, _: Call) -> Reply:
    """The plans; 404 where the account has none."""
    plans = world.store.things.every("membership")
    shown = [p | {"memberCount": world.store.things.size("membership", str(p["membershipId"]))} for p in plans]
    return Reply(200, {"memberships": shown}) if shown else refusal(404, NOT_FOUND)


def list_joined(world: World, call: Call) -> Reply:
    """Who has a plan, a page at a time."""
    plan = call.path["membershipId"]
    if world.store.things.get("membership", plan) is None:
        return refusal(404, NOT_FOUND)
    start, limit = call.asked("start"), call.number("limit", 300, most=1000)
    ids = [user_id for user_id in world.store.things.members("membership", plan) if user_id > start]
    page = ids[:limit]
    return Reply(200, {"userIds": page} | ({"next": page[-1]} if len(ids) > limit else {}))


def show_subscription(world: World, call: Call) -> Reply:
    """The plans of a user; 404 for whom LINE does not know."""
    user_id = call.path["userId"]
    if world.store.user(user_id) is None:
        return refusal(404, NOT_FOUND)
    plans = [
        p
        for p in world.store.things.every("membership")
        if world.store.things.is_member("membership", str(p["membershipId"]), user_id)
    ]
    return Reply(200, {"subscriptions": [_subscription(world, plan, user_id) for plan in plans]})


def _subscription(world: World, plan: dict[str, Any], user_id: str) -> dict[str, Any]:
    names = ("membershipId", "title", "description", "benefits", "price", "currency")
    number = world.store.things.members("membership", str(plan["membershipId"])).index(user_id) + 1
    user = {
        "membershipNo": number,
        "joinedTime": plan["opened_s"],
        "nextBillingDate": plan["next_billing_date"],
        "totalSubscriptionMonths": 1,
    }
    return {"membership": {name: plan[name] for name in names}, "user": user}


_COUPON = byhand.needs(
    acquisitionCondition=dict, title=str, startTimestamp=int, endTimestamp=int, maxUseCountPerTicket=int,
    visibility=str, timezone=str,
)
_REWARD = byhand.may_have(reward=dict)
_MEMBERSHIP = "/v2/bot/membership"
OPERATIONS = [
    Operation("GET", "/v2/bot/coupon", "listCoupon", list_coupons),
    Operation("POST", "/v2/bot/coupon", "createCoupon", create_coupon, takes="json",
              by_hand=byhand.every(_COUPON, _REWARD, coupon_faults)),
    Operation("GET", "/v2/bot/coupon/{couponId}", "getCouponDetail", show_coupon),
    Operation("PUT", "/v2/bot/coupon/{couponId}/close", "closeCoupon", close_coupon),
    Operation("GET", f"{_MEMBERSHIP}/list", "getMembershipList", list_memberships),
    Operation("GET", f"{_MEMBERSHIP}/subscription/{{userId}}", "getMembershipSubscription", show_subscription),
    Operation("GET", f"{_MEMBERSHIP}/{{membershipId}}/users/ids", "getJoinedMembershipUsers", list_joined),
]
