"""What residents reported, what the city acts on, its history, and who was told of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

import incidents.after_models
import incidents.calendar_models
import incidents.category_models  # noqa: F401 - a report names the model that offered its category.
import residents.models  # noqa: F401 - a report may be a resident's, an incident lies in one of gis's areas.
from core.db import Base

_AT = sa.DateTime(timezone=True)

incident_number = sa.Sequence("incident_number", metadata=Base.metadata)


class Category(Base):
    """One of the things that can be reported; loaded from `data/categories.toml`, then a city's own."""

    __tablename__ = "category"
    __table_args__ = (
        sa.CheckConstraint("tier BETWEEN 1 AND 4", name="tier"),
        sa.CheckConstraint("promise_in IN ('calendar', 'working')", name="promise_in"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    name_th: Mapped[str]
    name_en: Mapped[str]
    agency_kind: Mapped[str]
    tier: Mapped[int] = mapped_column(sa.SmallInteger)
    promise_hours: Mapped[int]
    group_code: Mapped[str]
    join_radius_m: Mapped[float]
    needs: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    words: Mapped[dict[str, Any]]
    icon: Mapped[str]
    position: Mapped[int] = mapped_column(sa.SmallInteger)
    # Whether promise_hours are hours of the clock or of the office; and how long a report stays true unasked, if not.
    promise_in: Mapped[str] = mapped_column(server_default="calendar")
    life_hours: Mapped[float | None]


class Agency(Base):
    """Who does the work: `categories` holds category codes, agency kinds or `*`; without an area it serves the city."""

    __tablename__ = "agency"
    __table_args__ = (sa.CheckConstraint("trust IN ('real', 'derived', 'simulated')", name="trust"),)

    code: Mapped[str] = mapped_column(primary_key=True)
    name_th: Mapped[str]
    name_en: Mapped[str]
    categories: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    area_code: Mapped[str | None]
    trust: Mapped[str]


class Incident(Base):
    """What the city acts on: one or many reports of the same thing at the same place."""

    __tablename__ = "incident"
    __table_args__ = (
        sa.CheckConstraint(
            "state IN ('new', 'accepted', 'in_progress', 'done', 'closed', 'rejected', 'reopened', 'sent_on')",
            name="state",
        ),
        sa.Index("ix_incident_mark_due_at", "mark_due_at", postgresql_where=sa.text("mark_due_at IS NOT NULL")),
        sa.Index("ix_incident_place", "place", postgresql_using="gist"),
        sa.Index("ix_incident_state", "state", "opened_at"),
        sa.Index("ix_incident_map_key", "map_key"),
        sa.Index("ix_incident_opened_at", "opened_at"),
        sa.Index(
            "ix_incident_open_place", "place", postgresql_using="gist",
            postgresql_where=sa.text("state IN ('new', 'accepted', 'in_progress', 'reopened', 'sent_on')"),
        ),
        sa.Index(
            "ix_incident_merged_into_id", "merged_into_id", postgresql_where=sa.text("merged_into_id IS NOT NULL")
        ),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    category_code: Mapped[str] = mapped_column(sa.ForeignKey("category.code"))
    agency_code: Mapped[str | None] = mapped_column(sa.ForeignKey("agency.code", ondelete="SET NULL"))
    state: Mapped[str]
    place: Mapped[Any] = mapped_column(Geometry("POINT", srid=4326, spatial_index=False))
    place_source: Mapped[str]
    place_label_th: Mapped[str]
    place_label_en: Mapped[str]
    area_id: Mapped[int | None] = mapped_column(sa.ForeignKey("area.id", ondelete="SET NULL"))
    summary: Mapped[str]
    depth_m: Mapped[float | None]
    people: Mapped[int | None]
    report_count: Mapped[int]
    last_report_at: Mapped[datetime] = mapped_column(_AT)
    opened_at: Mapped[datetime] = mapped_column(_AT)
    promised_at: Mapped[datetime] = mapped_column(_AT)
    done_at: Mapped[datetime | None] = mapped_column(_AT)
    closed_at: Mapped[datetime | None] = mapped_column(_AT)
    # What was promised when it was opened, whatever its category says later; None as the category says.
    promise_hours: Mapped[int | None]
    promise_in: Mapped[str | None]
    # When the next warning or the breach of the promise is due, None where none is to come.
    mark_due_at: Mapped[datetime | None] = mapped_column(_AT)
    # Who or what last said that it is still so, apart from reports; and since when nobody and nothing has.
    confirmed_at: Mapped[datetime | None] = mapped_column(_AT)
    fading_at: Mapped[datetime | None] = mapped_column(_AT)
    # A signpost: what was merged is closed, and everything of it is at this incident.
    merged_into_id: Mapped[int | None] = mapped_column(sa.ForeignKey("incident.id", ondelete="SET NULL"))
    # Its cell of the Web Mercator grid at level 21, as a Morton number: cells of the same tile follow one another.
    map_key: Mapped[int | None] = mapped_column(sa.BigInteger, sa.Computed("map_key(place)", persisted=True))


# How many incidents lie in a cell of the grid at a level, and how many of them are open, by the tier of their category.
# Each row is a change; triggers add them with the incidents themselves, `incidents.tiles.fold_tally` sums them up.
incident_tally = sa.Table(
    "incident_tally",
    Base.metadata,
    sa.Column("level", sa.SmallInteger, nullable=False),
    sa.Column("cell", sa.BigInteger, nullable=False),
    *(sa.Column(name, sa.Integer, nullable=False) for name in ("total", "open_1", "open_2", "open_3", "open_4")),
    sa.Index(
        "ix_incident_tally_cell", "level", "cell",
        postgresql_include=["total", "open_1", "open_2", "open_3", "open_4"],
    ),
)


class Report(Base):
    """What one resident sent, unchanged; `join_terms` says why it was joined to its incident."""

    __tablename__ = "report"
    __table_args__ = (
        sa.CheckConstraint("source IN ('line', 'officer', 'open311', 'phone', 'web', 'traffy')", name="source"),
        sa.CheckConstraint(
            "place_source IN ('pin', 'home', 'recent_pin', 'officer', 'words', 'photo')", name="place_source"
        ),
        sa.Index("ix_report_place", "place", postgresql_using="gist"),
        sa.Index("ix_report_incident_id", "incident_id"),
        sa.Index("ix_report_resident_id", "resident_id", "created_at"),
        sa.Index("ix_report_private", "incident_id", postgresql_where=sa.text("is_private")),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    resident_id: Mapped[int | None] = mapped_column(sa.ForeignKey("resident.id", ondelete="SET NULL"))
    incident_id: Mapped[int] = mapped_column(sa.ForeignKey("incident.id", ondelete="CASCADE"))
    source: Mapped[str]
    text: Mapped[str]
    category_code: Mapped[str] = mapped_column(sa.ForeignKey("category.code"))
    place: Mapped[Any] = mapped_column(Geometry("POINT", srid=4326, spatial_index=False))
    place_source: Mapped[str]
    radius_m: Mapped[float | None]
    join_terms: Mapped[dict[str, Any] | None]
    # What the resident was offered, with confidence, and by which model; the category is what they tapped.
    offered: Mapped[dict[str, Any] | None]
    category_model_id: Mapped[int | None] = mapped_column(sa.ForeignKey("category_model.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(_AT)
    told_number_at: Mapped[datetime | None] = mapped_column(_AT)
    # Its resident took it back: it says no more, and they hear no more.
    withdrawn_at: Mapped[datetime | None] = mapped_column(_AT)
    # Its sender stays out of sight: an incident of only such reports is not public, with others it is coarse.
    is_private: Mapped[bool] = mapped_column(server_default=sa.false())


class Photo(Base):
    """A picture of an incident or of a finished job, kept outside the web root; without `path` until it was fetched."""

    __tablename__ = "photo"
    __table_args__ = (
        sa.CheckConstraint("taken_for IN ('report', 'job')", name="taken_for"),
        sa.Index("ix_photo_incident_id", "incident_id"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    taken_for: Mapped[str]
    report_id: Mapped[int | None] = mapped_column(sa.ForeignKey("report.id", ondelete="CASCADE"))
    incident_id: Mapped[int | None] = mapped_column(sa.ForeignKey("incident.id", ondelete="CASCADE"))
    line_message_id: Mapped[str | None] = mapped_column(unique=True)
    path: Mapped[str | None]
    sha256: Mapped[str | None]
    content_type: Mapped[str | None]
    size_bytes: Mapped[int | None]
    refused_reason: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(_AT)


class Draft(Base):
    """A report that a resident is still telling on LINE, `updated_at` by LINE's clock; forgotten after two hours."""

    __tablename__ = "draft"
    __table_args__ = (
        sa.Index("ix_draft_answer_due_at", "answer_due_at", postgresql_where=sa.text("answer_due_at IS NOT NULL")),
    )

    resident_id: Mapped[int] = mapped_column(
        sa.ForeignKey("resident.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    step: Mapped[str]
    data: Mapped[dict[str, Any]]
    offered: Mapped[dict[str, Any] | None]
    updated_at: Mapped[datetime] = mapped_column(_AT)
    expires_at: Mapped[datetime] = mapped_column(_AT)
    # Photos wait for those that follow them: answered together then, by the last one's reply token.
    answer_due_at: Mapped[datetime | None] = mapped_column(_AT)
    answer_token_sealed: Mapped[bytes | None]


class IncidentChange(Base):
    """One line of an incident's history: from which state to which, when, by whom, why.

    `kind` is `state`, or what else happened while the state stayed (`waiting`, `resumed`, `agency`, `kept`, ...).
    """

    __tablename__ = "incident_change"
    __table_args__ = (sa.Index("ix_incident_change_incident_id", "incident_id"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    incident_id: Mapped[int] = mapped_column(sa.ForeignKey("incident.id", ondelete="CASCADE"))
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(_AT)
    changed_by: Mapped[str]
    reason: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default="state")
    from_agency_code: Mapped[str | None]
    to_agency_code: Mapped[str | None]


class ReporterNotice(Base):
    """Which reporter is to be told of which change, once; waiting until `due_at`, then in the message `chunk_id`."""

    __tablename__ = "reporter_notice"
    __table_args__ = (
        sa.Index("ix_reporter_notice_incident_id", "incident_id"),
        sa.Index("ix_reporter_notice_waiting", "due_at", postgresql_where=sa.text("state = 'waiting'")),
        sa.CheckConstraint("state IN ('waiting', 'handed', 'unreachable')", name="state"),
    )

    change_id: Mapped[int] = mapped_column(
        sa.ForeignKey("incident_change.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    resident_id: Mapped[int] = mapped_column(
        sa.ForeignKey("resident.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    incident_id: Mapped[int] = mapped_column(sa.ForeignKey("incident.id", ondelete="CASCADE"))
    chunk_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    state: Mapped[str] = mapped_column(server_default="handed")
    note_th: Mapped[str] = mapped_column(server_default="")
    note_en: Mapped[str] = mapped_column(server_default="")
    due_at: Mapped[datetime | None] = mapped_column(_AT)


class IncidentAgency(Base):
    """An agency that an incident reaches: the lead (also `incident.agency_code`) and the others, with the reason."""

    __tablename__ = "incident_agency"
    __table_args__ = (
        sa.CheckConstraint("role IN ('lead', 'other')", name="role"),
        sa.Index("ix_incident_agency_agency_code", "agency_code", "incident_id"),
    )

    incident_id: Mapped[int] = mapped_column(
        sa.ForeignKey("incident.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    agency_code: Mapped[str] = mapped_column(sa.ForeignKey("agency.code", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str]
    reason: Mapped[str]
    distance_m: Mapped[float | None]
    since_at: Mapped[datetime] = mapped_column(_AT)
    added_by: Mapped[str]


class IncidentPause(Base):
    """A time that does not count for the promise: while the reporter is asked, or between the end and a reopening.

    `until_at` is when a question stops the clock at the latest; `answering_id` has pressed the button to answer it.
    """

    __tablename__ = "incident_pause"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('reporter', 'ended')", name="kind"),
        sa.CheckConstraint("kind = 'ended' OR until_at IS NOT NULL", name="limited"),
        sa.Index("ix_incident_pause_incident_id", "incident_id"),
        sa.Index(
            "ix_incident_pause_open", "incident_id", unique=True, postgresql_where=sa.text("ended_at IS NULL")
        ),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    incident_id: Mapped[int] = mapped_column(sa.ForeignKey("incident.id", ondelete="CASCADE"))
    kind: Mapped[str]
    began_at: Mapped[datetime] = mapped_column(_AT)
    until_at: Mapped[datetime | None] = mapped_column(_AT)
    ended_at: Mapped[datetime | None] = mapped_column(_AT)
    question: Mapped[str]
    begun_by: Mapped[str]
    ended_by: Mapped[str | None]
    answering_id: Mapped[int | None] = mapped_column(sa.ForeignKey("resident.id", ondelete="SET NULL"))
    answering_until_at: Mapped[datetime | None] = mapped_column(_AT)


class PromiseMark(Base):
    """A warning or the breach of a promise: written once with the promise of that moment, never rewritten."""

    __tablename__ = "promise_mark"

    incident_id: Mapped[int] = mapped_column(
        sa.ForeignKey("incident.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    kind: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(_AT)
    promised_at: Mapped[datetime] = mapped_column(_AT)
    agency_code: Mapped[str | None]


class StillQuestion(Base):
    """A reporter who was asked, once, whether it is still so, and what the answer was."""

    __tablename__ = "still_question"
    __table_args__ = (sa.CheckConstraint("answer IN ('still', 'gone', 'worse')", name="answer"),)

    incident_id: Mapped[int] = mapped_column(
        sa.ForeignKey("incident.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    resident_id: Mapped[int] = mapped_column(
        sa.ForeignKey("resident.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    asked_at: Mapped[datetime] = mapped_column(_AT)
    answer: Mapped[str | None]
    answered_at: Mapped[datetime | None] = mapped_column(_AT)


class IncidentLikeness(Base):
    """Two incidents that are perhaps the same, the later one first; `verdict` is an officer's, same or different.

    Without a score where nobody thought so and an officer took them apart.
    """

    __tablename__ = "incident_likeness"
    __table_args__ = (
        sa.CheckConstraint("verdict IN ('same', 'different')", name="verdict"),
        sa.CheckConstraint("incident_id > other_id", name="later_first"),
        sa.Index("ix_incident_likeness_other_id", "other_id"),
    )

    incident_id: Mapped[int] = mapped_column(
        sa.ForeignKey("incident.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    other_id: Mapped[int] = mapped_column(
        sa.ForeignKey("incident.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    score: Mapped[float | None]
    terms: Mapped[dict[str, Any] | None]
    found_at: Mapped[datetime] = mapped_column(_AT)
    verdict: Mapped[str | None]
    decided_at: Mapped[datetime | None] = mapped_column(_AT)
    decided_by: Mapped[str | None]


class IncidentMerge(Base):
    """That an incident was merged into another: what moved, and how both were before, so that it can be undone."""

    __tablename__ = "incident_merge"
    __table_args__ = (
        sa.Index(
            "uq_incident_merge_standing", "merged_id", unique=True, postgresql_where=sa.text("undone_at IS NULL")
        ),
        sa.Index("ix_incident_merge_into_id", "into_id"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    merged_id: Mapped[int] = mapped_column(sa.ForeignKey("incident.id", ondelete="CASCADE"))
    into_id: Mapped[int] = mapped_column(sa.ForeignKey("incident.id", ondelete="CASCADE"))
    merged_at: Mapped[datetime] = mapped_column(_AT)
    merged_by: Mapped[str]
    reason: Mapped[str]
    report_ids: Mapped[list[int]] = mapped_column(ARRAY(sa.BigInteger))
    photo_ids: Mapped[list[int]] = mapped_column(ARRAY(sa.BigInteger))
    merged_before: Mapped[dict[str, Any]]
    into_before: Mapped[dict[str, Any]]
    undone_at: Mapped[datetime | None] = mapped_column(_AT)
    undone_by: Mapped[str | None]
