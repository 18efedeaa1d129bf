"""What others warn of, as a reason beside an alert: who says what, since when, for how large an area."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from alerts import templates
from alerts.outside.models import OutsideSource, OutsideWarningRow
from core.words import LANGUAGES, words

MOST_SHOWN = 5
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400

# By the city's table, or by an outline that touches a zone of the alert; the one that proposed it first.
_TOUCHING = sa.text("""
    SELECT w.id FROM outside_warning w
    WHERE w.state = 'current' AND w.expires_at > :now
      AND (w.id = :outside_id
           OR EXISTS (SELECT FROM outside_warning_zone z JOIN alert_zone a USING (zone_id)
                      WHERE z.warning_id = w.id AND a.alert_id = :alert_id)
           OR EXISTS (SELECT FROM alert_zone a WHERE a.alert_id = :alert_id AND ST_Intersects(w.geom, a.geom)))
    ORDER BY (w.id = :outside_id) DESC, (w.acts_as = 'proposal') DESC, w.level DESC, w.sent_at DESC, w.id DESC
    LIMIT :most
""")


def pieces(session: Session, *, alert_id: int, outside_id: int | None, now: datetime) -> list[dict[str, Any]]:
    """The outside warnings that hold and touch the alert's zones as evidence, the one that proposed it first."""
    ids = session.scalars(
        _TOUCHING, {"now": now, "alert_id": alert_id, "outside_id": outside_id or 0, "most": MOST_SHOWN}
    ).all()
    rows = session.execute(
        sa.select(OutsideWarningRow, OutsideSource)
        .join(OutsideSource, OutsideSource.id == OutsideWarningRow.source_id)
        .options(sa.orm.defer(OutsideWarningRow.geom, raiseload=True))
        .where(OutsideWarningRow.id.in_(ids))
    )
    found = {row.id: _piece(row, source, now=now, is_reason=row.id == outside_id) for row, source in rows}
    return [found[id] for id in ids if id in found]


def headline(row: OutsideWarningRow, language: str) -> str:
    """What the warning says in this language, or in the one that it has."""
    for tongue in (language, "th", "en", *row.words):
        told = row.words.get(tongue, {})
        if told.get("headline") or told.get("event"):
            return str(told.get("headline") or told["event"])[:300]
    return row.event[:300]


def age(span: timedelta, language: str) -> str:
    """A span in words, in the unit that fits."""
    seconds = max(0.0, span.total_seconds())
    unit, size = ("minutes", _MINUTE_S) if seconds < 2 * _HOUR_S else ("hours", _HOUR_S)
    unit, size = (unit, size) if seconds < 2 * _DAY_S else ("days", _DAY_S)
    return words("alerts", f"outside-age-{unit}", language=language, count=int(seconds // size))


def _piece(row: OutsideWarningRow, source: OutsideSource, *, now: datetime, is_reason: bool) -> dict[str, Any]:
    return {
        "kind": "outside",
        "text": {language: _text(row, source, now=now, language=language) for language in LANGUAGES},
        "outside_id": row.id,
        "source": source.code,
        "sent_at": row.sent_at.isoformat(),
        "age_s": int(max(0.0, (now - row.sent_at).total_seconds())),
        "severity": row.severity,
        "is_wide": row.is_wide,
        "status": row.status,
        "acts_as": row.acts_as,
        "is_reason": is_reason,
    }


def _text(row: OutsideWarningRow, source: OutsideSource, *, now: datetime, language: str) -> str:
    return words(
        "alerts",
        "outside-said",
        language=language,
        source=source.name_th if language == "th" else source.name_en,
        headline=headline(row, language),
        time=templates.moment(row.sent_at, language),
        age=age(now - row.sent_at, language),
        wide=words("alerts", "outside-wide", language=language) if row.is_wide else "",
        mark="" if row.status == "Actual" else words("alerts", f"outside-mark-{row.status}", language=language),
    )


def finding_words(findings: Sequence[dict[str, Any]], language: str) -> list[str]:
    """What is odd about a warning, in words."""
    known = {
        "buddhist_year", "unknown_reference", "no_expiry", "not_actual", "wide", "no_hazard", "low_water", "no_row",
        "no_zones", "future",
    }  # fmt: skip
    told = []
    for one in findings:
        code = one["code"] if one["code"] in known else "other"
        slots: dict[str, str | int] = {"detail": str(one.get("detail", ""))[:300], "hours": 24}
        told.append(words("alerts", f"outside-finding-{code}", language=language, **slots))
    return told
