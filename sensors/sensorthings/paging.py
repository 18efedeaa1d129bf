"""The order of a collection, and where in it a page goes on: by the last row's keys, never by counting rows again."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any

import orjson
import sqlalchemy as sa

from sensors.sensorthings import times
from sensors.sensorthings.columns import Sql, Typed
from sensors.sensorthings.conditions import TYPES, Scope, value
from sensors.sensorthings.errors import QueryError
from sensors.sensorthings.expressions import OrderKey, Path
from sensors.sensorthings.model import OBSERVATION, Entity, Kind
from sensors.sensorthings.operands import number, text

BY_TIME = (OrderKey(Path(("phenomenonTime",)), is_descending=False),)
NEWEST_FIRST = OrderKey(Path(("phenomenonTime",)), is_descending=True)


@dataclass(frozen=True)
class Key:
    """One key of an order as SQL; an absent value comes before all others."""

    kind: Kind
    sql: Sql
    is_descending: bool
    is_nullable: bool

    def ordered(self) -> Sql:
        """The key for ORDER BY; plain where nothing is absent, so that an index serves."""
        direction = self.sql.desc() if self.is_descending else self.sql.asc()
        if not self.is_nullable:
            return direction
        return direction.nulls_last() if self.is_descending else direction.nulls_first()


def keys_of(order: Sequence[OrderKey], scope: Scope, *, parent: Entity | None) -> list[Key]:
    """The keys of the order, the id at the end so that no two rows share a place. Raises QueryError.

    Observations of one datastream go by time where nothing is asked, because the primary key has them so.
    """
    if not order and scope.source.entity is OBSERVATION and parent is not None and parent.name == "Datastream":
        order = BY_TIME
    keys = []
    for asked in order:
        keys += _keys(value(asked.expression, scope), is_descending=asked.is_descending)
    if scope.reaches_many:
        raise QueryError("An order cannot go over a relation to many.")
    return [*keys, Key(Kind.NUMBER, scope.source.id, is_descending=False, is_nullable=False)]


def _keys(operand: Typed, *, is_descending: bool) -> list[Key]:
    def key(kind: Kind, sql: Sql) -> Key:
        return Key(kind, sql, is_descending=is_descending, is_nullable=operand.is_nullable)

    if operand.kind in {Kind.ANY, Kind.JSON}:
        return [key(Kind.NUMBER, number(operand)), key(Kind.TEXT, text(operand))]
    if operand.kind is Kind.PERIOD:
        # An observation's own time is never absent and its index has the start; other periods go by their end too.
        ends = [operand.end] if operand.is_nullable and operand.end is not None else []
        return [key(Kind.TIME, sql) for sql in (operand.sql, *ends)]
    if operand.kind not in TYPES or operand.kind is Kind.DURATION:
        raise QueryError(f"Nothing can be ordered by a {operand.kind.value}.")
    return [key(operand.kind, operand.sql)]


def token_of(values: Sequence[object]) -> str:
    """The keys of a row as a word for an address."""
    return base64.urlsafe_b64encode(orjson.dumps(values, default=float)).decode().rstrip("=")  # float: of a Decimal.


def after(keys: Sequence[Key], token: str) -> Sql:
    """The rows behind the one that the token names. Raises QueryError where the token is none of this order."""
    values = _values(keys, token)
    ways: list[Sql] = []
    same: list[Sql] = []
    for key, last in zip(keys, values, strict=True):
        behind = _behind(key, last)
        if behind is not None:
            ways.append(sa.and_(*same, behind))
        same.append(key.sql.is_(None) if last is None else key.sql == last)
    bound = _bound(keys[0], values[0])
    return sa.or_(*ways) if bound is None else sa.and_(bound, sa.or_(*ways))


def _bound(key: Key, last: Sql | None) -> Sql | None:
    """What every later row keeps, said by itself so that an index and the choice of partitions can use it."""
    if last is None or (key.is_descending and key.is_nullable):
        return None
    return key.sql <= last if key.is_descending else key.sql >= last


def _behind(key: Key, last: Sql | None) -> Sql | None:
    if last is None:
        return None if key.is_descending else key.sql.is_not(None)
    if not key.is_descending:
        return key.sql > last
    return sa.or_(key.sql < last, key.sql.is_(None)) if key.is_nullable else key.sql < last


def _values(keys: Sequence[Key], token: str) -> list[Sql | None]:
    try:
        said = json.loads(base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4)))
        if not isinstance(said, list) or len(said) != len(keys):
            raise ValueError
        return [_value(key, one) for key, one in zip(keys, said, strict=True)]
    except (ValueError, RecursionError, OverflowError):
        raise QueryError("The $skiptoken is not one that this order gave; start from the first page.") from None


def _value(key: Key, said: Any) -> Sql | None:
    if said is None:
        return None
    if key.kind is Kind.NUMBER:
        if isinstance(said, bool) or not isinstance(said, int | float) or not math.isfinite(said) or abs(said) > 2**63:
            raise ValueError
        return sa.literal(said, sa.BigInteger if isinstance(said, int) and abs(said) < 2**63 else sa.Double)
    if key.kind is Kind.BOOLEAN:
        if not isinstance(said, bool):
            raise ValueError
        return sa.literal(said, sa.Boolean)
    if not isinstance(said, str) or "\x00" in said:
        raise ValueError
    said.encode()
    readers = {Kind.TIME: times.instant, Kind.DATE: date.fromisoformat, Kind.CLOCK: time.fromisoformat}
    reader = readers.get(key.kind)
    return sa.literal(said if reader is None else reader(said), TYPES[key.kind])
