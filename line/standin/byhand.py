"""Rules by hand for the bodies of everything but messages; they hold also where LINE's contract is not at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from line.standin.schemas import Fault

Rule = Callable[[dict[str, Any]], Sequence[Fault]]
EMPTY = "May not be empty"
NESTING_LIMIT = 10
_RECIPIENTS = {"audience": ("audienceGroupId", int), "redelivery": ("requestId", str)}
_FILTERS = ("age", "appType", "area", "gender", "subscriptionPeriod")


def needs(**kinds: type) -> Rule:
    """Each of these properties is there, of this kind and not empty."""
    return lambda body: [Fault(EMPTY, name) for name, kind in kinds.items() if not _is(body.get(name), kind)]


def may_have(**kinds: type) -> Rule:
    """Each of these properties is of this kind where it is there."""
    return lambda body: [
        Fault(f"Must be of type {kind.__name__}", name)
        for name, kind in kinds.items()
        if name in body and not isinstance(body[name], kind)
    ]


def every(*rules: Rule) -> Rule:
    """All these rules; the later ones are asked only where the earlier hold nothing against the body."""

    def faults(body: dict[str, Any]) -> Sequence[Fault]:
        return next((found for rule in rules if (found := rule(body))), [])

    return faults


def within(name: str, rule: Rule) -> Rule:
    """The rule holds for the object in this property."""
    return lambda body: [Fault(f.message, f"{name}.{f.property}") for f in rule(body[name])]


def _is(value: object, kind: type) -> bool:
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind) and (value != "" or kind is not str)


def narrowcast_faults(body: dict[str, Any]) -> list[Fault]:
    """What holds against recipient, filter and limit of a narrowcast."""
    found = list(may_have(recipient=dict, filter=dict, limit=dict)(body))
    if found:
        return found
    if body.get("recipient"):
        found += _tree(body["recipient"], "recipient", _recipient_faults, 0)
    demographic = (body.get("filter") or {}).get("demographic")
    if demographic is not None:
        found += _tree(demographic, "filter.demographic", _filter_faults, 0)
    most = (body.get("limit") or {}).get("max")
    if most is not None and (not _is(most, int) or most < 1):
        found.append(Fault("Must be 1 or more", "limit.max"))
    return found


def _tree(node: object, path: str, leaf: Callable[[dict[str, Any], str], Iterator[Fault]], depth: int) -> list[Fault]:
    if not isinstance(node, dict) or depth > NESTING_LIMIT:
        return [Fault("Must be an object", path)]
    if node.get("type") != "operator":
        return list(leaf(node, path))
    parts: list[tuple[object, str]] = []
    for name in ("and", "or"):
        given = node.get(name, [])
        if not isinstance(given, list):
            return [Fault("Must be a list", f"{path}.{name}")]
        parts += [(part, f"{path}.{name}[{i}]") for i, part in enumerate(given)]
    if "not" in node:
        parts.append((node["not"], f"{path}.not"))
    if not parts:
        return [Fault(EMPTY, f"{path}.and")]
    return [fault for part, here in parts for fault in _tree(part, here, leaf, depth + 1)]


def _recipient_faults(node: dict[str, Any], path: str) -> Iterator[Fault]:
    needed = _RECIPIENTS.get(str(node.get("type")))
    if needed is None:
        yield Fault(f"Must be one of the following values: {['operator', *_RECIPIENTS]}", f"{path}.type")
    elif not _is(node.get(needed[0]), needed[1]):
        yield Fault(EMPTY, f"{path}.{needed[0]}")


def _filter_faults(node: dict[str, Any], path: str) -> Iterator[Fault]:
    kind = node.get("type")
    if kind not in _FILTERS:
        yield Fault(f"Must be one of the following values: {['operator', *_FILTERS]}", f"{path}.type")
    elif kind in {"age", "subscriptionPeriod"}:
        prefix = "age_" if kind == "age" else "day_"
        bounds = {name: node[name] for name in ("gte", "lt") if name in node}
        if not bounds:
            yield Fault(EMPTY, f"{path}.gte")
        for name, bound in bounds.items():
            if not isinstance(bound, str) or not bound.removeprefix(prefix).isdecimal():
                yield Fault(f"Must be {prefix} and a number", f"{path}.{name}")
    else:
        among = node.get("oneOf")
        if not isinstance(among, list) or not among or not all(isinstance(value, str) for value in among):
            yield Fault(EMPTY, f"{path}.oneOf")
