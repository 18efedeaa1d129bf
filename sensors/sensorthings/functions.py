"""The functions of filters (18-088, clause 9.3.3.5) as SQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from sensors.sensorthings.columns import Sql, Typed
from sensors.sensorthings.errors import QueryError
from sensors.sensorthings.intervals import INTERVAL_FUNCTIONS
from sensors.sensorthings.model import Kind
from sensors.sensorthings.operands import moment, number, shape, text

_AT = sa.DateTime(timezone=True)
_EARLIEST, _LATEST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


def _texts(made: Callable[..., Sql], kind: Kind) -> Callable[..., Typed]:
    return lambda *operands: Typed(kind, made(*(text(operand) for operand in operands)))


def _numbers(made: Callable[..., Sql]) -> Callable[..., Typed]:
    return lambda operand: Typed(Kind.NUMBER, made(sa.cast(number(operand), sa.Double)))


def _has(whole: Sql, part: Sql) -> Sql:
    return sa.func.strpos(whole, part) > 0


def _ends(whole: Sql, part: Sql) -> Sql:
    return sa.func.right(whole, sa.func.length(part)) == part


def _starts(whole: Sql, part: Sql) -> Sql:
    return sa.func.starts_with(whole, part, type_=sa.Boolean)


def _substring(whole: Typed, start: Typed, length: Typed | None = None) -> Typed:
    first = sa.cast(sa.func.greatest(number(start), 0), sa.Integer) + 1
    if length is None:
        return Typed(Kind.TEXT, sa.func.substr(text(whole), first, type_=sa.Text))
    count = sa.cast(sa.func.greatest(number(length), 0), sa.Integer)
    return Typed(Kind.TEXT, sa.func.substr(text(whole), first, count, type_=sa.Text))


def _part(field: str) -> Callable[[Typed], Typed]:
    def taken(operand: Typed) -> Typed:
        if operand.kind in {Kind.DATE, Kind.CLOCK}:
            if (operand.kind is Kind.DATE) != (field in {"year", "month", "day"}):
                raise QueryError(f"A {operand.kind.value} has no {field}.")
            return Typed(Kind.NUMBER, sa.cast(sa.extract(field, operand.sql), sa.Integer))
        return Typed(Kind.NUMBER, sa.cast(sa.func.floor(sa.extract(field, moment(operand))), sa.Integer))

    return taken


def _fraction(operand: Typed) -> Typed:
    at = operand.sql if operand.kind is Kind.CLOCK else moment(operand)
    seconds = sa.cast(sa.extract("second", at), sa.Numeric)
    return Typed(Kind.NUMBER, sa.cast(seconds - sa.func.floor(seconds), sa.Double))


def _related(name: str) -> Callable[[Typed, Typed], Typed]:
    made: Any = getattr(sa.func, name)
    return lambda a, b: Typed(Kind.BOOLEAN, made(shape(a), shape(b), type_=sa.Boolean))


def _in_time(made: Callable[[Typed, Typed], Sql]) -> Callable[[Typed, Typed], Typed]:
    return lambda a, b: Typed(Kind.BOOLEAN, made(a, b))


def _relate(a: Typed, b: Typed, pattern: Typed) -> Typed:
    return Typed(Kind.BOOLEAN, sa.func.ST_Relate(shape(a), shape(b), text(pattern), type_=sa.Boolean))


def _distance(a: Typed, b: Typed) -> Typed:
    """In the unit of the coordinates, degrees: the standard names none."""
    return Typed(Kind.NUMBER, sa.func.ST_Distance(shape(a), shape(b), type_=sa.Double))


def _length(line: Typed) -> Typed:
    return Typed(Kind.NUMBER, sa.func.ST_Length(shape(line), type_=sa.Double))


def _constant(made: Callable[[], Sql]) -> Callable[[], Typed]:
    return lambda: Typed(Kind.TIME, made())


FUNCTIONS: dict[str, Callable[..., Typed]] = {
    "substringof": _texts(lambda part, whole: _has(whole, part), Kind.BOOLEAN),
    "contains": _texts(_has, Kind.BOOLEAN),
    "endswith": _texts(_ends, Kind.BOOLEAN),
    "startswith": _texts(_starts, Kind.BOOLEAN),
    "length": _texts(lambda whole: sa.func.length(whole, type_=sa.Integer), Kind.NUMBER),
    "indexof": _texts(lambda whole, part: sa.func.strpos(whole, part, type_=sa.Integer) - 1, Kind.NUMBER),
    "substring": _substring,
    "tolower": _texts(lambda whole: sa.func.lower(whole, type_=sa.Text), Kind.TEXT),
    "toupper": _texts(lambda whole: sa.func.upper(whole, type_=sa.Text), Kind.TEXT),
    "trim": _texts(lambda whole: sa.func.btrim(whole, " \t\r\n", type_=sa.Text), Kind.TEXT),
    "concat": _texts(lambda first, second: first.concat(second), Kind.TEXT),
    **{name: _part(name) for name in ("year", "month", "day", "hour", "minute", "second")},
    "fractionalseconds": _fraction,
    "date": lambda operand: Typed(Kind.DATE, sa.cast(sa.func.timezone("UTC", moment(operand)), sa.Date)),
    "time": lambda operand: Typed(Kind.CLOCK, sa.cast(sa.func.timezone("UTC", moment(operand)), sa.Time)),
    "totaloffsetminutes": lambda operand: Typed(Kind.NUMBER, moment(operand).is_not(None).cast(sa.Integer) * 0),
    "mindatetime": _constant(lambda: sa.literal(_EARLIEST, _AT)),
    "maxdatetime": _constant(lambda: sa.literal(_LATEST, _AT)),
    **{name: _in_time(made) for name, made in INTERVAL_FUNCTIONS.items()},
    "round": _numbers(lambda a: sa.cast(sa.func.round(sa.cast(a, sa.Numeric)), sa.Double)),
    "floor": _numbers(lambda a: sa.func.floor(a, type_=sa.Double)),
    "ceiling": _numbers(lambda a: sa.func.ceil(a, type_=sa.Double)),
    "geo.distance": _distance,
    "geo.length": _length,
    "geo.intersects": _related("ST_Intersects"),
    "st_relate": _relate,
    **{
        f"st_{name}": _related(f"ST_{name.capitalize()}")
        for name in ("equals", "disjoint", "touches", "within", "overlaps", "crosses", "intersects", "contains")
    },
}
