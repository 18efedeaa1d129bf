"""The printed report of an event: one page of HTML for A4 paper, Thai or English, that needs no network and no script.

It holds counts, zones and times, and nothing of any person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

from alerts.after import charts
from alerts.after.outcome import Outcome
from alerts.after.queries import ZoneName
from alerts.after.summary import Reach, Summary, ZoneAfter
from alerts.rules import THAI_TIME
from alerts.templates import BUDDHIST_YEARS
from core.words import words

DASH = "–"
LETTERS = {
    Outcome.HIT: "H", Outcome.MISS: "M", Outcome.FALSE_ALARM: "F", Outcome.UNKNOWN: "?", Outcome.QUIET: "Q",
}
_STYLE = """
@page { size: A4; margin: 16mm 14mm; }
* { box-sizing: border-box; }
body { font: 14px/1.55 Sarabun, Garuda, 'Noto Sans Thai', sans-serif; color: #0f1b2d; max-width: 182mm;
  margin: 0 auto; padding: 8mm 4mm; background: #fff; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 16px; margin: 20px 0 6px; break-after: avoid; }
p { margin: 4px 0; } .soft { color: #465468; } .mark { border: 2px solid #d7263d; padding: 4px 8px; font-weight: 700; }
table { width: 100%; border-collapse: collapse; font-size: 12.5px; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: #465468; padding: 2px 0; } thead { display: table-header-group; }
th, td { text-align: left; vertical-align: top; padding: 3px 6px; border-bottom: 1px solid #d5dbe1; }
td.n, th.n { text-align: right; } tr, figure { break-inside: avoid; } figure { margin: 6px 0; }
.figures { display: grid; grid-template-columns: repeat(4, 1fr); gap: 8px; margin: 10px 0; }
.figures div { border: 1px solid #d5dbe1; border-radius: 8px; padding: 6px 8px; }
.figures b { display: block; font-size: 22px; line-height: 1.2; }
@media print { body { padding: 0; } .no-print { display: none; } }
"""


@dataclass(frozen=True)
class Paper:
    """What a report is made for: the city by its name, the language, the moment of printing, and if it is simulated."""

    city: str
    language: str
    printed_at: datetime
    is_simulated: bool

    def word(self, key: str, **slots: str | int | float) -> str:
        """A text of the report, ready for HTML."""
        return escape(words("alerts", f"report-{key}", language=self.language, **slots))

    def time(self, at: datetime | None) -> str:
        """Day and time in Thailand; the year of the Buddhist era in Thai."""
        if at is None:
            return DASH
        local = at.astimezone(THAI_TIME)
        year = local.year + BUDDHIST_YEARS if self.language == "th" else local.year
        return f"{local:%d/%m}/{year} {local:%H:%M}"

    def name(self, zone: ZoneName) -> str:
        """The zone's name, ready for HTML."""
        return escape(zone.name_th if self.language == "th" else zone.name_en or zone.name_th)


def html(found: Summary, outlines: Mapping[int, Mapping[str, Any]], paper: Paper) -> str:
    """The report as one HTML document."""
    title = paper.word("title", number=found.event.number)
    body = "".join((
        f"<h1>{title}</h1>", _head(found, paper), _figures(found, paper), _definition(paper),
        _map(found, outlines, paper), _chart(found, paper), _zones(found.zones, paper), _reach(found, paper),
        _timeline(found, paper),
    ))
    return (
        f'<!doctype html><html lang="{paper.language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main>{body}</main></body></html>"
    )


def _head(found: Summary, paper: Paper) -> str:
    event = found.event
    until = paper.time(event.ended_at) if event.ended_at else paper.word("still-open")
    marks = [name for name, is_so in (("simulated", paper.is_simulated), ("exercise", event.is_exercise)) if is_so]
    marked = "".join(f'<p class="mark">{paper.word(name)}</p>' for name in marks)
    return (
        f"{marked}<p>{escape(paper.city)}</p>"
        f"<p>{paper.word('time', begin=paper.time(event.began_at), end=until)} · "
        f"{paper.word('worst', level=event.level)}</p>"
        f'<p class="soft">{paper.word("printed", at=paper.time(paper.printed_at))}</p>'
    )


def _figures(found: Summary, paper: Paper) -> str:
    score = found.score
    figures = (
        (f"{found.people_told:,}", "people-told"), (str(score.hits), "hits"), (str(score.misses), "misses"),
        (str(score.false_alarms), "false-alarms"), (str(score.unknown), "unknown"),
        (_share(score.detected_share), "detected"), (_share(score.false_share), "false-share"),
        (DASH if score.median_lead_min is None else f"{score.median_lead_min:.0f}", "lead"),
    )
    cards = "".join(f"<div><b>{value}</b>{paper.word(key)}</div>" for value, key in figures)
    return f'<section class="figures" aria-label="{paper.word("figures")}">{cards}</section>'


def _definition(paper: Paper) -> str:
    return f'<p class="soft">{paper.word("definition")}</p>'


def _map(found: Summary, outlines: Mapping[int, Mapping[str, Any]], paper: Paper) -> str:
    shapes = [
        charts.Shape(
            name=f"{_plain(one.zone, paper)}: {_outcome(one, paper)}", geometry=outlines[one.zone.id],
            outcome=one.judged.outcome, letter=LETTERS[one.judged.outcome],
        )
        for one in found.zones if one.zone.id in outlines
    ]
    if not shapes:
        return ""
    drawn = charts.zone_map(
        shapes, title=words("alerts", "report-map", language=paper.language),
        description="; ".join(shape.name for shape in shapes),
    )
    legend = " · ".join(f"{letter} {paper.word(f'outcome-{outcome}')}" for outcome, letter in LETTERS.items())
    return f"<h2>{paper.word('map')}</h2><figure>{drawn}<figcaption class='soft'>{legend}</figcaption></figure>"


def _chart(found: Summary, paper: Paper) -> str:
    if not found.entries:
        return ""
    said = [entry.text[paper.language] for entry in found.entries if entry.level >= 2][:12]
    drawn = charts.timeline_chart(
        found.entries, language=paper.language, title=words("alerts", "report-chart", language=paper.language),
        lanes={lane: words("alerts", f"report-lane-{lane}", language=paper.language) for lane in charts.LANES},
        description="; ".join(said) or words("alerts", "report-nothing-grave", language=paper.language),
    )
    caption = f"<figcaption class='soft'>{paper.word('shapes')}</figcaption>"
    return f"<h2>{paper.word('chart')}</h2><figure>{drawn}{caption}</figure>"


def _zones(zones: Sequence[ZoneAfter], paper: Paper) -> str:
    rows = (
        (
            paper.name(one.zone), escape(_outcome(one, paper)), str(one.judged.level or DASH),
            paper.time(one.judged.warned_at), paper.time(one.judged.water_at),
            DASH if one.judged.lead_min is None else f"{one.judged.lead_min:.0f}",
            ", ".join(paper.word(f"witness-{name}") for name in one.judged.witnesses) or DASH, escape(one.note),
        )
        for one in zones
    )
    heads = ("zone", "outcome", "level", "warned", "water", "lead", "witnesses", "note")
    return f"<h2>{paper.word('zones')}</h2>{_table(heads, rows, paper, numbers=('level', 'lead'))}"


def _reach(found: Summary, paper: Paper) -> str:
    rows = (
        (
            escape(one.number), paper.word(f"kind-{one.kind}"), str(one.level), paper.time(one.approved_at),
            f"{one.audience:,}", f"{one.accepted:,}", _counts(one.unreached_by_reason, "reason", paper),
            _ledger(one, paper), _counts(one.answers, "answer", paper),
        )
        for one in found.reach
    )
    heads = ("alert", "kind", "level", "sent", "audience", "accepted", "unreached", "not-accepted", "answers")
    table = _table(heads, rows, paper, numbers=("level", "audience", "accepted"))
    return f"<h2>{paper.word('reach')}</h2><p class='soft'>{paper.word('reach-note')}</p>{table}"


def _ledger(one: Reach, paper: Paper) -> str:
    other = {state: count for state, count in one.ledger.items() if state not in ("accepted", "suppressed")}
    return _counts(other, "ledger", paper)


def _timeline(found: Summary, paper: Paper) -> str:
    rows = ((paper.time(entry.at), escape(entry.text[paper.language])) for entry in found.entries)
    return f"<h2>{paper.word('timeline')}</h2>{_table(('at', 'what'), rows, paper)}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], paper: Paper, *, numbers: Sequence[str] = ()) -> str:
    """A table with its head on every page. The cells are HTML already."""
    kinds = [' class="n"' if head in numbers else "" for head in heads]
    head = "".join(
        f'<th scope="col"{kind}>{paper.word(f"head-{name}")}</th>' for name, kind in zip(heads, kinds, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(row, kinds, strict=True)) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _counts(counts: Mapping[str, int], kind: str, paper: Paper) -> str:
    """Counts by a code, in words where there are some, else the code itself."""
    return "<br>".join(f"{_code(kind, code, paper)}: {count:,}" for code, count in sorted(counts.items())) or DASH


def _code(kind: str, code: str, paper: Paper) -> str:
    return paper.word(f"{kind}-{code.replace('_', '-')}") if code in KNOWN[kind] else escape(code)


KNOWN = {
    "reason": {"unconsented", "unreachable", "blocked", "not_on_exercise_list", "already_told"},
    "ledger": {"queued", "failed", "unknown", "cancelled"},
    "answer": {"safe", "help", "can_help"},
}


def _outcome(one: ZoneAfter, paper: Paper) -> str:
    by = "-by-officer" if one.judged.by == "officer" else ""
    return words("alerts", f"report-outcome-{one.judged.outcome}{by}", language=paper.language)


def _plain(zone: ZoneName, paper: Paper) -> str:
    return zone.name_th if paper.language == "th" else zone.name_en or zone.name_th


def _share(share: float | None) -> str:
    return DASH if share is None else f"{share:.0%}"
