"""What comes by itself: signed calls of other systems, and what officers are told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pydantic
import sqlalchemy as sa
from sqlalchemy.orm import Session

import staff.actions
from alerts.events import OutsideWarned
from alerts.outside import documents, health, proposing, queries, store, table, wire
from alerts.outside.declaring import phone, secret_of
from alerts.outside.mapping import ActsAs, Outcome, ZoneOutcome
from alerts.outside.models import OutsideDocument, OutsideSource, OutsideWarningRow
from alerts.outside.said import ALERT_HAZARDS, OutsideWarning
from alerts.outside.sources import SourceKind
from core import clock, events, sealing
from core.errors import ConflictError, InvalidInputError
from core.logs import get_logger
from sensors.feeds.bodies import raw_of_text
from sensors.payloads import SaidTwiceError, said_once
from staff.rules import AccountRef

log = get_logger("alerts.outside")
CALLED = "call"
# Who telephones tells of what was, or is about to be; the officer's clock may be a little slow.
_ENTERED_AHEAD = timedelta(minutes=15)


class CallRefusedError(InvalidInputError):
    """A signed call that cannot be read; it is kept."""


@dataclass(frozen=True)
class Taken:
    """What became of a call: its warning, and whether it said something new."""

    warning_id: int | None
    state: str
    is_repeated: bool


def settle(session: Session, *, source: str, changed: Sequence[int], ended: Sequence[int] = ()) -> list[int]:
    """What came is mapped, proposed where the table lets it, and told to the screens; returns alerts that changed.

    What undecided warnings that `ended` proposed is taken back.
    """
    if changed:
        table.map_current(session, changed)
    if changed or ended:
        events.publish(session, OutsideWarned(source=source, warning_ids=sorted({*changed, *ended})))
    return proposing.consider(session, changed)


def take_call(session: Session, code: str, body: bytes, headers: Mapping[str, str]) -> Taken | CallRefusedError:
    """A signed call of a source is stored once, however often it comes, and mapped at once.

    Raises SignatureError where it is not signed (which of code, secret and bytes is wrong is not told), ConflictError
    where the source is switched off or the same call came with other bytes. A signed call that cannot be read is kept
    as refused, and answered with the error instead of raising it, so that it stays.
    """
    source = session.scalar(
        sa.select(OutsideSource).where(OutsideSource.code == code, OutsideSource.kind == SourceKind.WEBHOOK)
    )
    secret = secret_of(source) if source is not None else None
    call_id = wire.check_signature(body, headers, secret=secret or wire.new_secret(), now=clock.wall_now())
    if source is None or secret is None:
        raise wire.SignatureError("The call is not signed with the secret of this source.")
    if not source.is_enabled:
        raise ConflictError(f"The source {code} is switched off; nothing is taken from it.")
    held = health.lock_health(session, source.id)
    spec = queries.spec_in(source)
    known = _known_call(session, source.id, call_id)
    if known is not None:
        return _again(session, known, body)
    warning = _warning(body, source=code)
    if isinstance(warning, CallRefusedError):
        documents.keep_refused(
            session, source_id=source.id, address=CALLED, body=body, reason="malformed", detail=warning.detail,
            call_id=call_id,
        )  # fmt: skip
        health.note_success(held, rule=spec.rule, seed=code, newest_at=None)
        health.note_doubt(held, trouble="malformed", detail=warning.detail)
        return warning
    document = documents.keep_read(session, source_id=source.id, address=CALLED, body=body, call_id=call_id)
    stored = store.store(session, [warning], source_id=source.id, document_id=document.id)
    health.note_success(held, rule=spec.rule, seed=code, newest_at=warning.sent_at)
    settle(session, source=code, changed=stored.changed, ended=stored.ended_ids)
    row = queries.by_identifier(session, source.id, warning.identifier)
    log.info("outside.called", source=code, new=stored.new, reissued=stored.reissued)
    return Taken(row.id if row else None, row.state if row else "", is_repeated=not stored.changed)


def enter(session: Session, entered: wire.EnteredWarning, by: AccountRef) -> OutsideWarningRow:
    """What the officer was told stands as a warning, with who told it; with zones it acts as the officer said.

    A double click is one entry.

    Raises InvalidInputError that names what cannot be: an unknown zone, a proposal without zones or level, a time that
    is still to come.
    """
    source = phone(session)
    zone_ids = _zone_ids(session, entered)
    if entered.acts_as == "proposal" and (not zone_ids or entered.level == 0):
        raise InvalidInputError("A proposal names its zones and a level from 1 to 3.")
    if entered.acts_as == "proposal" and entered.hazard not in ALERT_HAZARDS:
        raise InvalidInputError(f"Nobody is alerted of '{entered.hazard}': enter it as context.")
    warning = wire.entered_warning(entered, identifier=_identifier(entered, by))
    now = clock.now()
    if warning.sent_at > now + _ENTERED_AHEAD:
        raise InvalidInputError("'said_at' is still to come.")
    if warning.expires_at is not None and warning.expires_at <= now:
        raise InvalidInputError("'expires_at' has passed: what was said holds no longer.")
    held = health.lock_health(session, source.id)
    warning = _with_zones(warning, entered)
    stored = store.store(
        session, [warning], source_id=source.id, document_id=None, entered_by=by.id,
        contact_sealed=sealing.seal(entered.contact) if entered.contact else None,
    )  # fmt: skip
    if not stored.changed:
        return _entered(session, source.id, warning.identifier)
    row = queries.warning(session, stored.changed[0])
    if zone_ids:
        _decide(session, row, entered, zone_ids)
    health.note_success(held, rule=queries.spec_in(source).rule, seed=source.code, newest_at=warning.sent_at)
    staff.actions.record(
        session, account=by, action="outside.entered", subject=f"outside_warning:{row.id}",
        detail={"said_by": entered.said_by, "level": entered.level, "acts_as": entered.acts_as},
    )
    settle(session, source=source.code, changed=[row.id])
    return queries.warning(session, row.id)


def withdraw(session: Session, warning_id: int, reason: str, by: AccountRef) -> OutsideWarningRow:
    """What an officer entered holds no longer; a proposal that it made and nobody decided is taken back.

    Raises InvalidInputError without a reason, ConflictError for others' warnings, which end as their source says.
    """
    if not reason.strip():
        raise InvalidInputError("Say why it holds no longer; the next shift will read it.")
    row = queries.warning(session, warning_id)
    if row.entered_by is None:
        raise ConflictError("This warning is its source's own; it ends when that says so, or by the clock.")
    if row.state == "current":
        row.state, row.ended_at = "cancelled", clock.now()
        session.flush()
        staff.actions.record(
            session, account=by, action="outside.withdrawn", subject=f"outside_warning:{row.id}",
            detail={"reason": reason.strip()[:500]},
        )
        settle(session, source=queries.PHONE, changed=[], ended=[row.id])
    return row


def contact(session: Session, warning_id: int, by: AccountRef) -> str | None:
    """Who is to be called back about an entry; every look is in the audit log."""
    row = queries.warning(session, warning_id)
    staff.actions.record(
        session, account=by, action="outside.contact_read", subject=f"outside_warning:{row.id}", detail={}
    )
    return None if row.contact_sealed is None else sealing.unseal(row.contact_sealed)


def _known_call(session: Session, source_id: int, call_id: str) -> OutsideDocument | None:
    return session.scalar(
        sa.select(OutsideDocument).where(OutsideDocument.source_id == source_id, OutsideDocument.call_id == call_id)
    )


def _again(session: Session, known: OutsideDocument, body: bytes) -> Taken | CallRefusedError:
    if known.sha256 != hashlib.sha256(body).digest():
        raise ConflictError("A call with this webhook-id came before with another body; a new call has a new id.")
    if known.state == "refused":
        return CallRefusedError(known.detail or "The call cannot be read.")
    row = session.scalar(sa.select(OutsideWarningRow).where(OutsideWarningRow.document_id == known.id))
    return Taken(row.id if row else None, row.state if row else "", is_repeated=True)


def _warning(body: bytes, *, source: str) -> OutsideWarning | CallRefusedError:
    try:
        content = json.loads(body, object_pairs_hook=said_once)
        return wire.called_warning(wire.CalledWarning.model_validate(content), source=source)
    except SaidTwiceError as fault:
        return _refused(f"The field '{fault.name[:100]}' is there twice; one of them is meant.")
    except pydantic.ValidationError as fault:
        return _refused(wire.faults(fault.errors(include_url=False, include_input=False)))
    except InvalidInputError as fault:
        return _refused(fault.detail)
    except (ValueError, RecursionError):
        return _refused("The body is no JSON.")


def _refused(detail: str) -> CallRefusedError:
    """In characters that an answer can carry: a name in the body may be half of one."""
    return CallRefusedError(raw_of_text(detail))


def _identifier(entered: wire.EnteredWarning, by: AccountRef) -> str:
    """The same officer's same words of the same moment are the same entry."""
    said = json.dumps([by.id, entered.said_by, entered.said_at.isoformat(), entered.what, sorted(entered.zones)])
    return f"phone-{hashlib.sha256(said.encode()).hexdigest()[:32]}"


def _entered(session: Session, source_id: int, identifier: str) -> OutsideWarningRow:
    row = queries.by_identifier(session, source_id, identifier)
    assert row is not None  # noqa: S101  What changed nothing is there already; this tells the type.
    return row


def _zone_ids(session: Session, entered: wire.EnteredWarning) -> dict[str, int]:
    by_code = {code: zone_id for zone_id, code in queries.zone_codes(session).items()}
    unknown = [code for code in entered.zones if code not in by_code]
    if unknown:
        raise InvalidInputError(f"There is no zone '{unknown[0]}'.")
    return {code: by_code[code] for code in entered.zones}


def _with_zones(warning: OutsideWarning, entered: wire.EnteredWarning) -> OutsideWarning:
    return OutsideWarning(**{**vars(warning), "facts": {"zones": entered.zones, "said_by": entered.said_by}})


def _decide(
    session: Session, row: OutsideWarningRow, entered: wire.EnteredWarning, zone_ids: Mapping[str, int]
) -> None:
    """What the officer said of the entry's zones stands beside it, as a row of the city's table would."""
    acts_as = ActsAs(entered.acts_as)
    zones = tuple(
        ZoneOutcome(zone_id, code, entered.level, acts_as, 0) for code, zone_id in sorted(zone_ids.items())
    )
    outcome = Outcome(acts_as, entered.level, zones, None, ())
    table.set_outcome(session, row, outcome, version=queries.mapping_version(session), shares={})
