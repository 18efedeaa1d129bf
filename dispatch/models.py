"""Crews, the jobs they get, what they tell of them, and which crew is offered for which job."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

import incidents.models  # noqa: F401 - a job belongs to an incident.
from core.db import Base

# Counts what makes drawn suggestions old: a crew that is given a job or free again, water that closes other streets.
crew_change = sa.Sequence("crew_change", metadata=Base.metadata)

_AT = sa.DateTime(timezone=True)
_LINE = Geometry("LINESTRING", srid=4326, spatial_index=False)


class Crew(Base):
    """A team that goes out. `ford_limit_m` is the deepest water its vehicle drives, for a boat the shallowest."""

    __tablename__ = "crew"
    __table_args__ = (
        sa.CheckConstraint("vehicle IN ('car', 'truck', 'boat', 'foot')", name="vehicle"),
        sa.CheckConstraint("trust IN ('real', 'derived', 'simulated')", name="trust"),
        sa.Index("ix_crew_position", "position", postgresql_using="gist"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name_th: Mapped[str]
    name_en: Mapped[str]
    kind: Mapped[str]
    capabilities: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    vehicle: Mapped[str]
    ford_limit_m: Mapped[float]
    position: Mapped[Any] = mapped_column(Geometry("POINT", srid=4326, spatial_index=False))
    position_at: Mapped[datetime] = mapped_column(_AT)
    is_on_duty: Mapped[bool]
    trust: Mapped[str]


class PriorityWeights(Base):
    """The weights of the score, by version; the newest is used, the older explain older jobs."""

    __tablename__ = "priority_weights"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    weights: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(_AT)


class Job(Base):
    """What a crew gets: an incident with its tier, its score and the terms that make it.

    `drawn_change` is the change that was the last one when its crews were ranked; None where they are to be ranked.
    """

    __tablename__ = "job"
    __table_args__ = (
        sa.CheckConstraint(
            "state IN ('open', 'assigned', 'accepted', 'en_route', 'on_scene', 'done', 'failed', 'cancelled')",
            name="state",
        ),
        sa.CheckConstraint("tier BETWEEN 1 AND 4", name="tier"),
        # One live job an incident: two crews are never sent to the same thing by mistake.
        sa.Index(
            "uq_job_live",
            "incident_id",
            unique=True,
            postgresql_where=sa.text("state NOT IN ('done', 'failed', 'cancelled')"),
        ),
        sa.Index("ix_job_state", "state"),
        sa.Index("ix_job_crew_id", "crew_id"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    incident_id: Mapped[int] = mapped_column(sa.ForeignKey("incident.id", ondelete="CASCADE"))
    crew_id: Mapped[int | None] = mapped_column(sa.ForeignKey("crew.id", ondelete="SET NULL"))
    state: Mapped[str]
    needs: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    tier: Mapped[int] = mapped_column(sa.SmallInteger)
    score: Mapped[float]
    terms: Mapped[list[Any]] = mapped_column(JSONB)
    weights_version: Mapped[int] = mapped_column(sa.ForeignKey("priority_weights.version"))
    route: Mapped[Any | None] = mapped_column(_LINE)
    travel_s: Mapped[float | None]
    distance_m: Mapped[float | None]
    last_leg_m: Mapped[float | None]
    note: Mapped[str | None]
    photo_id: Mapped[int | None] = mapped_column(sa.ForeignKey("photo.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(_AT)
    assigned_at: Mapped[datetime | None] = mapped_column(_AT)
    assigned_by: Mapped[str | None]
    done_at: Mapped[datetime | None] = mapped_column(_AT)
    drawn_change: Mapped[int | None] = mapped_column(sa.BigInteger)


class JobCrew(Base):
    """Which crews a job was given to, and when first: a crew that lost it while offline may still finish it."""

    __tablename__ = "job_crew"

    job_id: Mapped[int] = mapped_column(
        sa.ForeignKey("job.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    crew_id: Mapped[int] = mapped_column(
        sa.ForeignKey("crew.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    assigned_at: Mapped[datetime] = mapped_column(_AT)


class JobMove(Base):
    """Which jobs came to another incident with a merge: undone, they go back."""

    __tablename__ = "job_move"

    merge_id: Mapped[int] = mapped_column(
        sa.ForeignKey("incident_merge.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    job_id: Mapped[int] = mapped_column(
        sa.ForeignKey("job.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )


class JobEvent(Base):
    """What a crew's phone told, once per `client_event_id`; a late one is kept and moves nothing back."""

    __tablename__ = "job_event"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('accept', 'depart', 'arrive', 'finish', 'fail')", name="kind"),
        sa.Index("ix_job_event_job_id", "job_id"),
    )

    client_event_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(sa.ForeignKey("job.id", ondelete="CASCADE"))
    crew_id: Mapped[int | None] = mapped_column(sa.ForeignKey("crew.id", ondelete="SET NULL"))
    kind: Mapped[str]
    happened_at: Mapped[datetime] = mapped_column(_AT)
    received_at: Mapped[datetime] = mapped_column(_AT)
    account_id: Mapped[int | None]
    note: Mapped[str | None]
    is_late: Mapped[bool]
    is_clock_doubtful: Mapped[bool]
    state_after: Mapped[str]


class CrewSuggestion(Base):
    """A crew offered for a job or left out of it, with the reason; drawn again when crews, jobs or the flood change."""

    __tablename__ = "crew_suggestion"

    job_id: Mapped[int] = mapped_column(
        sa.ForeignKey("job.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    crew_id: Mapped[int] = mapped_column(
        sa.ForeignKey("crew.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    rank: Mapped[int]
    is_excluded: Mapped[bool]
    reason_key: Mapped[str]
    reason_slots: Mapped[dict[str, Any]]
    travel_s: Mapped[float | None]
    distance_m: Mapped[float | None]
    last_leg_m: Mapped[float | None]
    route: Mapped[Any | None] = mapped_column(_LINE)
    computed_at: Mapped[datetime] = mapped_column(_AT)
