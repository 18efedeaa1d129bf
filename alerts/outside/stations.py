"""What measuring stations of national networks say beyond their bands: ThaiWater's levels and rain, DWR's status.

A station that is above its band is one warning that lasts while the source goes on saying so; the next answer with a
lower band ends it. A station that is silent or says nonsense ends nothing: its warning runs out by the clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from alerts.outside.said import OutsideWarning, Place, Read, Unread, Words
from core.words import words as say
from sensors.feeds.bodies import PULLED_LIMIT_BYTES, TwiceInRow, json_of_body, name_of, object_of, raw_of
from sensors.feeds.row import FeedFault, Reason
from sensors.feeds.thaiwater import ZONE
from sensors.feeds.times import DateOrder, time_of
from sensors.feeds.values import value_of
from sensors.rules import Refused

# A Thai monitoring project's rule: what is older, or so far ahead, is no evidence.
STALE_AFTER = timedelta(hours=6)
AHEAD_AT_MOST = timedelta(minutes=15)
# Na Thawi's 20.47 m against a bank of 2.54 m was a mistake of datum, no flood.
BANK_APART_AT_MOST_M = 10.0
# ThaiWater: 5 over the bank, 4 above 70 % of it, 3 above 30 %; 2 and 1 are LOW water.
LEVEL_WARNS_FROM, LEVEL_LOW_TO = 4, 2
# mm; a Thai monitoring project's "watch" and "priority".
RAIN_BANDS_MM: Mapping[str, tuple[float, ...]] = {"rain_24h": (35.0, 90.0), "rain_1h": (25.0, 50.0)}
# The wettest day on Earth had 1,825 mm; the record of Bangkok's network that said 762 mm in a day was broken.
RAIN_AT_MOST_MM: Mapping[str, float] = {"rain_24h": 700.0, "rain_1h": 200.0}
# Department of Water Resources: 1 watch, 2 prepare, 3 critical; 9 stands on a third of its stations and says nothing.
DWR_STATUSES = frozenset({0, 1, 2, 3})
MOST_UNREAD = 50


@dataclass(frozen=True)
class Stations:
    """Which stations of a list concern the city: by number, or all of these provinces (code or Thai name)."""

    numbers: frozenset[str] = frozenset()
    provinces: frozenset[str] = frozenset()

    def concern(self, number: str, province: Sequence[str]) -> bool:
        """The station is declared, or lies in a declared province."""
        return number in self.numbers or not self.provinces.isdisjoint(province)


@dataclass(frozen=True)
class _Station:
    number: str
    th: str
    en: str
    place: Place
    at: datetime


_One: TypeAlias = OutsideWarning | str | Unread | None
_Reader: TypeAlias = Callable[[Mapping[str, object], Stations, datetime], _One]


def read_levels(body: bytes, *, stations: Stations, now: datetime) -> Read:
    """ThaiWater's `public/waterlevel_load` or `provinces/waterlevel`: a warning for each station of level 4 or 5."""
    return _read(body, (("waterlevel_data", "data"), ("data",)), _level, stations=stations, now=now)


def read_rain(body: bytes, *, stations: Stations, now: datetime) -> Read:
    """ThaiWater's `public/rain_24h`: a warning for each gauge beyond a band of 24 hours or of one."""
    return _read(body, (("data",),), _rain, stations=stations, now=now)


def read_dwr(body: bytes, *, stations: Stations, now: datetime) -> Read:
    """The list of DWR's early-warning stations (`web-service/stn`): a warning for each of status 1 to 3."""
    return _read(body, ((), ("data",)), _dwr, stations=stations, now=now)


def _read(
    body: bytes, rows_at: tuple[tuple[str, ...], ...], one_of: _Reader, *, stations: Stations, now: datetime
) -> Read:
    content = json_of_body(body, limit_bytes=PULLED_LIMIT_BYTES, rows_at=rows_at)
    if isinstance(content, FeedFault):
        return Read(unread=(Unread(content.reason, content.detail, content.raw),))
    rows = _rows(content, rows_at)
    if isinstance(rows, Unread):
        return Read(unread=(rows,))
    warnings: list[OutsideWarning] = []
    over: set[str] = set()
    unread: list[Unread] = []
    for row in rows:
        found = _twice(row) if isinstance(row, TwiceInRow) else one_of(object_of(row), stations, now)
        if isinstance(found, OutsideWarning):
            warnings.append(found)
        elif isinstance(found, str):
            over.add(found)
        elif found is not None:
            unread.append(found)
    newest = max((warning.sent_at for warning in warnings), default=None)
    return Read(tuple(warnings), frozenset(over), unread=tuple(unread[:MOST_UNREAD]), newest_at=newest)


def _twice(row: TwiceInRow) -> Unread:
    fault = row.fault()
    return Unread(fault.reason, fault.detail, fault.raw)


def _rows(content: object, rows_at: tuple[tuple[str, ...], ...]) -> list[object] | Unread:
    for holder in (object_of(content), object_of(object_of(content).get("waterlevel_data"))):
        result = holder.get("result")
        if result is not None and (not isinstance(result, str) or result.upper() != "OK"):
            detail = f"The source answers result {raw_of(result)[:40]} instead of OK."
            return Unread(Reason.REFUSED_BY_SOURCE, detail, raw_of(content))
    for keys in rows_at:
        found = content
        for key in keys:
            found = object_of(found).get(key)
        if isinstance(found, list):
            return found if found else Unread(Reason.EMPTY, "The source answers without any station.", raw_of(content))
    return Unread(Reason.MALFORMED, "There is no list of stations in the answer.", raw_of(content))


def _station(row: Mapping[str, object], stations: Stations, now: datetime, *, time_field: str) -> _Station | _One:
    """The station of a row of ThaiWater; None where it does not concern the city, Unread where it is no evidence."""
    inner, where = object_of(row.get("station")), object_of(row.get("geocode"))
    number = name_of(inner.get("id"), field="station.id")
    if isinstance(number, Refused):
        return None if stations.numbers else Unread(Reason.MALFORMED, number.detail, raw_of(row))
    province = object_of(where.get("province_name")).get("th")
    if not stations.concern(number, (str(where.get("province_code", "")), str(province or ""))):
        return None
    at = time_of(row.get(time_field), field=time_field, zone=ZONE)
    if isinstance(at, Refused):
        return Unread(at.reason, f"Station {number}: {at.detail}", raw_of(row))
    names = object_of(inner.get("tele_station_name"))
    th = str(names.get("th") or names.get("en") or number)[:200]
    place = _place(th, inner.get("tele_station_lat"), inner.get("tele_station_long"), where)
    old = _evidence(number, at, now=now, raw=raw_of(row))
    return old or _Station(number, th, str(names.get("en") or th)[:200], place, at)


def _evidence(number: str, at: datetime, *, now: datetime, raw: str) -> Unread | None:
    if now - at > STALE_AFTER:
        return Unread("stale", f"Station {number} last spoke at {at:%Y-%m-%d %H:%M} UTC: it says nothing of now.", raw)
    if at - now > AHEAD_AT_MOST:
        return Unread("future_time", f"Station {number} says {at:%Y-%m-%d %H:%M} UTC, which is still to come.", raw)
    return None


def _place(name: str, lat: object, lon: object, where: Mapping[str, object]) -> Place:
    codes = tuple(
        (key, str(where[key])) for key in ("area_code", "province_code", "amphoe_code", "tumbon_code") if where.get(key)
    )
    y, x = value_of(lat, field="lat"), value_of(lon, field="lon")
    if isinstance(x, Refused) or isinstance(y, Refused) or not (abs(x) <= 180 and abs(y) <= 90):
        return Place(name=name, codes=codes)
    return Place(name=name, codes=codes, circles=((x, y, 0.0),))


def _number(row: Mapping[str, object], field: str) -> float:
    value = value_of(row.get(field), field=field)
    return math.nan if isinstance(value, Refused) else value


def _level(row: Mapping[str, object], stations: Stations, now: datetime) -> _One:
    found = _station(row, stations, now, time_field="waterlevel_datetime")
    if not isinstance(found, _Station):
        return found
    identifier = f"level:{found.number}"
    situation = _number(row, "situation_level")
    level_m_msl = _number(row, "waterlevel_msl")
    bank_m_msl = _number(object_of(row.get("station")), "min_bank")
    if math.isnan(situation) or situation not in (1, 2, 3, 4, 5):
        # No level is no lower level: what was said before stays, until the clock ends it.
        return Unread("no_level", f"Station {found.number} has no situation level.", raw_of(row))
    if situation < LEVEL_WARNS_FROM:
        return identifier
    apart_m = level_m_msl - bank_m_msl
    if not math.isnan(apart_m) and abs(apart_m) > BANK_APART_AT_MOST_M:
        detail = (
            f"Station {found.number} says {level_m_msl:.2f} m beside a bank of {bank_m_msl:.2f} m: "
            "two zeros are confused, and this is no flood."
        )
        return Unread("datum", detail, raw_of(row))
    grade = int(situation)
    facts = {"situation_level": grade, "level_m_msl": _fact(level_m_msl), "bank_m_msl": _fact(bank_m_msl),
             "storage_percent": _fact(_number(row, "storage_percent"))}  # fmt: skip
    words = _told(f"outside-level-{grade}", th={"name": found.th}, en={"name": found.en})
    return _warning(found, identifier, hazard="flood", grade=grade, words=words, facts=facts)


def _rain(row: Mapping[str, object], stations: Stations, now: datetime) -> _One:
    found = _station(row, stations, now, time_field="rainfall_datetime")
    if not isinstance(found, _Station):
        return found
    said = {field: _number(row, field) for field in RAIN_BANDS_MM}
    for field, value in said.items():
        if not math.isnan(value) and not 0 <= value <= RAIN_AT_MOST_MM[field]:
            return Unread("impossible", f"Station {found.number} says {value:g} mm in {field}.", raw_of(row))
    if all(math.isnan(value) for value in said.values()):
        return Unread("no_level", f"Station {found.number} has no rain.", raw_of(row))
    grade = max(sum(value > band for band in RAIN_BANDS_MM[field]) for field, value in said.items())
    identifier = f"rain:{found.number}"
    if grade == 0:
        return identifier
    amounts = {field: "-" if math.isnan(value) else f"{value:g}" for field, value in said.items()}
    words = _told("outside-rain", th={"name": found.th, **amounts}, en={"name": found.en, **amounts})
    facts = {field: _fact(value) for field, value in said.items()}
    return _warning(found, identifier, hazard="rain", grade=grade, words=words, facts=facts)


def _dwr(row: Mapping[str, object], stations: Stations, now: datetime) -> _One:
    number = name_of(row.get("stn"), field="stn")
    if isinstance(number, Refused):
        return None if stations.numbers else Unread(Reason.MALFORMED, number.detail, raw_of(row))
    if not stations.concern(number, (str(row.get("province") or "").strip(),)):
        return None
    at = time_of(_whole_year(row.get("date")), field="date", zone=ZONE, order=DateOrder.DAY_FIRST)
    if isinstance(at, Refused):
        return Unread(at.reason, f"Station {number}: {at.detail}", raw_of(row))
    old = _evidence(number, at, now=now, raw=raw_of(row))
    if old is not None:
        return old
    status = _number(row, "status")
    if status not in DWR_STATUSES:
        return Unread("no_level", f"Station {number} has the status {row.get('status')!r:.20}.", raw_of(row))
    identifier = f"dwr:{number}"
    if status == 0:
        return identifier
    name = str(row.get("name") or number).strip()[:200]
    where = [str(row.get(key) or "").strip() for key in ("tambon", "amphoe", "province")]
    place = _place(name, row.get("latitude"), row.get("longitude"), {})
    named = (place, *(Place(name=one) for one in where if one))
    station = _Station(number, name, name, place, at)
    told = ", ".join(part for part in (name, *where) if part)
    grade = int(status)
    words = _told(f"outside-dwr-{grade}", th={"name": told}, en={"name": told})
    facts = {key: _fact(_number(row, key)) for key in ("rain12h", "wl", "soil", "alert_max")}
    made = _warning(station, identifier, hazard="flash_flood", grade=grade, words=words, facts=facts)
    return OutsideWarning(**{**vars(made), "places": named})


def _whole_year(content: object) -> object:
    """DWR writes 04/10/69 for the year 2569."""
    if isinstance(content, str):
        day, slash, rest = content.strip().partition("/")
        month, other, year = rest.partition("/")
        if slash and other and year[:2].isdigit() and not year[2:3].isdigit():
            return f"{day}/{month}/25{year}"
    return content


def _told(key: str, **slots: Mapping[str, str]) -> dict[str, Words]:
    event = f"{key.rstrip('-0123456789')}-event"
    return {
        language: Words(say("alerts", event, language=language), say("alerts", key, language=language, **of))
        for language, of in slots.items()
    }


def _fact(value: float) -> float | None:
    return None if math.isnan(value) else value


def _warning(
    station: _Station, identifier: str, *, hazard: str, grade: int, words: Mapping[str, Words],
    facts: Mapping[str, object],
) -> OutsideWarning:
    return OutsideWarning(
        identifier=identifier,
        sender=f"station {station.number}",
        sent_at=station.at.astimezone(UTC),
        event=words["en"].event,
        hazard=hazard,
        grade=grade,
        words=words,
        places=(station.place,),
        expires_at=station.at + STALE_AFTER,
        station=station.number,
        facts=facts,
    )
