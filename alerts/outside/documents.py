"""What came is kept byte by byte: what could not be read so that somebody can look, what was read as its proof."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from alerts.outside.models import OutsideDocument, OutsideWarningRow
from alerts.outside.said import Unread
from core import clock
from core.settings import settings
from sensors.feeds.bodies import raw_of_text

# A source that sends something else and wrong each time must not fill the disk.
MOST_REFUSED_A_SOURCE = 20
_DETAIL_CHARS = 1_000


def keep_read(
    session: Session, *, source_id: int, address: str, body: bytes, unread: Sequence[Unread] = (),
    call_id: str | None = None,
) -> OutsideDocument:
    """The document stands as read; `unread` are the parts of it that were no warnings."""
    parts = [
        {"reason": str(one.reason), "detail": one.detail[:_DETAIL_CHARS], "raw": raw_of_text(one.raw)} for one in unread
    ]
    return _keep(session, OutsideDocument(
        source_id=source_id, address=address, call_id=call_id, state="read", unread=parts,
    ), body)  # fmt: skip


def keep_refused(
    session: Session, *, source_id: int, address: str, body: bytes, reason: str, detail: str,
    call_id: str | None = None,
) -> OutsideDocument:
    """The document stands as refused, with the reason; the oldest of too many are gone."""
    kept = _keep(session, OutsideDocument(
        source_id=source_id, address=address, call_id=call_id, state="refused", reason=reason,
        detail=raw_of_text(detail[:_DETAIL_CHARS]), unread=[],
    ), body)  # fmt: skip
    one = OutsideDocument
    newest = (
        sa.select(one.id)
        .where(one.source_id == source_id, one.state == "refused")
        .order_by(one.seen_wall_at.desc(), one.id.desc())
        .limit(MOST_REFUSED_A_SOURCE)
    )
    session.execute(
        sa.delete(one).where(
            one.source_id == source_id, one.state == "refused", one.id.not_in(newest.scalar_subquery())
        )
    )
    return kept


def body_of(document: OutsideDocument) -> bytes:
    """The bytes as they came."""
    return zlib.decompress(document.body)


def drop_spent(session: Session, *, source_id: int, address: str, but: int) -> None:
    """Earlier read documents of this address from which no warning was last read are gone: a list comes often."""
    one = OutsideDocument
    session.execute(
        sa.delete(one).where(
            one.source_id == source_id,
            one.address == address,
            one.state == "read",
            one.call_id.is_(None),
            one.id != but,
            ~sa.exists().where(OutsideWarningRow.document_id == one.id),
        )
    )


def forget_old(session: Session) -> int:
    """Documents and callers' names older than `refused_kept_days` are gone, with how many; warnings stay."""
    before = clock.wall_now() - timedelta(days=settings().refused_kept_days)
    one = OutsideDocument
    holds = sa.exists().where(OutsideWarningRow.document_id == one.id, OutsideWarningRow.state == "current")
    gone = session.execute(sa.delete(one).where(one.seen_wall_at < before, ~holds).returning(one.id)).all()
    session.execute(
        sa.update(OutsideWarningRow)
        .where(OutsideWarningRow.contact_sealed.is_not(None), OutsideWarningRow.received_at < before)
        .values(contact_sealed=None)
    )
    return len(gone)


def _keep(session: Session, document: OutsideDocument, body: bytes) -> OutsideDocument:
    """The document, or the same bytes of the same address from before, which were seen again."""
    digest, wall_now = hashlib.sha256(body).digest(), clock.wall_now()
    one = OutsideDocument
    known = session.scalar(
        sa.select(one).where(
            one.source_id == document.source_id, one.address == document.address, one.sha256 == digest,
            one.state == document.state, one.call_id.is_not_distinct_from(document.call_id),
        )
    )  # fmt: skip
    if known is not None:
        known.seen_wall_at, known.unread, known.detail = wall_now, document.unread, document.detail
        session.flush()
        return known
    document.received_at, document.received_wall_at, document.seen_wall_at = clock.now(), wall_now, wall_now
    document.sha256, document.size_bytes, document.body = digest, len(body), zlib.compress(body, 6)
    session.add(document)
    session.flush()
    return document
