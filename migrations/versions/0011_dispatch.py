"""Tables of dispatch, and the first version of the priority's weights."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0011_dispatch"
down_revision = "0010_alerts"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_FIRST_WEIGHTS = {
    "depth": 0.30,
    "rise": 0.10,
    "vulnerable": 0.30,
    "people": 0.15,
    "age": 0.15,
}


def _line() -> Geometry:
    return Geometry("LINESTRING", srid=4326, spatial_index=False)


def _crew_and_weights() -> None:
    op.create_table(
        "crew",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name_th", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("capabilities", ARRAY(sa.Text()), nullable=False),
        sa.Column("vehicle", sa.String(), nullable=False),
        sa.Column("ford_limit_m", sa.Float(), nullable=False),
        sa.Column("position", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column("position_at", _AT, nullable=False),
        sa.Column("is_on_duty", sa.Boolean(), nullable=False),
        sa.Column("trust", sa.String(), nullable=False),
        sa.CheckConstraint("vehicle IN ('car', 'truck', 'boat', 'foot')", name=op.f("ck_crew_vehicle")),
        sa.CheckConstraint("trust IN ('real', 'derived', 'simulated')", name=op.f("ck_crew_trust")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crew")),
        sa.UniqueConstraint("code", name=op.f("uq_crew_code")),
    )
    op.create_index("ix_crew_position", "crew", ["position"], postgresql_using="gist")
    weights = op.create_table(
        "priority_weights",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("weights", JSONB(), nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_priority_weights")),
    )
    op.bulk_insert(
        weights, [{"version": 1, "weights": _FIRST_WEIGHTS, "created_at": datetime(2026, 11, 1, tzinfo=UTC)}]
    )


def _job() -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("incident_id", sa.BigInteger(), sa.ForeignKey("incident.id", ondelete="CASCADE"), nullable=False),
        sa.Column("crew_id", sa.Integer(), sa.ForeignKey("crew.id", ondelete="SET NULL")),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("needs", ARRAY(sa.Text()), nullable=False),
        sa.Column("tier", sa.SmallInteger(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("terms", JSONB(), nullable=False),
        sa.Column("weights_version", sa.Integer(), sa.ForeignKey("priority_weights.version"), nullable=False),
        sa.Column("route", _line()),
        sa.Column("travel_s", sa.Float()),
        sa.Column("distance_m", sa.Float()),
        sa.Column("last_leg_m", sa.Float()),
        sa.Column("note", sa.String()),
        sa.Column("photo_id", sa.BigInteger(), sa.ForeignKey("photo.id", ondelete="SET NULL")),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("assigned_at", _AT),
        sa.Column("assigned_by", sa.String()),
        sa.Column("done_at", _AT),
        sa.CheckConstraint(
            "state IN ('open', 'assigned', 'accepted', 'en_route', 'on_scene', 'done', 'failed', 'cancelled')",
            name=op.f("ck_job_state"),
        ),
        sa.CheckConstraint("tier BETWEEN 1 AND 4", name=op.f("ck_job_tier")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index(
        "uq_job_live",
        "job",
        ["incident_id"],
        unique=True,
        postgresql_where=sa.text("state NOT IN ('done', 'failed', 'cancelled')"),
    )
    op.create_index("ix_job_state", "job", ["state"])
    op.create_index("ix_job_crew_id", "job", ["crew_id"])


def _event_and_suggestion() -> None:
    op.create_table(
        "job_crew",
        sa.Column(
            "job_id",
            sa.BigInteger(),
            sa.ForeignKey("job.id", ondelete="CASCADE"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column(
            "crew_id",
            sa.Integer(),
            sa.ForeignKey("crew.id", ondelete="CASCADE"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("assigned_at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("job_id", "crew_id", name=op.f("pk_job_crew")),
    )
    op.create_table(
        "job_event",
        sa.Column("client_event_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), sa.ForeignKey("job.id", ondelete="CASCADE"), nullable=False),
        sa.Column("crew_id", sa.Integer(), sa.ForeignKey("crew.id", ondelete="SET NULL")),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("happened_at", _AT, nullable=False),
        sa.Column("received_at", _AT, nullable=False),
        sa.Column("account_id", sa.Integer()),
        sa.Column("note", sa.String()),
        sa.Column("is_late", sa.Boolean(), nullable=False),
        sa.Column("is_clock_doubtful", sa.Boolean(), nullable=False),
        sa.Column("state_after", sa.String(), nullable=False),
        sa.CheckConstraint("kind IN ('accept', 'depart', 'arrive', 'finish', 'fail')", name=op.f("ck_job_event_kind")),
        sa.PrimaryKeyConstraint("client_event_id", name=op.f("pk_job_event")),
    )
    op.create_index("ix_job_event_job_id", "job_event", ["job_id"])
    op.create_table(
        "crew_suggestion",
        sa.Column(
            "job_id",
            sa.BigInteger(),
            sa.ForeignKey("job.id", ondelete="CASCADE"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column(
            "crew_id",
            sa.Integer(),
            sa.ForeignKey("crew.id", ondelete="CASCADE"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("is_excluded", sa.Boolean(), nullable=False),
        sa.Column("reason_key", sa.String(), nullable=False),
        sa.Column("reason_slots", JSONB(), nullable=False),
        sa.Column("travel_s", sa.Float()),
        sa.Column("distance_m", sa.Float()),
        sa.Column("last_leg_m", sa.Float()),
        sa.Column("route", _line()),
        sa.Column("computed_at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("job_id", "crew_id", name=op.f("pk_crew_suggestion")),
    )


def upgrade() -> None:
    """The tables of dispatch exist."""
    _crew_and_weights()
    _job()
    _event_and_suggestion()


def downgrade() -> None:
    """The tables of dispatch are gone."""
    for table in ("crew_suggestion", "job_event", "job_crew", "job", "priority_weights", "crew"):
        op.drop_table(table)
