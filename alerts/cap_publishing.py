"""From an approved alert to its CAP documents: written, checked, and published only where nothing is amiss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

import shapely
from sqlalchemy.orm import Session

from alerts import cap_queries, queries
from alerts.cap import chain, checking, outlines, terms, writing
from alerts.cap.messages import Finding
from alerts.cap_models import CapDocument
from alerts.models import Alert
from alerts.queries import CityName
from core.logs import get_logger
from core.settings import settings

log = get_logger("alerts")
SIMULATED_NOTE = "Simulated data of a demonstration city: all recipients disregard."
# How long a document stands whose alert says nothing of its end.
LASTS = timedelta(hours=6)


@dataclass(frozen=True)
class _Message:
    """What differs between the messages of one alert."""

    message_type: str
    grade: terms.Grade
    infos: tuple[writing.Info, ...]
    replaces: Sequence[CapDocument]
    expires_at: datetime


def publish(session: Session, alert: Alert, city: CityName, *, sent_at: datetime) -> None:
    """The alert has its CAP 1.2 document; news is no CAP.

    What our own check finds is kept with the document, which is then not published (the last sound one stays in the
    feed), and stops nothing: the warning of people goes first.
    """
    if alert.kind == "news":
        return
    is_sound = _store(session, alert, city, _announcement, sent_at=sent_at)
    if alert.kind == "all_clear" and not is_sound:
        _store(session, alert, city, _bare_withdrawal, sent_at=sent_at)


def withdraw(session: Session, alert: Alert, city: CityName, *, sent_at: datetime) -> None:
    """A CAP Cancel withdraws the alert's messages and those before them; nothing where none was published.

    Where a text or an outline of it is unsound, one without them goes out: a warning must not stand for that.
    """
    if alert.kind == "news" or not _replaced(session, alert, at=sent_at):
        return
    if not _store(session, alert, city, _withdrawal, sent_at=sent_at):
        _store(session, alert, city, _bare_withdrawal, sent_at=sent_at)


def _announcement(session: Session, alert: Alert, city: CityName, at: datetime) -> _Message:
    replaced = _replaced(session, alert, at=at)
    grade_of = terms.observed if alert.depth_class else terms.expected
    return _Message(
        # An Update must name a message; an all-clear of an event of which nothing was published stands alone.
        message_type="Update" if replaced else "Alert",
        grade=grade_of(_level(alert)),
        infos=_infos(session, alert, city),
        replaces=replaced,
        # Whoever still holds what it replaces must find it for as long.
        expires_at=max([alert.expires_at or at + LASTS, *(document.expires_at for document in replaced)]),
    )


def _withdrawal(session: Session, alert: Alert, city: CityName, at: datetime) -> _Message:
    infos = tuple(_cancelled(info) for info in _infos(session, alert, city))
    return replace(_bare_withdrawal(session, alert, city, at), infos=infos)


def _bare_withdrawal(session: Session, alert: Alert, city: CityName, at: datetime) -> _Message:
    replaced = _replaced(session, alert, at=at)
    return _Message(
        message_type="Cancel",
        grade=terms.CANCELLED,
        infos=(),
        replaces=replaced,
        expires_at=max((document.expires_at for document in replaced), default=at + LASTS),
    )


def _level(alert: Alert) -> int:
    return terms.ALL_CLEAR if alert.kind == "all_clear" else alert.level


def _replaced(session: Session, alert: Alert, *, at: datetime) -> Sequence[CapDocument]:
    """What a new message of the alert takes the place of: an all-clear of everything ever published in its event."""
    if alert.kind == "all_clear":
        return [one for one in cap_queries.of_event(session, alert.event_id) if not one.problems]
    return _lineage(session, alert, at=at)


def _lineage(session: Session, alert: Alert, *, at: datetime) -> Sequence[CapDocument]:
    """What was published of the alert, of those it replaces and of those before, and has not expired; oldest first."""
    documents = cap_queries.of_event(session, alert.event_id)
    names = chain.lineage(
        (one.identifier for one in documents if one.alert_id in {alert.id, *alert.references}),
        {one.identifier: one.references for one in documents},
    )
    return [
        one
        for one in documents
        if one.identifier in names and not one.problems and one.message_type != "Cancel" and one.expires_at > at
    ]


def _cancelled(info: writing.Info) -> writing.Info:
    words = terms.cancellation(info.language)
    slots = {"headline": info.headline, "sender": info.sender_name}
    return replace(
        info,
        headline=words.headline.format(**slots),
        description=words.description.format(**slots),
        instruction=words.instruction.format(**slots),
    )


def _infos(session: Session, alert: Alert, city: CityName) -> tuple[writing.Info, ...]:
    """One info per language in which the alert has texts of its own, not those of another one in its place."""
    vocabularies = queries.wording(session, alert.words_version).vocabularies
    event = terms.hazard(alert.hazard).event
    zones = [
        (code, name, tuple(outlines.as_text(outline) for outline in outlines.outlines(shapely.from_wkb(wkb))))
        for code, name, wkb in queries.zone_outlines(session, alert.id)
    ]
    return tuple(
        writing.Info(
            language=language,
            event=event[language],
            headline=alert.texts[language]["title"],
            description=alert.texts[language]["situation"],
            instruction=alert.texts[language]["action"],
            sender_name=city.name.in_language(language),
            contact=vocabularies.get(language, vocabularies["en"]).phone,
            areas=tuple(
                writing.Area(name=name.in_language(language), code=code, polygons=polygons)
                for code, name, polygons in zones
            ),
        )
        for language in terms.CAP_LANGUAGES
        if language in alert.texts and terms.is_written_in(language, alert.texts[language]["action"])
    )


def _status(alert: Alert, city: CityName) -> tuple[str, str | None]:
    """(status, note). A simulated city sends Test ("all recipients disregard"): Exercise would ask them to act."""
    if alert.is_exercise:
        return "Exercise", f"Exercise {alert.number}"
    return ("Test", SIMULATED_NOTE) if city.is_simulated else ("Actual", None)


def _store(
    session: Session,
    alert: Alert,
    city: CityName,
    compose: Callable[[Session, Alert, CityName, datetime], _Message],
    *,
    sent_at: datetime,
) -> bool:
    """The message that `compose` makes stands among the alert's documents, and is published where this is True.

    A failure to make it stands there too.
    """
    sender = writing.name(f"faonam.{city.slug}")
    earlier = len(cap_queries.of_alerts(session, [alert.id]))
    identifier = writing.name(f"{sender}.{alert.number}" + (f".{earlier + 1}" if earlier else ""))
    try:
        with session.begin_nested():
            document = _document(alert, city, compose(session, alert, city, sent_at), identifier, sent_at)
            document.problems = [asdict(problem) for problem in dict.fromkeys(checking.problems(document.xml.encode()))]
    except Exception as exc:  # Whatever is wrong with a zone's outline or a text: people are warned all the same.
        log.exception("alert.cap_not_written", alert=alert.id)
        document = CapDocument(
            identifier=identifier,
            message_type="Alert",
            status=_status(alert, city)[0],
            expires_at=max(alert.expires_at or sent_at, sent_at) + LASTS,
            references=[],
            incidents=[],
            problems=[asdict(Finding("alert", f"The document could not be written: {type(exc).__name__}."))],
            xml="",
        )
    document.alert_id, document.sent_at = alert.id, sent_at
    for problem in document.problems:
        log.error("alert.cap_not_published", alert=alert.id, **problem)
    session.add(document)
    alert.cap_identifier = identifier
    session.flush()
    return not document.problems


def _document(alert: Alert, city: CityName, message: _Message, identifier: str, sent_at: datetime) -> CapDocument:
    sender = writing.name(f"faonam.{city.slug}")
    status, note = _status(alert, city)
    # Events that turned out to be one flood are named all, so that no message of it stands aside.
    named = [f"{sender}.event.{alert.event_id}", *(name for one in message.replaces for name in one.incidents)]
    incidents = list(dict.fromkeys(named))
    xml = writing.to_xml(
        writing.CapAlert(
            identifier=identifier,
            sender=sender,
            sent_at=sent_at,
            status=status,
            message_type=message.message_type,
            categories=terms.hazard(alert.hazard).categories,
            grade=message.grade,
            expires_at=message.expires_at,
            infos=message.infos,
            event_codes=(("faonam:hazard", alert.hazard),),
            parameters=(("faonam:level", str(_level(alert))), ("faonam:kind", alert.kind)),
            web=settings().public_url,
            note=note,
            references=tuple(
                writing.Reference(sender=sender, identifier=one.identifier, sent_at=one.sent_at)
                for one in message.replaces
            ),
            incidents=tuple(incidents),
        )
    )
    return CapDocument(
        identifier=identifier,
        message_type=message.message_type,
        status=status,
        expires_at=message.expires_at,
        references=[one.identifier for one in message.replaces],
        incidents=incidents,
        xml=xml.decode(),
    )
