"""Whom a narrowcast reaches: audiences, earlier requests, what LINE knows of people, and the limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from line.standin.store import Store

LEAST_RECIPIENTS = 50
DAY_S = 86_400.0
ERRORS = {
    2: "An error occurred because there weren't enough recipients.",
    4: "An audience of less than 50 recipients is included as a condition of sending.",
    5: "Message delivery has been canceled to prevent messages from being delivered only to a subset of the target"
    " audience.",
}


@dataclass(frozen=True)
class Choice:
    """Those who get it; `target` is how many were meant, `error` LINE's number for why nobody gets it."""

    to: list[str]
    target: int
    error: int | None = None
    is_over_quota: bool = False


def choose(store: Store, body: Mapping[str, Any], *, now_s: float, left_of_quota: int | None) -> Choice:
    """The friends that recipient, filter and limit of a narrowcast leave."""
    everybody = store.all_friends()
    recipient, demographic = body.get("recipient"), (body.get("filter") or {}).get("demographic")
    chosen = set(everybody)
    if recipient:
        if any(size < LEAST_RECIPIENTS for size in _audience_sizes(store, recipient)):
            return Choice([], 0, error=4)
        chosen &= _combined(recipient, lambda node: _recipients(store, node), chosen)
    if demographic:
        traits = store.traits()
        chosen &= _combined(demographic, lambda node: _fitting(node, traits, now_s), chosen)
    to = [user_id for user_id in everybody if user_id in chosen]
    if (recipient or demographic) and len(to) < LEAST_RECIPIENTS:
        return Choice([], len(to), error=2)
    return _limited(to, body.get("limit") or {}, left_of_quota)


def _limited(to: list[str], limit: Mapping[str, Any], left: int | None) -> Choice:
    target = len(to)
    to = to[: limit.get("max", target)]
    if left is None or len(to) <= left:
        return Choice(to, target)
    if limit.get("forbidPartialDelivery"):
        return Choice([], target, error=5)
    if limit.get("upToRemainingQuota"):
        return Choice(to[:left], target)
    return Choice([], target, is_over_quota=True)


def _combined(node: Mapping[str, Any], leaf: Callable[[Mapping[str, Any]], set[str]], everybody: set[str]) -> set[str]:
    if node["type"] != "operator":
        return leaf(node)
    found = set(everybody)
    for part in node.get("and", ()):
        found &= _combined(part, leaf, everybody)
    if node.get("or"):
        found &= set().union(*(_combined(part, leaf, everybody) for part in node["or"]))
    if node.get("not"):
        found -= _combined(node["not"], leaf, everybody)
    return found


def _audience_sizes(store: Store, node: Mapping[str, Any]) -> list[int]:
    if node["type"] == "audience":
        return [store.things.size("audience", str(node.get("audienceGroupId")))]
    parts = [*node.get("and", ()), *node.get("or", ()), *([node["not"]] if node.get("not") else [])]
    return [size for part in parts for size in _audience_sizes(store, part)]


def _recipients(store: Store, node: Mapping[str, Any]) -> set[str]:
    if node["type"] == "audience":
        return set(store.things.members("audience", str(node.get("audienceGroupId"))))
    earlier = store.figures.request(str(node.get("requestId")))
    return set() if earlier is None else set(store.figures.receivers([earlier["no"]]))


def _fitting(node: Mapping[str, Any], traits: Mapping[str, tuple[dict[str, str], float]], now_s: float) -> set[str]:
    kind = node["type"]
    if kind == "subscriptionPeriod":
        least, most = _days(node.get("gte"), 0.0), _days(node.get("lt"), 1e9)
        return {u for u, (_, since_s) in traits.items() if least <= (now_s - since_s) / DAY_S < most}
    if kind == "age":
        least, most = node.get("gte", ""), node.get("lt", "~")
        return {u for u, (known, _) in traits.items() if "age" in known and least <= known["age"] < most}
    return {u for u, (known, _) in traits.items() if known.get(kind) in set(node.get("oneOf", ()))}


def _days(period: str | None, otherwise: float) -> float:
    return otherwise if period is None else float(period.removeprefix("day_"))
