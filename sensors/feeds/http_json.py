"""Plain JSON over HTTP, pushed or fetched: where the rows are and what their fields are called is declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from sensors.feeds.bodies import PULLED_LIMIT_BYTES, TwiceInRow, json_of_body, name_of, object_of, raw_of
from sensors.feeds.row import FeedFault, FeedRow, Parsed, Reason, fault_of
from sensors.feeds.times import DateOrder, time_of
from sensors.feeds.units import canonical
from sensors.feeds.values import value_of
from sensors.rules import Refused


@dataclass(frozen=True)
class JsonLayout:
    """How a source writes its rows; as it stands, it is the shape of our own `POST /api/readings`.

    `rows_at` are the keys that lead to the list of rows. A row names its series in `stream_field`, or all rows are of
    `stream`. `values` are the fields with values and their units; several of them in a row make series "name/field".
    A unit in `unit_field` beats the declared one. `hidden` fields are secrets: they are not kept in what was read.
    """

    rows_at: tuple[str, ...] = ()
    stream_field: str | None = "datastream"
    stream: str = ""
    time_field: str = "observed_at"
    values: Mapping[str, str] = field(default_factory=lambda: {"value": ""})
    unit_field: str | None = "unit"
    id_field: str | None = None
    decimal: str = "."
    missing: frozenset[float] = frozenset()
    hidden: frozenset[str] = frozenset({"key"})
    zone: tzinfo | None = None
    order: DateOrder | None = None


OUR_LAYOUT = JsonLayout()


def rows_of_body(body: bytes, *, layout: JsonLayout = OUR_LAYOUT) -> Parsed:
    """The rows of a body, one object or a list of them, a row or a fault for each field with a value."""
    content = json_of_body(body, limit_bytes=PULLED_LIMIT_BYTES, rows_at=(layout.rows_at,))
    if isinstance(content, FeedFault):
        return [content]
    found: object = content
    for key in layout.rows_at:
        found = object_of(found).get(key)
    if not isinstance(found, dict | list):
        where = ".".join(layout.rows_at) or "the body"
        return [FeedFault(Reason.MALFORMED, f"There are no rows under '{where}'.", raw_of(content))]
    rows = [found] if isinstance(found, dict) else found
    if not rows:
        return [FeedFault(Reason.EMPTY, "The list of rows is empty.", raw_of(content))]
    return [one for row in rows for one in _rows_of_one(row, layout)]


def _rows_of_one(row: object, layout: JsonLayout) -> Parsed:
    if isinstance(row, TwiceInRow):
        return [row.fault(hidden=layout.hidden)]
    if not isinstance(row, dict):
        return [FeedFault(Reason.NOT_AN_OBJECT, "A row is an object with a time and a value.", raw_of(row))]
    raw = raw_of({key: content for key, content in row.items() if key not in layout.hidden})
    name = layout.stream if layout.stream_field is None else _named(row, layout.stream_field)
    if isinstance(name, Refused):
        return [fault_of(name, raw=raw)]
    at = time_of(row.get(layout.time_field), field=layout.time_field, zone=layout.zone, order=layout.order)
    if isinstance(at, Refused):
        return [fault_of(at, raw=raw)]
    return [_value_row(row, layout, key=key, name=name, at=at, raw=raw) for key in layout.values]


def _value_row(
    row: Mapping[str, object], layout: JsonLayout, *, key: str, name: str, at: datetime, raw: str
) -> FeedRow | FeedFault:
    if key not in row:
        return FeedFault(Reason.NO_READING, f"The field '{key}' is missing.", raw)
    unit = layout.values[key]
    if layout.unit_field is not None and layout.unit_field in row:
        said = _named(row, layout.unit_field)
        if isinstance(said, Refused):
            return fault_of(said, raw=raw)
        unit = canonical(said) or said
    if not unit:
        return FeedFault(Reason.NO_UNIT, f"The field '{layout.unit_field}' is missing, and no unit is declared.", raw)
    value = value_of(row[key], field=key, decimal=layout.decimal, missing=layout.missing)
    if isinstance(value, Refused):
        return fault_of(value, raw=raw)
    dedup = name_of(row.get(layout.id_field), field=layout.id_field) if layout.id_field is not None else None
    stream = name if len(layout.values) == 1 else f"{name}/{key}"
    return FeedRow(stream, at, value, unit, raw, dedup=None if isinstance(dedup, Refused) else dedup)


def _named(row: Mapping[str, object], key: str) -> str | Refused:
    return name_of(row.get(key), field=key)
