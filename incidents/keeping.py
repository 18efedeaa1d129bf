"""Keeping promises: until when, what stops the clock, which warnings and breaches are marked. Twice is as once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock
from core.events import publish
from incidents import calendar, history, policy, promise_queries, promises, queries, rules, telling
from incidents.calendar import OfficeCalendar, Window
from incidents.calendar_models import Holiday, OfficeHours
from incidents.errors import WaitingError
from incidents.events import PromiseMarked
from incidents.models import Category, Incident, IncidentPause, PromiseMark
from incidents.promises import Pause, Terms

MOST_AT_ONCE = 200
ANSWER_WITHIN = timedelta(minutes=30)
_NO_CALENDAR = OfficeCalendar(())


def terms_of(incident: Incident, category: Category) -> Terms:
    """What the city promised when the incident was opened, whatever its category says since."""
    return Terms(
        incident.opened_at, incident.promise_hours or category.promise_hours, incident.promise_in or category.promise_in
    )


def _calendar_for(session: Session, terms: Terms) -> OfficeCalendar:
    return promise_queries.office_calendar(session) if terms.promise_in == "working" else _NO_CALENDAR


def first_promise(session: Session, category: Category, opened_at: datetime) -> tuple[datetime, datetime | None]:
    """Until when a new incident is promised to be finished, and when the first mark of the promise is due."""
    terms = Terms(opened_at, category.promise_hours, category.promise_in)
    times = _times(terms, (), _calendar_for(session, terms))
    return times[-1][1], promises.next_mark_at(times, made=())


def _times(terms: Terms, pauses: Sequence[Pause], office: OfficeCalendar) -> list[tuple[str, datetime]]:
    city = policy.shipped()
    return promises.mark_times(
        terms, pauses=pauses, calendar=office, warn_at_shares=city.warn_at_shares, warn_before=city.warn_before
    )


def pauses_of(session: Session, incident_id: int) -> list[Pause]:
    """The incident's pauses as the rules take them: one that lasts ends at its limit."""
    return [Pause(p.began_at, p.ended_at or p.until_at) for p in promise_queries.pauses(session, incident_id)]


def renew(session: Session, incident: Incident, *, now: datetime) -> None:
    """Every mark that is due by now is made, once; the promise and the next mark stand as its pauses make them.

    What was marked stays, whatever happens to the promise afterwards.
    """
    terms = terms_of(incident, queries.category(session, incident.category_code))
    times = _times(terms, pauses_of(session, incident.id), _calendar_for(session, terms))
    incident.promised_at = times[-1][1]
    is_open = incident.state in rules.OPEN_STATES
    ended_at = None if is_open else incident.done_at or incident.closed_at
    made = {mark.kind for mark in promise_queries.marks(session, incident.id)}
    for kind in promises.marks_due(times, ended_at=ended_at, now=now):
        if kind not in made:
            _mark(session, incident, kind, now=now)
            made.add(kind)
    incident.mark_due_at = promises.next_mark_at(times, made=made) if is_open else None
    session.flush()


def _mark(session: Session, incident: Incident, kind: str, *, now: datetime) -> None:
    row = {
        "incident_id": incident.id, "kind": kind, "at": now, "promised_at": incident.promised_at,
        "agency_code": incident.agency_code,
    }
    session.execute(insert(PromiseMark).values(row).on_conflict_do_nothing())
    publish(
        session,
        PromiseMarked(
            incident_id=incident.id, number=incident.number, mark=kind, agency_code=incident.agency_code or "", at=now
        ),
    )


def used_share(session: Session, incident: Incident, category: Category, *, now: datetime) -> float:
    """How much of the promised time is used: 1 at its end, more after it; of what has ended, at its end."""
    terms = terms_of(incident, category)
    until = now if incident.state in rules.OPEN_STATES else incident.done_at or incident.closed_at or now
    office = _calendar_for(session, terms)
    return promises.used(terms, pauses=pauses_of(session, incident.id), calendar=office, now=until) / terms.length


def mark_due(session: Session) -> int:
    """Warnings and breaches that are due are marked; how many incidents were looked at."""
    now = clock.now()
    due = promise_queries.marks_to_make(session, now=now, limit=MOST_AT_ONCE)
    for incident_id in due:
        renew(session, queries.locked_incident(session, incident_id), now=now)
    return len(due)


# ── What stops the clock ─────────────────────────────────────────────────────────────────────────────────────────────


def wait_for_reporter(
    session: Session, incident_id: int, question: str, *, hours: float, by: str
) -> Incident:
    """The promise's clock stands while the reporters are asked this; they hear the question, and when waiting ends.

    Raises WaitingError where the incident is not open, is waiting already, or has waited as long as the city allows.
    """
    now = clock.now()
    city = policy.shipped()
    incident = queries.locked_incident(session, incident_id)
    if incident.state not in rules.OPEN_STATES:
        raise WaitingError("waiting-not-open")
    if promise_queries.open_pause(session, incident_id) is not None:
        raise WaitingError("waiting-already")
    if not any(reporter.is_reachable for reporter in queries.reporters(session, incident_id)):
        raise WaitingError("waiting-nobody")
    earlier = [Pause(p.began_at, p.ended_at) for p in promise_queries.pauses(session, incident_id) if p.until_at]
    until_at = promises.wait_until(
        now=now, asked_for=timedelta(hours=hours), earlier=earlier, limit=city.wait_limit, total_limit=city.waits_limit
    )
    if until_at is None:
        raise WaitingError("waiting-used-up")
    session.add(
        IncidentPause(
            incident_id=incident_id, kind="reporter", began_at=now, until_at=until_at, question=question, begun_by=by
        )
    )
    session.flush()
    change = history.write(
        session, incident, from_state=incident.state, by=by, reason=question, now=now, kind="waiting"
    )
    telling.note_change(session, incident, change, note={"th": question, "en": question}, now=now)
    renew(session, incident, now=now)
    return incident


def resume(session: Session, incident_id: int, *, by: str, reason: str) -> Incident:
    """The promise's clock goes on. Raises WaitingError where it was not waiting."""
    incident = queries.locked_incident(session, incident_id)
    pause = promise_queries.open_pause(session, incident_id)
    if pause is None:
        raise WaitingError("waiting-not")
    _end(session, incident, pause, by=by, reason=reason, now=clock.now())
    return incident


def _end(
    session: Session, incident: Incident, pause: IncidentPause, *, by: str, reason: str, now: datetime
) -> None:
    pause.ended_at = min(now, pause.until_at) if pause.until_at else now
    pause.ended_by = by
    pause.answering_id = pause.answering_until_at = None
    session.flush()
    history.write(session, incident, from_state=incident.state, by=by, reason=reason, now=now, kind="resumed")
    renew(session, incident, now=now)


def end_waits(session: Session) -> int:
    """Where the reporter has not answered in time the clock goes on, from the very end of that time; how many."""
    now = clock.now()
    over = promise_queries.pauses_over(session, now=now, limit=MOST_AT_ONCE)
    for incident_id in over:
        incident = queries.locked_incident(session, incident_id)
        pause = promise_queries.open_pause(session, incident_id)
        if pause is not None and pause.until_at is not None and pause.until_at <= now:
            _end(session, incident, pause, by="", reason="", now=now)
    return len(over)


def stop_at_end(session: Session, incident: Incident, *, by: str, now: datetime) -> None:
    """An incident that ends waits for nobody, and no further mark of its promise is due."""
    pause = promise_queries.open_pause(session, incident.id)
    if pause is not None:
        _end(session, incident, pause, by=by, reason="", now=now)
    else:
        renew(session, incident, now=now)


def go_on_after_end(session: Session, incident: Incident, *, ended_at: datetime, by: str, now: datetime) -> None:
    """An incident that was opened again has what was left of its promise; the time between does not count."""
    session.add(
        IncidentPause(
            incident_id=incident.id, kind="ended", began_at=ended_at, ended_at=now, question="", begun_by=by,
            ended_by=by,
        )
    )
    session.flush()
    renew(session, incident, now=now)


def await_answer(session: Session, incident_id: int, resident_id: int) -> bool:
    """The reporter has pressed the button: what they write next is the answer. False where nothing is asked now."""
    pause = promise_queries.open_pause(session, incident_id)
    if pause is None or not queries.is_reporter(session, incident_id, resident_id):
        return False
    pause.answering_id = resident_id
    pause.answering_until_at = clock.now() + ANSWER_WITHIN
    session.flush()
    return True


# ── The calendar ─────────────────────────────────────────────────────────────────────────────────────────────────────


def load_calendar(session: Session) -> int:
    """The shipped office hours and holidays are in the database; how many days were new or renewed.

    Days that the city has edited stay as it made them, and hours once they are there; again changes nothing.
    """
    shipped = calendar.shipped()
    added = {"is_closed": True, "version": shipped.version, "edited_by": None}
    days = [{**row.model_dump(), **added} for row in shipped.holiday]
    statement = insert(Holiday).values(days)
    fresh = {name: statement.excluded[name] for name in ("name_th", "name_en", "source", "is_closed", "version")}
    changed = session.execute(
        statement.on_conflict_do_update(
            index_elements=["day"], set_=fresh,
            where=sa.and_(Holiday.edited_by.is_(None), Holiday.version < shipped.version),
        ).returning(Holiday.day)
    )
    count = len(changed.all())
    if session.scalar(sa.select(sa.func.count()).select_from(OfficeHours)) == 0:
        _put_hours(session, shipped.windows())
    session.flush()
    return count


def put_holiday(
    session: Session, day: date, *, name_th: str, name_en: str, is_closed: bool, by: str
) -> Holiday:
    """The office is closed on that day, or open all the same; promises in office hours stand by it at once."""
    row = {
        "day": day, "name_th": name_th, "name_en": name_en, "source": "city", "is_closed": is_closed,
        "version": calendar.shipped().version, "edited_by": by, "edited_at": clock.now(),
    }
    statement = insert(Holiday).values(row)
    session.execute(statement.on_conflict_do_update(index_elements=["day"], set_=row))
    session.flush()
    _renew_working(session)
    return session.get_one(Holiday, day, populate_existing=True)


def put_hours(session: Session, windows: Sequence[tuple[int, time, time]]) -> None:
    """The office is open in these windows (weekday, from, to); promises in office hours stand by it at once."""
    session.execute(sa.delete(OfficeHours))
    _put_hours(session, [Window(*window) for window in windows])
    session.flush()
    _renew_working(session)


def _put_hours(session: Session, windows: Sequence[Window]) -> None:
    rows = [{"weekday": w.weekday, "opens": w.opens, "closes": w.closes} for w in windows]
    if rows:
        session.execute(insert(OfficeHours).values(rows))


def _renew_working(session: Session) -> None:
    now = clock.now()
    for incident_id in promise_queries.open_in_working_hours(session, rules.OPEN_STATES):
        renew(session, queries.locked_incident(session, incident_id), now=now)
