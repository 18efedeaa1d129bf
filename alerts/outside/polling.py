"""Asking the sources that wait to be asked: an index and the documents it leads to, or a list."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from alerts.outside import documents, health, queries, sources, store, taking
from alerts.outside.models import OutsideHealth
from alerts.outside.said import Read, Unread
from alerts.outside.sources import SourceSpec
from core import clock
from core.db import transaction
from core.errors import ConflictError, InvalidInputError
from core.logs import get_logger
from sensors.feeds.health import PullTrouble
from sensors.feeds.row import Reason
from sensors.feeds_store.fetching import Asked, Failure, fetch

log = get_logger("alerts.outside")

# A job that never came back is forgotten after this; the longest one takes less.
LEASE = timedelta(seconds=180)
WHOLE_S = 90.0
# An index lists what is in force, a few days of it; the rest waits for the next time.
MOST_DOCUMENTS = 40
# A document that could not be read, or not be had, is asked for again when its source may have mended it.
REFUSED_AGAIN_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Had:
    """One document that was had: its address, bytes, and what it says."""

    address: str
    body: bytes
    read: Read


@dataclass(frozen=True)
class Round:
    """What asking a source once came to; `failure` of the source itself, `missed` of documents behind its index."""

    had: tuple[Had, ...] = ()
    failure: Failure | None = None
    missed: tuple[Failure, ...] = ()
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True)
class Result:
    """What asking came to: warnings that are new, issued anew or ended; the trouble, and whether it was a success."""

    is_success: bool
    new: int = 0
    reissued: int = 0
    repeated: int = 0
    ended: int = 0
    trouble: str | None = None
    detail: str | None = None


def lease_due(session: Session) -> list[int]:
    """The sources that are due now; nobody else asks them for three minutes, whatever becomes of who does."""
    now = clock.wall_now()
    healths = queries.due_healths(session, wall_now=now)
    for one in healths:
        one.next_attempt_wall_at = now + LEASE
    session.flush()
    return [one.source_id for one in healths]


def make_due(session: Session, code: str) -> int:
    """The source is asked as soon as a worker is free; returns its id.

    Raises NotFoundError, InvalidInputError where it sends by itself, ConflictError where it is switched off.
    """
    source = queries.source_by_code(session, code)
    if source.url is None:
        raise InvalidInputError(f"The source {code} sends by itself: it cannot be asked.")
    if not source.is_enabled:
        raise ConflictError(f"The source {code} is switched off.")
    health.lock_health(session, source.id).next_attempt_wall_at = clock.wall_now() + LEASE
    return source.id


def ask(session: Session, source_id: int) -> Result | None:
    """The source was asked, what it said is stored, mapped and proposed; None where it is gone or switched off.

    What to ask is read in a transaction of its own, and `session` is not used until all has been answered: no
    transaction stays open while a stranger takes his time.
    """
    with transaction() as before:
        spec = queries.spec_by_id(before, source_id)
        asked = None if spec is None or spec.url is None else _question(before, spec)
    if spec is None or not spec.is_enabled or asked is None:
        return None
    found = Round(failure=asked) if isinstance(asked, Failure) else _round(spec, asked)
    return _settle(session, spec, found)


def _question(session: Session, spec: SourceSpec) -> Asked | Failure:
    headers = {}
    if spec.secret_env is not None:
        secret = os.environ.get(spec.secret_env, "").strip()
        if not secret or not secret.isprintable() or not secret.isascii():
            return Failure(PullTrouble.NO_SECRET, f"The environment variable {spec.secret_env} holds no secret.")
        headers[spec.secret_header or "Authorization"] = secret
    kept = session.scalar(sa.select(OutsideHealth).where(OutsideHealth.source_id == spec.id))
    assert spec.url is not None  # noqa: S101  Only sources with an address come here; this tells the type.
    return Asked(
        url=spec.url, headers=headers, etag=kept.etag if kept else None,
        last_modified=kept.last_modified if kept else None, limit_bytes=spec.limit_bytes, accept=spec.accept,
        extra_ca_pem=spec.extra_ca_pem, form=spec.form,
    )  # fmt: skip


def _round(spec: SourceSpec, asked: Asked) -> Round:
    deadline_s = time.monotonic() + WHOLE_S
    first = fetch(asked)
    if isinstance(first, Failure):
        return Round(failure=first)
    if first.body is None:
        return Round(etag=first.etag, last_modified=first.last_modified)
    index = Had(asked.url, first.body, sources.read_body(spec, first.body, address=asked.url, now=clock.now()))
    had, missed = _behind(spec, asked, index, deadline_s=deadline_s)
    # An index whose documents were not all had must not be "unchanged" the next time.
    is_whole = not missed and not index.read.unread
    tags = (first.etag, first.last_modified) if is_whole else (None, None)
    return Round((index, *had), missed=missed, etag=tags[0], last_modified=tags[1])


def _behind(
    spec: SourceSpec, asked: Asked, index: Had, *, deadline_s: float
) -> tuple[tuple[Had, ...], tuple[Failure, ...]]:
    """The documents that an index leads to and that are not known yet, within the time that is left."""
    links = list(dict.fromkeys(link for link in index.read.links if link != asked.url))
    foreign = [link for link in links if not spec.may_lead_to(link)]
    missed = [Failure(PullTrouble.REDIRECTED, f"The index leads to {link[:100]}, which is not declared.")
              for link in foreign[:1]]  # fmt: skip
    own = [link for link in links if spec.may_lead_to(link)]
    with transaction() as session:
        known = queries.read_addresses(
            session, spec.id, own, since=clock.wall_now() - REFUSED_AGAIN_AFTER
        )
    waiting = [link for link in own if link not in known]
    had = []
    for link in waiting[:MOST_DOCUMENTS]:
        left_s = deadline_s - time.monotonic()
        if left_s < 1:
            missed.append(Failure(PullTrouble.TIMEOUT, "Not every document of the index came in time."))
            break
        fetched = fetch(_document(spec, asked, link, whole_s=min(asked.whole_s, left_s)))
        if isinstance(fetched, Failure):
            missed.append(Failure(fetched.trouble, f"{link[-100:]}: {fetched.detail}"))
        elif fetched.body is not None:
            had.append(Had(link, fetched.body, sources.read_body(spec, fetched.body, address=link, now=clock.now())))
    if len(waiting) > MOST_DOCUMENTS:
        missed.append(Failure(Reason.TOO_LARGE, f"The index leads to {len(waiting)} documents that are not known."))
    return tuple(had), tuple(missed)


def _document(spec: SourceSpec, asked: Asked, link: str, *, whole_s: float) -> Asked:
    return Asked(
        url=link, headers=asked.headers, limit_bytes=spec.limit_bytes, whole_s=whole_s, accept=spec.accept,
        extra_ca_pem=spec.extra_ca_pem,
    )


def _settle(session: Session, spec: SourceSpec, found: Round) -> Result:
    held = health.lock_health(session, spec.id)
    if found.failure is not None:
        return _failed(held, spec, found.failure)
    refused = [one for one in found.had if _is_refused(one.read)]
    changed: list[int] = []
    ended: list[int] = []
    counts = {"new": 0, "reissued": 0, "repeated": 0, "ended": 0}
    for one in found.had:
        if _is_refused(one.read):
            _keep_refused(session, spec, one)
            continue
        document = documents.keep_read(
            session, source_id=spec.id, address=one.address, body=one.body, unread=one.read.unread
        )
        stored = store.store(
            session, one.read.warnings, source_id=spec.id, document_id=document.id, over=one.read.over
        )
        documents.drop_spent(session, source_id=spec.id, address=one.address, but=document.id)
        changed += stored.changed
        ended += stored.ended_ids
        for name in counts:
            counts[name] += getattr(stored, name)
    taking.settle(session, source=spec.code, changed=list(dict.fromkeys(changed)), ended=ended)
    first = found.had[0] if found.had else None
    if first is not None and _is_refused(first.read):
        fault = first.read.unread[0]
        result = _failed(held, spec, Failure(str(fault.reason), fault.detail))
    else:
        newest = max((one.read.newest_at for one in found.had if one.read.newest_at), default=None)
        health.note_success(held, rule=spec.rule, seed=spec.code, newest_at=newest)
        held.etag, held.last_modified = found.etag, found.last_modified
        doubt = _doubt(found, refused)
        if doubt is not None:
            health.note_doubt(held, trouble=doubt.trouble, detail=doubt.detail)
        result = Result(True, **counts, trouble=held.trouble, detail=held.trouble_detail)
    session.flush()
    log.info("outside.asked", source=spec.code, **counts, trouble=result.trouble, failures=held.failures)
    return result


def _is_refused(read: Read) -> bool:
    """Nothing of the document could be read."""
    return bool(read.unread) and not (read.warnings or read.over or read.links) and _is_whole(read.unread)


def _is_whole(unread: tuple[Unread, ...]) -> bool:
    """The reason is the document's, not that of single stations that are silent or old."""
    return len(unread) == 1 and unread[0].reason in {
        "cap_refused", Reason.TOO_LARGE, Reason.HTML, Reason.NOT_JSON, Reason.TOO_DEEP, Reason.REFUSED_BY_SOURCE,
        Reason.EMPTY, Reason.MALFORMED, Reason.NOT_AN_OBJECT,
    }  # fmt: skip


def _keep_refused(session: Session, spec: SourceSpec, one: Had) -> None:
    fault = one.read.unread[0]
    documents.keep_refused(
        session, source_id=spec.id, address=one.address, body=one.body, reason=str(fault.reason), detail=fault.detail
    )


def _failed(held: OutsideHealth, spec: SourceSpec, failure: Failure) -> Result:
    health.note_failure(
        held, rule=spec.rule, seed=spec.code, trouble=failure.trouble, detail=failure.detail,
        retry_after=failure.retry_after,
    )  # fmt: skip
    held.etag = held.last_modified = None
    log.warning("outside.failed", source=spec.code, trouble=str(failure.trouble), failures=held.failures)
    return Result(False, trouble=str(failure.trouble), detail=failure.detail)


def _doubt(found: Round, refused: list[Had]) -> Failure | None:
    """The first thing that went wrong although the source answered."""
    if found.missed:
        return found.missed[0]
    for one in (*refused, *found.had):
        for fault in one.read.unread:
            return Failure(str(fault.reason), fault.detail)
    return None
