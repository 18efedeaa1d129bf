"""Why an alert is proposed: gauges, cameras, what stands in the water, reports; a sentence with its values each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from alerts import queries, templates
from alerts.models import Alert
from alerts.outside import evidence as outside
from alerts.queries import ZoneFacts
from core.words import LANGUAGES, words
from gis.crs import distance_m
from sensors import queries as sensors
from sensors.queries import GaugeCard

Piece = dict[str, Any]

GAUGES_SHOWN = 3
# A camera's reading is good to a decimetre or two; beyond 0.3 m camera and gauge contradict each other (assumed).
AGREE_WITHIN_M = 0.3
CAMERA_NEAR_M = 1500.0
STEADY_WITHIN_M_PER_H = 0.01
REPORTS_WITHIN = timedelta(hours=6)


def _both(key: str, **slots: str | int | float) -> dict[str, str]:
    return {language: words("alerts", key, language=language, **slots) for language in LANGUAGES}


def _name(card: GaugeCard, language: str) -> str:
    return templates.Named(th=card.name_th, en=card.name_en).in_language(language)


def _bank(card: GaugeCard, language: str) -> str:
    if card.level_m_msl is None or card.bank_m_msl is None:
        return words("alerts", "gauge-no-bank", language=language)
    over_m = card.level_m_msl - card.bank_m_msl
    key = "gauge-over-bank" if over_m >= 0 else "gauge-under-bank"
    return words("alerts", key, language=language, metres=f"{abs(over_m):.2f}")


def _trend(card: GaugeCard, language: str) -> str:
    if card.trend_m_per_h is None:
        return ""
    if abs(card.trend_m_per_h) < STEADY_WITHIN_M_PER_H:
        return words("alerts", "gauge-steady", language=language)
    key = "gauge-rising" if card.trend_m_per_h > 0 else "gauge-falling"
    return words("alerts", key, language=language, metres=f"{abs(card.trend_m_per_h):.2f}")


def _of_gauge(card: GaugeCard) -> Piece:
    level = f"{card.level_m_msl:.2f}"
    if card.is_stale and card.observed_at is not None:
        text = {
            language: words(
                "alerts",
                "gauge-silent",
                language=language,
                name=_name(card, language),
                level=level,
                time=templates.moment(card.observed_at, language),
            )
            for language in LANGUAGES
        }
    else:
        text = {
            language: words(
                "alerts",
                "gauge",
                language=language,
                name=_name(card, language),
                level=level,
                bank=_bank(card, language),
                trend=_trend(card, language),
            )
            for language in LANGUAGES
        }
    return {
        "kind": "gauge_silent" if card.is_stale else "gauge",
        "text": text,
        "code": card.code,
        "level_m_msl": card.level_m_msl,
        "bank_m_msl": card.bank_m_msl,
        "state": card.state,
        "trend_m_per_h": card.trend_m_per_h,
        "observed_at": card.observed_at.isoformat() if card.observed_at else None,
    }


def _nearest(camera: GaugeCard, gauges: Iterable[GaugeCard]) -> GaugeCard | None:
    near = [(distance_m(camera.place, gauge.place), gauge) for gauge in gauges if not gauge.is_stale]
    reachable = [(away_m, gauge) for away_m, gauge in near if away_m <= CAMERA_NEAR_M]
    return min(reachable, key=lambda pair: pair[0])[1] if reachable else None


def _of_camera(camera: GaugeCard, gauges: Sequence[GaugeCard]) -> Piece | None:
    if camera.is_stale or camera.level_m_msl is None:
        return None
    gauge = _nearest(camera, gauges)
    apart_m = abs(camera.level_m_msl - gauge.level_m_msl) if gauge and gauge.level_m_msl is not None else None
    is_agreeing = None if apart_m is None else apart_m <= AGREE_WITHIN_M
    key = {None: "camera-alone", True: "camera-agrees", False: "camera-differs"}[is_agreeing]
    text = {}
    for language in LANGUAGES:
        slots = {"name": _name(camera, language), "level": f"{camera.level_m_msl:.2f}"}
        if gauge is not None and apart_m is not None:
            slots |= {"gauge": _name(gauge, language), "metres": f"{apart_m:.2f}"}
        text[language] = words("alerts", key, language=language, **slots)
    return {
        "kind": "camera",
        "text": text,
        "code": camera.code,
        "level_m_msl": camera.level_m_msl,
        "gauge_code": gauge.code if gauge else None,
        "is_agreeing": is_agreeing,
    }


def _stations(session: Session, alert_id: int, facts: Sequence[ZoneFacts], *, now: datetime) -> list[Piece]:
    known = [card for card in sensors.gauges(session, now) if card.level_m_msl is not None]
    gauges = [card for card in known if card.kind == "gauge"]
    cameras = [card for card in known if card.kind == "camera"]
    near_codes = {code for fact in facts for code in fact.gauges}
    near_ids = set(queries.nearest_station_ids(session, alert_id, kind="gauge", limit=GAUGES_SHOWN))
    near = [card for card in gauges if card.code in near_codes] or [
        card for card in gauges if card.station_id in near_ids
    ]
    worst = sorted(near, key=lambda card: (-(card.state or 0), card.code))[:GAUGES_SHOWN]
    camera_ids = set(queries.nearest_station_ids(session, alert_id, kind="camera", limit=1))
    seen = [_of_camera(card, gauges) for card in cameras if card.station_id in camera_ids]
    return [_of_gauge(card) for card in worst] + [piece for piece in seen if piece is not None]


def _exposure(facts: Sequence[ZoneFacts]) -> Piece:
    totals = {
        "people": sum(fact.people for fact in facts),
        "homes": sum(fact.homes for fact in facts),
        "vulnerable": sum(fact.vulnerable_homes for fact in facts),
        "roads": round(sum(fact.roads_km for fact in facts), 1),
        "facilities": sum(count for fact in facts for count in fact.facilities.values()),
    }
    # Nothing in the water is said in words: "about 0 people" beside a warning reads as a mistake.
    text = _both("exposure", **totals) if any(totals.values()) else _both("exposure-none")
    return {"kind": "exposure", "text": text, **totals}


def _reports(session: Session, alert_id: int, *, now: datetime) -> list[Piece]:
    count = queries.reports_within(session, alert_id, since=now - REPORTS_WITHIN)
    if count == 0:
        return []
    hours = int(REPORTS_WITHIN.total_seconds() // 3600)
    return [{"kind": "reports", "text": _both("reports", count=count, hours=hours), "count": count}]


def _doubt(facts: Sequence[ZoneFacts]) -> Piece:
    least, most = min(fact.confidence for fact in facts), max(fact.confidence for fact in facts)
    percents = {"percent": round(least * 100), "most": round(most * 100)}
    text = _both("doubt" if percents["percent"] == percents["most"] else "doubt-by-zone", **percents)
    return {"kind": "confidence", "text": text, "confidence": least}


def _calm(session: Session, alert: Alert, facts: Sequence[ZoneFacts]) -> Piece:
    high = {fact.id for fact in facts if fact.severity > 0}
    zones = [zone for zone in queries.zones(session, [alert.id])[alert.id] if zone.zone_id in high]
    if not zones:
        return {"kind": "calm", "text": _both("calm"), "is_calm": True}
    text = {
        language: words(
            "alerts",
            "not-calm",
            language=language,
            zones=", ".join(zone.name_th if language == "th" else zone.name_en for zone in zones),
        )
        for language in LANGUAGES
    }
    return {"kind": "calm", "text": text, "is_calm": False}


def gather(session: Session, alert: Alert, facts: Sequence[ZoneFacts], *, now: datetime) -> list[Piece]:
    """What speaks for the alert now: pieces `{kind, text: {th, en}, …values}`."""
    pieces = _stations(session, alert.id, facts, now=now)
    if facts:
        pieces.append(_exposure(facts))
    pieces += _reports(session, alert.id, now=now)
    pieces += outside.pieces(session, alert_id=alert.id, outside_id=alert.outside_id, now=now)
    if alert.kind == "all_clear":
        return [_calm(session, alert, facts), *pieces]
    return [*pieces, _doubt(facts)] if facts else pieces
