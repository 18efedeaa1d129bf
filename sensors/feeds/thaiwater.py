"""ThaiWater v3 (Hydro-Informatics Institute): lists of water levels, and the history of one station.

Levels are texts in metres above mean sea level, times are local without a zone, rows of one answer can be hours or
days apart, and an answer with status 200 can say `"result": "NO"`. Whether a level fits its banks is quality's affair.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sensors.feeds.bodies import PULLED_LIMIT_BYTES, TwiceInRow, json_of_body, name_of, object_of, raw_of
from sensors.feeds.row import FeedFault, FeedRow, Parsed, Reason, fault_of
from sensors.feeds.times import time_of
from sensors.feeds.values import value_of
from sensors.rules import Refused

ZONE = ZoneInfo("Asia/Bangkok")
LEVEL, LEVEL_UNIT = "waterlevel_msl", "m_msl"


@dataclass(frozen=True)
class ThaiWaterStation:
    """A station as the list describes it: its numeric id, its old code and names, banks and ground in m above MSL.

    Who maps a station compares code and name: users have confused ids (2585 and 2590).
    """

    id: str
    code: str | None
    name_th: str | None
    name_en: str | None
    min_bank_m_msl: float | None
    left_bank_m_msl: float | None
    right_bank_m_msl: float | None
    ground_m_msl: float | None


def rows_of_levels(body: bytes) -> Parsed:
    """A row for each station of `provinces/waterlevel` or `public/waterlevel_load`, named by the station's id.

    Each row has its own time. A level that is null, empty or a sentinel is a row without value.
    """
    stations = _stations_in(body)
    if isinstance(stations, FeedFault):
        return [stations]
    return [_row_of_station(content) for content in stations]


def rows_of_history(body: bytes, *, station: str) -> Parsed:
    """A row for each time of `public/waterlevel_graph`; the answer does not name its station, who asked does."""
    content = json_of_body(body, limit_bytes=PULLED_LIMIT_BYTES, rows_at=(("data", "graph_data"),))
    if isinstance(content, FeedFault):
        return [content]
    data = _data_of(content)
    if isinstance(data, FeedFault):
        return [data]
    points = data.get("graph_data") if isinstance(data, dict) else None
    if not isinstance(points, list):
        return [FeedFault(Reason.MALFORMED, "The field 'data.graph_data' is not a list.", raw_of(content))]
    if not points:
        return [FeedFault(Reason.EMPTY, "The source answers without any value.", raw_of(content))]
    return [_row(object_of(point), point, station=station, time_field="datetime", field="value") for point in points]


def stations_of(body: bytes) -> list[ThaiWaterStation]:
    """The stations that the list describes; those without an id, and an answer that is no list, give none."""
    contents = _stations_in(body)
    if isinstance(contents, FeedFault):
        return []
    sound = [content for content in contents if not isinstance(content, TwiceInRow)]
    found = (_station_of(object_of(object_of(content).get("station"))) for content in sound)
    return [one for one in found if one is not None]


def _stations_in(body: bytes) -> list[object] | FeedFault:
    content = json_of_body(body, limit_bytes=PULLED_LIMIT_BYTES, rows_at=(("waterlevel_data", "data"), ("data",)))
    if isinstance(content, FeedFault):
        return content
    inner = object_of(content).get("waterlevel_data")
    data = _data_of(content if inner is None else inner)
    if isinstance(data, FeedFault):
        return data
    if not isinstance(data, list):
        return FeedFault(Reason.MALFORMED, "The field 'data' is not a list of stations.", raw_of(content))
    if not data:
        return FeedFault(Reason.EMPTY, "The source answers without any station.", raw_of(content))
    return data


def _data_of(content: object) -> object:
    """What stands under `data` of an answer whose result is OK; else the fault."""
    if not isinstance(content, dict):
        return FeedFault(Reason.NOT_AN_OBJECT, "The answer of ThaiWater is an object.", raw_of(content))
    result = content.get("result")
    if result is not None and (not isinstance(result, str) or result.upper() != "OK"):
        detail = f"The source answers result {raw_of(result)[:40]} instead of OK: it has no data for this request."
        return FeedFault(Reason.REFUSED_BY_SOURCE, detail, raw_of(content))
    return content.get("data")


def _row_of_station(content: object) -> FeedRow | FeedFault:
    if isinstance(content, TwiceInRow):
        return content.fault()
    fields = object_of(content)
    station = name_of(object_of(fields.get("station")).get("id"), field="station.id")
    if isinstance(station, Refused):
        return fault_of(station, raw=raw_of(content))
    return _row(fields, content, station=station, time_field="waterlevel_datetime", field=LEVEL)


def _row(
    fields: Mapping[str, object], content: object, *, station: str, time_field: str, field: str
) -> FeedRow | FeedFault:
    if isinstance(content, TwiceInRow):
        return content.fault()
    raw = raw_of(content)
    at = time_of(fields.get(time_field), field=time_field, zone=ZONE)
    if isinstance(at, Refused):
        return fault_of(at, raw=raw)
    value = value_of(fields.get(field), field=field)
    if isinstance(value, Refused):
        return fault_of(value, raw=raw)
    return FeedRow(stream=station, at=at, value=value, unit=LEVEL_UNIT, raw=raw)


def _station_of(fields: Mapping[str, object]) -> ThaiWaterStation | None:
    station = name_of(fields.get("id"), field="station.id")
    if isinstance(station, Refused):
        return None
    names = object_of(fields.get("tele_station_name"))
    return ThaiWaterStation(
        id=station,
        code=_text(fields.get("tele_station_oldcode")),
        name_th=_text(names.get("th")),
        name_en=_text(names.get("en")),
        min_bank_m_msl=_level(fields.get("min_bank")),
        left_bank_m_msl=_level(fields.get("left_bank")),
        right_bank_m_msl=_level(fields.get("right_bank")),
        ground_m_msl=_level(fields.get("ground_level")),
    )


def _text(content: object) -> str | None:
    name = name_of(content, field="name")
    return None if isinstance(name, Refused) else name


def _level(content: object) -> float | None:
    value = value_of(content, field="bank")
    return None if isinstance(value, Refused) or math.isnan(value) else value
