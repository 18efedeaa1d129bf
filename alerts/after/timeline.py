"""Everything that happened in an event, in order: pure values from what the rooms remember, and their words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from alerts import rules
from alerts.after.entries import ALERT, GAUGE, PERSON, REPORT, WATER, Entry
from alerts.after.outcome import Stretch
from alerts.after.queries import GaugeChange, Report, ZoneName
from alerts.models import Alert, AlertThread
from core.words import LANGUAGES, words

# Steps of the thread: those that say nothing after the event, those of people, and all that have words here.
DESK_ONLY = frozenset({"revised", "sending", "drafted"})
OF_PERSONS = frozenset({
    "checked", "countdown_stopped", "leaders_told", "zones_acknowledged", "nobody_acknowledged", "called", "reminded",
})
KNOWN = OF_PERSONS | {
    "proposed", "approved", "active", "updated", "cancelled", "ended", "declined", "withdrawn", "extended",
    "counting_down",
}
STATES = ("normal", "watch", "warning", "danger")
DEPTHS = ("dry", "ankle", "knee", "waist", "above")


def in_order(*groups: Iterable[Entry]) -> tuple[Entry, ...]:
    """All of them by time; what happened at one moment in the order given: water before what is told of it."""
    return tuple(sorted((entry for group in groups for entry in group), key=lambda entry: entry.at))


def of_thread(row: AlertThread, alert: Alert | None, *, zone_ids: Sequence[int]) -> Entry | None:
    """What the event's thread says, with the number of its alert; None of steps that only the desk needs."""
    if row.kind in DESK_ONLY or alert is None:
        return None
    is_calm = alert.kind == "all_clear" or row.kind in rules.OVER
    kind = f"thread-{row.kind.replace('_', '-')}"
    if row.kind in ("proposed", "approved"):
        kind = f"{kind}-{alert.kind.replace('_', '-')}"
    about = PERSON if row.kind in OF_PERSONS else ALERT
    slots: dict[str, object] = {"number": alert.number, "level": alert.level, "count": alert.audience_count}
    if row.kind == "zones_acknowledged":
        slots["zones"] = ", ".join(map(str, row.detail.get("zones", [])))
    if row.kind not in KNOWN:
        kind, slots = "thread-other", {"number": alert.number, "what": row.kind.replace("_", " ")}
    return _entry(about, kind, row.happened_at, level=0 if is_calm else alert.level, zone_ids=zone_ids, slots=slots)


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
