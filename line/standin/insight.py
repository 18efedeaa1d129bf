"""Figures about friends, messages and menus, as LINE shows them: by day, and hidden where few people are behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from line.standin.clockwork import LINE_ZONE, day_bounds_s, day_of
from line.standin.operations import Call, Operation, Reply, bad_query, refusal
from line.standin.rates import PER_HOUR_60

if TYPE_CHECKING:
    from line.standin.world import World

LEAST_PEOPLE = 20
LONGEST_DAYS, LONGEST_UNIT_DAYS = 396, 30
MEDIA = (
    "mediaPlayed", "mediaPlayed25Percent", "mediaPlayed50Percent", "mediaPlayed75Percent", "mediaPlayed100Percent",
    "uniqueMediaPlayed", "uniqueMediaPlayed25Percent", "uniqueMediaPlayed50Percent", "uniqueMediaPlayed75Percent",
    "uniqueMediaPlayed100Percent",
)
_AGES = {
    "age_15": "from15to19", "age_20": "from20to24", "age_25": "from25to29", "age_30": "from30to34",
    "age_35": "from35to39", "age_40": "from40to44", "age_45": "from45to49", "age_50": "from50to54",
    "age_55": "from55to59", "age_60": "from60to64", "age_65": "from65to69", "age_70": "from70",
}
_PERIODS = (
    (7, "within7days"), (30, "within30days"), (90, "within90days"), (180, "within180days"), (365, "within365days"),
)


def _shown(number: int) -> int | None:
    return number if number >= LEAST_PEOPLE else None


def show_followers(world: World, call: Call) -> Reply:
    """Friends, those reachable and those who blocked, at the end of a day."""
    today = day_of(world.platform.aged_s())
    day = call.asked("date") or day_of(world.platform.aged_s() - 86_400)
    try:
        _, until_s = day_bounds_s(day)
    except ValueError:
        return bad_query("date")
    if day >= today:
        return Reply(200, {"status": "unready"})
    followers, blocks = world.store.figures.followers(until_s=until_s)
    reaches = {"followers": followers, "targetedReaches": followers - blocks, "blocks": blocks}
    return Reply(200, {"status": "ready"} | reaches)


def show_deliveries(world: World, call: Call) -> Reply:
    """How many messages of each kind were delivered on a day."""
    day = call.asked("date")
    try:
        since_s, until_s = day_bounds_s(day)
    except ValueError:
        return bad_query("date")
    if day >= day_of(world.platform.aged_s()):
        return Reply(200, {"status": "unready"})
    found = world.store.figures.delivered_by_kind(since_s=since_s, until_s=until_s)
    counts = {f"api{kind.title()}": n for kind, n in found.items() if kind != "pnp"}
    return Reply(200, {"status": "ready"} | counts)


def show_demographics(world: World, _: Call) -> Reply:
    """Shares of the friends by what LINE would know of them; not available for few."""
    traits = world.store.traits()
    if len(traits) < LEAST_PEOPLE:
        return Reply(200, {"available": False})
    now_s = world.platform.aged_s()
    known = [found for found, _ in traits.values()]
    periods = [_period((now_s - since_s) / 86_400) for _, since_s in traits.values()]
    return Reply(
        200,
        {
            "available": True,
            "genders": _tiles("gender", [t.get("gender", "unknown") for t in known]),
            "ages": _tiles("age", [_AGES.get(t.get("age", ""), "unknown") for t in known]),
            "areas": _tiles("area", [t.get("area", "unknown") for t in known]),
            "appTypes": _tiles("appType", [t.get("appType", "others") for t in known]),
            "subscriptionPeriods": _tiles("subscriptionPeriod", periods),
        },
    )


def _period(days: float) -> str:
    return next((name for most, name in _PERIODS if days <= most), "over365days")


def _tiles(name: str, values: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {name: value, "percentage": round(100 * count / len(values), 1)}
        for value, count in Counter(values).most_common()
    ]


def show_message_event(world: World, call: Call) -> Reply:
    """Who saw and tapped what a request brought."""
    request = world.store.figures.request(call.asked("requestId"))
    if request is None or request["kind"] not in {"broadcast", "narrowcast"}:
        return refusal(404, "Not found")
    readers = len(world.store.figures.readers([request["no"]]))
    taps = world.store.figures.taps(request["request_id"])
    overview = {
        "requestId": request["request_id"],
        "timestamp": int(request["aged_s"]),
        "delivered": request["delivered"],
        "uniqueImpression": _shown(readers),
        "uniqueClick": _shown(len({user for _, user, _ in taps})),
        "uniqueMediaPlayed": None,
        "uniqueMediaPlayed100Percent": None,
    }
    message = {"seq": 1, "impression": _shown(readers)} | dict.fromkeys(MEDIA)
    return Reply(200, {"overview": overview, "messages": [message], "clicks": _clicks(taps)})


def _clicks(taps: Sequence[tuple[str, int, float]]) -> list[dict[str, Any]]:
    found = []
    for url in sorted({part for part, _, _ in taps}):
        people = {user for part, user, _ in taps if part == url}
        count = sum(part == url for part, _, _ in taps)
        unique = _shown(len(people))
        found.append(
            {
                "seq": 1, "url": url, "click": None if unique is None else count, "uniqueClick": unique,
                "uniqueClickOfRequest": unique,
            }
        )
    return found


def show_unit(world: World, call: Call) -> Reply:
    """Who saw and tapped the messages of an aggregation unit."""
    span = _span(call, longest_days=LONGEST_UNIT_DAYS)
    if isinstance(span, Reply):
        return span
    figures = world.store.figures
    requests = figures.requests_of_unit(call.asked("customAggregationUnit"), since_s=span[0], until_s=span[1])
    readers = len(figures.readers([request["no"] for request in requests]))
    taps = [tap for request in requests for tap in figures.taps(request["request_id"])]
    overview = {
        "uniqueImpression": _shown(readers),
        "uniqueClick": _shown(len({user for _, user, _ in taps})),
        "uniqueMediaPlayed": None,
        "uniqueMediaPlayed100Percent": None,
    }
    message = {"seq": 1, "impression": _shown(readers), "uniqueImpression": _shown(readers)} | dict.fromkeys(MEDIA)
    return Reply(200, {"overview": overview, "messages": [message] if requests else [], "clicks": _clicks(taps)})


def _span(call: Call, *, longest_days: int) -> tuple[float, float] | Reply:
    bounds = []
    for name in ("from", "to"):
        try:
            bounds.append(day_bounds_s(call.asked(name)))
        except ValueError:
            return bad_query(name)
    since_s, until_s = bounds[0][0], bounds[1][1]
    if not since_s < until_s <= since_s + (longest_days + 1) * 86_400:
        return bad_query("to")
    return since_s, until_s


def _menu_taps(world: World, call: Call) -> tuple[dict[str, Any], list[tuple[str, int, float]]] | Reply:
    menu = world.store.things.get("menu", call.path["richMenuId"])
    if menu is None:
        return refusal(404, "Not found")
    span = _span(call, longest_days=LONGEST_DAYS)
    if isinstance(span, Reply):
        return span
    return menu, world.store.figures.taps(call.path["richMenuId"], since_s=span[0], until_s=span[1])


def _is_hidden(taps: Sequence[tuple[str, int, float]]) -> bool:
    return len({user for part, user, _ in taps if part != "seen"}) < LEAST_PEOPLE


def _metrics(taps: Sequence[tuple[str, int, float]], part: str) -> dict[str, int]:
    people = [user for tapped, user, _ in taps if tapped == part]
    return {"count": len(people), "uniqueUsers": len(set(people))}


def show_menu_summary(world: World, call: Call) -> Reply:
    """How often a menu was seen and each of its areas tapped; only its id where few tapped."""
    found = _menu_taps(world, call)
    if isinstance(found, Reply):
        return found
    menu, taps = found
    body: dict[str, Any] = {"richMenuId": menu["richMenuId"]}
    if _is_hidden(taps):
        return Reply(200, body)
    clicks = [
        {"bounds": area["bounds"], "metrics": _metrics(taps, str(i))} for i, area in enumerate(menu["areas"])
    ]
    return Reply(
        200,
        body
        | {"metricsFrom": call.asked("from"), "metricsTo": call.asked("to")}
        | {"impression": {"metrics": _metrics(taps, "seen")}, "clicks": clicks},
    )


def show_menu_daily(world: World, call: Call) -> Reply:
    """The same day by day."""
    found = _menu_taps(world, call)
    if isinstance(found, Reply):
        return found
    menu, taps = found
    body: dict[str, Any] = {"richMenuId": menu["richMenuId"]}
    if _is_hidden(taps):
        return Reply(200, body)
    days = _days(call.asked("from"), call.asked("to"))

    def daily(part: str) -> list[dict[str, Any]]:
        return [{"date": day} | _metrics([tap for tap in taps if day_of(tap[2]) == day], part) for day in days]

    clicks = [{"bounds": area["bounds"], "metrics": daily(str(i))} for i, area in enumerate(menu["areas"])]
    return Reply(
        200,
        body
        | {"metricsFrom": days[0], "metricsTo": days[-1]}
        | {"impression": {"metrics": daily("seen")}, "clicks": clicks},
    )


def _days(first: str, last: str) -> list[str]:
    begin = datetime.fromtimestamp(day_bounds_s(first)[0], LINE_ZONE)
    end = datetime.fromtimestamp(day_bounds_s(last)[0], LINE_ZONE)
    return [(begin + timedelta(days=n)).strftime("%Y%m%d") for n in range((end - begin).days + 1)]


_PATH = "/v2/bot/insight"
OPERATIONS = [
    Operation("GET", f"{_PATH}/demographic", "getFriendsDemographics", show_demographics, PER_HOUR_60),
    Operation("GET", f"{_PATH}/message/delivery", "getNumberOfMessageDeliveries", show_deliveries, PER_HOUR_60),
    Operation("GET", f"{_PATH}/followers", "getNumberOfFollowers", show_followers, PER_HOUR_60),
    Operation("GET", f"{_PATH}/message/event", "getMessageEvent", show_message_event, PER_HOUR_60),
    Operation("GET", f"{_PATH}/message/event/aggregation", "getStatisticsPerUnit", show_unit, PER_HOUR_60),
    Operation(
        "GET", f"{_PATH}/richmenu/{{richMenuId}}/summary", "getRichMenuInsightSummary", show_menu_summary, PER_HOUR_60
    ),
    Operation("GET", f"{_PATH}/richmenu/{{richMenuId}}/daily", "getRichMenuInsightDaily", show_menu_daily, PER_HOUR_60),
]
