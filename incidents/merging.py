"""Two incidents become one, one becomes two, what was done wrongly is undone: officers decide, every reporter hears.

A merged incident stays as a signpost: it is closed, its number still answers, and everything of it is at the survivor.
Rows are locked in the order of their ids, so that two officers at once come one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock
from core.errors import InvalidInputError
from core.events import publish
from gis.points import LonLat
from incidents import actions, agencies, cards, history, keeping, near_queries, queries, rules, telling
from incidents.errors import AlreadyMergedError, WrongStateError
from incidents.events import IncidentsMerged, IncidentSplit, MergeUndone
from incidents.models import (
    Incident,
    IncidentChange,
    IncidentLikeness,
    IncidentMerge,
    Photo,
    Report,
    ReporterNotice,
)
from incidents.rules import NewReport


def merge_incidents(session: Session, incident_id: int, other_id: int, *, by: str, reason: str) -> Incident:
    """The two are one incident, the survivor, which has every report, photo and notice of both.

    The graver survives, then the one further on, then the older. Everybody who reported either is told once. Raises
    NotFoundError, InvalidInputError for one and the same, WrongStateError where one is not open, AlreadyMergedError.
    """
    if incident_id == other_id:
        raise InvalidInputError("An incident cannot be merged with itself.")
    pair = _locked_pair(session, incident_id, other_id)
    for one in pair:
        _check_open(session, one)
    tiers = {one.id: queries.category(session, one.category_code).tier for one in pair}
    into, merged = sorted(
        pair,
        key=lambda one: (rules.survival_rank(tier=tiers[one.id], state=one.state, opened_at=one.opened_at), one.id),
    )
    now = clock.now()
    reached = queries.reporters(session, into.id), queries.reporters(session, merged.id)
    merge = _note_merge(session, merged, into, by=by, reason=reason, now=now)
    _move(session, report_ids=merge.report_ids, photo_ids=merge.photo_ids, from_id=merged.id, to_id=into.id)
    _gather(session, merged, into, by=by, now=now)
    _decide(session, into.id, merged.id, verdict="same", by=by, now=now)
    change = _write(session, into, from_state=into.state, key="reason-took-in", other=merged, by=by, reason=reason)
    began = merge.merged_before["state"]
    _write(session, merged, from_state=began, key="reason-merged-into", other=into, by=by, reason=reason)
    news = IncidentsMerged(merge.id, merged.id, into.id, number=into.number, merged_number=merged.number)
    publish(session, news)
    people = near_queries.people_who_reported(session, into.id)
    _tell(
        session, change, into, [r.resident_id for rows in reached for r in rows], key="told-merged",
        number=merged.number, survivor=into.number, people=people,
    )
    return into


def undo_merge(session: Session, merged_id: int, *, by: str) -> Incident:
    """The merged incident is open again, with the reports and photos that it had; both histories say so.

    What was reported since stays with the survivor. Everybody concerned is told once. Raises NotFoundError,
    WrongStateError where it is not merged, AlreadyMergedError where the survivor itself was merged since.
    """
    signpost = queries.incident(session, merged_id)
    if signpost.merged_into_id is None:
        raise WrongStateError(f"Incident {signpost.number} is not merged into another.")
    merged, into = _locked_pair(session, merged_id, signpost.merged_into_id)
    merge = near_queries.standing_merge(session, merged.id)
    if merge is None or merged.merged_into_id != into.id:
        raise WrongStateError(f"Incident {merged.number} is not merged into another.")
    if into.merged_into_id is not None:
        raise AlreadyMergedError(
            f"Incident {into.number} has itself been merged since: undo that first.", into_id=into.merged_into_id
        )
    now = clock.now()
    _move(session, report_ids=merge.report_ids, photo_ids=merge.photo_ids, from_id=into.id, to_id=merged.id)
    merge.undone_at, merge.undone_by = now, by
    merged.state, merged.merged_into_id, merged.closed_at = merge.merged_before["state"], None, None
    _recount(session, merged, people=merge.merged_before["people"])
    _recount(session, into, people=merge.into_before["people"])
    into.promise_hours, into.promise_in = merge.into_before["promise_hours"], merge.into_before["promise_in"]
    for one in (merged, into):
        keeping.renew(session, one, now=now)
    _decide(session, into.id, merged.id, verdict="different", by=by, now=now)
    change = _write(session, merged, from_state="closed", key="reason-parted", other=into, by=by, reason="")
    _write(session, into, from_state=into.state, key="reason-parted", other=merged, by=by, reason="")
    publish(session, MergeUndone(merge.id, merged_id=merged.id, into_id=into.id, number=merged.number))
    _tell(
        session, change, merged, [r.resident_id for r in queries.reporters(session, merged.id)], key="told-parted",
        number=into.number, own=merged.number,
    )
    return merged


def split_reports(session: Session, incident_id: int, report_ids: Sequence[int], *, by: str, reason: str) -> Incident:
    """These reports tell of something else: they are a new incident, promised from when the first of them came.

    Who sent them is told once. Raises NotFoundError, WrongStateError where it is not open, InvalidInputError where a
    report is not the incident's or none would stay.
    """
    incident = queries.locked_incident(session, incident_id)
    _check_open(session, incident)
    reports = near_queries.reports_of(session, incident_id)
    chosen = [report for report in reports if report.id in set(report_ids)]
    if not chosen or len(chosen) < len(set(report_ids)):
        raise InvalidInputError(f"Choose reports of incident {incident.number}.")
    if len(chosen) == len(reports):
        raise InvalidInputError(f"One report at least must stay with incident {incident.number}.")
    first = chosen[0]
    own = actions.open_apart(session, _as_new(session, first), opened_at=first.created_at)
    photo_ids = near_queries.photo_ids_of_reports(session, [report.id for report in chosen])
    _move(
        session, report_ids=[report.id for report in chosen], photo_ids=photo_ids, from_id=incident.id, to_id=own.id
    )
    for report in chosen:
        report.join_terms = None
    if reports[0] is first:
        _begin_with(session, incident, next(report for report in reports if report not in chosen))
    _recount(session, own, people=None)
    _recount(session, incident, people=None)
    now = clock.now()
    _decide(session, own.id, incident.id, verdict="different", by=by, now=now)
    change = _write(session, own, from_state="new", key="reason-split-from", other=incident, by=by, reason=reason)
    _write(session, incident, from_state=incident.state, key="reason-split-off", other=own, by=by, reason=reason)
    publish(session, IncidentSplit(incident_id=own.id, from_id=incident.id, number=own.number))
    _tell(
        session, change, own, [report.resident_id for report in chosen if report.resident_id is not None],
        key="told-parted", number=incident.number, own=own.number,
    )
    return own


def keep_apart(session: Session, incident_id: int, other_id: int, *, by: str) -> None:
    """An officer has decided that they are not the same: nobody is asked again. Raises NotFoundError, ConflictError."""
    for one in _locked_pair(session, incident_id, other_id):
        _check_not_merged(session, one)
    _decide(session, incident_id, other_id, verdict="different", by=by, now=clock.now())


# ── What moves, and what is counted ──────────────────────────────────────────────────────────────────────────────────


def _locked_pair(session: Session, incident_id: int, other_id: int) -> tuple[Incident, Incident]:
    found = {one: queries.locked_incident(session, one) for one in sorted({incident_id, other_id})}
    return found[incident_id], found[other_id]


def _check_not_merged(session: Session, incident: Incident) -> None:
    if incident.merged_into_id is not None:
        survivor = queries.incident(session, near_queries.surviving_id(session, incident.id))
        raise AlreadyMergedError(
            f"Incident {incident.number} is already merged into {survivor.number}.", into_id=survivor.id
        )


def _check_open(session: Session, incident: Incident) -> None:
    _check_not_merged(session, incident)
    if incident.state not in rules.OPEN_STATES:
        raise WrongStateError(f"Incident {incident.number} is '{incident.state}'; only open ones are merged or split.")


def _note_merge(
    session: Session, merged: Incident, into: Incident, *, by: str, reason: str, now: datetime
) -> IncidentMerge:
    merge = IncidentMerge(
        merged_id=merged.id,
        into_id=into.id,
        merged_at=now,
        merged_by=by,
        reason=reason,
        report_ids=[report.id for report in near_queries.reports_of(session, merged.id)],
        photo_ids=near_queries.photo_ids_of(session, merged.id),
        merged_before=_before(merged),
        into_before=_before(into),
    )
    session.add(merge)
    session.flush()
    return merge


def _before(incident: Incident) -> dict[str, Any]:
    return {
        "state": incident.state, "people": incident.people, "promise_hours": incident.promise_hours,
        "promise_in": incident.promise_in,
    }


def _move(
    session: Session, *, report_ids: Sequence[int], photo_ids: Sequence[int], from_id: int, to_id: int
) -> None:
    """Those of these reports and photos that are at the one incident are at the other."""
    for table, ids in ((Report, report_ids), (Photo, photo_ids)):
        session.execute(
            sa.update(table).where(table.id.in_(ids), table.incident_id == from_id).values(incident_id=to_id)
        )
    session.flush()


def _gather(session: Session, merged: Incident, into: Incident, *, by: str, now: datetime) -> None:
    """The survivor counts for both and keeps the earlier promise; the other is a signpost to it."""
    session.execute(
        sa.update(ReporterNotice).where(ReporterNotice.incident_id == merged.id).values(incident_id=into.id)
    )
    into.report_count += merged.report_count
    into.last_report_at = max(into.last_report_at, merged.last_report_at)
    _keep_earlier_promise(into, merged)
    if merged.people is not None:
        into.people = max(merged.people, into.people or 0)
    merged.report_count = 0
    merged.state, merged.closed_at, merged.merged_into_id = "closed", now, into.id
    session.flush()
    agencies.take_over(session, from_id=merged.id, to_id=into.id)
    keeping.renew(session, into, now=now)
    keeping.stop_at_end(session, merged, by=by, now=now)


def _keep_earlier_promise(into: Incident, merged: Incident) -> None:
    """The survivor is promised as early as either was; both count from when it was opened."""
    if merged.promised_at < into.promised_at:
        hours = (merged.promised_at - into.opened_at) // timedelta(hours=1)
        into.promise_hours, into.promise_in = max(1, hours), "calendar"


def _recount(session: Session, incident: Incident, *, people: int | None) -> None:
    """The incident counts its own reports; the people in danger are the most that one of them speaks of."""
    reports = near_queries.reports_of(session, incident.id)
    incident.report_count = max(1, sum(report.withdrawn_at is None for report in reports))
    incident.last_report_at = max((report.created_at for report in reports), default=incident.opened_at)
    told = [count for report in reports if (count := rules.people_in(report.text)) is not None]
    incident.people = max(told) if told else people
    session.execute(
        sa.update(ReporterNotice)
        .where(
            ReporterNotice.change_id.in_(
                sa.select(IncidentChange.id).where(IncidentChange.incident_id == incident.id)
            )
        )
        .values(incident_id=incident.id)
    )
    session.flush()


def _as_new(session: Session, report: Report) -> NewReport:
    return NewReport(
        text=report.text,
        category_code=report.category_code,
        place=near_queries.place_of_report(session, report.id),
        place_source=report.place_source,
        source=report.source,
        resident_id=report.resident_id,
        radius_m=report.radius_m,
    )


def _begin_with(session: Session, incident: Incident, report: Report) -> None:
    """The incident's summary and place are those of its first report that stayed."""
    category = queries.category(session, incident.category_code)
    incident.summary = rules.summary_of(report.text, otherwise=category.name_th)
    place: LonLat = near_queries.place_of_report(session, report.id)
    actions.move_incident(session, incident.id, place)
    incident.place_source = report.place_source
    session.flush()


def _decide(session: Session, one_id: int, other_id: int, *, verdict: str, by: str, now: datetime) -> None:
    values = {"verdict": verdict, "decided_at": now, "decided_by": by}
    later, earlier = max(one_id, other_id), min(one_id, other_id)
    session.execute(
        insert(IncidentLikeness)
        .values(incident_id=later, other_id=earlier, found_at=now, **values)
        .on_conflict_do_update(index_elements=["incident_id", "other_id"], set_=values)
    )


# ── History and words ────────────────────────────────────────────────────────────────────────────────────────────────


def _write(
    session: Session, incident: Incident, *, from_state: str, key: str, other: Incident, by: str, reason: str
) -> IncidentChange:
    why = cards.say(key, "th", number=other.number)
    kind = "merged" if key in {"reason-took-in", "reason-merged-into"} else "parted"
    said = f"{why}: {reason}" if reason.strip() else why
    return history.write(session, incident, from_state=from_state, by=by, reason=said, now=clock.now(), kind=kind)


def _tell(
    session: Session,
    change: IncidentChange,
    incident: Incident,
    resident_ids: Sequence[int],
    *,
    key: str,
    **slots: str | int,
) -> None:
    """Each of these residents will hear of it once, whichever of the incidents they reported."""
    people = near_queries.residents_of(session, sorted(set(resident_ids)))
    note = {language: cards.say(key, language, **slots) for language in ("th", "en")}
    telling.note_for(session, people, incident, change, note=note, now=clock.now())
