"""Tables of the officers' inbox: named filters, desks, notes among officers, what of pictures and words is hidden."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

import staff.models  # noqa: F401 - a filter is an account's.
from core.db import Base
from incidents.models import Incident, IncidentLikeness

_AT = sa.DateTime(timezone=True)

_OPEN = sa.text("state IN ('new', 'accepted', 'in_progress', 'reopened', 'sent_on')")
sa.Index(
    "ix_incident_open_promised", Incident.promised_at, Incident.id, postgresql_include=["category_code", "state"],
    postgresql_where=_OPEN,
)
sa.Index(
    "ix_incident_likeness_open", IncidentLikeness.incident_id, IncidentLikeness.other_id,
    postgresql_where=sa.text("verdict IS NULL"),
)


class InboxDesk(Base):
    """The agency at whose desk an officer says to sit: filters that others share with it are offered there."""

    __tablename__ = "inbox_desk"

    account_id: Mapped[int] = mapped_column(
        sa.ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    agency_code: Mapped[str] = mapped_column(sa.ForeignKey("agency.code", ondelete="CASCADE"))


class InboxFilter(Base):
    """An officer's filter under a name; one at most is the officer's default, `agency_code` is who may use it too."""

    __tablename__ = "inbox_filter"
    __table_args__ = (
        sa.UniqueConstraint("account_id", "name", name="uq_inbox_filter_name"),
        sa.Index("uq_inbox_filter_default", "account_id", unique=True, postgresql_where=sa.text("is_default")),
        sa.Index("ix_inbox_filter_agency_code", "agency_code", postgresql_where=sa.text("agency_code IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id", ondelete="CASCADE"))
    name: Mapped[str]
    wanted: Mapped[dict[str, Any]] = mapped_column(JSONB)
    is_default: Mapped[bool]
    agency_code: Mapped[str | None] = mapped_column(sa.ForeignKey("agency.code", ondelete="SET NULL"))
    saved_at: Mapped[datetime] = mapped_column(_AT)


class IncidentNote(Base):
    """What officers say to one another about an incident; never for reporters, the public or other systems."""

    __tablename__ = "incident_note"
    __table_args__ = (sa.Index("ix_incident_note_incident_id", "incident_id"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    incident_id: Mapped[int] = mapped_column(sa.ForeignKey("incident.id", ondelete="CASCADE"))
    text: Mapped[str]
    written_by: Mapped[str]
    written_at: Mapped[datetime] = mapped_column(_AT)


class PhotoReview(Base):
    """What an officer decided of a picture: open as it is, redacted, or hidden. Without one no picture is public.

    `boxes` are left, top, width and height as shares of the upright picture; `path` is the picture made anew.
    """

    __tablename__ = "photo_review"
    __table_args__ = (
        sa.CheckConstraint("verdict IN ('open', 'redacted', 'hidden')", name="verdict"),
        sa.CheckConstraint("(verdict = 'redacted') = (path IS NOT NULL)", name="made"),
    )

    photo_id: Mapped[int] = mapped_column(
        sa.ForeignKey("photo.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    verdict: Mapped[str]
    boxes: Mapped[list[list[float]]] = mapped_column(JSONB)
    path: Mapped[str | None]
    sha256: Mapped[str | None]
    content_type: Mapped[str | None]
    reviewed_by: Mapped[str]
    reviewed_at: Mapped[datetime] = mapped_column(_AT)


class ReportRedaction(Base):
    """Words of a report that nobody outside reads, sealed, since they are often a person's name or door."""

    __tablename__ = "report_redaction"

    report_id: Mapped[int] = mapped_column(
        sa.ForeignKey("report.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    words_sealed: Mapped[bytes]
    redacted_by: Mapped[str]
    redacted_at: Mapped[datetime] = mapped_column(_AT)
