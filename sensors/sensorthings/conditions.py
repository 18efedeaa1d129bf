"""Expressions of the standard as SQL with bound values; operands that do not fit each other are a QueryError."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import INTERVAL, JSONB

from sensors.sensorthings import expressions as ex
from sensors.sensorthings import intervals, times
from sensors.sensorthings.columns import Source, Sql, Typed, is_linked, target
from sensors.sensorthings.errors import QueryError
from sensors.sensorthings.functions import FUNCTIONS
from sensors.sensorthings.model import ID_NAMES, Kind
from sensors.sensorthings.operands import boolean, moment, number, shape, shape_of_text, text

_AT = sa.DateTime(timezone=True)
TYPES: dict[Kind, Any] = {
    Kind.NUMBER: sa.Double, Kind.TEXT: sa.Text, Kind.BOOLEAN: sa.Boolean, Kind.TIME: _AT, Kind.DATE: sa.Date,
    Kind.CLOCK: sa.Time, Kind.DURATION: INTERVAL,
}

_TIMES = frozenset({Kind.TIME, Kind.PERIOD})
_OF_TIME = frozenset({
    "year", "month", "day", "hour", "minute", "second", "fractionalseconds", "date", "time", "totaloffsetminutes",
    *intervals.INTERVAL_FUNCTIONS,
})


class Scope:
    """The entity that an expression is about, and the relations that it reached, each joined once."""

    def __init__(self, source: Source, *, now: datetime) -> None:
        self.source, self.now = source, now
        self.joined: dict[tuple[str, ...], Source] = {}
        self.from_clause: sa.FromClause = source.table
        self.reaches_many = False

    def reach(self, way: tuple[str, ...]) -> Source:
        """The source at the end of the way, joined where it was not yet; raises QueryError where the way is none."""
        if not way:
            return self.source
        if way in self.joined:
            return self.joined[way]
        parent = self.reach(way[:-1])
        relation = parent.entity.relations[way[-1]]
        child = Source(target(parent.entity, relation.name))
        self.reaches_many = self.reaches_many or relation.is_many
        self.from_clause = self.from_clause.outerjoin(child.table, is_linked(parent, relation.name, child))
        self.joined[way] = child
        return child

    def path(self, steps: tuple[str, ...]) -> Typed:
        """What the path means here; raises QueryError where there is no such property."""
        source, way = self.source, 0
        while way < len(steps) and steps[way] in source.entity.relations:
            way += 1
            source = self.reach(steps[:way])
        rest = steps[way:]
        if way > 6:
            raise QueryError("A path goes over at most 6 relations.")
        if not rest:
            raise QueryError(f"The path '{'/'.join(steps)}' ends without a property.")
        if rest[0] in ID_NAMES and len(rest) == 1:
            return Typed(Kind.NUMBER, source.id, is_nullable=bool(way))
        if rest[0] not in source.entity.properties:
            raise QueryError(f"{source.entity.collection} have no property '{rest[0][:60]}'.")
        return _inside(source.property(rest[0]), rest)


def _inside(found: Typed, steps: tuple[str, ...]) -> Typed:
    if len(steps) == 1:
        return found
    content = found.json if found.kind in {Kind.SHAPE, Kind.ANY} else found.sql
    if found.kind not in {Kind.JSON, Kind.SHAPE, Kind.ANY} or content is None:
        raise QueryError(f"There is nothing inside the property '{steps[0]}'.")
    keys = sa.cast(sa.literal(list(steps[1:]), sa.ARRAY(sa.Text)), sa.ARRAY(sa.Text))
    return Typed(Kind.JSON, content.op("#>", return_type=JSONB())(keys))


def condition(expression: ex.Expression, scope: Scope) -> Sql:
    """The expression as a condition. Raises QueryError where it is none."""
    if isinstance(expression, ex.Junction):
        operands = [condition(operand, scope) for operand in expression.operands]
        return sa.and_(*operands) if expression.operator == "and" else sa.or_(*operands)
    if isinstance(expression, ex.Unary) and expression.operator == "not":
        return sa.not_(condition(expression.operand, scope))
    return boolean(value(expression, scope))


def value(expression: ex.Expression, scope: Scope) -> Typed:
    """The expression with its kind. Raises QueryError."""
    if isinstance(expression, ex.Literal):
        return _literal(expression)
    if isinstance(expression, ex.Path):
        return scope.path(expression.steps)
    if isinstance(expression, ex.Call):
        return _call(expression, scope)
    if isinstance(expression, ex.Unary) and expression.operator == "-":
        operand = value(expression.operand, scope)
        if operand.kind is Kind.DURATION:
            return Typed(Kind.DURATION, sa.literal(timedelta(0), INTERVAL) - operand.sql)
        return Typed(Kind.NUMBER, -number(operand))
    if isinstance(expression, ex.Binary):
        left, right = value(expression.left, scope), value(expression.right, scope)
        left = _as_id(expression.left, left, beside=expression.right)
        right = _as_id(expression.right, right, beside=expression.left)
        if left.kind in _TIMES:
            right = _as_time(expression.right, right)
        elif right.kind in _TIMES:
            left = _as_time(expression.left, left)
        if expression.operator in ex.COMPARISONS:
            return Typed(Kind.BOOLEAN, compared(expression.operator, left, right))
        return _arithmetic(expression.operator, left, right)
    return Typed(Kind.BOOLEAN, condition(expression, scope))


def _as_id(said: ex.Expression, operand: Typed, *, beside: ex.Expression) -> Typed:
    """A text beside an id is one, as in the standard's own `Datastream/id eq '1'`; nobody's where it is no number."""
    is_beside_id = isinstance(beside, ex.Path) and beside.steps[-1] in ID_NAMES
    if not is_beside_id or not isinstance(said, ex.Literal) or said.kind is not Kind.TEXT:
        return operand
    id_ = int(str(said.value)) if re.fullmatch(r"\d{1,18}", str(said.value), re.ASCII) else None
    return Typed(Kind.NUMBER, sa.literal(id_, sa.BigInteger), is_nullable=id_ is None)


def _as_time(said: ex.Expression, operand: Typed) -> Typed:
    """A time that was put in quotes, as many clients do, is a time where one is needed."""
    if isinstance(said, ex.Literal) and said.kind is Kind.TEXT:
        return _literal(ex.Literal(Kind.PERIOD, times.period(str(said.value))))
    return operand


def _literal(literal: ex.Literal) -> Typed:
    said = literal.value
    if literal.kind is Kind.NULL:
        return Typed(Kind.NULL, sa.null())
    if literal.kind is Kind.PERIOD:
        start, end = cast(tuple[datetime, datetime], said)
        return Typed(Kind.PERIOD, sa.literal(start, _AT), end=sa.literal(end, _AT), is_nullable=False)
    if literal.kind is Kind.SHAPE:
        return Typed(Kind.SHAPE, shape_of_text(cast(str, said)))
    if literal.kind is Kind.NUMBER and float(cast(float, said)).is_integer() and abs(cast(float, said)) < 2**53:
        return Typed(Kind.NUMBER, sa.literal(int(cast(float, said)), sa.BigInteger), is_nullable=False)
    return Typed(literal.kind, sa.literal(said, TYPES[literal.kind]), is_nullable=False)


_OPERATORS: dict[str, Callable[[Sql, Sql], Sql]] = {
    "eq": lambda a, b: a == b, "ne": lambda a, b: a.is_distinct_from(b), "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b, "lt": lambda a, b: a < b, "le": lambda a, b: a <= b,
}


def compared(operator: str, left: Typed, right: Typed) -> Sql:
    """The comparison of the two by what they are. Raises QueryError where they cannot be compared."""
    kinds = {left.kind, right.kind}
    if Kind.NULL in kinds:
        return _compared_with_null(operator, right if left.kind is Kind.NULL else left)
    if kinds == {Kind.TIME}:
        return left.sql != right.sql if operator == "ne" else _OPERATORS[operator](left.sql, right.sql)
    if kinds <= _TIMES:
        return _compared_times(operator, left, right)
    if Kind.SHAPE in kinds:
        if operator not in {"eq", "ne"}:
            raise QueryError("Geometries are equal or not, never greater.")
        same = sa.func.ST_Equals(shape(left), shape(right), type_=sa.Boolean)
        return same if operator == "eq" else sa.not_(same)
    for kind in (Kind.NUMBER, Kind.TEXT, Kind.BOOLEAN):
        if kind in kinds:
            return _OPERATORS[operator](_as(left, kind), _as(right, kind))
    if kinds <= {Kind.JSON, Kind.ANY}:
        both = (number(left), number(right)) if Kind.ANY in kinds else (left.sql, right.sql)
        return _OPERATORS[operator](*both)
    if len(kinds) == 1:
        return _OPERATORS[operator](left.sql, right.sql)
    if Kind.JSON in kinds:
        said = right if left.kind is Kind.JSON else left
        raise QueryError(f"A value inside JSON is a number, a text or true or false, not a {said.kind.value}.")
    raise QueryError(f"A {left.kind.value} cannot be compared with a {right.kind.value}.")


def _as(operand: Typed, kind: Kind) -> Sql:
    if kind is Kind.NUMBER:
        return number(operand)
    return text(operand) if kind is Kind.TEXT else boolean(operand)


def _compared_with_null(operator: str, operand: Typed) -> Sql:
    if operator not in {"eq", "ne"}:
        return sa.false()
    absent: Sql = operand.sql.is_(None)
    if operand.kind is Kind.ANY and operand.json is not None:
        absent = sa.and_(absent, sa.or_(operand.json.is_(None), operand.json == sa.text("'null'::jsonb")))
    elif operand.kind is Kind.JSON:
        absent = sa.or_(absent, operand.sql == sa.text("'null'::jsonb"))
    elif operand.kind is Kind.SHAPE and operand.json is not None:
        absent = operand.json.is_(None)
    return absent if operator == "eq" else sa.not_(absent)


def _compared_times(operator: str, left: Typed, right: Typed) -> Sql:
    """Half-open periods; a time that is absent is neither the same as another nor another."""
    if operator in {"gt", "ge"}:
        return _compared_times({"gt": "lt", "ge": "le"}[operator], right, left)
    if operator == "lt":
        return intervals.before(left, right)
    if operator == "le":
        return intervals.not_later(left, right)
    same = intervals.same(left, right)
    return same if operator == "eq" else sa.not_(same)


def _arithmetic(operator: str, left: Typed, right: Typed) -> Typed:
    kinds = (left.kind, right.kind)
    if (operator in {"add", "sub"} and Kind.DURATION in kinds) or (operator == "sub" and set(kinds) <= _TIMES):
        return _moved(operator, left, right)
    a, b = number(left), number(right)
    if operator in {"add", "sub", "mul"}:
        return Typed(Kind.NUMBER, {"add": a + b, "sub": a - b, "mul": a * b}[operator])
    divisor = sa.func.nullif(b, 0)
    if operator == "mod":
        exact = sa.func.mod(sa.cast(a, sa.Numeric), sa.cast(divisor, sa.Numeric))
        return Typed(Kind.NUMBER, sa.cast(exact, sa.Double))
    return Typed(Kind.NUMBER, sa.cast(a, sa.Double) / sa.cast(divisor, sa.Double))


def _moved(operator: str, left: Typed, right: Typed) -> Typed:
    if left.kind is Kind.DURATION and right.kind is Kind.DURATION:
        return Typed(Kind.DURATION, left.sql + right.sql if operator == "add" else left.sql - right.sql)
    if right.kind is Kind.DURATION:
        by = right.sql if operator == "add" else sa.literal(timedelta(0), INTERVAL) - right.sql
        return _shifted(left, by)
    if left.kind is Kind.DURATION and operator == "add":
        return _shifted(right, left.sql)
    if left.kind is Kind.DURATION:
        raise QueryError("A time cannot be taken away from a duration.")
    return Typed(Kind.DURATION, moment(left) - moment(right))


def _shifted(time: Typed, by: Sql) -> Typed:
    start = moment(time) + by
    return Typed(Kind.TIME, start) if time.end is None else Typed(Kind.PERIOD, start, end=time.end + by)


def _call(call: ex.Call, scope: Scope) -> Typed:
    if call.name == "now":
        return Typed(Kind.TIME, sa.literal(scope.now, _AT), is_nullable=False)
    operands = [value(argument, scope) for argument in call.arguments]
    if call.name in _OF_TIME:
        operands = [_as_time(said, one) for said, one in zip(call.arguments, operands, strict=True)]
    return FUNCTIONS[call.name](*operands)
