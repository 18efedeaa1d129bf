"""Officers' own alerts and news: drafted, proposed to another person, taken back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

import staff.actions
from alerts import linter, proposals, queries, rules, thread
from alerts.errors import AlertStateError
from alerts.models import Alert
from alerts.templates import HAZARDS
from core import clock
from core.errors import InvalidInputError
from flood import queries as flood
from flood.models import Zone
from gis.models import Area
from residents.models import Resident
from residents.models_rights import ResidentGroup
from staff.rules import AccountRef

_REF_IDS = {"area": Area.id, "group": ResidentGroup.id, "person": Resident.id}


@dataclass(frozen=True)
class Wanted:
    """What an officer wants to say: a warning of a level for zones, or news in own words for whoever it is for."""

    level: int
    hazard: str = "flood"
    zone_ids: frozenset[int] = frozenset()
    targets: tuple[tuple[str, int | None], ...] = ()
    own_words: Mapping[str, Mapping[str, str]] | None = None
    is_exercise: bool = False

    @property
    def is_news(self) -> bool:
        """It warns of nothing."""
        return self.level == rules.NEWS


def draft(session: Session, wanted: Wanted, by: AccountRef, *, is_proposed: bool) -> Alert:
    """The alert stands as a draft, or proposed at once; raises InvalidInputError naming what is missing or unknown."""
    _check(session, wanted)
    queries.hold_decisions(session)
    proposals.store_shipped(session)
    run = flood.current_run(session)
    now = clock.now()
    alert = proposals.open_proposal(
        session,
        kind="news" if wanted.is_news else "alert",
        level=wanted.level,
        zone_ids=wanted.zone_ids,
        run_id=run.id if run else None,
        now=now,
        proposed_by=by.id,
        source="officer",
        state="proposed" if is_proposed else rules.DRAFT,
        hazard="info" if wanted.is_news else wanted.hazard,
        own_words=None if wanted.own_words is None else {k: dict(v) for k, v in wanted.own_words.items()},
        is_exercise=wanted.is_exercise,
        targets=wanted.targets,
    )
    if not is_proposed:
        thread.note(session, event_id=alert.event_id, alert_id=alert.id, kind="drafted", by=by)
    _audit(session, alert, action="alert.proposed" if is_proposed else "alert.drafted", by=by)
    return alert


def _check(session: Session, wanted: Wanted) -> None:
    if wanted.is_news and not wanted.own_words:
        raise InvalidInputError("News need words: a title and a text, in Thai at least.")
    if not wanted.is_news and wanted.hazard not in HAZARDS:
        raise InvalidInputError(f"There is no hazard '{wanted.hazard}'; there are {', '.join(HAZARDS)}.")
    if not wanted.is_news and not wanted.zone_ids:
        raise InvalidInputError("A warning needs a zone at least.")
    if not wanted.zone_ids and not wanted.targets:
        raise InvalidInputError("Say whom it is for: zones, areas, groups, persons or everyone.")
    if wanted.own_words:
        linter.refuse_errors(linter.of_news(wanted.own_words, queries.city(session).name))
    known = session.scalars(sa.select(Zone.id).where(Zone.id.in_(list(wanted.zone_ids)), ~Zone.is_retired)).all()
    _refuse_unknown("zone", set(wanted.zone_ids) - set(known))
    for kind, column in _REF_IDS.items():
        named = {ref_id for one, ref_id in wanted.targets if one == kind and ref_id is not None}
        found = session.scalars(sa.select(column).where(column.in_(list(named)))).all() if named else []
        _refuse_unknown(kind, named - set(found))


def _refuse_unknown(kind: str, ids: Collection[int]) -> None:
    if ids:
        raise InvalidInputError(f"There is no {kind} {min(ids)}.")


def propose(session: Session, alert_id: int, by: AccountRef) -> Alert:
    """The draft waits for approval, showing what is true now. Raises AlertStateError where it is no draft."""
    queries.hold_decisions(session)
    alert = queries.alert(session, alert_id)
    proposals.move(session, alert, "proposed", now=clock.now(), by=by)
    alert.proposed_by, alert.proposed_at = by.id, clock.now()
    run = flood.current_run(session)
    zone_ids = [zone.zone_id for zone in queries.zones(session, [alert_id])[alert_id]]
    if not proposals.refresh(session, alert, zone_ids, run_id=run.id if run else None, now=clock.now()):
        proposals.announce(session, alert)
    _audit(session, alert, action="alert.proposed", by=by)
    return alert


def withdraw(session: Session, alert_id: int, reason: str, by: AccountRef) -> Alert:
    """An officer's draft or proposal is taken back; raises AlertStateError where it was decided or is the rules'."""
    queries.hold_decisions(session)
    alert = queries.alert(session, alert_id)
    if alert.source == "rule":
        raise AlertStateError(f"Alert {alert.number} was proposed by the rules: decline it, with the reason.")
    proposals.move(session, alert, "withdrawn", now=clock.now(), reason=reason.strip() or None, by=by)
    _audit(session, alert, action="alert.withdrawn", by=by)
    return alert


def extend(session: Session, alert_id: int, by: AccountRef) -> Alert:
    """An alert in force is proposed anew for the same zones, so that it holds longer; its people are told again.

    Raises AlertStateError where it is not in force.
    """
    alert = queries.alert(session, alert_id)
    if alert.state not in rules.TOLD or alert.kind in {"all_clear", "news"}:
        raise AlertStateError(f"Alert {alert.number} is {alert.state}; there is nothing to extend.")
    zone_ids = frozenset(zone.zone_id for zone in queries.zones(session, [alert_id])[alert_id])
    targets: Sequence[tuple[str, int | None]] = [
        (target.kind, target.ref_id) for target in queries.targets(session, [alert_id])[alert_id]
    ]
    wanted = Wanted(
        level=alert.level, hazard=alert.hazard, zone_ids=zone_ids, targets=tuple(targets), own_words=alert.own_words,
        is_exercise=alert.is_exercise,
    )
    return draft(session, wanted, by, is_proposed=True)


def _audit(session: Session, alert: Alert, *, action: str, by: AccountRef) -> None:
    staff.actions.record(
        session, account=by, action=action, subject=f"alert:{alert.id}",
        detail={"number": alert.number, "level": alert.level, "kind": alert.kind, "is_exercise": alert.is_exercise},
    )
