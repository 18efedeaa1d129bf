"""All SQL that reads the inbox: a page of incidents, how many there are, an officer's filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import NotFoundError
from incidents import policy
from incidents.inbox import COUNTED_TO, Mark, Wanted
from incidents.inbox_models import InboxDesk, InboxFilter, IncidentNote
from incidents.rules import OPEN_STATES


@dataclass(frozen=True)
class Beside:
    """What the inbox says of an incident beside its own fields."""

    is_waiting: bool
    may_be_same: bool


@dataclass(frozen=True)
class Counts:
    """How many incidents are wanted (`COUNTED_TO` at most), and how many open ones there are by what."""

    wanted: int
    by: dict[str, dict[str, int]]


# Both of a pair are open and nobody has decided: as `near_queries.perhaps_same` shows them.
_SAME = """
    SELECT unnest(ARRAY[l.incident_id, l.other_id]) FROM incident_likeness l
    JOIN incident a ON a.id = l.incident_id AND a.state = ANY(:open)
    JOIN incident b ON b.id = l.other_id AND b.state = ANY(:open)
    WHERE l.verdict IS NULL
"""
_IS_WAITING = "EXISTS (SELECT FROM incident_pause p WHERE p.incident_id = i.id AND p.ended_at IS NULL)"
_ORDER = {
    "urgent": ("(c.tier, i.promised_at, i.id) > (:tier, :at, :last_id)", "c.tier, i.promised_at, i.id"),
    "newest": ("(i.opened_at, i.id) < (:at, :last_id)", "i.opened_at DESC, i.id DESC"),
}

_PAGE = """
SELECT i.id, i.state, c.tier, {at} FROM incident i JOIN category c ON c.code = i.category_code
WHERE {where} ORDER BY {by} LIMIT :limit
"""
_NUMBER = """
SELECT count(*) FROM (
    SELECT FROM incident i JOIN category c ON c.code = i.category_code WHERE {where} LIMIT :counted_to
) found
"""


def _where(wanted: Wanted, values: dict[str, Any], *, now: datetime) -> str:
    values |= {"states": list(wanted.states), "open": list(OPEN_STATES), "now": now}
    terms = ["i.state = ANY(:states)"]
    if wanted.categories:
        terms.append("i.category_code = ANY(:categories)")
        values["categories"] = list(wanted.categories)
    if wanted.agencies:
        reached = "SELECT FROM incident_agency g WHERE g.incident_id = i.id AND g.agency_code = ANY(:agencies)"
        terms.append(f"EXISTS ({reached})")
        values["agencies"] = list(wanted.agencies)
    if wanted.tiers:
        terms.append("c.tier = ANY(:tiers)")
        values["tiers"] = list(wanted.tiers)
    if wanted.is_near:
        terms.append("i.state = ANY(:open) AND i.promised_at >= :now AND i.promised_at < :soon")
        values["soon"] = now + policy.shipped().warn_before
    if wanted.is_overdue:
        terms.append("i.state = ANY(:open) AND i.promised_at < :now")
    if wanted.may_be_same:
        terms.append(f"i.id IN ({_SAME})")
    if wanted.is_waiting:
        terms.append(_IS_WAITING)
    for number, word in enumerate(wanted.words.split()):
        terms.append(_has_word(f"word_{number}", wanted))
        values[f"word_{number}"] = "%" + word.translate(_LITERAL) + "%"
    return " AND ".join(terms)


_LITERAL = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_", "\x00": None})


def _has_word(name: str, wanted: Wanted) -> str:
    places = ["i.number LIKE :{0}"]
    places += [f"i.{name} ILIKE :{{0}}" for name in ("summary", "place_label_th", "place_label_en")]
    if wanted.with_reports:
        places.append("EXISTS (SELECT FROM report r WHERE r.incident_id = i.id AND r.text ILIKE :{0})")
    return "(" + " OR ".join(places).format(name) + ")"


def page(
    session: Session, wanted: Wanted, *, order: str, after: Mark | None, limit: int, now: datetime
) -> list[tuple[int, str, Mark]]:
    """Id, state and mark of the wanted incidents behind the mark: the most urgent or the newest first, `limit` at most.

    Urgent is: the graver tier, then the promise that ends first.
    """
    behind, by = _ORDER[order]
    values: dict[str, Any] = {"limit": limit}
    where = _where(wanted, values, now=now)
    if after is not None:
        where += f" AND {behind}"
        values |= {"tier": after.tier, "at": after.at, "last_id": after.incident_id}
    at = "i.promised_at" if order == "urgent" else "i.opened_at"
    rows = session.execute(sa.text(_PAGE.format(at=at, where=where, by=by)), values)
    return [(id_, state, Mark(tier, at_, id_)) for id_, state, tier, at_ in rows]


_BESIDE = """
SELECT i.id,
       EXISTS (SELECT FROM incident_pause p WHERE p.incident_id = i.id AND p.ended_at IS NULL),
       i.state = ANY(:open) AND EXISTS (
           SELECT FROM incident_likeness l JOIN incident o
           ON o.id = CASE WHEN l.incident_id = i.id THEN l.other_id ELSE l.incident_id END AND o.state = ANY(:open)
           WHERE (l.incident_id = i.id OR l.other_id = i.id) AND l.verdict IS NULL)
FROM incident i WHERE i.id = ANY(:ids)
"""


def beside(session: Session, incident_ids: Sequence[int]) -> dict[int, Beside]:
    """What the inbox says of each of these beside its own fields."""
    rows = session.execute(sa.text(_BESIDE), {"ids": list(incident_ids), "open": list(OPEN_STATES)})
    return {id_: Beside(is_waiting, may_be_same) for id_, is_waiting, may_be_same in rows}


_COUNTS = """
WITH open AS MATERIALIZED (
    SELECT i.id, i.state, i.category_code, i.promised_at, c.tier
    FROM incident i JOIN category c ON c.code = i.category_code WHERE i.state = ANY(:open)
)
SELECT 'state', state, count(*) FROM open GROUP BY state
UNION ALL SELECT 'category', category_code, count(*) FROM open GROUP BY category_code
UNION ALL SELECT 'tier', tier::text, count(*) FROM open GROUP BY tier
UNION ALL SELECT 'agency', g.agency_code, count(*) FROM incident_agency g JOIN open ON open.id = g.incident_id
    GROUP BY g.agency_code
UNION ALL SELECT 'is', 'open', count(*) FROM open
UNION ALL SELECT 'is', 'near', count(*) FROM open WHERE promised_at >= :now AND promised_at < :soon
UNION ALL SELECT 'is', 'overdue', count(*) FROM open WHERE promised_at < :now
UNION ALL SELECT 'is', 'waiting', count(*) FROM incident_pause p JOIN open ON open.id = p.incident_id
    WHERE p.ended_at IS NULL
UNION ALL SELECT 'is', 'same', count(DISTINCT found) FROM ({same}) same (found)
"""


def counts(session: Session, wanted: Wanted, *, now: datetime) -> Counts:
    """How many incidents are wanted, and how many open ones there are by state, category, tier, agency and the rest."""
    values: dict[str, Any] = {"counted_to": COUNTED_TO}
    where = _where(wanted, values, now=now)
    number = session.execute(sa.text(_NUMBER.format(where=where)), values).scalar_one()
    by: dict[str, dict[str, int]] = {}
    soon = now + policy.shipped().warn_before
    rows = session.execute(
        sa.text(_COUNTS.format(same=_SAME)), {"open": list(OPEN_STATES), "now": now, "soon": soon}
    )
    for kind, code, count in rows:
        by.setdefault(kind, {})[code] = count
    return Counts(number, by)


def desk_of(session: Session, account_id: int) -> str | None:
    """The agency at whose desk the officer sits, None where none was said."""
    return session.scalar(sa.select(InboxDesk.agency_code).where(InboxDesk.account_id == account_id))


def filters_for(session: Session, account_id: int) -> list[InboxFilter]:
    """The officer's own filters, and those that others share with the desk where the officer sits; by name."""
    desk = sa.select(InboxDesk.agency_code).where(InboxDesk.account_id == account_id).scalar_subquery()
    chosen = sa.select(InboxFilter).where(
        sa.or_(InboxFilter.account_id == account_id, InboxFilter.agency_code == desk)
    )
    return list(session.scalars(chosen.order_by(InboxFilter.name, InboxFilter.id)))


def filter_of(session: Session, account_id: int, filter_id: int) -> InboxFilter:
    """The officer's own filter; raises NotFoundError, also for another's."""
    chosen = sa.select(InboxFilter).where(InboxFilter.id == filter_id, InboxFilter.account_id == account_id)
    found = session.scalar(chosen)
    if found is None:
        raise NotFoundError(f"You have no filter {filter_id}.")
    return found


# ── Notes among officers ─────────────────────────────────────────────────────────────────────────────────────────────

_NOTES = sa.text(
    """
    WITH RECURSIVE all_of_it AS (
        SELECT CAST(:id AS bigint) AS id
        UNION SELECT i.id FROM incident i JOIN all_of_it a ON i.merged_into_id = a.id
    )
    SELECT n.id, n.text, n.written_by, n.written_at FROM incident_note n JOIN all_of_it a ON a.id = n.incident_id
    ORDER BY n.written_at, n.id
    """
)


@dataclass(frozen=True)
class NoteRow:
    """A note among officers."""

    id: int
    text: str
    written_by: str
    written_at: datetime


def notes(session: Session, incident_id: int) -> list[NoteRow]:
    """What officers noted of the incident and of those that were merged into it, the oldest first."""
    return [NoteRow(*row) for row in session.execute(_NOTES, {"id": incident_id})]


def note_counts(session: Session, incident_ids: Sequence[int]) -> dict[int, int]:
    """How many notes there are of each of these incidents; those without one are left out."""
    counted = sa.select(IncidentNote.incident_id, sa.func.count()).where(IncidentNote.incident_id.in_(incident_ids))
    rows = session.execute(counted.group_by(IncidentNote.incident_id))
    return {row[0]: row[1] for row in rows}
