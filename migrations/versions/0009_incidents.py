"""Tables of incidents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0009_incidents"
down_revision = "0008_flood"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def _point() -> Geometry:
    return Geometry("POINT", srid=4326, spatial_index=False)


def _categories_and_agencies() -> None:
    op.create_table(
        "category",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name_th", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("agency_kind", sa.String(), nullable=False),
        sa.Column("tier", sa.SmallInteger(), nullable=False),
        sa.Column("promise_hours", sa.Integer(), nullable=False),
        sa.Column("group_code", sa.String(), nullable=False),
        sa.Column("join_radius_m", sa.Float(), nullable=False),
        sa.Column("needs", ARRAY(sa.Text()), nullable=False),
        sa.Column("words", JSONB(), nullable=False),
        sa.Column("icon", sa.String(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("tier BETWEEN 1 AND 4", name=op.f("ck_category_tier")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_category")),
    )
    op.create_table(
        "agency",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name_th", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("categories", ARRAY(sa.Text()), nullable=False),
        sa.Column("area_code", sa.String()),
        sa.Column("trust", sa.String(), nullable=False),
        sa.CheckConstraint("trust IN ('real', 'derived', 'simulated')", name=op.f("ck_agency_trust")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_agency")),
    )


def _incident() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("incident_number")))
    op.create_table(
        "incident",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("category_code", sa.String(), sa.ForeignKey("category.code"), nullable=False),
        sa.Column("agency_code", sa.String(), sa.ForeignKey("agency.code", ondelete="SET NULL")),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("place", _point(), nullable=False),
        sa.Column("place_source", sa.String(), nullable=False),
        sa.Column("place_label_th", sa.String(), nullable=False),
        sa.Column("place_label_en", sa.String(), nullable=False),
        sa.Column("area_id", sa.Integer(), sa.ForeignKey("area.id", ondelete="SET NULL")),
        sa.Column("summary", sa.String(), nullable=False),
        sa.Column("depth_m", sa.Float()),
        sa.Column("people", sa.Integer()),
        sa.Column("report_count", sa.Integer(), nullable=False),
        sa.Column("last_report_at", _AT, nullable=False),
        sa.Column("opened_at", _AT, nullable=False),
        sa.Column("promised_at", _AT, nullable=False),
        sa.Column("done_at", _AT),
        sa.Column("closed_at", _AT),
        sa.CheckConstraint(
            "state IN ('new', 'accepted', 'in_progress', 'done', 'closed', 'rejected', 'reopened')",
            name=op.f("ck_incident_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
        sa.UniqueConstraint("number", name=op.f("uq_incident_number")),
    )
    op.create_index("ix_incident_place", "incident", ["place"], postgresql_using="gist")
    op.create_index("ix_incident_state", "incident", ["state", "opened_at"])


def _report_and_photo() -> None:
    op.create_table(
        "report",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), sa.ForeignKey("resident.id", ondelete="SET NULL")),
        sa.Column("incident_id", sa.BigInteger(), sa.ForeignKey("incident.id", ondelete="CASCADE"), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("category_code", sa.String(), sa.ForeignKey("category.code"), nullable=False),
        sa.Column("place", _point(), nullable=False),
        sa.Column("place_source", sa.String(), nullable=False),
        sa.Column("radius_m", sa.Float()),
        sa.Column("join_terms", JSONB()),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("told_number_at", _AT),
        sa.CheckConstraint("source IN ('line', 'officer', 'open311', 'phone')", name=op.f("ck_report_source")),
        sa.CheckConstraint(
            "place_source IN ('pin', 'home', 'recent_pin', 'officer')", name=op.f("ck_report_place_source")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
    )
    op.create_index("ix_report_place", "report", ["place"], postgresql_using="gist")
    op.create_index("ix_report_incident_id", "report", ["incident_id"])
    op.create_index("ix_report_resident_id", "report", ["resident_id", "created_at"])
    op.create_table(
        "photo",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("taken_for", sa.String(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), sa.ForeignKey("report.id", ondelete="CASCADE")),
        sa.Column("incident_id", sa.BigInteger(), sa.ForeignKey("incident.id", ondelete="CASCADE")),
        sa.Column("line_message_id", sa.String()),
        sa.Column("path", sa.String()),
        sa.Column("sha256", sa.String()),
        sa.Column("content_type", sa.String()),
        sa.Column("size_bytes", sa.Integer()),
        sa.Column("refused_reason", sa.String()),
        sa.Column("created_at", _AT, nullable=False),
        sa.CheckConstraint("taken_for IN ('report', 'job')", name=op.f("ck_photo_taken_for")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo")),
        sa.UniqueConstraint("line_message_id", name=op.f("uq_photo_line_message_id")),
    )
    op.create_index("ix_photo_incident_id", "photo", ["incident_id"])


def _talk_and_history() -> None:
    op.create_table(
        "draft",
        sa.Column(
            "resident_id",
            sa.BigInteger(),
            sa.ForeignKey("resident.id", ondelete="CASCADE"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("data", JSONB(), nullable=False),
        sa.Column("updated_at", _AT, nullable=False),
        sa.Column("expires_at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("resident_id", name=op.f("pk_draft")),
    )
    op.create_table(
        "incident_change",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("incident_id", sa.BigInteger(), sa.ForeignKey("incident.id", ondelete="CASCADE"), nullable=False),
        sa.Column("from_state", sa.String()),
        sa.Column("to_state", sa.String(), nullable=False),
        sa.Column("changed_at", _AT, nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_change")),
    )
    op.create_index("ix_incident_change_incident_id", "incident_change", ["incident_id"])
    op.create_table(
        "reporter_notice",
        sa.Column(
            "change_id",
            sa.BigInteger(),
            sa.ForeignKey("incident_change.id", ondelete="CASCADE"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column(
            "resident_id",
            sa.BigInteger(),
            sa.ForeignKey("resident.id", ondelete="CASCADE"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("incident_id", sa.BigInteger(), sa.ForeignKey("incident.id", ondelete="CASCADE"), nullable=False),
        sa.Column("chunk_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("change_id", "resident_id", name=op.f("pk_reporter_notice")),
    )
    op.create_index("ix_reporter_notice_incident_id", "reporter_notice", ["incident_id"])


def upgrade() -> None:
    """The tables of incidents exist."""
    _categories_and_agencies()
    _incident()
    _report_and_photo()
    _talk_and_history()


def downgrade() -> None:
    """The tables of incidents are gone."""
    for table in ("reporter_notice", "incident_change", "draft", "photo", "report", "incident", "agency", "category"):
        op.drop_table(table)
    op.execute(sa.schema.DropSequence(sa.Sequence("incident_number")))
