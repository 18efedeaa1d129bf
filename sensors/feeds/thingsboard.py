"""ThingsBoard's device telemetry (topic v1/devices/me/telemetry, HTTP /api/v1/{token}/telemetry), in its three shapes:
`{"ts": ms, "values": {…}}`, a list of such, and the bare `{key: value}`, whose time is that of arrival.
"""

from __future__ import annotations

from datetime import datetime

from sensors.feeds.bodies import PUSHED_LIMIT_BYTES, TwiceInRow, json_of_body, name_of, raw_of
from sensors.feeds.row import FeedFault, FeedRow, Parsed, Reason, fault_of
from sensors.feeds.times import time_of_epoch_ms
from sensors.feeds.uplinks import battery_of
from sensors.feeds.values import value_of
from sensors.rules import Refused

_BATTERY_KEYS = frozenset({"battery", "batteryLevel"})


def rows_of_telemetry(body: bytes, *, device: str, received_at: datetime) -> Parsed:
    """A row for each key, named "device/key"; `device` is whose token the message came with, `received_at` aware UTC.

    ThingsBoard knows no units: they are declared in the mapping.
    """
    content = json_of_body(body, limit_bytes=PUSHED_LIMIT_BYTES, rows_at=((),))
    if isinstance(content, FeedFault):
        return [content]
    points = content if isinstance(content, list) else [content]
    if not points:
        return [FeedFault(Reason.EMPTY, "The list of telemetry is empty.", raw_of(content))]
    return [one for point in points for one in _rows_of_point(point, device=device, received_at=received_at)]


def _rows_of_point(point: object, *, device: str, received_at: datetime) -> Parsed:
    if isinstance(point, TwiceInRow):
        return [point.fault()]
    raw = raw_of(point)
    if not isinstance(point, dict):
        return [FeedFault(Reason.NOT_AN_OBJECT, "Telemetry is an object of keys and values.", raw)]
    at: datetime | Refused = received_at
    values: object = point
    if "ts" in point:
        at, values = time_of_epoch_ms(point["ts"], field="ts"), point.get("values")
    if isinstance(at, Refused):
        return [fault_of(at, raw=raw)]
    if not isinstance(values, dict):
        return [FeedFault(Reason.MALFORMED, "The field 'values' beside 'ts' is missing or is no object.", raw)]
    if not values:
        return [FeedFault(Reason.NO_READING, "The telemetry carries no value.", raw)]
    return _rows_of_values(values, device=device, at=at, raw=raw)


def _rows_of_values(values: dict[str, object], *, device: str, at: datetime, raw: str) -> Parsed:
    battery = next((battery_of(values[key]) for key in values if key in _BATTERY_KEYS), None)
    parsed: Parsed = []
    for key, content in values.items():
        name = name_of(key, field="key")
        value = name if isinstance(name, Refused) else value_of(content, field=name)
        if isinstance(value, Refused):
            parsed.append(fault_of(value, raw=raw))
            continue
        parsed.append(FeedRow(stream=f"{device}/{name}", at=at, value=value, unit="", raw=raw, battery=battery))
    return parsed
