"""From a source's own names to our datastreams: units, mounting and zero are data, read strictly."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import InvalidInputError
from sensors.feeds.bodies import name_of
from sensors.feeds.row import FeedFault, FeedRow, Reason
from sensors.feeds.units import UNITS, canonical, converted
from sensors.rules import IncomingReading, Refused

_NEEDED = {"stream", "datastream", "unit", "to_unit"}
_ALLOWED = _NEEDED | {"height_mm", "zero_m_msl"}
# No sensor hangs higher over the water than from a tall bridge; no Thai gauge's zero is outside of these.
MAX_HEIGHT_MM = 50_000.0
LOWEST_ZERO_M_MSL, HIGHEST_ZERO_M_MSL = -50.0, 2_600.0


@dataclass(frozen=True)
class StreamMapping:
    """What one series of a source is: its datastream, its unit and ours, how the sensor hangs and what it counts from.

    With `height_mm` the source gives the distance down to the water, and the level is the mount height minus it. With
    `zero_m_msl` the source counts from a zero that lies there, and the level is in metres above mean sea level.
    """

    stream: str
    datastream_code: str
    unit: str
    to_unit: str
    height_mm: float | None = None
    zero_m_msl: float | None = None


# By the source's own name of the series.
Mappings = Mapping[str, StreamMapping]


def mappings_of(document: object) -> dict[str, StreamMapping]:
    """The mappings that a list of objects says; raises InvalidInputError with the number of the entry and the cause.

    An entry has stream, datastream, unit (the source's) and to_unit (ours), and may have height_mm and zero_m_msl.
    """
    if not isinstance(document, list) or not document:
        raise InvalidInputError("The mapping must be a list with at least one entry.")
    mappings: dict[str, StreamMapping] = {}
    for number, entry in enumerate(document, 1):
        mapping = _mapping_of(entry, f"Entry {number} of the mapping")
        if mapping.stream in mappings:
            raise InvalidInputError(f"Entry {number} of the mapping repeats the stream '{mapping.stream}'.")
        mappings[mapping.stream] = mapping
    _refuse_shared_datastreams(mappings)
    return mappings


def reading_of(row: FeedRow, mappings: Mappings) -> IncomingReading | FeedFault:
    """The reading of our datastream that a row means: in our unit, as a level where the sensor looks down.

    No value stays no value. A row of an unknown series, or in another unit than declared, is a fault.
    """
    mapping = mappings.get(row.stream)
    if mapping is None:
        return FeedFault(Reason.UNKNOWN_STREAM, f"No datastream is declared for '{row.stream}'.", row.raw)
    if row.unit and row.unit != mapping.unit:
        detail = f"'{row.stream}' is sent in '{row.unit}', but '{mapping.unit}' is declared: nothing is converted."
        return FeedFault(Reason.WRONG_UNIT, detail, row.raw)
    value = _value_of(row.value, mapping)
    if math.isinf(value):
        return FeedFault(Reason.INFINITE, f"The value of '{row.stream}' is too large for a number.", row.raw)
    return IncomingReading(
        datastream_code=mapping.datastream_code, observed_at=row.at, value=value, unit=mapping.to_unit
    )


def _value_of(value: float, mapping: StreamMapping) -> float:
    if math.isnan(value):
        return math.nan
    if mapping.height_mm is not None:
        above_mm = mapping.height_mm - converted(value, unit=mapping.unit, to_unit="mm")
        value = converted(above_mm, unit="mm", to_unit=mapping.to_unit)
    else:
        value = converted(value, unit=mapping.unit, to_unit=mapping.to_unit)
    if mapping.zero_m_msl is None:
        return value
    return round(value + converted(mapping.zero_m_msl, unit="m", to_unit=mapping.to_unit), 9)


def _mapping_of(entry: object, where: str) -> StreamMapping:
    if not isinstance(entry, dict):
        raise InvalidInputError(f"{where} must be an object.")
    unknown = sorted(str(key) for key in entry if key not in _ALLOWED)
    if unknown:
        raise InvalidInputError(f"{where} has the unknown key '{unknown[0]}'.")
    lacking = sorted(_NEEDED - entry.keys())
    if lacking:
        raise InvalidInputError(f"{where} lacks '{lacking[0]}'.")
    mapping = StreamMapping(
        stream=_name(entry["stream"], "stream", where),
        datastream_code=_name(entry["datastream"], "datastream", where),
        unit=_unit(entry["unit"], "unit", where),
        to_unit=_unit(entry["to_unit"], "to_unit", where),
        height_mm=_number(entry, "height_mm", where, lowest=0.0, highest=MAX_HEIGHT_MM),
        zero_m_msl=_number(entry, "zero_m_msl", where, lowest=LOWEST_ZERO_M_MSL, highest=HIGHEST_ZERO_M_MSL),
    )
    _refuse_contradictions(mapping, where)
    return mapping


def _refuse_contradictions(mapping: StreamMapping, where: str) -> None:
    source, ours = UNITS[mapping.unit], UNITS[mapping.to_unit]
    if source.kind != ours.kind:
        raise InvalidInputError(f"{where}: '{mapping.unit}' cannot become '{mapping.to_unit}'.")
    if ours.zero is not None:
        raise InvalidInputError(f"{where}: 'to_unit' must be a plain unit such as m; the datastream knows its datum.")
    if source.kind != "length" and (mapping.height_mm is not None or mapping.zero_m_msl is not None):
        raise InvalidInputError(f"{where}: 'height_mm' and 'zero_m_msl' are for lengths, not for '{mapping.unit}'.")
    if source.zero is not None and mapping.height_mm is not None:
        raise InvalidInputError(f"{where}: '{mapping.unit}' is a level already; a 'height_mm' is for distances.")
    if source.zero == "msl" and mapping.zero_m_msl is not None:
        raise InvalidInputError(f"{where}: '{mapping.unit}' counts from mean sea level; 'zero_m_msl' would move it.")
    if source.zero in ("station", "ordnance") and mapping.zero_m_msl is None:
        raise InvalidInputError(f"{where}: '{mapping.unit}' counts from another zero; say 'zero_m_msl' where it lies.")


def _refuse_shared_datastreams(mappings: Mappings) -> None:
    seen: dict[str, str] = {}
    for mapping in mappings.values():
        other = seen.setdefault(mapping.datastream_code, mapping.stream)
        if other != mapping.stream:
            code = mapping.datastream_code
            raise InvalidInputError(f"The streams '{other}' and '{mapping.stream}' both claim the datastream '{code}'.")


def _name(content: object, key: str, where: str) -> str:
    name = name_of(content, field=key) if isinstance(content, str) else None
    if name is None or isinstance(name, Refused):
        raise InvalidInputError(f"{where}: '{key}' must be a name.")
    return name


def _unit(content: object, key: str, where: str) -> str:
    unit = canonical(content) if isinstance(content, str) else None
    if unit is None:
        raise InvalidInputError(f"{where}: '{key}' must be one of {', '.join(UNITS)}.")
    return unit


def _number(entry: Mapping[str, object], key: str, where: str, *, lowest: float, highest: float) -> float | None:
    if key not in entry:
        return None
    content = entry[key]
    if isinstance(content, bool) or not isinstance(content, int | float) or not lowest <= content <= highest:
        raise InvalidInputError(f"{where}: '{key}' must be a number from {lowest:g} to {highest:g}.")
    return float(content)
