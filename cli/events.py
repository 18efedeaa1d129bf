"""Events at the command line: listed, shown, written as a report, and played through today's rules."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import typer
from rich.table import Table

from alerts import queries as alerts
from alerts.after import queries, stored, summary
from alerts.after import report as reports
from alerts.after.summary import Summary
from alerts.rules import THAI_TIME
from cli.city import city_while_needed
from core import clock, db
from core.errors import InvalidInputError
from core.files import whole_file
from core.progress import console
from core.words import LANGUAGES

DASH = "–"


def list_events(*, limit: int) -> None:
    """A table of the newest events is printed."""
    with city_while_needed(), db.transaction() as session:
        found = queries.events(session, limit=limit, now=clock.now())
    table = Table()
    for name in ("event", "number", "began", "ended", "level", "alerts", "sent", "zones"):
        table.add_column(name, justify="left" if name in ("number", "began", "ended") else "right")
    for one in found:
        ended = _time(one.ended_at) if one.ended_at else "open"
        number = f"{one.number} (exercise)" if one.is_exercise else one.number
        table.add_row(
            str(one.id), number, _time(one.began_at), ended, *map(str, (one.level, one.alerts, one.told, one.zones))
        )
    console.print(table if found else "No alert has been proposed yet, so there is no event.")


def show(event_id: int, *, language: str) -> None:
    """The event's zones, messages and timeline are printed. Raises NotFoundError."""
    _check(language)
    with city_while_needed(), db.transaction() as session:
        found = summary.summary(session, event_id, now=clock.now())
    console.print(_zones(found, language))
    score = found.score
    console.print(
        f"{score.hits} hits, {score.misses} misses, {score.false_alarms} false alarms, {score.unknown} unknown; "
        f"{found.people_told:,} people told."
    )
    for one in found.reach:
        console.print(f"{one.number} {one.kind} level {one.level}: for {one.audience:,}, accepted {one.accepted:,}")
    for entry in found.entries:
        console.print(f"{_time(entry.at)}  {entry.text[language]}")


def _zones(found: Summary, language: str) -> Table:
    table = Table()
    for name in ("zone", "outcome", "by", "level", "warned", "water", "lead min", "witnesses"):
        table.add_column(name, justify="right" if name in ("level", "lead min") else "left")
    for one in found.zones:
        judged = one.judged
        name = one.zone.name_th if language == "th" else one.zone.name_en or one.zone.name_th
        table.add_row(
            f"{one.zone.code} {name}", judged.outcome.replace("_", " "), judged.by, str(judged.level or DASH),
            _time(judged.warned_at), _time(judged.water_at),
            DASH if judged.lead_min is None else f"{judged.lead_min:.0f}", ", ".join(judged.witnesses) or DASH,
        )
    return table


def report(event_id: int, out: Path, *, language: str) -> None:
    """The report is the file `out`. Raises NotFoundError, InvalidInputError where it cannot be written."""
    _check(language)
    if out.suffix.lower() not in (".html", ".htm"):
        raise InvalidInputError(f"{out.name}: a report is an HTML file; name it so, as in report.html.")
    with whole_file(out) as fresh, city_while_needed(), db.transaction() as session:
        now = clock.now()
        found = summary.summary(session, event_id, now=now)
        city = alerts.city(session)
        paper = reports.Paper(
            city=city.name.th if language == "th" else city.name.en, language=language, printed_at=now,
            is_simulated=city.is_simulated,
        )
        outlines = queries.outlines(session, [one.zone.id for one in found.zones])
        fresh.write_text(reports.html(found, outlines, paper), encoding="utf-8")
    console.print(f"{out}: open it with a browser and print it; it needs no network.")


def replay(event_id: int, *, policy_version: int | None) -> None:
    """What today's rules make of the event's pictures is printed as a table, then as one line of JSON."""
    with city_while_needed(), db.transaction() as session:
        found = stored.replayed(session, event_id, policy_version=policy_version, now=clock.now())
    table = Table(
        caption=f"{found.pictures} pictures; policy {found.policy_version} (then {found.policy_version_then}); "
        f"approved after {found.approved_after_s:.0f} s as then; "
        f"messages {found.messages_now} (then {found.messages_then})",
        caption_justify="left",
    )
    for name in ("zone", "level", "then", "now", "difference", "min"):
        table.add_column(name, justify="right" if name in ("level", "min") else "left")
    for line in found.lines:
        table.add_row(
            line.zone.code, str(line.level), _time(line.then_at), _time(line.now_at), line.difference,
            DASH if line.minutes is None else f"{line.minutes:+.0f}",
        )
    console.print(table)
    typer.echo(json.dumps(as_json(found), ensure_ascii=False))


def as_json(found: stored.Replayed) -> dict[str, object]:
    """The figures of the table, for machines."""
    return {
        "event": found.event.id, "policy_version": found.policy_version, "pictures": found.pictures,
        "messages_then": found.messages_then, "messages_now": found.messages_now,
        "differences": {difference.value: found.count(difference) for difference in stored.Difference},
        "lines": [
            {
                "zone": line.zone.code, "level": line.level, "difference": line.difference.value,
                "then_at": line.then_at.isoformat() if line.then_at else None,
                "now_at": line.now_at.isoformat() if line.now_at else None, "minutes": line.minutes,
            }
            for line in found.lines
        ],
    }


def _check(language: str) -> None:
    if language not in LANGUAGES:
        raise InvalidInputError(f"There is no report in '{language}'; there are {', '.join(LANGUAGES)}.")


def _time(at: datetime | None) -> str:
    return DASH if at is None else f"{at.astimezone(THAI_TIME):%Y-%m-%d %H:%M}"
