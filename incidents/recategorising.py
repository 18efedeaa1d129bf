"""What an incident is of, as an officer says: its agency and promise follow, and the next model learns from it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from core import clock
from core.events import publish
from incidents import agencies, cards, history, keeping, near_queries, queries, rules, telling, understood
from incidents.errors import AlreadyMergedError, CategoryError
from incidents.events import IncidentRecategorised
from incidents.models import Category, Incident
from incidents.understood import Understood


def guesses(session: Session, incident_id: int) -> Understood:
    """What the reports' words are about by the city's model of today, at most three, with confidence where it has one.

    Raises NotFoundError for an unknown incident.
    """
    queries.incident(session, incident_id)
    texts = [report.text for report in near_queries.reports_of(session, incident_id) if report.text.strip()]
    return understood.understood(
        session, queries.categories(session), "\n".join(texts), model=understood.active_model(session)
    )


def recategorise(session: Session, incident_id: int, code: str, *, by: str, reason: str) -> Incident:
    """The incident is of this category, and every report of it teaches so; its history says from which, and why.

    An open one has the promise of the category, counted from when it was opened, and goes to its agencies; who has
    begun with it goes on with it. What was marked as broken stays so. Every reporter hears of it once. Of one that has
    ended only the kind changes. Raises NotFoundError, CategoryError where it is of this kind, AlreadyMergedError.
    """
    now = clock.now()
    incident = queries.locked_incident(session, incident_id)
    if incident.merged_into_id is not None:
        raise AlreadyMergedError(
            f"Incident {incident.number} was merged into another.", into_id=incident.merged_into_id
        )
    before, after = queries.category(session, incident.category_code), queries.category(session, code)
    if before.code == after.code:
        raise CategoryError("category-same", category={"th": after.name_th, "en": after.name_en})
    _teach(session, incident, after, by=by, now=now)
    incident.category_code = after.code
    if incident.summary == before.name_th:
        incident.summary = after.name_th
    why = cards.say("reason-category", "th", before=before.name_th, after=after.name_th)
    said = f"{why}: {reason}" if reason.strip() else why
    change = history.write(
        session, incident, from_state=incident.state, by=by, reason=said, now=now, kind="category"
    )
    if incident.state in rules.OPEN_STATES:
        incident.promise_hours, incident.promise_in = after.promise_hours, after.promise_in
        keeping.renew(session, incident, now=now)
        led_before = incident.agency_code
        agencies.reroute(session, incident, queries.place_of(session, incident.id), now=now)
        history.name_new_lead(change, incident, led_before)
        telling.note_change(session, incident, change, note={}, now=now)
    publish(
        session, IncidentRecategorised(incident_id=incident.id, number=incident.number, category_code=after.code)
    )
    return incident


def _teach(session: Session, incident: Incident, category: Category, *, by: str, now: datetime) -> None:
    for report in near_queries.reports_of(session, incident.id):
        understood.correct_category(
            session, report_id=report.id, category_code=category.code, corrected_by=by, now=now
        )
