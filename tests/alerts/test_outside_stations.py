"""What national networks of stations say: high water, heavy rain, DWR's status; and what must not warn."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alerts.outside.said import Read
from alerts.outside.stations import Stations, read_dwr, read_levels, read_rain

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)  # 10:00 in Thailand
OURS = Stations(numbers=frozenset({"7001"}))
RECORDED = Path(__file__).parents[1] / "sensors" / "feeds" / "recorded"


def level_row(situation: object, **changes: Any) -> dict[str, Any]:
    row = {
        "waterlevel_datetime": "2026-11-21 09:30", "waterlevel_msl": "3.10", "situation_level": situation,
        "storage_percent": "88.0", "geocode": {"province_code": "80", "province_name": {"th": "นครศรีธรรมราช"}},
        "station": {"id": 7001, "tele_station_name": {"th": "คลองเหนือ", "en": "North"}, "min_bank": "3.50",
                    "tele_station_lat": 8.41, "tele_station_long": 99.91},
    }  # fmt: skip
    return row | changes


def levels(*rows: dict[str, Any], stations: Stations = OURS) -> Read:
    body = json.dumps({"waterlevel_data": {"result": "OK", "data": list(rows)}}).encode()
    return read_levels(body, stations=stations, now=NOW)


def rain(**values: object) -> Read:
    row = level_row(None) | {"rainfall_datetime": "2026-11-21 09:00"} | values
    return read_rain(json.dumps({"result": "OK", "data": [row]}).encode(), stations=OURS, now=NOW)


def test_high_water_is_a_warning_and_low_water_none() -> None:
    """Levels 5 and 4 warn; 3 is normal; 2 and 1 are LOW water: none of these three is ever a flood."""
    for situation in (4, 5, "5"):
        (found,) = levels(level_row(situation)).warnings
        assert (found.grade, found.hazard, found.station) == (int(situation), "flood", "7001")
        assert found.sent_at == datetime(2026, 11, 21, 2, 30, tzinfo=UTC)
        assert found.expires_at == datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
        assert "คลองเหนือ" in found.words["th"].headline
    for situation in (1, 2, 3):
        read = levels(level_row(situation))
        assert (read.warnings, read.over) == ((), {"level:7001"})


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (level_row(None), "no_level"),
        (level_row(0), "no_level"),
        (level_row("high"), "no_level"),
        (level_row(5, waterlevel_datetime="2026-11-20 04:00"), "stale"),
        (level_row(5, waterlevel_datetime="2026-11-21 13:00"), "future_time"),
        (level_row(5, waterlevel_datetime=None), "no_time"),
        (level_row(5, waterlevel_msl="20.47", station={"id": 7001, "min_bank": "2.54"}), "datum"),
    ],
)
def test_what_is_no_evidence_neither_warns_nor_ends_a_warning(row: dict[str, Any], reason: str) -> None:
    """No level, an old or future time, two confused zeros: told as such; missing data is never lower water."""
    read = levels(row)
    assert (read.warnings, read.over) == ((), frozenset())
    assert [one.reason for one in read.unread] == [reason]


def test_only_declared_stations_count() -> None:
    """A national list brings what the city declared: stations by number, or a whole province by code or name."""
    foreign = level_row(5, station={"id": 9, "tele_station_name": {"th": "ไกล"}}, geocode={"province_code": "90"})
    assert len(levels(level_row(5), foreign).warnings) == 1
    for province in ("80", "นครศรีธรรมราช"):
        (found,) = levels(level_row(5), foreign, stations=Stations(provinces=frozenset({province}))).warnings
        assert found.station == "7001"


def test_the_years_of_thai_sources_are_read() -> None:
    """พ.ศ. 2569 is 2026, and DWR's 69 as well."""
    (found,) = levels(level_row(5, waterlevel_datetime="2569-11-21 09:30")).warnings
    assert found.sent_at.year == 2026


def test_a_recorded_list_is_read_row_by_row() -> None:
    """One bad row of a list silences no other."""
    stations = Stations(numbers=frozenset({str(number) for number in range(7001, 7009)}))
    at = datetime(2026, 11, 20, 16, tzinfo=UTC)
    read = read_levels((RECORDED / "thaiwater_list.json").read_bytes(), stations=stations, now=at)
    assert read.over == {"level:7001"}
    assert read.warnings == ()
    assert "no_level" in {one.reason for one in read.unread}


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[" * 100_000, b'{"result": "NO"}', b'{"data": []}', b'{"data": {}}', b"\xff\xfe", b"1"]
)
def test_no_answer_is_a_sentence_and_nothing_else(body: bytes) -> None:
    """A web page, a refusal, an empty or deep answer: one reason, no warning, and nothing ended."""
    for reader in (read_levels, read_rain, read_dwr):
        read = reader(body, stations=OURS, now=NOW)
        assert (read.warnings, read.over, len(read.unread)) == ((), frozenset(), 1)
        assert read.unread[0].detail


def test_rain_beyond_a_band_warns() -> None:
    """24 hours above 35 and 90 mm, one hour above 25 and 50 mm; the worse of the two counts; 762 mm is broken."""
    assert rain(rain_24h=20, rain_1h=None).over == {"rain:7001"}
    said = ((35.1, None), (91, 0), (10, 26), ("40", "51"))
    assert [rain(rain_24h=day, rain_1h=hour).warnings[0].grade for day, hour in said] == [1, 2, 1, 2]
    assert rain(rain_24h=91).warnings[0].hazard == "rain"
    assert [one.reason for one in rain(rain_24h=762, rain_1h=73).unread] == ["impossible"]
    assert [one.reason for one in rain(rain_24h=None, rain_1h=-999).unread] == ["no_level"]


def dwr(status: object, **changes: Any) -> Read:
    row = {"stn": "STN2113", "name": "บ้านเขา", "tambon": "เขาแก้ว", "amphoe": "ลานสกา", "province": "นครศรีธรรมราช",
           "latitude": "8.31", "longitude": "99.71", "status": status, "rain12h": "80.5", "soil": "N/A",
           "date": "21/11/69 09:45 น."} | changes  # fmt: skip
    body = json.dumps([row]).encode()
    return read_dwr(body, stations=Stations(provinces=frozenset({"นครศรีธรรมราช"})), now=NOW)


def test_the_status_of_dwr_is_a_flash_flood() -> None:
    """1 watch, 2 prepare, 3 critical; 0 ends it; 9 says nothing; its Buddhist years have two digits."""
    (found,) = dwr("3").warnings
    assert (found.grade, found.hazard, found.sent_at) == (3, "flash_flood", datetime(2026, 11, 21, 2, 45, tzinfo=UTC))
    assert {place.name for place in found.places} == {"บ้านเขา", "เขาแก้ว", "ลานสกา", "นครศรีธรรมราช"}
    assert dwr(0).over == {"dwr:STN2113"}
    assert [one.reason for one in dwr("9").unread] == ["no_level"]
    assert [one.reason for one in dwr(3, date="01/01/13 00:00 น.").unread] == ["no_time"]
