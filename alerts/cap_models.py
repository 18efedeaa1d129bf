"""The table of CAP documents: what was made of our alerts, and what may be published of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

import alerts.models  # noqa: F401 - a document is of an alert.
from core.db import Base

_AT = sa.DateTime(timezone=True)


class CapDocument(Base):
    """One CAP message of an alert, as it was written; an alert may have several (itself, renewed, cancelled).

    Published is what has no `problems`. `references` and `incidents` are as in the document, the former without sender
    and time.
    """

    __tablename__ = "cap_document"
    __table_args__ = (
        sa.CheckConstraint("message_type IN ('Alert', 'Update', 'Cancel')", name="message_type"),
        sa.CheckConstraint("status IN ('Actual', 'Exercise', 'Test')", name="status"),
        sa.CheckConstraint("expires_at > sent_at", name="ends"),
        sa.Index("ix_cap_document_alert_id", "alert_id"),
        sa.Index("ix_cap_document_expires_at", "expires_at"),
        sa.Index("ix_cap_document_references", "references", postgresql_using="gin"),
    )

    identifier: Mapped[str] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(sa.ForeignKey("alert.id", ondelete="CASCADE"))
    message_type: Mapped[str]
    status: Mapped[str]
    sent_at: Mapped[datetime] = mapped_column(_AT)
    expires_at: Mapped[datetime] = mapped_column(_AT)
    references: Mapped[list[str]] = mapped_column(ARRAY(sa.String))
    incidents: Mapped[list[str]] = mapped_column(ARRAY(sa.String))
    problems: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    xml: Mapped[str]
