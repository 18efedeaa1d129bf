"""What is known of the water at a place in plain words. Never an all-clear: what is not known is said as not known."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from answers.cards import asked_with, say
from answers.rules import LOCAL_TIME
from flood.at_place import Moment, NearGauge, WaterAtPlace
from flood.depths import SpotDepth
from incidents import cards as incident_cards
from line import messages

Where = Literal["home", "pin"]
# A picture is drawn every ten minutes in calm (`flood.rules.CALM_INTERVAL`); six that did not come mean that none does.
OLD_AFTER = timedelta(hours=1)
# Less than a finger is what no terrain tells from dry ground (assumed), and below this no chance is claimed.
LEAST_DEPTH_M, LEAST_CHANCE = 0.03, 0.05
STEADY_M_PER_H = 0.02


def ask_place(question_id: int, language: str) -> dict[str, Any]:
    """No home is known: a pin of the place is asked for."""
    pin = messages.ask_location(say("label-water-pin", language))
    return asked_with("water-ask-place", language, "officer", number=question_id, first=[pin])


def water(found: WaterAtPlace, where: Where, question_id: int, language: str, *, now: datetime) -> dict[str, Any]:
    """What is known of the water at the place, with what to do where it comes."""
    pin = messages.ask_location(say("label-water-elsewhere", language))
    text = "\n".join(lines(found, where, language, now=now))
    return asked_with("water", language, "report", "officer", number=question_id, first=[pin], text=text)


def lines(found: WaterAtPlace, where: Where, language: str, *, now: datetime) -> list[str]:
    """The sentences: the water there now, in the hours to come, the zone, the nearest gauge."""
    place = say(f"water-at-{where}", language)
    said = [_now(found.now, place, language, now=now), *_ahead(found, language, now=now)]
    return [*said, *_zone(found, language, now=now), *_gauge(found.gauge, language, now=now)]


def _now(moment: Moment | None, place: str, language: str, *, now: datetime) -> str:
    if moment is None:
        return say("water-no-picture", language, place=place)
    if not isinstance(moment.spot, SpotDepth):
        return say(f"water-{moment.spot}", language, place=place)
    at = _time(moment.valid_at, language, now=now)
    said = say(f"water-now-{_state(moment.spot)}", language, place=place, at=at, **_slots(moment.spot))
    return said if now - moment.valid_at < OLD_AFTER else f"{say('water-old', language, at=at)} {said}"


def _ahead(found: WaterAtPlace, language: str, *, now: datetime) -> list[str]:
    """The first hour in which water is expected and the deepest one; or that none is drawn, with the chance."""
    known = [(one.valid_at, one.spot) for one in found.ahead if isinstance(one.spot, SpotDepth)]
    if not known or found.foretold_at is None:
        return [say("water-no-forecast", language)]
    wet = [(at, spot) for at, spot in known if _state(spot) == "wet"]
    if not wet:
        worst = max((spot for _, spot in known), key=lambda spot: (spot.chance, spot.likely_m))
        until = _time(known[-1][0], language, now=now)
        return [say("water-ahead-dry", language, until=until, **_slots(worst))]
    first, deepest = wet[0], max(wet, key=lambda one: one[1].depth_m)
    return [
        say("water-ahead-wet", language, at=_time(at, language, now=now), **_slots(spot))
        for at, spot in dict.fromkeys((first, deepest))
    ]


def _zone(found: WaterAtPlace, language: str, *, now: datetime) -> list[str]:
    if found.now is None:
        return []
    name = found.zone_th if language == "th" else found.zone_en
    if name is None:
        return [say("water-no-zone", language)]
    severity = found.now.severity
    if severity is None:
        return [say("water-zone-unknown", language, zone=name)]
    said = [say("water-zone", language, zone=name, severity=say(f"water-severity-{severity}", language))]
    worse = next((one for one in found.ahead if (one.severity or 0) > severity), None)
    if worse is not None:
        level, at = say(f"water-severity-{worse.severity}", language), _time(worse.valid_at, language, now=now)
        said.append(say("water-zone-ahead", language, severity=level, at=at))
    return said


def _gauge(found: NearGauge | None, language: str, *, now: datetime) -> list[str]:
    if found is None or found.card.level_m_msl is None or found.card.observed_at is None:
        return [say("water-no-gauge", language)]
    card, level_m_msl = found.card, found.card.level_m_msl
    name = card.name_th if language == "th" else card.name_en
    at, km = _time(found.card.observed_at, language, now=now), f"{found.distance_m / 1000:.1f}"
    if card.is_stale or found.is_doubted:
        key = "water-gauge-silent" if card.is_stale else "water-gauge-doubted"
        return [say(key, language, name=name, km=km, at=at)]
    if card.bank_m_msl is None:
        level = say("water-gauge-level", language, level=f"{level_m_msl:.2f}")
    else:
        key = "water-gauge-over" if level_m_msl > card.bank_m_msl else "water-gauge-under"
        level = say(key, language, by=f"{abs(level_m_msl - card.bank_m_msl):.2f}")
    trend = say(f"water-trend-{_trend(card.trend_m_per_h)}", language)
    return [say("water-gauge", language, name=name, km=km, at=at, level=level, trend=trend)]


def _trend(trend_m_per_h: float | None) -> str:
    if trend_m_per_h is None:
        return "unknown"
    if abs(trend_m_per_h) < STEADY_M_PER_H:
        return "steady"
    return "rising" if trend_m_per_h > 0 else "falling"


def _state(spot: SpotDepth) -> str:
    return "wet" if spot.depth_m >= LEAST_DEPTH_M else "dry"


def _slots(spot: SpotDepth) -> dict[str, str]:
    """Centimetres to the next five, upwards, and the chance in a hundred: no more is known."""
    chance = max(spot.chance, LEAST_CHANCE)
    return {
        "depth": str(_cm(spot.depth_m)), "likely": str(_cm(max(spot.likely_m, spot.depth_m))),
        "chance": str(min(95, 5 * round(20 * chance))),
    }


def _cm(depth_m: float) -> int:
    return 5 * -int(-depth_m * 100 // 5)


def _time(at: datetime, language: str, *, now: datetime) -> str:
    """The hour alone of today, else with its day."""
    local = at.astimezone(LOCAL_TIME)
    if local.date() != now.astimezone(LOCAL_TIME).date():
        return incident_cards.moment(at, language)
    return say("water-time", language, time=f"{local:%H:%M}")
