"""Flood-monitoring batches of the UK Environment Agency: `readings?latest`, `readings?since=…`, measures.

Documented: values come every 15 minutes but are sent once or twice a day, in batches, so a row can be hours old.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from sensors.feeds.bodies import PULLED_LIMIT_BYTES, TwiceInRow, json_of_body, name_of, object_of, raw_of
from sensors.feeds.row import FeedFault, FeedRow, Parsed, Reason, fault_of
from sensors.feeds.times import time_of
from sensors.feeds.units import canonical
from sensors.feeds.values import value_of
from sensors.rules import Refused


def rows_of_batch(body: bytes) -> Parsed:
    """A row for each item, named by the last part of its measure's address.

    An item is a reading, or a measure with its `latestReading`. The unit is the measure's `unitName` where the item
    tells it, else what its name ends with (…-mASD is metres above the station's datum).
    """
    content = json_of_body(body, limit_bytes=PULLED_LIMIT_BYTES, rows_at=(("items",),))
    if isinstance(content, FeedFault):
        return [content]
    items = object_of(content).get("items")
    if isinstance(items, dict):
        items = [items]
    if not isinstance(items, list):
        return [FeedFault(Reason.MALFORMED, "The field 'items' is not a list.", raw_of(content))]
    if not items:
        return [FeedFault(Reason.EMPTY, "The source answers without any item.", raw_of(content))]
    return [_row_of_item(item) for item in items]


def _row_of_item(item: object) -> FeedRow | FeedFault:
    if isinstance(item, TwiceInRow):
        return item.fault()
    raw = raw_of(item)
    if not isinstance(item, dict):
        return FeedFault(Reason.NOT_AN_OBJECT, "An item is an object.", raw)
    reading, measure = _reading_and_measure(item)
    name = name_of(measure.get("@id"), field="measure")
    if isinstance(name, Refused):
        return fault_of(name, raw=raw)
    stream = name.rstrip("/").rsplit("/", 1)[-1]
    unit = _unit_of(measure, stream)
    if unit is None:
        return FeedFault(Reason.NO_UNIT, f"Neither 'unitName' nor the name '{stream}' says a unit.", raw)
    at = time_of(reading.get("dateTime"), field="dateTime")
    if isinstance(at, Refused):
        return fault_of(at, raw=raw)
    value = _value_of(reading.get("value"))
    if isinstance(value, Refused):
        return fault_of(value, raw=raw)
    return FeedRow(stream=stream, at=at, value=value, unit=unit, raw=raw)


def _reading_and_measure(item: Mapping[str, object]) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """A reading names its measure by address or as an object; a measure holds its latest reading."""
    if isinstance(item.get("latestReading"), dict):
        return object_of(item["latestReading"]), item
    measure = item.get("measure")
    return item, measure if isinstance(measure, dict) else {"@id": measure}


def _unit_of(measure: Mapping[str, object], stream: str) -> str | None:
    said = measure.get("unitName")
    if isinstance(said, str) and said.strip():
        named = name_of(said, field="unitName")
        return None if isinstance(named, Refused) else canonical(named) or named
    return canonical(stream.rpartition("-")[2]) if "-" in stream else None


def _value_of(content: object) -> float | Refused:
    """The value; a list stands where several were sent for one time: which of them is right cannot be known."""
    if not isinstance(content, list):
        return value_of(content, field="value")
    if not content:
        return math.nan
    values = [value_of(one, field="value") for one in content]
    refused = next((one for one in values if isinstance(one, Refused)), None)
    if refused is not None:
        return refused
    if len({repr(one) for one in values}) != 1:
        return Refused(Reason.AMBIGUOUS_VALUE, f"The field 'value' is a list of {len(values)} values that differ.")
    return values[0]
