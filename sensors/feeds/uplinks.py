"""One LoRaWAN uplink to rows, whichever network server it came from."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sensors.feeds.bodies import name_of
from sensors.feeds.decoders import BATTERY_FIELD, Decoder, Measured
from sensors.feeds.row import FeedFault, FeedRow, Parsed, Reason, fault_of
from sensors.feeds.values import value_of
from sensors.payloads import UNSTORABLE
from sensors.rules import Refused


@dataclass(frozen=True)
class Device:
    """What is declared of a device: who decodes its frames where the server did not, and the fields it must send.

    With `fields` only these are read, and one that is absent is a row without value: absent is missing, never 0.
    """

    decoder: Decoder | None = None
    fields: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)


UNDECLARED = Device()
COUNTER_MAX, PORT_MAX = 2**32 - 1, 255
# Session keys and deduplication ids are far shorter.
_SESSION_CHARS = 64
# By DevEUI in capitals, or by device id where a device has no DevEUI.
Devices = Mapping[str, Device]


@dataclass(frozen=True)
class Uplink:
    """One uplink as the network server tells it; `decoded` and `data` are None where it has none of it."""

    device: str
    at: datetime
    counter: int
    port: int
    decoded: Mapping[str, object] | None
    data: bytes | None
    dedup: str
    battery: float | None
    raw: str


def uplink_of(
    *,
    device: str | Refused,
    counter: int | Refused,
    port: int | Refused,
    at: datetime | Refused,
    data: bytes | Refused | None,
    decoded: Mapping[str, object] | Refused | None,
    session: str | None,
    battery: float | None,
    raw: str,
) -> Uplink | Refused:
    """The uplink made of these parts, or the first part that could not be read.

    Equal uplinks of one session have equal `dedup`: the device and its counter.
    """
    if isinstance(device, Refused):
        return device
    if isinstance(counter, Refused):
        return counter
    if isinstance(port, Refused):
        return port
    if isinstance(at, Refused):
        return at
    if isinstance(decoded, Refused):
        return decoded
    if isinstance(data, Refused):
        # What the server has decoded stands, whatever became of the bytes.
        if not decoded:
            return data
        data = None
    part = UNSTORABLE.sub("\ufffd", session[:_SESSION_CHARS]) if session else None
    dedup = f"{device}:{part}:{counter}" if part else f"{device}:{counter}"
    return Uplink(device, at, counter, port, decoded, data, dedup, battery, raw)


def decoded_of(content: object, *, field: str) -> Mapping[str, object] | Refused | None:
    """What the server decoded, None where it decoded nothing."""
    if content is None or isinstance(content, dict):
        return content
    return Refused(Reason.MALFORMED, f"The field '{field}' is not an object.")


def rows_of(uplink: Uplink, device: Device) -> Parsed:
    """A row for each value of the uplink; a fault for what is no number, cannot be decoded, or is not there."""
    if uplink.decoded:
        return _rows_of_decoded(uplink, device, uplink.decoded)
    if not uplink.data:
        if device.fields:
            return _rows_of_decoded(uplink, device, {})
        return [FeedFault(Reason.NO_READING, f"The uplink of {uplink.device} has no payload.", uplink.raw)]
    if device.decoder is None:
        detail = f"The uplink of {uplink.device} is not decoded, and no decoder is declared for this device."
        return [FeedFault(Reason.NO_DECODER, detail, uplink.raw)]
    return _rows_of_frame(uplink, device, device.decoder, uplink.data)


def bytes_of(content: object, *, field: str) -> bytes | Refused | None:
    """The bytes of a base64 text, None where there is none."""
    if content is None or content == "":
        return None
    if not isinstance(content, str):
        return Refused(Reason.UNDECODABLE, f"The field '{field}' is not a base64 text.")
    try:
        return base64.b64decode(content, validate=True)
    except ValueError:
        return Refused(Reason.UNDECODABLE, f"The field '{field}' is not base64.")


def battery_of(content: object) -> float | None:
    """A battery in percent, None where there is none or it is no percentage."""
    if content is None:
        return None
    value = value_of(content, field=BATTERY_FIELD)
    return value if isinstance(value, float) and 0 <= value <= 100 else None


def _rows_of_decoded(uplink: Uplink, device: Device, decoded: Mapping[str, object]) -> Parsed:
    battery = battery_of(decoded.get(BATTERY_FIELD))
    battery = uplink.battery if battery is None else battery
    names = device.fields or tuple(name for name in decoded if name != BATTERY_FIELD)
    parsed: Parsed = []
    for name in names:
        named = name_of(name, field="decoded payload")
        if isinstance(named, Refused):
            parsed.append(fault_of(named, raw=uplink.raw))
            continue
        # value_of(None) is NaN: a field that was left out has no value, although a zero may have been left out.
        value = value_of(decoded.get(name), field=named)
        if isinstance(value, Refused):
            parsed.append(fault_of(value, raw=uplink.raw))
            continue
        measured = Measured(named, value, device.units.get(name, ""))
        parsed.append(_row(uplink, measured, battery))
    if not parsed:
        detail = f"The uplink of {uplink.device} carries nothing but its battery."
        parsed.append(FeedFault(Reason.NO_READING, detail, uplink.raw))
    return parsed


def _rows_of_frame(uplink: Uplink, device: Device, decoder: Decoder, data: bytes) -> Parsed:
    decoded = decoder(data, uplink.port)
    battery = uplink.battery if decoded.battery is None else decoded.battery
    measured = [one for one in decoded.measured if not device.fields or one.field in device.fields]
    current = {one.field for one in measured if one.at is None}
    # A frame of nothing but memory is no silence of the sensor: only a frame with a current value can lack one.
    absent = [name for name in device.fields if name not in current] if current or not measured else []
    measured += [Measured(name, math.nan, device.units.get(name, "")) for name in absent]
    parsed: Parsed = [_row(uplink, one, battery) for one in measured]
    if decoded.problem is not None:
        detail = f"The frame of {uplink.device} cannot be decoded. {decoded.problem}"
        parsed.append(FeedFault(Reason.UNDECODABLE, detail, uplink.raw))
    if not parsed:
        detail = f"The frame of {uplink.device} carries no reading."
        parsed.append(FeedFault(Reason.NO_READING, detail, uplink.raw))
    return parsed


def _row(uplink: Uplink, measured: Measured, battery: float | None) -> FeedRow:
    return FeedRow(
        stream=f"{uplink.device}/{measured.field}",
        at=measured.at or uplink.at,
        value=measured.value,
        unit=measured.unit,
        raw=uplink.raw,
        dedup=uplink.dedup,
        frame_counter=uplink.counter,
        battery=battery,
    )
