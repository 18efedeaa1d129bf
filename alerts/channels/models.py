"""Institutions that are told by mail or webhook, and what became of each alert for each of them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

import alerts.models  # noqa: F401 - a delivery is of an alert.
from core.db import Base

_AT = sa.DateTime(timezone=True)
_IS_WAITING = sa.text("state = 'queued'")


class AlertSubscriber(Base):
    """A school, a hospital, a radio station: told of alerts that touch its areas, of every alert where it named none.

    The address, and what signs a webhook, are sealed; `shown` is what officers see of it. Who was removed keeps a row,
    so that alerts go on saying how many were told, and no address.
    """

    __tablename__ = "alert_subscriber"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('mail', 'webhook')", name="kind"),
        sa.CheckConstraint("(address_sealed IS NULL) = (removed_at IS NOT NULL)", name="address"),
        sa.Index("uq_alert_subscriber_name", "name", unique=True, postgresql_where=sa.text("removed_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    address_sealed: Mapped[bytes | None]
    secret_sealed: Mapped[bytes | None]
    shown: Mapped[str]
    language: Mapped[str]
    area_codes: Mapped[list[str]] = mapped_column(ARRAY(sa.String))
    takes_exercises: Mapped[bool]
    made_at: Mapped[datetime] = mapped_column(_AT)
    removed_at: Mapped[datetime | None] = mapped_column(_AT)


class AlertDelivery(Base):
    """One alert for one subscriber: its `message`, or the `withdrawal` of one that was cancelled behind it.

    `was_handed_over` says that an attempt broke off after everything had been sent: nobody knows whether it was taken.
    """

    __tablename__ = "alert_delivery"
    __table_args__ = (
        sa.CheckConstraint("channel IN ('mail', 'webhook')", name="channel"),
        sa.CheckConstraint("what IN ('message', 'withdrawal')", name="what"),
        sa.CheckConstraint("state IN ('queued', 'accepted', 'failed', 'unknown', 'cancelled')", name="state"),
        sa.UniqueConstraint("alert_id", "subscriber_id", "what", name="uq_alert_delivery_alert_id"),
        sa.Index("ix_alert_delivery_waiting", "channel", "not_before_wall_at", postgresql_where=_IS_WAITING),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    alert_id: Mapped[int] = mapped_column(sa.ForeignKey("alert.id", ondelete="CASCADE"))
    subscriber_id: Mapped[int] = mapped_column(sa.ForeignKey("alert_subscriber.id"))
    channel: Mapped[str]
    what: Mapped[str]
    state: Mapped[str] = mapped_column(default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    was_handed_over: Mapped[bool] = mapped_column(default=False)
    fault: Mapped[str] = mapped_column(default="")
    queued_wall_at: Mapped[datetime] = mapped_column(_AT)
    not_before_wall_at: Mapped[datetime] = mapped_column(_AT)
    ended_wall_at: Mapped[datetime | None] = mapped_column(_AT)
