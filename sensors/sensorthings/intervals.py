"""Instants and periods beside each other in time (18-088, tables of filter operators and functions) as SQL.

A period is half-open: its end is no part of it, so two that touch do not overlap. An instant starts and ends at once.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from sensors.sensorthings.columns import Sql, Typed
from sensors.sensorthings.errors import QueryError
from sensors.sensorthings.model import Kind
from sensors.sensorthings.operands import moment


def end(operand: Typed) -> Sql:
    """Where the period ends; an instant where it is. Raises QueryError where it is neither."""
    start = moment(operand)
    return start if operand.end is None else sa.func.coalesce(operand.end, start)


def before(a: Typed, b: Typed) -> Sql:
    """The first is over when the second starts; a bound on the start is always said, because indexes hold it."""
    return sa.and_(moment(a) < moment(b), end(a) <= moment(b))


def not_later(a: Typed, b: Typed) -> Sql:
    """Neither the start nor the end of the first is later than that of the second."""
    return sa.and_(moment(a) <= moment(b), end(a) <= end(b))


def same(a: Typed, b: Typed) -> Sql:
    """Both start and end together."""
    return sa.and_(moment(a) == moment(b), end(a) == end(b))


def _after(a: Typed, b: Typed) -> Sql:
    return before(b, a)


def _meets(a: Typed, b: Typed) -> Sql:
    return sa.or_(end(a) == moment(b), moment(a) == end(b))


def _during(a: Typed, b: Typed) -> Sql:
    if b.kind is not Kind.PERIOD:
        raise QueryError("during asks for a period as its second argument; nothing is during an instant.")
    return sa.and_(moment(a) >= moment(b), moment(a) < end(b), end(a) <= end(b))


def _overlaps(a: Typed, b: Typed) -> Sql:
    starts_together = moment(a) == moment(b)
    return sa.or_(starts_together, sa.and_(moment(a) < end(b), moment(b) < end(a)))


def _starts(a: Typed, b: Typed) -> Sql:
    return moment(a) == moment(b)


def _finishes(a: Typed, b: Typed) -> Sql:
    return end(a) == end(b)


INTERVAL_FUNCTIONS: dict[str, Callable[[Typed, Typed], Sql]] = {
    "before": before, "after": _after, "meets": _meets, "during": _during, "overlaps": _overlaps, "starts": _starts,
    "finishes": _finishes,
}
