"""Reports of floods grow old: their reporters are asked once whether it is still so; what nobody confirms fades."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock
from core.events import publish
from flood.queries import current_run, spot_at
from incidents import cards, history, policy, promise_queries, queries, rules
from incidents.errors import WaitingError
from incidents.events import IncidentAged
from incidents.models import Category, Incident, StillQuestion
from incidents.queries import Reporter
from line import outbox
from residents import queries as residents_queries

MOST_AT_ONCE = 100
QUESTION_PRIORITY = 2


@dataclass(frozen=True)
class Next:
    """What is to be done with an old report: `ask` who has not been asked, let it `fade`, or neither."""

    asks: bool
    fades: bool


def next_step(
    *, fresh_at: datetime, life: timedelta, asked_at: datetime | None, can_ask: bool, answer_within: timedelta,
    now: datetime,
) -> Next:
    """An old report is asked about where somebody can be asked, and fades once the answer has not come in time.

    It fades at once where nobody can be asked now: by night, or because the reporters have blocked the account. Who
    was asked is not asked again.
    """
    if now < fresh_at + life:
        return Next(asks=False, fades=False)
    if asked_at is None:
        return Next(asks=can_ask, fades=not can_ask)
    return Next(asks=False, fades=now >= asked_at + answer_within)


def look_after_old(session: Session) -> int:
    """Old reports are confirmed by the water's own level, asked about, or fade; how many were looked at.

    Twice is the same as once.
    """
    now = clock.now()
    old = promise_queries.ageing_incidents(session, now=now, open_states=rules.OPEN_STATES, limit=MOST_AT_ONCE)
    for incident_id in old:
        _look_after(session, incident_id, now=now)
    return len(old)


def _look_after(session: Session, incident_id: int, *, now: datetime) -> None:
    city = policy.shipped()
    incident = queries.locked_incident(session, incident_id)
    category = queries.category(session, incident.category_code)
    if category.life_hours is None or incident.state not in rules.OPEN_STATES:
        return
    life = timedelta(hours=category.life_hours)
    if _is_under_water(session, incident_id, since=now - life, wet_from_m=city.wet_from_m):
        _confirm(session, incident, now=now)
        return
    asked = promise_queries.still_questions(session, incident_id)
    is_quiet = category.tier > city.urgent_tier and rules.quiet_until(now, policy=city) is not None
    reachable = [] if is_quiet else [r for r in queries.reporters(session, incident_id) if r.is_reachable]
    step = next_step(
        fresh_at=fresh_at(incident),
        life=life,
        asked_at=max((question.asked_at for question in asked), default=None),
        can_ask=bool(reachable),
        answer_within=city.answer_within,
        now=now,
    )
    if step.asks:
        _ask(session, incident, category, reachable, now=now)
    if step.fades and not is_fading(incident):
        _fade(session, incident, now=now)


def _is_under_water(session: Session, incident_id: int, *, since: datetime, wet_from_m: float) -> bool:
    """The newest picture of the water, if it is no older than `since`, has the place under water."""
    run = current_run(session)
    if run is None or run.valid_at < since:
        return False
    spot = spot_at(session, run, queries.place_of(session, incident_id))
    return spot is not None and spot.depth_m >= wet_from_m


def fresh_at(incident: Incident) -> datetime:
    """When somebody or something last said that it is so."""
    return max(incident.last_report_at, incident.confirmed_at or incident.last_report_at)


def is_fading(incident: Incident) -> bool:
    """Nobody has confirmed it since it faded."""
    return incident.fading_at is not None and incident.fading_at > fresh_at(incident)


def _ask(
    session: Session, incident: Incident, category: Category, reporters: list[Reporter], *, now: datetime
) -> None:
    line_ids = residents_queries.line_ids(session, [reporter.resident_id for reporter in reporters])
    for reporter in reporters:
        if reporter.resident_id not in line_ids:
            continue
        row = {"incident_id": incident.id, "resident_id": reporter.resident_id, "asked_at": now}
        is_new = insert(StillQuestion).values(row).on_conflict_do_nothing().returning(StillQuestion.asked_at)
        if session.scalar(is_new) is None:
            continue
        message = cards.still(
            number=incident.number,
            category=cards.category_name(
                category.code, thai=category.name_th, english=category.name_en, language=reporter.language
            ),
            place=incident.place_label_th if reporter.language == "th" else incident.place_label_en,
            incident_id=incident.id,
            language=reporter.language,
        )
        outbox.enqueue(
            session, subject=f"still:{incident.id}", kind="push", to=[line_ids[reporter.resident_id]],
            messages=[message], priority=QUESTION_PRIORITY,
        )


def _confirm(session: Session, incident: Incident, *, now: datetime) -> None:
    was_fading = is_fading(incident)
    incident.confirmed_at = now
    session.flush()
    if was_fading:
        _announce(session, incident)


def _fade(session: Session, incident: Incident, *, now: datetime) -> None:
    incident.fading_at = now
    session.flush()
    _announce(session, incident)


def _announce(session: Session, incident: Incident) -> None:
    publish(
        session,
        IncidentAged(incident_id=incident.id, number=incident.number, is_fading=is_fading(incident)),
    )


# ── What people say ──────────────────────────────────────────────────────────────────────────────────────────────────


def answer(session: Session, incident_id: int, resident_id: int, said: str) -> bool:
    """The reporter's answer (still, worse, gone) stands, and counts: False where nothing was asked or it has ended.

    `still` and `worse` keep the incident fresh; `gone` lets it fade unless somebody else has said otherwise since it
    was asked. The state stays: an officer decides.
    """
    now = clock.now()
    incident = queries.locked_incident(session, incident_id)
    question = session.get(StillQuestion, (incident_id, resident_id))
    if question is None or incident.state not in rules.OPEN_STATES:
        return False
    if question.answer == said:
        return True
    question.answer, question.answered_at = said, now
    session.flush()
    history.write(
        session, incident, from_state=incident.state, by="reporter", now=now, kind=f"said_{said}",
        reason=cards.say(f"reason-still-{said}", "th"),
    )
    if said in {"still", "worse"}:
        _confirm(session, incident, now=now)
        return True
    others = promise_queries.still_questions(session, incident_id)
    if not any(other.answer in {"still", "worse"} for other in others):
        _fade(session, incident, now=now)
    return True


def keep_alive(session: Session, incident_id: int, *, by: str, reason: str) -> Incident:
    """An officer knows that it is still so: it is fresh again. Raises WaitingError where it has ended."""
    now = clock.now()
    incident = queries.locked_incident(session, incident_id)
    if incident.state not in rules.OPEN_STATES:
        raise WaitingError("keeping-not-open")
    history.write(session, incident, from_state=incident.state, by=by, reason=reason, now=now, kind="kept")
    _confirm(session, incident, now=now)
    return incident
