"""Tables of alerts: the city's policy and words, what was proposed and decided, where, and who was told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

import residents.models  # noqa: F401 - an alert's recipients are residents.
import staff.models  # noqa: F401 - an alert names the accounts that decided.
from core.db import Base

_AT = sa.DateTime(timezone=True)
_IS_OPEN_WARNING = sa.text("state = 'proposed' AND kind <> 'all_clear'")
_IS_OPEN_ALL_CLEAR = sa.text("state IN ('proposed', 'approved', 'sending') AND kind = 'all_clear'")


class AlertRule(Base):
    """One level of one version of the policy; the highest version holds."""

    __tablename__ = "alert_rule"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    level: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    min_severity: Mapped[int] = mapped_column(sa.SmallInteger)
    is_proposed: Mapped[bool]
    lasts_s: Mapped[int]
    declined_holds_s: Mapped[int]
    priority: Mapped[int] = mapped_column(sa.SmallInteger)


class AlertTemplate(Base):
    """The words of one level (0 is the all-clear) in one language of one version; the highest version holds."""

    __tablename__ = "alert_template"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    level: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    language: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    situation: Mapped[str]
    action: Mapped[str]
    alt: Mapped[str]


class AlertVocabulary(Base):
    """The words that fill slots and label buttons in one language of one version."""

    __tablename__ = "alert_vocabulary"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    language: Mapped[str] = mapped_column(primary_key=True)
    words: Mapped[dict[str, Any]]


class Alert(Base):
    """A proposal, and what became of it. `event_id` is the first alert of the flood that it belongs to."""

    __tablename__ = "alert"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('alert', 'update', 'all_clear')", name="kind"),
        sa.CheckConstraint("level BETWEEN 1 AND 3", name="level"),
        sa.CheckConstraint(
            "state IN ('proposed', 'approved', 'sending', 'active', 'closed', 'declined', 'superseded')", name="state"
        ),
        sa.Index("uq_alert_open_level", "level", unique=True, postgresql_where=_IS_OPEN_WARNING),
        sa.Index("uq_alert_open_all_clear", "event_id", unique=True, postgresql_where=_IS_OPEN_ALL_CLEAR),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    event_id: Mapped[int] = mapped_column(sa.BigInteger, index=True)
    kind: Mapped[str]
    level: Mapped[int] = mapped_column(sa.SmallInteger)
    state: Mapped[str]
    revision: Mapped[int]
    run_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    depth_class: Mapped[int] = mapped_column(sa.SmallInteger)
    words_version: Mapped[int]
    policy_version: Mapped[int]
    proposed_at: Mapped[datetime] = mapped_column(_AT)
    revised_at: Mapped[datetime] = mapped_column(_AT)
    proposed_by: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    evidence: Mapped[list[Any]] = mapped_column(JSONB)
    texts: Mapped[dict[str, Any]]
    audience_count: Mapped[int]
    audience_hash: Mapped[str]
    audience_by_language: Mapped[dict[str, Any]]
    vulnerable_count: Mapped[int]
    suppressed_by_reason: Mapped[dict[str, Any]]
    trigger_received_wall_at: Mapped[datetime | None] = mapped_column(_AT)
    approved_by: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    approved_at: Mapped[datetime | None] = mapped_column(_AT)
    approved_wall_at: Mapped[datetime | None] = mapped_column(_AT)
    expires_at: Mapped[datetime | None] = mapped_column(_AT)
    delivered_wall_at: Mapped[datetime | None] = mapped_column(_AT)
    accepted_last_wall_at: Mapped[datetime | None] = mapped_column(_AT)
    closed_at: Mapped[datetime | None] = mapped_column(_AT)
    closed_reason: Mapped[str | None]
    references: Mapped[list[int]] = mapped_column(ARRAY(sa.BigInteger))
    previous_alert_id: Mapped[int | None] = mapped_column(sa.ForeignKey("alert.id"))
    cap_identifier: Mapped[str | None]
    cap_xml: Mapped[str | None]


class AlertZone(Base):
    """A zone of an alert, with the outline that it had then."""

    __tablename__ = "alert_zone"
    __table_args__ = (sa.Index("ix_alert_zone_geom", "geom", postgresql_using="gist"),)

    alert_id: Mapped[int] = mapped_column(sa.ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True)
    zone_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    zone_version: Mapped[int]
    code: Mapped[str]
    name_th: Mapped[str]
    name_en: Mapped[str]
    geom: Mapped[Any] = mapped_column(Geometry("MULTIPOLYGON", srid=4326, spatial_index=False))


class AlertRecipient(Base):
    """One resident of an alert's frozen audience: why (`reason`), in which language and chunk; or why not told."""

    __tablename__ = "alert_recipient"
    __table_args__ = (
        sa.CheckConstraint("state IN ('frozen', 'queued', 'suppressed')", name="state"),
        sa.Index("ix_alert_recipient_resident_id", "resident_id"),
        sa.Index("ix_alert_recipient_answered", "alert_id", "answer", postgresql_where=sa.text("answer IS NOT NULL")),
        {"postgresql_with": {"fillfactor": "50"}},
    )

    alert_id: Mapped[int] = mapped_column(sa.ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True)
    resident_id: Mapped[int] = mapped_column(sa.ForeignKey("resident.id", ondelete="CASCADE"), primary_key=True)
    home_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    language: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str]
    chunk_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    answer: Mapped[str | None]
    answered_at: Mapped[datetime | None] = mapped_column(_AT)


class AlertErased(Base):
    """A recipient of an alert who was erased since: what became of the message, and nothing of whom."""

    __tablename__ = "alert_erased"

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    alert_id: Mapped[int] = mapped_column(sa.ForeignKey("alert.id", ondelete="CASCADE"), index=True)
    language: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str]
    answer: Mapped[str | None]
