"""Rules that may be kept and are doubtful all the same: what the API says of them, and of times without readings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from core import clock
from tests.sensors.rulebook.test_rulebook_routes import LEVEL, NOW, House

TOO_HIGH = {"kind": "level", "streams": ["A"], "watch": 8.0, "warning": 9.0, "danger": 10.0}


@pytest.fixture(scope="module")
def house(module_database: sa.Engine) -> Iterator[House]:
    clock.freeze(lambda: NOW)
    yield House()
    clock.freeze(None)


def _tried(house: House, document: dict[str, Any]) -> Any:
    answer = house.try_out(document, since=(NOW - timedelta(days=7)).isoformat(), until=NOW.isoformat())
    assert answer.status_code == 200, answer.text
    return answer.json()


def _doubts(house: House, document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["code"], one["field"]) for one in _tried(house, document)["warnings"] if one["needs_confirmation"]]


@pytest.mark.parametrize(
    ("changes", "doubts"),
    [
        ({}, []),
        ({"danger": 3.0}, []),
        ({"danger": 3.01}, [("above-bank", "danger")]),
        ({"danger": 999}, [("above-bank", "danger")]),
        ({"warning": 2.51}, [("above-bank", "warning")]),
        ({"watch": -5}, [("below-bed", "watch"), ("always-reached", "watch")]),
        ({"dead_band": 0.5}, []),
        ({"dead_band": 0.51}, [("dead-band-wide", "dead_band")]),
        ({"dead_band": 100}, [("dead-band-wide", "dead_band"), ("dead-band-to-floor", "dead_band")]),
        (TOO_HIGH, [("above-bank", "watch"), ("above-bank", "warning"), ("above-bank", "danger")]),
        ({"watch": 0.5}, [("always-reached", "watch")]),
    ],
)
def test_a_level_out_of_the_canal_is_kept_and_doubted(
    house: House, changes: dict[str, Any], doubts: list[tuple[str, str]]
) -> None:
    """Bank 2.50, bed -0.50: what no canal can do is said, with the field, and what a canal can do is not."""
    assert _doubts(house, {**LEVEL, **changes}) == doubts


def test_a_doubt_is_said_in_both_languages_with_its_unit(house: House) -> None:
    """Who is to confirm a doubt must understand it: figures, units and the level's name, in Thai and in English."""
    [first, *_] = _tried(house, TOO_HIGH)["warnings"]
    assert "8.00 ม.รทก." in first["text"]["th"]
    assert "5.50 ม." in first["text"]["th"]
    assert "“watch”, 8.00 m MSL, is 5.50 m above the bank (2.50 m MSL)" in first["text"]["en"]


def test_a_level_that_nothing_reached_is_worth_knowing_and_needs_no_confirmation(house: House) -> None:
    """A week without danger is usual: confirming it with every rule would teach to confirm without reading."""
    told = _tried(house, LEVEL)["warnings"]
    assert [(one["code"], one["field"], one["needs_confirmation"]) for one in told] == [
        ("never-reached", "warning", False)
    ]
    assert "12 good readings" in told[0]["text"]["en"]


def test_what_is_doubtful_is_kept_and_the_answer_says_so(house: House) -> None:
    """Warnings never refuse: the place may be other than its survey says."""
    kept = house.put("level/A", TOO_HIGH)
    assert kept.status_code == 200, kept.text
    assert [one["field"] for one in kept.json()["warnings"]] == ["watch", "warning", "danger"]


def test_a_rule_of_rises_is_not_measured_by_the_bank(house: House) -> None:
    """A rise of 3 m is no level above a bank of 2.5 m; a dead band larger than the first rise never lets go."""
    rise = {"kind": "rate_of_rise", "streams": ["A"], "watch": 3.0, "within_s": 3600}
    assert _doubts(house, rise) == []
    assert _doubts(house, {**rise, "watch": 0.3, "dead_band": 0.4}) == [("dead-band-to-floor", "dead_band")]


def test_a_rule_of_forecasts_is_doubted_without_readings(house: House) -> None:
    """It cannot be tried on readings, and its levels can be out of the canal all the same."""
    document = {"kind": "forecast_crossing", "streams": ["A"], "danger": 9.0, "within_h": 6, "least_confidence": 0.9}
    told = house.try_out(document, readings=[]).json()
    assert [one["code"] for one in told["warnings"]] == ["above-bank"]


def test_silence_is_no_normal_water(house: House) -> None:
    """The answer says when readings came, so that six silent days are not drawn as calm; none at all is said."""
    told = _tried(house, LEVEL)
    [heard] = told["heard"]
    assert [datetime.fromisoformat(heard[end]) for end in ("from_at", "to_at")] == [house.at(0), house.at(11)]
    given = [{"stream": "A", "at": house.at(step).isoformat(), "value": 1.0} for step in (0, 1, 2, 3, 9, 10, 11)]
    broken = house.try_out(LEVEL, readings=given).json()["heard"]
    assert [datetime.fromisoformat(one["from_at"]) for one in broken] == [house.at(0), house.at(9)]
    before = {"since": "2026-11-01T00:00:00Z", "until": "2026-11-02T00:00:00Z"}
    silent = house.try_out(LEVEL, **before).json()
    assert (silent["heard"], [one["code"] for one in silent["warnings"]]) == ([], ["no-readings"])


def test_a_time_without_a_zone_is_refused_in_both_languages(house: House) -> None:
    """A sentence of ours says what is missing, in the language of whoever reads it."""
    answer = house.try_out(LEVEL, since="2026-11-20T00:00:00", until=datetime(2026, 11, 21, tzinfo=UTC).isoformat())
    told = answer.json()
    assert told["detail"] == "since: a time must say its time zone, as in 2026-11-21T10:00:00+07:00."
    assert told["detail_th"].startswith("since: เวลาต้องบอกเขตเวลาด้วย")
