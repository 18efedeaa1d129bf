"""How each category is open to others, who may write by which key, and what came or went under whose number."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

import incidents.models  # noqa: F401 - its categories, agencies, reports and incidents are referred to.
from core.db import Base

_AT = sa.DateTime(timezone=True)


class OpenService(Base):
    """How a category stands open; one without a row is realtime, coarse, and asks nothing.

    `exposure` says what the public learns: `open`, `coarse` (place rounded, no words, no pictures) or `hidden`.
    `questions` are Open311's attributes (`incidents.exchange.questions`). `grid_degrees` is the cell to whose middle
    places are rounded; None as `incidents.exchange.privacy` has it for the exposure.
    """

    __tablename__ = "open_service"
    __table_args__ = (
        sa.CheckConstraint("service_type IN ('realtime', 'batch', 'blackbox')", name="service_type"),
        sa.CheckConstraint("exposure IN ('open', 'coarse', 'hidden')", name="exposure"),
        sa.CheckConstraint("grid_degrees BETWEEN 0.0001 AND 0.1", name="grid_degrees"),
    )

    category_code: Mapped[str] = mapped_column(sa.ForeignKey("category.code", ondelete="CASCADE"), primary_key=True)
    service_type: Mapped[str]
    exposure: Mapped[str]
    grid_degrees: Mapped[float | None]
    questions: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)


class ServicesChange(Base):
    """Since when the services are what they are: Open311's changeset."""

    __tablename__ = "services_change"
    __table_args__ = (sa.CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(_AT)


class ApiKey(Base):
    """A partner's key, of which only the hash is kept. With an agency it changes only incidents of that agency."""

    __tablename__ = "api_key"
    __table_args__ = (sa.CheckConstraint("per_minute > 0", name="per_minute"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    key_hash: Mapped[bytes] = mapped_column(unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    agency_code: Mapped[str | None] = mapped_column(sa.ForeignKey("agency.code", ondelete="SET NULL"))
    per_minute: Mapped[int]
    made_at: Mapped[datetime] = mapped_column(_AT)
    revoked_at: Mapped[datetime | None] = mapped_column(_AT)


class DoorUse(Base):
    """How often somebody came through a door within a minute; `who` is a hash, of a key or of an address."""

    __tablename__ = "door_use"

    door: Mapped[str] = mapped_column(primary_key=True)
    who: Mapped[bytes] = mapped_column(primary_key=True)
    minute_wall_at: Mapped[datetime] = mapped_column(_AT, primary_key=True)
    uses: Mapped[int]


class ServiceRequest(Base):
    """A report that came through an open door, under the number that its sender was given.

    That is the incident's number, or its own where it joined an incident that others had reported before.
    """

    __tablename__ = "service_request"
    __table_args__ = (
        sa.CheckConstraint("door IN ('open311', 'web', 'traffy')", name="door"),
        sa.Index("ix_service_request_report_id", "report_id"),
        sa.Index("ix_service_request_repeat_key", "repeat_key", "created_at"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    door: Mapped[str]
    request_id: Mapped[str] = mapped_column(unique=True)
    token: Mapped[str | None] = mapped_column(unique=True)
    key_id: Mapped[int | None] = mapped_column(sa.ForeignKey("api_key.id", ondelete="SET NULL"))
    report_id: Mapped[int] = mapped_column(sa.ForeignKey("report.id", ondelete="CASCADE"))
    has_joined: Mapped[bool]
    description: Mapped[str]
    answers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    media_urls: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    contact_sealed: Mapped[bytes | None]
    repeat_key: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(_AT)


class ExchangeRating(Base):
    """How well the reporter of a service request says, through a partner, that it was done; the last word counts."""

    __tablename__ = "exchange_rating"
    __table_args__ = (sa.CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),)

    service_request_id: Mapped[int] = mapped_column(
        sa.ForeignKey("service_request.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    stars: Mapped[int] = mapped_column(sa.SmallInteger)
    rated_at: Mapped[datetime] = mapped_column(_AT)


class PartnerHook(Base):
    """Where a partner wants to be told of incidents without asking; address and secret are sealed, `host` is shown.

    Told is what happened after `since_change_id`; what was gathered so far ends at `seen_change_id`. `woken_wall_at`
    is when its job was last begun, None while none waits. It is paused where it took nothing for too long.
    """

    __tablename__ = "partner_hook"
    __table_args__ = (sa.CheckConstraint("failures >= 0", name="failures"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key_id: Mapped[int] = mapped_column(sa.ForeignKey("api_key.id", ondelete="CASCADE"), unique=True)
    url_sealed: Mapped[bytes]
    secret_sealed: Mapped[bytes]
    host: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(_AT)
    since_change_id: Mapped[int] = mapped_column(sa.BigInteger)
    seen_change_id: Mapped[int] = mapped_column(sa.BigInteger)
    woken_wall_at: Mapped[datetime | None] = mapped_column(_AT)
    told_wall_at: Mapped[datetime | None] = mapped_column(_AT)
    failures: Mapped[int] = mapped_column(default=0)
    failing_since_wall_at: Mapped[datetime | None] = mapped_column(_AT)
    fault: Mapped[str] = mapped_column(default="")
    paused_wall_at: Mapped[datetime | None] = mapped_column(_AT)


class HookDelivery(Base):
    """One line of an incident's history that a partner is to be told of, and what became of it.

    `nothing` where there was nothing to tell: the public may not see it, or the partner knew it.
    """

    __tablename__ = "hook_delivery"
    __table_args__ = (
        sa.CheckConstraint("state IN ('waiting', 'told', 'nothing', 'refused')", name="state"),
        sa.Index(
            "ix_hook_delivery_waiting", "hook_id", "change_id", postgresql_where=sa.text("state = 'waiting'")
        ),
    )

    # First, so that a line that is deleted is found here.
    change_id: Mapped[int] = mapped_column(
        sa.ForeignKey("incident_change.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    hook_id: Mapped[int] = mapped_column(
        sa.ForeignKey("partner_hook.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    state: Mapped[str]
    fault: Mapped[str] = mapped_column(default="")
    ended_wall_at: Mapped[datetime | None] = mapped_column(_AT)


class ForeignId(Base):
    """What another system calls a report, an update or an incident of ours: loop guard and key against repeats.

    `version` is the time of the newest that was heard; what is older changes nothing. `direction` is `in` where it
    came from there, `out` where it went there.
    """

    __tablename__ = "foreign_id"
    __table_args__ = (
        sa.CheckConstraint("direction IN ('in', 'out')", name="direction"),
        sa.UniqueConstraint("system", "foreign_id"),
        sa.Index("ix_foreign_id_incident_id", "incident_id"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    system: Mapped[str]
    foreign_id: Mapped[str]
    direction: Mapped[str]
    version: Mapped[datetime | None] = mapped_column(_AT)
    incident_id: Mapped[int] = mapped_column(sa.ForeignKey("incident.id", ondelete="CASCADE"))
    report_id: Mapped[int | None] = mapped_column(sa.ForeignKey("report.id", ondelete="CASCADE"))
    noted_at: Mapped[datetime] = mapped_column(_AT)
