"""Everything that happened in an event, in order: pure values from what the rooms remember, and their words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from alerts.after.outcome import Stretch
from alerts.after.queries import GaugeChange, Report, ZoneName
from alerts.models import Alert
from core.words import LANGUAGES, words

# What an entry is about, for the lanes of a chart.
ALERT, GAUGE, WATER, REPORT, PERSON = "alert", "gauge", "water", "report", "person"
STATES = ("normal", "watch", "warning", "danger")
DEPTHS = ("dry", "ankle", "knee", "waist", "above")


@dataclass(frozen=True)
class Entry:
    """Something that happened at `at`; `level` 0..3 says how grave, `zone_ids` where, `text` what, by language."""

    at: datetime
    about: str
    kind: str
    level: int
    zone_ids: tuple[int, ...]
    text: Mapping[str, str]
    slots: Mapping[str, object] = field(default_factory=dict)


def in_order(*groups: Iterable[Entry]) -> tuple[Entry, ...]:
    """All of them by time; what happened at one moment in the order given: water before what is told of it."""
    return tuple(sorted((entry for group in groups for entry in group), key=lambda entry: entry.at))


def of_alert(alert: Alert, *, zone_ids: Sequence[int]) -> list[Entry]:
    """An alert's milestones, as far as it has them: proposed, approved or refused, delivered, over."""
    facts = {"number": alert.number, "level": alert.level, "count": alert.audience_count}
    is_clear = alert.kind == "all_clear"
    milestones: tuple[tuple[str, datetime | None, dict[str, str]], ...] = (
        ("proposed-all-clear" if is_clear else "proposed", alert.proposed_at, {}),
        ("approved-all-clear" if is_clear else f"approved-{alert.kind}", alert.approved_at, {}),
        ("over", alert.closed_at, {"state": alert.state}),
    )
    return [
        _entry(
            ALERT, f"alert-{kind}" if kind != "over" else f"alert-over-{more['state']}", at,
            level=0 if is_clear else alert.level, zone_ids=zone_ids, slots=facts,
        )
        for kind, at, more in milestones if at is not None
    ]


def of_gauge(change: GaugeChange) -> Entry:
    """A gauge's water rose or fell by a state, or the gauge was lost, not to be believed, or came back."""
    slots: dict[str, str | float] = {
        "name_th": change.name_th, "name_en": change.name_en or change.name_th,
        "m": "–" if change.level_m_msl is None else f"{change.level_m_msl:.2f}",
    }
    kind = f"gauge-{change.kind}"
    if change.kind in ("raised", "lowered"):
        kind = f"{kind}-{STATES[change.to_state]}"
    return _entry(GAUGE, kind, change.at, level=change.to_state, zone_ids=(), slots=slots)


def of_water(zone: ZoneName, stretches: Sequence[Stretch]) -> list[Entry]:
    """Water came into the zone, by the pictures, and was gone from it again."""
    entries = []
    was_wet = False
    for one in stretches:
        slots = {"name_th": zone.name_th, "name_en": zone.name_en or zone.name_th}
        if one.is_wet:
            kind = f"water-came-{DEPTHS[one.depth_class]}"
            entries.append(_entry(WATER, kind, one.from_at, level=1, zone_ids=(zone.id,), slots=slots))
        elif was_wet:
            entries.append(_entry(WATER, "water-gone", one.from_at, level=0, zone_ids=(zone.id,), slots=slots))
        was_wet = one.is_wet
    return entries


def of_report(report: Report, zone: ZoneName) -> Entry:
    """Somebody reported water in the zone, and was borne out."""
    slots = {
        "number": report.number, "what_th": report.category_th, "what_en": report.category_en,
        "name_th": zone.name_th, "name_en": zone.name_en or zone.name_th,
    }
    return _entry(REPORT, "report-confirmed", report.at, level=1, zone_ids=(zone.id,), slots=slots)


def _entry(
    about: str, kind: str, at: datetime, *, level: int, zone_ids: Sequence[int], slots: Mapping[str, object]
) -> Entry:
    text = {language: words("alerts", kind, language=language, **_filled(slots, language)) for language in LANGUAGES}
    return Entry(at=at, about=about, kind=kind, level=level, zone_ids=tuple(zone_ids), text=text, slots=dict(slots))


def _filled(slots: Mapping[str, object], language: str) -> dict[str, str | int | float]:
    """The slots of one language: `name_th` and `name_en` are `name`. Numbers go in as they are written."""
    filled: dict[str, str | int | float] = {}
    for name, value in slots.items():
        stem, _, tongue = name.rpartition("_")
        if tongue in LANGUAGES and stem:
            if tongue == language:
                filled[stem] = str(value)
        else:
            filled[name] = f"{value:,}" if isinstance(value, int) and name == "count" else str(value)
    return filled
