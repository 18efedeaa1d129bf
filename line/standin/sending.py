"""Addresses that send messages, judge them without sending, and tell what became of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from line.standin import checks, narrowing
from line.standin.clockwork import day_bounds_s, day_of, iso_of, month_began_s
from line.standin.operations import Call, Handler, Operation, Reply, bad_query, faulty, refusal
from line.standin.rates import PER_HOUR_60, PER_SECOND_200, PER_SECOND_2000
from line.standin.schemas import Fault

if TYPE_CHECKING:
    from line.standin.world import World

WAITING_S, SENDING_S = 1.0, 2.0  # A narrowcast's phases; LINE publishes no times.
NAMES_A_PAGE = 100
_BODY = dict[str, Any]


def _taker(kind: str) -> Handler:
    def take(world: World, call: Call) -> Reply:
        reply = world.platform.take(kind, call.body, retry_key=call.headers.get("x-line-retry-key"))
        if reply.delivered:
            world.show_accepted(kind, reply)
        return reply

    return take


def _by_hand(kind: str) -> Callable[[Any], list[Fault]]:
    return lambda body: checks.faults(kind, body)


def _valid(_: World, __: Call) -> Reply:
    return Reply(200, {})


def show_quota(world: World, _: Call) -> Reply:
    """The month's allowance."""
    limit = world.platform.quota_limit
    return Reply(200, {"type": "none"} if limit is None else {"type": "limited", "value": limit})


def show_consumption(world: World, _: Call) -> Reply:
    """How much of it is used."""
    return Reply(200, {"totalUsage": world.platform.used_of_quota()})


def show_progress(world: World, call: Call) -> Reply:
    """Where a narrowcast stands."""
    found = world.store.things.get("narrowcast", call.asked("requestId"))
    if found is None:
        return refusal(404, "Not found")
    age_s = world.platform.aged_s() - found["accepted_s"]
    body: _BODY = {"acceptedTime": iso_of(found["accepted_s"])}
    if age_s < WAITING_S:
        return Reply(200, body | {"phase": "waiting"})
    error = found["error"]
    if age_s < SENDING_S and error is None:
        return Reply(200, body | {"phase": "sending", "targetCount": found["target"]})
    body["completedTime"] = iso_of(found["accepted_s"] + SENDING_S)
    if error is not None:
        return Reply(200, body | {"phase": "failed", "errorCode": error, "failedDescription": narrowing.ERRORS[error]})
    counts = {"successCount": found["sent"], "failureCount": 0, "targetCount": found["target"]}
    return Reply(200, body | {"phase": "succeeded"} | counts)


def _counter(kind: str) -> Handler:
    def count(world: World, call: Call) -> Reply:
        day = call.asked("date")
        try:
            since_s, until_s = day_bounds_s(day)
        except ValueError:
            return bad_query("date")
        if day >= day_of(world.platform.aged_s()):
            return Reply(200, {"status": "unready"})
        found = world.store.figures.delivered_by_kind(since_s=since_s, until_s=until_s)
        return Reply(200, {"status": "ready", "success": found.get(kind, 0)})

    return count


def _units(world: World) -> list[str]:
    return world.store.figures.units(since_s=month_began_s(world.platform.aged_s()))


def count_units(world: World, _: Call) -> Reply:
    """How many aggregation units this month's messages bore."""
    return Reply(200, {"numOfCustomAggregationUnits": len(_units(world))})


def list_units(world: World, call: Call) -> Reply:
    """Their names, a page at a time."""
    limit = call.number("limit", NAMES_A_PAGE, most=NAMES_A_PAGE)
    start = call.asked("start")
    names = [name for name in _units(world) if name > start]
    page = names[:limit]
    more = {"next": page[-1]} if len(names) > len(page) else {}
    return Reply(200, {"customAggregationUnits": page} | more)


def push_by_phone(world: World, call: Call) -> Reply:
    """A notification message to whoever has registered this phone number; 422 where nobody has."""
    users = world.store.things.members("phone", call.body["to"])
    tag = call.headers.get("x-line-delivery-tag")
    if tag is not None and not 16 <= len(tag) <= 100:
        return faulty(Fault("Length must be between 16 and 100", "X-Line-Delivery-Tag"))
    user = world.store.user(users[0]) if users else None
    if user is None:
        return refusal(422, "Failed to send messages")
    # It reaches those who are no friends, but not who blocked the account, and LINE does not say which.
    if user["state"] == "blocked":
        return Reply(200, {})
    return world.deliver_by_phone(call.body, user, tag=tag)


OPERATIONS = [
    *(
        Operation(
            "POST", f"/v2/bot/message/{kind}", name, _taker(kind), rate, takes="json",
            takes_retry_key=kind != "reply", by_hand=_by_hand(kind),
        )
        for kind, name, rate in (
            ("multicast", "multicast", PER_SECOND_200),
            ("push", "pushMessage", PER_SECOND_2000),
            ("reply", "replyMessage", PER_SECOND_2000),
            ("narrowcast", "narrowcast", PER_HOUR_60),
            ("broadcast", "broadcast", PER_HOUR_60),
        )
    ),
    *(
        Operation(
            "POST", f"/v2/bot/message/validate/{kind}", f"validate{kind.title()}", _valid, takes="json",
            by_hand=_by_hand("validate"),
        )
        for kind in ("reply", "push", "multicast", "narrowcast", "broadcast")
    ),
    *(
        Operation("GET", f"/v2/bot/message/delivery/{kind}", name, _counter(kind))
        for kind, name in (
            ("reply", "getNumberOfSentReplyMessages"),
            ("push", "getNumberOfSentPushMessages"),
            ("multicast", "getNumberOfSentMulticastMessages"),
            ("broadcast", "getNumberOfSentBroadcastMessages"),
            ("pnp", "getPNPMessageStatistics"),
        )
    ),
    Operation("GET", "/v2/bot/message/quota", "getMessageQuota", show_quota),
    Operation("GET", "/v2/bot/message/quota/consumption", "getMessageQuotaConsumption", show_consumption),
    Operation("GET", "/v2/bot/message/progress/narrowcast", "getNarrowcastProgress", show_progress),
    Operation("GET", "/v2/bot/message/aggregation/info", "getAggregationUnitUsage", count_units),
    Operation("GET", "/v2/bot/message/aggregation/list", "getAggregationUnitNameList", list_units),
    Operation("POST", "/bot/pnp/push", "pushMessagesByPhone", push_by_phone, takes="json", by_hand=_by_hand("pnp")),
]
