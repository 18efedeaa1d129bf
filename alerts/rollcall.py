"""Who is safe, who needs help, who can help, and who has said nothing: the answers to an alert, zone by zone.

Answers belong to the event: whoever answered a message that was updated since has answered. The newest answer counts;
"I am safe" after a call for help closes nothing, people do.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

import staff.actions
from alerts import actions, cards, exercise, packing, queries, rules, templates, thread
from alerts.errors import AlertStateError
from alerts.models import Alert
from alerts.models_texts import AlertAnswer, AlertReminder, HelpOffer
from core import clock
from core.errors import ConflictError
from core.logs import get_logger
from core.words import words
from gis.points import LonLat
from line import messages as line_messages
from line import outbox
from line.models import OutboxChunk
from line.rules import MULTICAST_LIMIT
from staff.rules import AccountRef

log = get_logger("alerts")
OFFERS = ("boat", "pickup", "room", "hands")
# After the alerts themselves, before ordinary messages.
REMINDER_PRIORITY = 1
_ROLL = (Path(__file__).parent / "sql" / "roll_call.sql").read_text(encoding="utf-8").strip()
_BY_ZONE = sa.text(f"""
    SELECT zone_id, count(*) AS told,
           count(*) FILTER (WHERE answer IN ('safe', 'can_help')) AS safe,
           count(*) FILTER (WHERE answer IN ('safe', 'can_help') AND has_called) AS safe_after_call,
           count(*) FILTER (WHERE answer = 'help') AS help,
           count(*) FILTER (WHERE answer = 'can_help') AS can_help,
           count(*) FILTER (WHERE answer IS NULL) AS silent,
           count(*) FILTER (WHERE answer IS NULL AND is_vulnerable) AS vulnerable_silent
    FROM ({_ROLL}) roll GROUP BY zone_id
""")  # noqa: S608 - our own words only.
_SILENT_VULNERABLE = sa.text(f"""
    SELECT resident_id, home_id, zone_id, language, lon, lat FROM ({_ROLL}) roll
    WHERE answer IS NULL AND is_vulnerable AND resident_id > :after
      AND (CAST(:zone_id AS bigint) IS NULL OR zone_id = :zone_id)
    ORDER BY resident_id LIMIT :limit
""")  # noqa: S608 - our own words only.
_SILENT = f"""
    SELECT (row_number() OVER (ORDER BY language, number))::integer AS part, language AS variant,
           CAST(:priority AS smallint) AS priority, array_agg(line_user_sealed ORDER BY resident_id) AS to_each_sealed,
           array_agg(resident_id ORDER BY resident_id) AS resident_ids
    FROM (
        SELECT roll.resident_id, roll.language, r.line_user_sealed,
               (row_number() OVER (PARTITION BY roll.language ORDER BY roll.resident_id) - 1) / :most AS number
        FROM ({_ROLL}) roll
        JOIN resident r ON r.id = roll.resident_id AND r.is_reachable AND r.consented_at IS NOT NULL
        WHERE roll.answer IS NULL
    ) silent
    GROUP BY language, number
"""  # noqa: S608 - our own words only.
_WARNED_HOME = sa.text("""
    SELECT ST_X(h.geom) AS lon, ST_Y(h.geom) AS lat
    FROM alert_recipient r JOIN home h ON h.id = r.home_id AND h.resident_id = r.resident_id
    WHERE r.alert_id = :alert_id AND r.resident_id = :resident_id AND NOT h.is_approximate
""")


@dataclass(frozen=True)
class ZoneRoll:
    """The answers of one zone; `zone_id` None for who was told without a home in any. safe + help + silent = told.

    `can_help` are among the safe, as are those who called for help before (`safe_after_call`).
    """

    zone_id: int | None
    told: int
    safe: int
    safe_after_call: int
    help: int
    can_help: int
    silent: int
    vulnerable_silent: int


@dataclass(frozen=True)
class SilentHome:
    """A home where somebody is vulnerable and nobody has answered. People's data: a look at it is logged."""

    resident_id: int
    home_id: int
    zone_id: int | None
    language: str
    lon: float
    lat: float


# ── Answers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def note(session: Session, alert_id: int, resident_id: int, answer: str) -> bool:
    """The resident's answer counts from now on; False where the alert was not for them."""
    if not actions.note_answer(session, alert_id, resident_id, answer):
        return False
    session.add(AlertAnswer(alert_id=alert_id, resident_id=resident_id, answer=answer, answered_at=clock.now()))
    session.flush()
    return True


def note_offer(session: Session, alert_id: int, resident_id: int, kind: str) -> bool:
    """What the resident can help with is on record, once; False where the alert was not for them or `kind` is none."""
    if kind not in OFFERS or not note(session, alert_id, resident_id, "can_help"):
        return False
    offer = {"alert_id": alert_id, "resident_id": resident_id, "kind": kind, "offered_at": clock.now()}
    session.execute(postgresql.insert(HelpOffer).values(offer).on_conflict_do_nothing())
    return True


def has_called(session: Session, alert_id: int, resident_id: int) -> bool:
    """The resident called for help in the alert's event."""
    event = sa.select(Alert.event_id).where(Alert.id == alert_id).scalar_subquery()
    called = (
        sa.select(AlertAnswer.id)
        .join(Alert, Alert.id == AlertAnswer.alert_id)
        .where(Alert.event_id == event, AlertAnswer.resident_id == resident_id, AlertAnswer.answer == "help")
    )
    return session.scalar(called.limit(1)) is not None


def warned_home(session: Session, alert_id: int, resident_id: int) -> LonLat | None:
    """The resident's home that the alert was for; None where it was for none, or for the middle of a community."""
    packing.write_person(session, resident_id)
    row = session.execute(_WARNED_HOME, {"alert_id": alert_id, "resident_id": resident_id}).one_or_none()
    return LonLat(lon=row.lon, lat=row.lat) if row else None


def thanks(answer: str, *, alert_id: int, language: str, has_called: bool) -> dict[str, Any]:
    """What a resident reads after an answer; who can help is asked with what."""
    if answer == "can_help":
        offers = [
            line_messages.postback(
                words("alerts", f"offer-{kind}", language=language),
                f"{cards.VERBS['can_help']}:{alert_id}:{kind}",
                display_text=words("alerts", f"offer-{kind}", language=language),
            )
            for kind in OFFERS
        ]
        return line_messages.text(
            words("alerts", "ask-offer", language=language), quick=line_messages.quick_reply(*offers)
        )
    key = "thanks-safe-after-call" if has_called else "thanks-safe"
    return line_messages.text(words("alerts", key, language=language))


# ── The roll ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def by_zone(session: Session, alert_id: int) -> list[ZoneRoll]:
    """The answers of each zone of the alert, also where nobody was told; last, of who has no home in any."""
    rows = {row.zone_id: ZoneRoll(**row._mapping) for row in session.execute(_BY_ZONE, {"alert_id": alert_id})}
    ids: list[int | None] = [zone.zone_id for zone in queries.zones(session, [alert_id])[alert_id]]
    nobody = {name: 0 for name in ZoneRoll.__dataclass_fields__ if name != "zone_id"}
    return [rows.get(zone_id) or ZoneRoll(zone_id, **nobody) for zone_id in ids] + (
        [rows[None]] if None in rows else []
    )


def silent_vulnerable(
    session: Session, alert_id: int, *, by: AccountRef, zone_id: int | None, after: int, limit: int
) -> list[SilentHome]:
    """Homes of the alert where somebody is vulnerable and nobody has answered, by resident id; the look is logged."""
    alert = queries.alert(session, alert_id)
    slots = {"alert_id": alert_id, "zone_id": zone_id, "after": after, "limit": limit}
    found = [SilentHome(**row._mapping) for row in session.execute(_SILENT_VULNERABLE, slots)]
    detail = {"zone_id": zone_id, "after": after, "homes": len(found)}
    staff.actions.record(
        session, account=by, action="alert.silent_homes_read", subject=f"alert:{alert.id}", detail=detail
    )
    return found


def offers(session: Session, alert_id: int) -> dict[str, int]:
    """How many residents can help with what, in the alert's event."""
    event = sa.select(Alert.event_id).where(Alert.id == alert_id).scalar_subquery()
    rows = session.execute(
        sa.select(HelpOffer.kind, sa.func.count(sa.distinct(HelpOffer.resident_id)))
        .join(Alert, Alert.id == HelpOffer.alert_id)
        .where(Alert.event_id == event)
        .group_by(HelpOffer.kind)
    )
    return dict(rows.all())


# ── The reminder ──────────────────────────────────────────────────────────────────────────────────────────────────────


def reminder(session: Session, alert_id: int) -> AlertReminder | None:
    """When who asked the silent once more; None where nobody did."""
    return session.get(AlertReminder, alert_id)


def remind_silent(session: Session, alert_id: int, by: AccountRef) -> AlertReminder:
    """Whoever was told and has not answered is asked once more, once for each alert, however often this is asked.

    Raises AlertStateError where the alert is not in force or is no warning, ConflictError for an exercise.
    """
    alert = queries.locked_alert(session, alert_id)
    done = reminder(session, alert_id)
    if done is not None:
        return done
    _check(alert, now=clock.now())
    chunk_ids, recipients = _queue(session, alert)
    row = AlertReminder(
        alert_id=alert_id, asked_by=by.id, asked_at=clock.now(), recipients=recipients, chunk_ids=chunk_ids
    )
    session.add(row)
    session.flush()
    staff.actions.record(
        session, account=by, action="alert.silent_reminded", subject=f"alert:{alert_id}", detail={"silent": recipients}
    )
    thread.note(session, event_id=alert.event_id, alert_id=alert_id, kind="reminded", by=by, silent=recipients)
    log.info("alert.silent_reminded", alert=alert_id, recipients=recipients, chunks=len(chunk_ids))
    return row


def _check(alert: Alert, *, now: datetime) -> None:
    if alert.is_exercise:
        raise ConflictError("In an exercise nobody is reminded: the reminder would not bear its mark.")
    is_over = alert.expires_at is not None and alert.expires_at <= now
    if alert.kind not in {"alert", "update"} or alert.state not in rules.TOLD or is_over:
        raise AlertStateError(f"Alert {alert.number} is not in force; nobody is asked about it any more.")


def _queue(session: Session, alert: Alert) -> tuple[list[int], int]:
    """The chunks of the reminder and how many residents they go to; each language has its own."""
    wording = queries.wording(session, alert.words_version)
    chunks = outbox.enqueue_parts(
        session,
        subject=f"rollcall:{alert.id}",
        parts=_SILENT,
        slots={"alert_id": alert.id, "priority": REMINDER_PRIORITY, "most": MULTICAST_LIMIT},
        messages_by_variant={language: [reminder_text(alert, language, wording)] for language in alert.texts},
        channel=exercise.line_channel(alert),
    )
    chunk_ids = list(chunks.values())
    count = sa.select(sa.func.coalesce(sa.func.sum(OutboxChunk.recipient_count), 0))
    return chunk_ids, int(session.execute(count.where(OutboxChunk.id.in_(chunk_ids))).scalar_one())


def reminder_text(alert: Alert, language: str, wording: templates.Wording) -> dict[str, Any]:
    """The question to who has not answered, with the three answers; the city first."""
    text = templates.text_of(alert.texts[language])
    asked = words("alerts", "remind-silent", language=language, city=text.city, title=text.title)
    buttons = [cards.answer_button(answer, wording.vocabularies[language], alert.id) for answer in cards.ANSWERS]
    return line_messages.text(asked, quick=line_messages.quick_reply(*buttons))


# ── One person's ──────────────────────────────────────────────────────────────────────────────────────────────────────


def offers_of(session: Session, resident_id: int) -> dict[int, tuple[str, ...]]:
    """What the resident offered to help with, by alert."""
    rows = session.execute(
        sa.select(HelpOffer.alert_id, HelpOffer.kind)
        .where(HelpOffer.resident_id == resident_id)
        .order_by(HelpOffer.alert_id, HelpOffer.kind)
    ).all()
    return {
        alert_id: tuple(row.kind for row in group)
        for alert_id, group in itertools.groupby(rows, key=lambda row: int(row.alert_id))
    }


def forget(session: Session, resident_id: int, alert_ids: Sequence[int]) -> list[int]:
    """Nothing of what the resident answered is kept; the chunks of reminders that may name them are returned."""
    for table in (AlertAnswer, HelpOffer):
        session.execute(sa.delete(table).where(table.resident_id == resident_id))
    reminded = session.scalars(sa.select(AlertReminder.chunk_ids).where(AlertReminder.alert_id.in_(list(alert_ids))))
    return [chunk_id for chunk_ids in reminded for chunk_id in chunk_ids]
