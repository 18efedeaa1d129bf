"""All SQL of what partners are told without asking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.errors import NotFoundError
from incidents.exchange.hook_bodies import Org
from incidents.exchange.models import ApiKey, ForeignId, HookDelivery, PartnerHook
from incidents.models import IncidentChange

# Lines of the history are numbered before they are committed: a slow transaction's may appear this much later.
OVERLAP = 5_000
MOST_AT_ONCE = 20_000
# What a line tells the public: a state, or that the incident reaches somebody else.
_TELLING = "(c.kind = 'state' OR c.from_state <> c.to_state OR c.kind IN ('invited', 'agency'))"
_GATHER = f"""
INSERT INTO hook_delivery (hook_id, change_id, state, fault)
SELECT :hook_id, c.id, 'waiting', '' FROM incident_change c
WHERE c.id > greatest(CAST(:seen AS bigint) - :overlap, CAST(:since AS bigint)) AND c.id <= :upto AND {_TELLING}
AND c.changed_by <> ALL(:own)
AND (CAST(:agency AS text) IS NULL OR c.from_agency_code = :agency OR EXISTS (
    SELECT FROM incident_agency g WHERE g.incident_id = c.incident_id AND g.agency_code = :agency))
AND NOT (:is_traffy AND (c.changed_by LIKE 'traffy%' OR EXISTS (
    SELECT FROM foreign_id f LEFT JOIN report r ON r.id = f.report_id
    WHERE f.system = 'traffy' AND coalesce(r.incident_id, f.incident_id) = c.incident_id)))
ON CONFLICT DO NOTHING
"""  # noqa: S608 - words of ours.
_CHANGE = """
SELECT c.id, c.incident_id, i.number, c.kind, c.from_state, c.to_state, c.changed_at,
       (SELECT count(*) FROM incident_change e
        WHERE e.incident_id = c.incident_id AND e.changed_at = c.changed_at AND e.id < c.id) AS earlier,
       c.to_state IN ('done', 'rejected') AND c.kind = 'state' AND NOT EXISTS (
           SELECT FROM incident_change e WHERE e.incident_id = c.incident_id AND e.id > c.id AND e.kind = 'state'
           AND e.to_state IN ('done', 'rejected')) AS is_last_end
FROM incident_change c JOIN incident i ON i.id = c.incident_id WHERE c.id = :id
"""
_KNOWN = """
SELECT s.request_id, s.has_joined FROM service_request s JOIN report r ON r.id = s.report_id
WHERE r.incident_id = :incident_id AND s.key_id = :key_id ORDER BY s.id
"""


@dataclass(frozen=True)
class ChangeRow:
    """A line of the history as it is told; `is_last_end` where the reason that the public reads is its own."""

    change_id: int
    incident_id: int
    number: str
    kind: str
    from_state: str | None
    to_state: str
    at: datetime
    earlier: int
    is_last_end: bool


@dataclass(frozen=True)
class HookRow:
    """A partner that is told, as operators and officers see it; nothing of it is secret."""

    name: str
    agency_code: str | None
    host: str
    made_at: datetime
    waiting: int
    told_wall_at: datetime | None
    failures: int
    failing_since_wall_at: datetime | None
    fault: str
    paused_wall_at: datetime | None
    refused: int


def hooks(session: Session) -> list[HookRow]:
    """Every partner that is told, in the order of names."""
    rows = session.execute(
        sa.text(
            "SELECT k.name, k.agency_code, h.host, h.made_at, "
            "(SELECT count(*) FROM hook_delivery d WHERE d.hook_id = h.id AND d.state = 'waiting') AS waiting, "
            "h.told_wall_at, h.failures, h.failing_since_wall_at, h.fault, h.paused_wall_at, "
            "(SELECT count(*) FROM hook_delivery d WHERE d.hook_id = h.id AND d.state = 'refused') AS refused "
            "FROM partner_hook h JOIN api_key k ON k.id = h.key_id ORDER BY k.name"
        )
    )
    return [HookRow(*row) for row in rows]


def hook_of_key(session: Session, key_id: int) -> PartnerHook | None:
    """Where the key's partner is told."""
    return session.scalar(sa.select(PartnerHook).where(PartnerHook.key_id == key_id))


def live_hooks(session: Session) -> list[tuple[PartnerHook, ApiKey]]:
    """Those that are not paused, held, with their keys; whoever holds one already is left for the next time."""
    rows = session.execute(
        sa.select(PartnerHook, ApiKey)
        .join(ApiKey, ApiKey.id == PartnerHook.key_id)
        .where(PartnerHook.paused_wall_at.is_(None), ApiKey.revoked_at.is_(None))
        .order_by(PartnerHook.id)
        .with_for_update(of=PartnerHook, skip_locked=True)
    )
    return [(hook, key) for hook, key in rows]


def locked_hook(session: Session, hook_id: int) -> PartnerHook | None:
    """The hook, held until the transaction ends."""
    chosen = sa.select(PartnerHook).where(PartnerHook.id == hook_id).with_for_update()
    return session.scalar(chosen.execution_options(populate_existing=True))


def newest_change_id(session: Session) -> int:
    """The last line of all histories."""
    return session.scalar(sa.select(sa.func.max(IncidentChange.id))) or 0


def gather(session: Session, hook: PartnerHook, key: ApiKey, *, upto: int) -> None:
    """What happened up to this line waits to be told to the partner, but what it did itself, or Traffy to Traffy."""
    session.execute(
        sa.text(_GATHER),
        {
            "hook_id": hook.id, "seen": hook.seen_change_id, "since": hook.since_change_id, "upto": upto,
            "overlap": OVERLAP, "own": [f"exchange:{key.name}", f"open311:{key.name}"], "agency": key.agency_code,
            "is_traffy": "traffy-hook" in key.scopes,
        },
    )


def forget_told(session: Session) -> None:
    """Of what was told long ago nothing is kept but its marks: no line that old can appear anew."""
    session.execute(
        sa.text(
            "DELETE FROM hook_delivery d USING partner_hook h WHERE h.id = d.hook_id AND d.state <> 'waiting' "
            "AND d.change_id <= h.seen_change_id - :overlap"
        ),
        {"overlap": OVERLAP},
    )


def next_waiting(session: Session, hook_id: int) -> HookDelivery | None:
    """The oldest line that the partner waits for."""
    return session.scalar(
        sa.select(HookDelivery)
        .where(HookDelivery.hook_id == hook_id, HookDelivery.state == "waiting")
        .order_by(HookDelivery.change_id)
        .limit(1)
    )


def change(session: Session, change_id: int) -> ChangeRow:
    """The line as it is told. Raises NotFoundError."""
    row = session.execute(sa.text(_CHANGE), {"id": change_id}).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no change {change_id}.")
    return ChangeRow(*row)


def own_numbers(session: Session, *, incident_id: int, key_id: int) -> tuple[list[str], list[str]]:
    """Numbers under which the partner itself sent reports of the incident: all, and those that joined another's."""
    rows = session.execute(sa.text(_KNOWN), {"incident_id": incident_id, "key_id": key_id}).all()
    return [row.request_id for row in rows], [row.request_id for row in rows if row.has_joined]


def orgs(session: Session, incident_id: int) -> list[Org]:
    """The agencies that have the incident, the lead first."""
    rows = session.execute(
        sa.text(
            "SELECT a.code, a.name_th FROM incident_agency g JOIN agency a ON a.code = g.agency_code "
            "WHERE g.incident_id = :id ORDER BY g.role, a.code"
        ),
        {"id": incident_id},
    )
    return [Org(row.code, row.name_th) for row in rows]


def told_system(key: ApiKey) -> str:
    """Under which name the marks of what the partner was told are kept."""
    return f"hook-told:{key.name}"


def issue_system(key: ApiKey) -> str:
    """Under which name the incidents that the partner was told of are kept."""
    return f"hook:{key.name}"


def note_marks(
    session: Session, marks: Sequence[str], *, system: str, incident_id: int, now: datetime
) -> None:
    """By these it is known again; twice is as once."""
    rows = [
        {"system": system, "foreign_id": mark, "direction": "out", "incident_id": incident_id, "noted_at": now}
        for mark in dict.fromkeys(marks)
    ]
    session.execute(insert(ForeignId).values(rows).on_conflict_do_nothing(index_elements=["system", "foreign_id"]))


def is_noted(session: Session, marks: Sequence[str], *, system: str) -> bool:
    """One of these is noted."""
    asked = sa.select(ForeignId.id).where(ForeignId.system == system, ForeignId.foreign_id.in_(marks)).limit(1)
    return session.scalar(asked) is not None
