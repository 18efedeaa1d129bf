"""Units as sources write them, in Thai and English, and what one is in another."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """What a unit measures, its size in the smallest unit of its kind, and the zero that its name implies."""

    kind: str
    size: float
    zero: str | None = None


# Sizes: length in mm, flow in l/s, voltage in mV. mASD is metres above the station's own datum and mAOD above Ordnance
# Datum Newlyn (Environment Agency); m_msl is metres above mean sea level (ม.รทก.).
UNITS = {
    "m": Unit("length", 1000.0),
    "cm": Unit("length", 10.0),
    "mm": Unit("length", 1.0),
    "ft": Unit("length", 304.8),
    "in": Unit("length", 25.4),
    "m_msl": Unit("length", 1000.0, zero="msl"),
    "mASD": Unit("length", 1000.0, zero="station"),
    "mAOD": Unit("length", 1000.0, zero="ordnance"),
    "m3/s": Unit("flow", 1000.0),
    "l/s": Unit("flow", 1.0),
    "m/s": Unit("speed", 1.0),
    "mm/h": Unit("rain rate", 1.0),
    "V": Unit("voltage", 1000.0),
    "mV": Unit("voltage", 1.0),
    "%": Unit("share", 1.0),
    "degC": Unit("temperature", 1.0),
    "tips": Unit("count", 1.0),
}
_SPELLINGS = {
    "m": ("metre", "metres", "meter", "meters", "เมตร", "ม"),
    "cm": ("centimetre", "centimetres", "centimeter", "centimeters", "เซนติเมตร", "ซม", "ซ.ม."),
    "mm": ("millimetre", "millimetres", "millimeter", "millimeters", "มิลลิเมตร", "มม", "ม.ม."),
    "ft": ("foot", "feet"),
    "in": ("inch", "inches"),
    "m_msl": ("m MSL", "m.MSL", "m above MSL", "ม.รทก.", "ม. (รทก.)", "เมตร รทก.", "เมตร (รทก.)"),
    "m3/s": ("m3_s", "m³/s", "cms", "cumecs", "ลบ.ม./วินาที", "ลบ.ม./ว.", "ลบ.ม.ต่อวินาที"),
    "l/s": ("ลิตร/วินาที", "ล./วินาที"),
    "m/s": ("เมตร/วินาที", "ม./วินาที"),
    "mm/h": ("mm/hr", "มม./ชม.", "มม./ชั่วโมง"),
    "%": ("percent", "เปอร์เซ็นต์", "ร้อยละ"),
    "degC": ("°C", "C", "celsius", "องศาเซลเซียส"),
    "tips": ("tip", "count", "counts", "ครั้ง"),
}


def _plain(text: str) -> str:
    return re.sub(r"[\s._()]", "", text).lower()


_CANONICAL = {_plain(name): name for name in UNITS} | {
    _plain(spelling): name for name, spellings in _SPELLINGS.items() for spelling in spellings
}


def canonical(text: str) -> str | None:
    """The unit that a text means ("ซม." is "cm"), None where it is none that we know. "mV" and "MV" are one to it."""
    return _CANONICAL.get(_plain(text))


def converted(value: float, *, unit: str, to_unit: str) -> float:
    """A value in another unit of the same kind, rounded to nine decimals so that 11.7 cm is 0.117 m.

    Zeros are not moved here. Raises ValueError for units of two kinds, KeyError for an unknown one.
    """
    if UNITS[unit].kind != UNITS[to_unit].kind:
        raise ValueError(f"{unit} measures {UNITS[unit].kind}, {to_unit} measures {UNITS[to_unit].kind}")
    return round(value * UNITS[unit].size / UNITS[to_unit].size, 9)
