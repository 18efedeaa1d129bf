"""Our own MQTT messages on `faonam/v1/{code}/readings`, in the rows that every feed gives."""

from __future__ import annotations

import math
from datetime import datetime

from sensors.feeds.bodies import raw_of_bytes, raw_of_text
from sensors.feeds.row import FeedFault, FeedRow, Parsed, Reason
from sensors.payloads import DeviceRow, rows_of_message
from sensors.rules import SENTINELS, Refused


def rows_of_publish(topic_code: str, payload: bytes, *, received_wall_at: datetime) -> Parsed:
    """The rows of one message, one object or a list of them, named by the code of the topic."""
    rows = rows_of_message(topic_code, payload, received_wall_at=received_wall_at)
    if not rows:
        return [FeedFault(Reason.EMPTY, "The message is an empty list.", raw_of_bytes(payload))]
    return [_row_of(row) for row in rows]


def _row_of(row: DeviceRow) -> FeedRow | FeedFault:
    raw, reading = raw_of_text(row.raw), row.reading
    if isinstance(reading, Refused):
        return FeedFault(reading.reason, reading.detail, raw)
    if math.isinf(reading.value):
        return FeedFault(Reason.INFINITE, "The field 'value' is infinite or too large for a number.", raw)
    value = math.nan if reading.value in SENTINELS else reading.value
    return FeedRow(stream=reading.datastream_code, at=reading.observed_at, value=value, unit=reading.unit, raw=raw)
