"""Tables about words and answers: who drafted and reviewed which words, zone pictures, and what residents answered."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

import residents.models  # noqa: F401 - who answered.
import staff.models  # noqa: F401 - who drafted and reviewed.
from core.db import Base

_AT = sa.DateTime(timezone=True)
_OF_ALERT, _OF_RESIDENT, _OF_ACCOUNT = "alert.id", "resident.id", "account.id"
# Shipped versions are numbered below it, a city's own from it on.
FIRST_OF_CITY = 1001


class TemplateVersion(Base):
    """A city's own version of the words: it counts once somebody else than its author has reviewed it."""

    __tablename__ = "template_version"
    __table_args__ = (
        sa.CheckConstraint(f"version >= {FIRST_OF_CITY}", name="of_city"),
        sa.CheckConstraint("reviewed_by <> drafted_by", name="two_people"),
        sa.CheckConstraint("(reviewed_by IS NULL) = (reviewed_at IS NULL)", name="reviewed"),
    )

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    based_on: Mapped[int]
    note: Mapped[str]
    drafted_by: Mapped[int] = mapped_column(sa.ForeignKey(_OF_ACCOUNT))
    drafted_at: Mapped[datetime] = mapped_column(_AT)
    reviewed_by: Mapped[int | None] = mapped_column(sa.ForeignKey(_OF_ACCOUNT))
    reviewed_at: Mapped[datetime | None] = mapped_column(_AT)


class ZonePicture(Base):
    """The map picture of some zones in their versions at one level: drawn once, its bytes never change.

    `token` stands in its public address and cannot be guessed.
    """

    __tablename__ = "zone_picture"

    key: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[int] = mapped_column(sa.SmallInteger)
    zone_ids: Mapped[list[int]] = mapped_column(ARRAY(sa.BigInteger))
    token: Mapped[str] = mapped_column(unique=True)
    width_px: Mapped[int]
    height_px: Mapped[int]
    picture: Mapped[bytes] = mapped_column(sa.LargeBinary)
    drawn_at: Mapped[datetime] = mapped_column(_AT)


class AlertAnswer(Base):
    """What a resident answered to an alert, each time; the newest counts."""

    __tablename__ = "alert_answer"
    __table_args__ = (
        sa.CheckConstraint("answer IN ('safe', 'help', 'can_help')", name="answer"),
        sa.Index("ix_alert_answer_alert_id", "alert_id", "resident_id", "id"),
        sa.Index("ix_alert_answer_resident_id", "resident_id"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    alert_id: Mapped[int] = mapped_column(sa.ForeignKey(_OF_ALERT, ondelete="CASCADE"))
    resident_id: Mapped[int] = mapped_column(sa.ForeignKey(_OF_RESIDENT, ondelete="CASCADE"))
    answer: Mapped[str]
    answered_at: Mapped[datetime] = mapped_column(_AT)


class HelpOffer(Base):
    """What a resident can help others with, in answer to an alert."""

    __tablename__ = "help_offer"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('boat', 'pickup', 'room', 'hands')", name="kind"),
        sa.Index("ix_help_offer_resident_id", "resident_id"),
    )

    alert_id: Mapped[int] = mapped_column(sa.ForeignKey(_OF_ALERT, ondelete="CASCADE"), primary_key=True)
    resident_id: Mapped[int] = mapped_column(sa.ForeignKey(_OF_RESIDENT, ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    offered_at: Mapped[datetime] = mapped_column(_AT)


class AlertReminder(Base):
    """That whoever had not answered an alert was asked once more: when, by whom, and how many."""

    __tablename__ = "alert_reminder"

    alert_id: Mapped[int] = mapped_column(
        sa.ForeignKey(_OF_ALERT, ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    asked_by: Mapped[int] = mapped_column(sa.ForeignKey(_OF_ACCOUNT))
    asked_at: Mapped[datetime] = mapped_column(_AT)
    recipients: Mapped[int]
    chunk_ids: Mapped[list[int]] = mapped_column(ARRAY(sa.BigInteger))
