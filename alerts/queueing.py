"""An approved alert's messages come into the outbox: the first at once, the others while these go out."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from alerts import auditing, exercise, ledger, packing, pictures, queries, rules, saying
from alerts.models import Alert
from core import jobs

# At approval: as many chunks as go out in half a second, so that packing is always ahead of the sending.
PACKED_AT_APPROVAL = 75
PACKED_AT_ONCE = 75
# Of a municipality's usual alert the ledger is whole with the approval; 10,000 rows take a tenth of a second.
WRITTEN_AT_APPROVAL = 20
WRITTEN_AT_ONCE = 20


def messages_by_language(session: Session, alert: Alert) -> dict[str, list[dict[str, Any]]]:
    """The LINE messages of an alert in each language: the same bytes whenever they are asked for."""
    words, is_simulated = queries.wording(session, alert.words_version), queries.city(session).is_simulated
    shown = pictures.on_cards(session, alert)
    return {
        language: saying.messages_of(
            alert, language, words=words, is_simulated=is_simulated, picture=shown.get(language)
        )
        for language in alert.texts
    }


def _pack(session: Session, alert: Alert, *, most: int) -> int:
    return packing.pack(
        session,
        alert.id,
        most=most,
        messages_by_language=messages_by_language(session, alert),
        channel=exercise.line_channel(alert),
    )


def queue_messages(session: Session, alert: Alert) -> int:
    """The first messages of the frozen audience wait in the outbox, the others follow; how many chunks there are."""
    chunks = ledger.chunks_to_send(session, alert.id)
    _pack(session, alert, most=PACKED_AT_APPROVAL)
    if chunks > PACKED_AT_APPROVAL:
        jobs.enqueue(session, pack_next, alert_id=alert.id)
    if chunks <= WRITTEN_AT_APPROVAL:
        # Those who are not told may be more than those who are.
        while packing.write_ledger(session, alert.id, most=WRITTEN_AT_ONCE):
            pass
    return chunks


@jobs.job(name="alerts.pack_next", queue=jobs.URGENT)
def pack_next(session: Session, *, alert_id: int) -> None:
    """The next messages of the alert wait in the outbox, where it was not stopped; a job of its own does those after.

    Whoever dies here has packed nothing, and the job is taken up by another worker.
    """
    alert = queries.alert(session, alert_id)
    if alert.state not in rules.TOLD:
        return
    if _pack(session, alert, most=PACKED_AT_ONCE):
        jobs.enqueue(session, pack_next, alert_id=alert_id)


def stop(session: Session, alert_id: int) -> int:
    """Nothing of the alert that was not tried yet goes out; how many chunks were stopped."""
    stopped = packing.stop(session, alert_id)
    write_ledger_behind(session, alert_id)
    return stopped


def write_ledger_behind(session: Session, alert_id: int) -> None:
    """The ledger gets a row for each resident of the alert who has none yet, soon."""
    if ledger.has_unwritten_ledger(session, alert_id):
        jobs.enqueue(session, write_ledger, alert_id=alert_id)


@jobs.job(name="alerts.write_ledger")
def write_ledger(session: Session, *, alert_id: int) -> None:
    """The next residents of the alert have their rows in the ledger; a job of its own does those after.

    When all are written the audience is held against PostGIS.
    """
    if packing.write_ledger(session, alert_id, most=WRITTEN_AT_ONCE):
        jobs.enqueue(session, write_ledger, alert_id=alert_id)
    else:
        auditing.audit(session, alert_id)
