"""An operand as what its place needs: a text, a number, an instant, a geometry, or true and false."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
import sqlalchemy as sa

from sensors.sensorthings.columns import GEOMETRY, Sql, Typed
from sensors.sensorthings.errors import QueryError
from sensors.sensorthings.model import Kind

_MOST_POINTS = 5_000


def shape_of_text(text: str) -> Sql:
    """The geometry that WKT says, in WGS 84 degrees. Raises QueryError."""
    plain = text.partition(";")[2] if text.upper().startswith("SRID=4326;") else text
    try:
        with np.errstate(over="ignore"):  # 1e400 becomes infinite, and is told below.
            shape = shapely.from_wkt(plain)
    except shapely.errors.ShapelyError:
        raise QueryError(f"'{text[:60]}' is not a geometry in WKT.") from None
    if shape is None or shape.is_empty or shapely.count_coordinates(shape) > _MOST_POINTS:
        raise QueryError(f"A geometry has between 1 and {_MOST_POINTS} points.")
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        raise QueryError(f"'{text[:60]}' holds a coordinate that is no number.")
    return sa.func.ST_GeomFromText(sa.literal(shape.wkt, sa.Text), 4326, type_=GEOMETRY)


def _json_as(content: Sql, json_type: str, as_type: Any) -> Sql:
    text = content.op("#>>")(sa.literal_column("'{}'::text[]"))
    return sa.case((sa.func.jsonb_typeof(content) == json_type, sa.cast(text, as_type)), else_=None)


def text(operand: Typed) -> Sql:
    """The operand as text. Raises QueryError where it is none."""
    if operand.kind is Kind.NULL:
        return sa.cast(operand.sql, sa.Text)
    if operand.kind is Kind.TEXT:
        return operand.sql
    if operand.kind is Kind.JSON:
        return operand.sql.op("#>>", return_type=sa.Text())(sa.literal_column("'{}'::text[]"))
    if operand.kind is Kind.ANY and operand.json is not None:
        said = operand.json.op("#>>", return_type=sa.Text())(sa.literal_column("'{}'::text[]"))
        return sa.func.coalesce(said, sa.cast(operand.sql, sa.Text))
    raise QueryError(f"A text is needed here, not a {operand.kind.value}.")


def number(operand: Typed) -> Sql:
    """The operand as a number. Raises QueryError where it is none."""
    if operand.kind is Kind.NULL:
        return sa.cast(operand.sql, sa.Double)
    if operand.kind in {Kind.NUMBER, Kind.ANY}:
        return operand.sql
    if operand.kind is Kind.JSON:
        return _json_as(operand.sql, "number", sa.Double)
    raise QueryError(f"A number is needed here, not a {operand.kind.value}.")


def moment(operand: Typed) -> Sql:
    """The operand as an instant; a period by its start. Raises QueryError where it is neither."""
    if operand.kind is Kind.NULL:
        return sa.cast(operand.sql, sa.DateTime(timezone=True))
    if operand.kind in {Kind.TIME, Kind.PERIOD}:
        return operand.sql
    raise QueryError(f"A time is needed here, not a {operand.kind.value}.")


def shape(operand: Typed) -> Sql:
    """The operand as a geometry. Raises QueryError where it is none."""
    if operand.kind is Kind.SHAPE:
        return operand.sql
    raise QueryError(f"A geometry is needed here, not a {operand.kind.value}.")


def boolean(operand: Typed) -> Sql:
    """The operand as a condition. Raises QueryError where it is none."""
    if operand.kind is Kind.BOOLEAN:
        return operand.sql
    if operand.kind is Kind.JSON:
        return _json_as(operand.sql, "boolean", sa.Boolean)
    if operand.kind is Kind.ANY and operand.json is not None:
        return _json_as(operand.json, "boolean", sa.Boolean)
    raise QueryError(f"A filter must be true or false, not a {operand.kind.value}.")
