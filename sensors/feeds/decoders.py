"""Bytes of a device's frame to values: Milesight EM500-SWL, and simple fixed layouts that are data."""

from __future__ import annotations

import functools
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from core.errors import InvalidInputError
from sensors.feeds.times import time_of_epoch_s
from sensors.rules import Refused

MAX_FRAME_BYTES = 255


@dataclass(frozen=True)
class Measured:
    """One value of a frame, NaN where the sensor says that it has none; `at` where the frame carries its own time."""

    field: str
    value: float
    unit: str
    at: datetime | None = None


@dataclass(frozen=True)
class Decoded:
    """What a frame holds; `problem` is a sentence where a part of it could not be read: the rest stands."""

    measured: tuple[Measured, ...]
    battery: float | None = None
    problem: str | None = None


# Frame and port to what it holds; never raises.
Decoder: TypeAlias = Callable[[bytes, int], Decoded]

# EM500-SWL (maker's field layout): channel id, channel type, value, over and over; little endian.
SWL_PORT = 85
_SWL_BATTERY, _SWL_LEVEL, _SWL_HISTORY = b"\x01\x75", b"\x03\x77", b"\x20\xce"
# Codes of the depth: FFFF no measurement, FFFD outside of the probe's range.
_SWL_NO_DEPTH = frozenset({0xFFFF, 0xFFFD})
# Bytes behind the type: readings, then what a device says of itself when it joins (versions, serial number, class, …).
_SWL_LENGTHS = {
    _SWL_BATTERY: 1,
    _SWL_LEVEL: 2,
    _SWL_HISTORY: 6,
    b"\xff\x01": 1,
    b"\xff\x09": 2,
    b"\xff\x0a": 2,
    b"\xff\x0b": 1,
    b"\xff\x0f": 1,
    b"\xff\x16": 8,
    b"\xff\xfe": 1,
    b"\xff\xff": 2,
}


def decode_em500_swl(frame: bytes, port: int) -> Decoded:
    """The battery in percent and the depth of water over the probe in cm (`water_level`), now and from its memory.

    What stands before an unknown channel or a cut value is kept; the rest is the problem.
    """
    if port != SWL_PORT:
        return Decoded((), problem=f"An EM500-SWL sends on fPort {SWL_PORT}, this frame came on {port}.")
    measured: list[Measured] = []
    battery: float | None = None
    position = 0
    while position < len(frame):
        channel = frame[position : position + 2]
        length = _SWL_LENGTHS.get(channel)
        if length is None:
            return Decoded(tuple(measured), battery, f"Byte {position} begins the unknown channel {channel.hex(' ')}.")
        value = frame[position + 2 : position + 2 + length]
        if len(value) < length:
            return Decoded(tuple(measured), battery, f"The frame ends within channel {channel.hex(' ')}.")
        position += 2 + length
        if channel == _SWL_BATTERY:
            battery = _percent(float(value[0]))
        elif channel == _SWL_LEVEL:
            measured.append(Measured("water_level", _swl_depth_cm(value), "cm"))
        elif channel == _SWL_HISTORY:
            at = time_of_epoch_s(int.from_bytes(value[:4], "little"), field="history")
            if isinstance(at, Refused):
                return Decoded(tuple(measured), battery, at.detail)
            measured.append(Measured("water_level", _swl_depth_cm(value[4:]), "cm", at))
    return Decoded(tuple(measured), battery)


def _swl_depth_cm(value: bytes) -> float:
    number = int.from_bytes(value, "little")
    return math.nan if number in _SWL_NO_DEPTH else float(number)


def _percent(value: float) -> float | None:
    return value if 0 <= value <= 100 else None


_FORMATS = {"u8": "B", "i8": "b", "u16": "H", "i16": "h", "u32": "I", "i32": "i", "f32": "f"}
_ORDERS = {"big": ">", "little": "<"}
_FIELD_KEYS = {"name", "at", "type", "order", "scale", "offset", "unit", "missing"}
_LAYOUT_KEYS = {"port", "fields"}
BATTERY_FIELD = "battery"


@dataclass(frozen=True)
class BinaryField:
    """One number in a frame: where it begins, how it is written, and raw values that mean "none"."""

    name: str
    at: int
    type: str
    order: str
    scale: float
    offset: float
    unit: str
    missing: frozenset[float]


@dataclass(frozen=True)
class BinaryLayout:
    """The numbers of a frame that comes on one port; the one called `battery` is the battery in percent."""

    port: int
    fields: tuple[BinaryField, ...]


def binary_layout(document: object) -> BinaryLayout:
    """The layout that `{"port": 2, "fields": [{"name": "distance", "at": 0, "type": "u16", "unit": "mm"}]}` says.

    Optional are order (big or little, default big), scale (1), offset (0) and missing ([]). Raises InvalidInputError.
    """
    fields = _keys(document, "The layout", allowed=_LAYOUT_KEYS, needed=_LAYOUT_KEYS)
    port, entries = fields["port"], fields["fields"]
    if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 223:
        raise InvalidInputError("The layout's 'port' must be a whole number from 1 to 223.")
    if not isinstance(entries, list) or not entries:
        raise InvalidInputError("The layout's 'fields' must be a list with at least one field.")
    read = tuple(_binary_field(entry, number) for number, entry in enumerate(entries, 1))
    if len({one.name for one in read}) < len(read):
        raise InvalidInputError("The layout's fields have the same name twice.")
    return BinaryLayout(port=port, fields=read)


def layout_decoder(layout: BinaryLayout) -> Decoder:
    """The decoder of a layout."""
    return functools.partial(_decode_layout, layout)


def _decode_layout(layout: BinaryLayout, frame: bytes, port: int) -> Decoded:
    if port != layout.port:
        return Decoded((), problem=f"The layout is for fPort {layout.port}, this frame came on {port}.")
    measured: list[Measured] = []
    battery: float | None = None
    problems: list[str] = []
    for field in layout.fields:
        form = _ORDERS[field.order] + _FORMATS[field.type]
        if len(frame) < field.at + struct.calcsize(form):
            problems.append(f"The frame of {len(frame)} bytes ends before the field '{field.name}'.")
            continue
        (number,) = struct.unpack_from(form, frame, field.at)
        value = number * field.scale + field.offset
        if number in field.missing or not math.isfinite(value):
            value = math.nan
        if field.name == BATTERY_FIELD:
            battery = _percent(value)
        else:
            measured.append(Measured(field.name, round(value, 9), field.unit))
    return Decoded(tuple(measured), battery, " ".join(problems) or None)


def _binary_field(entry: object, number: int) -> BinaryField:
    where = f"Field {number} of the layout"
    keys = _keys(entry, where, allowed=_FIELD_KEYS, needed={"name", "at", "type", "unit"})
    name, unit, at = keys["name"], keys["unit"], keys["at"]
    if not isinstance(name, str) or not name.strip() or not isinstance(unit, str):
        raise InvalidInputError(f"{where}: 'name' and 'unit' must be texts.")
    if isinstance(at, bool) or not isinstance(at, int) or not 0 <= at < MAX_FRAME_BYTES:
        raise InvalidInputError(f"{where}: 'at' must be a whole number from 0 to {MAX_FRAME_BYTES - 1}.")
    kind, order = keys["type"], keys.get("order", "big")
    if not isinstance(kind, str) or kind not in _FORMATS:
        raise InvalidInputError(f"{where}: 'type' must be one of {', '.join(_FORMATS)}.")
    if not isinstance(order, str) or order not in _ORDERS:
        raise InvalidInputError(f"{where}: 'order' must be big or little.")
    missing = keys.get("missing", [])
    if not isinstance(missing, list):
        raise InvalidInputError(f"{where}: 'missing' must be a list of numbers.")
    return BinaryField(
        name=name.strip(),
        at=at,
        type=kind,
        order=order,
        scale=_finite(keys.get("scale", 1), f"{where}: 'scale'"),
        offset=_finite(keys.get("offset", 0), f"{where}: 'offset'"),
        unit=unit,
        missing=frozenset(_finite(one, f"{where}: 'missing'") for one in missing),
    )


def _keys(content: object, where: str, *, allowed: set[str], needed: set[str]) -> Mapping[str, object]:
    if not isinstance(content, dict):
        raise InvalidInputError(f"{where} must be an object.")
    unknown = sorted(str(key) for key in content if key not in allowed)
    if unknown:
        raise InvalidInputError(f"{where} has the unknown key '{unknown[0]}'.")
    lacking = sorted(needed - content.keys())
    if lacking:
        raise InvalidInputError(f"{where} lacks '{lacking[0]}'.")
    return content


def _finite(content: object, where: str) -> float:
    if isinstance(content, bool) or not isinstance(content, int | float):
        raise InvalidInputError(f"{where} must be a number.")
    try:
        number = float(content)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InvalidInputError(f"{where} must be a finite number.")
    return number
