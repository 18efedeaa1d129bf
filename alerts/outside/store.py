"""What others warn of is stored, once each, and those that it speaks of end."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import shapely
import sqlalchemy as sa
from geoalchemy2 import WKBElement
from sqlalchemy.orm import Session

from alerts.outside import queries, shapes
from alerts.outside.lifecycle import CURRENT, OVER, Kept, Settled, expires_at, in_order, settled
from alerts.outside.models import OutsideWarningRow
from alerts.outside.said import OutsideWarning
from alerts.outside.shapes import CityShape
from core import clock
from sensors.payloads import UNSTORABLE

REMEMBERED = timedelta(days=30)
MOST_PLACES, MOST_CODES = 400, 20
_TEXT_CHARS, _WORDS_CHARS = 300, 4_000


@dataclass(frozen=True)
class Stored:
    """What a document came to: the ids of warnings that are new or were issued anew, and of those that it ended."""

    changed: tuple[int, ...] = ()
    ended_ids: tuple[int, ...] = ()
    new: int = 0
    reissued: int = 0
    repeated: int = 0

    @property
    def ended(self) -> int:
        """How many warnings it ended."""
        return len(self.ended_ids)


def store(
    session: Session, warnings: Sequence[OutsideWarning], *, source_id: int, document_id: int | None,
    over: Iterable[str] = (), entered_by: int | None = None, contact_sealed: bytes | None = None,
) -> Stored:
    """Each warning of the source is stored once; a later issue replaces what an earlier one said.

    Whoever calls holds the source's health, so that nobody else stores for it meanwhile. `over` are identifiers that
    the source says are in force no longer. Twice is the same as once.
    """
    now = clock.now()
    kept = queries.kept(session, source_id, since=now - REMEMBERED)
    city = queries.city_shape(session) if warnings else None
    changed: list[int] = []
    ended: list[int] = []
    counts = {"new": 0, "reissued": 0, "repeated": 0}
    for warning in in_order(warnings):
        fate = settled(warning, kept, now=now)
        counts["new"] += fate.is_new
        counts["reissued"] += fate.is_reissue
        counts["repeated"] += fate.is_repeated
        if fate.is_repeated or city is None:
            continue
        row = _row(session, source_id, warning.identifier) or OutsideWarningRow(
            source_id=source_id, identifier=warning.identifier, issues=0, entered_by=entered_by,
            contact_sealed=contact_sealed,
        )  # fmt: skip
        _write(row, warning, fate, city=city, document_id=document_id, now=now)
        session.add(row)
        session.flush()
        changed.append(row.id)
        for identifier, state in fate.ends:
            ended += _end(session, source_id, identifier, state, now=now, replaced_by=row.id)
            kept[identifier] = dataclasses.replace(kept[identifier], state=state)
        kept[warning.identifier] = _kept(warning, fate)
    for identifier in sorted(over):
        if identifier in kept and kept[identifier].state == CURRENT:
            ended += _end(session, source_id, identifier, OVER, now=now, replaced_by=None)
    return Stored(tuple(changed), tuple(ended), **counts)


def _row(session: Session, source_id: int, identifier: str) -> OutsideWarningRow | None:
    return queries.by_identifier(session, source_id, identifier)


def _kept(warning: OutsideWarning, fate: Settled) -> Kept:
    references = tuple(one.identifier for one in warning.references)
    return Kept(warning.identifier, warning.sent_at, fate.state, warning.message_type, warning.group, references)


def _end(
    session: Session, source_id: int, identifier: str, state: str, *, now: datetime, replaced_by: int | None
) -> list[int]:
    ended = session.scalars(
        sa.update(OutsideWarningRow)
        .where(
            OutsideWarningRow.source_id == source_id,
            OutsideWarningRow.identifier == identifier,
            OutsideWarningRow.state == CURRENT,
        )
        .values(state=state, ended_at=now, replaced_by=replaced_by)
        .returning(OutsideWarningRow.id)
    )
    return list(ended)


def _write(
    row: OutsideWarningRow, warning: OutsideWarning, fate: Settled, *, city: CityShape, document_id: int | None,
    now: datetime,
) -> None:
    outline = shapes.outline_of(warning.places, city)
    row.issues += 1
    row.sender, row.sent_at, row.received_at = _text(warning.sender), warning.sent_at, now
    row.document_id = document_id
    row.effective_at, row.onset_at, row.expires_at = warning.effective_at, warning.onset_at, expires_at(warning)
    row.state, row.ended_at, row.replaced_by = fate.state, None if fate.state == CURRENT else now, None
    row.status, row.message_type = warning.status, warning.message_type
    row.event, row.hazard, row.grade = _text(warning.event), warning.hazard, warning.grade
    row.severity, row.urgency, row.certainty = warning.severity, warning.urgency, warning.certainty
    row.words = _words(warning)
    row.places, row.references = _places(warning), [vars(one) for one in warning.references]
    row.station, row.group_key = warning.station, warning.group
    row.facts, row.findings = dict(warning.facts), [vars(one) for one in fate.findings]
    row.geom = None if outline.geom is None else WKBElement(shapely.to_wkb(outline.geom), srid=4326)
    row.reach, row.is_wide = outline.reach, outline.is_wide
    if row.mapped_findings is None:
        row.acts_as, row.level, row.mapped_findings = "context", 0, []


def _text(text: str) -> str:
    return UNSTORABLE.sub("\ufffd", text[:_TEXT_CHARS])


def _words(warning: OutsideWarning) -> dict[str, Any]:
    return {
        language: {
            name: UNSTORABLE.sub("\ufffd", text[:_WORDS_CHARS]) for name, text in dataclasses.asdict(words).items()
        }
        for language, words in list(warning.words.items())[:20]
    }


def _places(warning: OutsideWarning) -> list[Any]:
    return [
        {"name": _text(place.name),
         "codes": [{"list": _text(name), "value": _text(value)} for name, value in place.codes[:MOST_CODES]]}
        for place in warning.places[:MOST_PLACES]
    ]  # fmt: skip
