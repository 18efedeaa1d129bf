"""How a proposal comes to be what the approver sees: zones, kind, words, audience, evidence, and one hash of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from alerts import audience, evidence, exercise, policy, queries, rules, templates, thread
from alerts.audience import Preview, Reach
from alerts.errors import AlertStateError
from alerts.events import AlertClosed, AlertProposed
from alerts.models import Alert, AlertRule, AlertTarget, AlertTemplate, AlertVocabulary
from core import events
from core.logs import get_logger
from staff.rules import AccountRef

log = get_logger("alerts")


@dataclass(frozen=True)
class Said:
    """What a proposal says, where, and to whom: all that an approval approves but the residents themselves."""

    reach: Reach
    zones: tuple[tuple[int, int], ...]
    level: int
    kind: str
    texts: dict[str, dict[str, str]]

    def shown_hash(self, ids_hash: str) -> str:
        """The hash that stands for all of it, once the audience's `ids_hash` is known."""
        return audience.shown_hash(ids_hash, zones=self.zones, level=self.level, kind=self.kind, texts=self.texts)


def store_shipped(session: Session) -> None:
    """The policy and the words that come with Faonam stand in the database, beside a city's own later versions."""
    found, words = policy.shipped(), templates.shipped()
    rules_rows = [
        {
            "version": found.version,
            "level": row.level,
            "min_severity": row.min_severity,
            "is_proposed": row.is_proposed,
            "lasts_s": int(row.lasts.total_seconds()),
            "declined_holds_s": int(row.declined_holds.total_seconds()),
            "priority": row.priority,
            "persons": row.persons,
            "needs_typed_name": row.needs_typed_name,
            "is_quiet_at_night": row.is_quiet_at_night,
            "quiet_from_h": row.quiet_from_h,
            "quiet_to_h": row.quiet_to_h,
            "check_holds_s": int(row.check_holds.total_seconds()),
            "may_be_armed": row.may_be_armed,
            "armed_delay_s": int(row.armed_delay.total_seconds()),
            "armed_at_most_s": int(row.armed_at_most.total_seconds()),
        }
        for row in found.levels
    ]
    session.execute(postgresql.insert(AlertRule).values(rules_rows).on_conflict_do_nothing())
    if session.scalar(sa.select(AlertVocabulary.version).where(AlertVocabulary.version == words.version).limit(1)):
        return  # Eighty texts are not sent anew with each picture of the flood.
    template_rows = [{"version": words.version, **vars(template)} for template in words.templates.values()]
    vocabulary_rows = [
        {"version": words.version, "language": language, "words": vars(vocabulary)}
        for language, vocabulary in words.vocabularies.items()
    ]
    for table, rows in ((AlertTemplate, template_rows), (AlertVocabulary, vocabulary_rows)):
        session.execute(postgresql.insert(table).values(rows).on_conflict_do_nothing())


def move(
    session: Session,
    alert: Alert,
    state: str,
    *,
    now: datetime,
    reason: str | None = None,
    by: AccountRef | None = None,
    **detail: object,
) -> None:
    """The alert is in this state, and its event's thread says so; raises AlertStateError where that cannot follow.

    An end is told as AlertClosed.
    """
    if state not in rules.TRANSITIONS[alert.state]:
        raise AlertStateError(f"Alert {alert.number} is {alert.state}; it cannot become {state}.")
    alert.state = state
    why = {} if reason is None else {"reason": reason}
    thread.note(
        session, event_id=alert.event_id, alert_id=alert.id, kind=state, by=by, level=alert.level,
        alert_kind=alert.kind, revision=alert.revision, **why, **detail,
    )
    if state in rules.OVER:
        alert.closed_at, alert.closed_reason = now, reason
        session.flush()
        events.publish(session, AlertClosed(alert_id=alert.id, state=state))


def reach_of(session: Session, alert: Alert, *, references: Collection[int]) -> Reach:
    """Whom the alert is for: an all-clear for everybody ever told in its event, others for zones and targets.

    An alert that takes the place of earlier ones is also for everybody whom those told, wherever they live now. An
    exercise is for those on its list alone.
    """
    listed_ids = tuple(sorted(exercise.listed_ids(session))) if alert.is_exercise else None
    if alert.kind != "all_clear":
        targets = queries.targets(session, [alert.id])[alert.id]
        return Reach(
            alert_id=alert.id,
            has_homes=True,
            told_in=tuple(sorted(references)),
            area_ids=_ids_of("area", targets),
            group_ids=_ids_of("group", targets),
            person_ids=_ids_of("person", targets),
            is_for_everyone=any(target.kind == "everyone" for target in targets),
            listed_ids=listed_ids,
            is_news=alert.kind == "news",
        )
    told = (a.id for a in queries.alerts_of_event(session, alert.event_id) if a.kind != "all_clear" and a.approved_at)
    return Reach(alert_id=alert.id, has_homes=False, told_in=tuple(told), listed_ids=listed_ids)


def _ids_of(kind: str, targets: Sequence[AlertTarget]) -> tuple[int, ...]:
    return tuple(target.ref_id for target in targets if target.kind == kind and target.ref_id is not None)


def _lineage(session: Session, alert: Alert, *, now: datetime) -> tuple[str, int, tuple[int, ...]]:
    """(kind, event, the alerts it takes the place of) among what stands now."""
    if alert.kind == "news":
        return "news", alert.id, ()
    standing = [a for a in queries.standing(session, now=now, is_exercise=alert.is_exercise) if a.id != alert.id]
    if alert.kind == "all_clear":
        in_force = (a.id for a in standing if a.is_warning and a.event_id == alert.event_id and a.is_in_force(now))
        return "all_clear", alert.event_id, tuple(in_force)
    zone_ids = {zone.zone_id for zone in queries.zones(session, [alert.id])[alert.id]}
    replaced = tuple(a.id for a in rules.superseded_by(zone_ids, alert.level, standing))
    touched = rules.events_touched(zone_ids, standing)
    return ("update" if replaced else "alert"), (touched[0] if touched else alert.id), replaced


def said(session: Session, alert: Alert, *, run_id: int | None, at: datetime, now: datetime) -> Said:
    """What the alert would say now, with words that name the moment `at`; its kind, event and references are set."""
    alert.kind, alert.event_id, references = _lineage(session, alert, now=now)
    alert.references, alert.previous_alert_id = list(references), references[-1] if references else None
    zones = queries.zones(session, [alert.id])[alert.id]
    facts = templates.Facts(
        municipality=queries.city(session).name,
        zones=tuple(templates.Named(th=zone.name_th, en=zone.name_en) for zone in zones),
        depth_class=alert.depth_class,
        at=at,
        shelter=queries.shelter(session, alert.id, run_id),
        # The picture of now has water in the zones, or what calls for the alert is only on its way.
        is_observed=alert.depth_class > 0,
        expected_at=queries.expected_at(session, run_id, [zone.zone_id for zone in zones]),
    )
    texts = _texts(session, alert, facts)
    return Said(
        reach=reach_of(session, alert, references=references),
        zones=tuple((zone.zone_id, zone.zone_version) for zone in zones),
        level=alert.level,
        kind=alert.kind,
        texts=texts,
    )


def _texts(session: Session, alert: Alert, facts: templates.Facts) -> dict[str, dict[str, str]]:
    """By language: the officer's own words where there are some, else the template's."""
    if alert.own_words:
        texts = templates.own(alert.own_words, facts)
    else:
        words = queries.wording(session, alert.words_version)
        level = templates.ALL_CLEAR if alert.kind == "all_clear" else alert.level
        texts = templates.rendered(level, facts, words, hazard=alert.hazard)
    said = exercise.marked_texts(texts) if alert.is_exercise else texts
    return {language: text.as_json() for language, text in said.items()}


def _show(alert: Alert, says: Said, preview: Preview) -> None:
    alert.texts, alert.audience_hash = dict(says.texts), says.shown_hash(preview.ids_hash)
    alert.audience_count, alert.vulnerable_count = preview.count, preview.vulnerable
    alert.audience_by_language = dict(preview.by_language)
    alert.suppressed_by_reason = dict(preview.suppressed)


def _depth_class(facts: Sequence[queries.ZoneFacts]) -> int:
    return max((fact.depth_class for fact in facts), default=0)


def refresh(session: Session, alert: Alert, zone_ids: Collection[int], *, run_id: int | None, now: datetime) -> bool:
    """The open proposal covers these zones and shows what is true now; True where that changed what was shown.

    A change is a new revision, so that an approval of the old one is refused. Evidence alone is no change.
    """
    queries.set_zones(session, alert.id, zone_ids)
    facts = queries.zone_facts(session, run_id, zone_ids)
    alert.run_id = run_id
    # In a picture without the zones' depths the last known ones stay: missing data is not lower water.
    alert.depth_class = _depth_class(facts) if facts else alert.depth_class
    says = said(session, alert, run_id=run_id, at=alert.revised_at, now=now)
    preview = audience.preview(session, says.reach)
    has_changed = says.shown_hash(preview.ids_hash) != alert.audience_hash
    if has_changed:
        alert.revision, alert.revised_at = alert.revision + 1, now
        _show(alert, said(session, alert, run_id=run_id, at=now, now=now), preview)
    alert.evidence = evidence.gather(session, alert, facts, now=now)
    session.flush()
    if has_changed and alert.state in rules.OPEN:
        note_shown(session, alert)
        announce(session, alert)
    return has_changed


def note_shown(session: Session, alert: Alert) -> None:
    """The thread says what stands proposed now, to how many people."""
    thread.note(
        session, event_id=alert.event_id, alert_id=alert.id, kind="proposed" if alert.revision == 1 else "revised",
        level=alert.level, alert_kind=alert.kind, revision=alert.revision, audience=alert.audience_count,
    )


def announce(session: Session, alert: Alert) -> None:
    """Every screen looks at the proposal again."""
    events.publish(
        session,
        AlertProposed(
            alert_id=alert.id,
            kind=alert.kind,
            level=alert.level,
            revision=alert.revision,
            audience_count=alert.audience_count,
        ),
    )
    log.info(
        "alert.proposed",
        alert=alert.id,
        level=alert.level,
        kind=alert.kind,
        revision=alert.revision,
        audience=alert.audience_count,
    )


def open_proposal(
    session: Session,
    *,
    kind: str,
    level: int,
    zone_ids: Collection[int],
    run_id: int | None,
    now: datetime,
    **facts: Any,
) -> Alert:
    """A proposal waits for approval, in its first revision. `facts` are further columns (`event_id`, `proposed_by`).

    With `state` draft it is not shown to approvers yet.
    """
    number = session.execute(sa.text("SELECT nextval(pg_get_serial_sequence('alert', 'id'))")).scalar_one()
    year = now.astimezone(rules.THAI_TIME).year + templates.BUDDHIST_YEARS
    values: dict[str, Any] = {
        "event_id": number, "proposed_by": None, "trigger_received_wall_at": None, "state": "proposed",
        "source": "rule", "hazard": "flood", "is_exercise": False,
    } | facts
    targets: Collection[tuple[str, int | None]] = values.pop("targets", ())
    alert = Alert(
        id=number,
        number=f"A{year}-{number:05d}",
        kind=kind,
        level=level,
        revision=0,
        run_id=run_id,
        depth_class=0,
        words_version=queries.current_wording(session).version,
        policy_version=queries.current_policy(session).version,
        proposed_at=now,
        revised_at=now,
        evidence=[],
        texts={},
        audience_count=0,
        audience_hash="",
        audience_by_language={},
        vulnerable_count=0,
        suppressed_by_reason={},
        references=[],
        **values,
    )
    session.add(alert)
    session.flush()
    session.add_all(AlertTarget(alert_id=alert.id, kind=kind, ref_id=ref_id) for kind, ref_id in targets)
    session.flush()
    refresh(session, alert, zone_ids, run_id=run_id, now=now)
    return alert
