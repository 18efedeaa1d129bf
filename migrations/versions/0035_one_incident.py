"""One incident, once: which are perhaps the same, which were merged or split, and the open ones found by place."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0035_one_incident"
down_revision = "0034_people"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_OPEN = "state IN ('new', 'accepted', 'in_progress', 'reopened')"


def upgrade() -> None:
    """Every incident of before is nobody's double."""
    op.add_column("incident", sa.Column("merged_into_id", sa.BigInteger()))
    op.create_foreign_key(
        op.f("fk_incident_merged_into_id_incident"), "incident", "incident", ["merged_into_id"], ["id"],
        ondelete="SET NULL",
    )
    op.create_index(
        "ix_incident_merged_into_id", "incident", ["merged_into_id"],
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    )
    op.create_index(
        "ix_incident_open_place", "incident", ["place"], postgresql_using="gist", postgresql_where=sa.text(_OPEN)
    )
    op.create_table(
        "incident_likeness",
        sa.Column("incident_id", sa.BigInteger(), sa.ForeignKey("incident.id", ondelete="CASCADE"), nullable=False),
        sa.Column("other_id", sa.BigInteger(), sa.ForeignKey("incident.id", ondelete="CASCADE"), nullable=False),
        sa.Column("score", sa.Float()),
        sa.Column("terms", JSONB()),
        sa.Column("found_at", _AT, nullable=False),
        sa.Column("verdict", sa.String()),
        sa.Column("decided_at", _AT),
        sa.Column("decided_by", sa.String()),
        sa.CheckConstraint("verdict IN ('same', 'different')", name=op.f("ck_incident_likeness_verdict")),
        sa.CheckConstraint("incident_id > other_id", name=op.f("ck_incident_likeness_later_first")),
        sa.PrimaryKeyConstraint("incident_id", "other_id", name=op.f("pk_incident_likeness")),
    )
    op.create_index("ix_incident_likeness_other_id", "incident_likeness", ["other_id"])
    op.create_table(
        "incident_merge",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("merged_id", sa.BigInteger(), sa.ForeignKey("incident.id", ondelete="CASCADE"), nullable=False),
        sa.Column("into_id", sa.BigInteger(), sa.ForeignKey("incident.id", ondelete="CASCADE"), nullable=False),
        sa.Column("merged_at", _AT, nullable=False),
        sa.Column("merged_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("report_ids", ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("photo_ids", ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("merged_before", JSONB(), nullable=False),
        sa.Column("into_before", JSONB(), nullable=False),
        sa.Column("undone_at", _AT),
        sa.Column("undone_by", sa.String()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_merge")),
    )
    op.create_index(
        "uq_incident_merge_standing", "incident_merge", ["merged_id"], unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_index("ix_incident_merge_into_id", "incident_merge", ["into_id"])
    op.create_table(
        "job_move",
        sa.Column("merge_id", sa.BigInteger(), sa.ForeignKey("incident_merge.id", ondelete="CASCADE"), nullable=False),
        sa.Column("job_id", sa.BigInteger(), sa.ForeignKey("job.id", ondelete="CASCADE"), nullable=False),
        sa.PrimaryKeyConstraint("merge_id", "job_id", name=op.f("pk_job_move")),
    )


def downgrade() -> None:
    """Merged incidents stay closed, each under its own number."""
    op.drop_table("job_move")
    op.drop_table("incident_merge")
    op.drop_table("incident_likeness")
    op.drop_index("ix_incident_open_place", "incident")
    op.drop_index("ix_incident_merged_into_id", "incident")
    op.drop_constraint(op.f("fk_incident_merged_into_id_incident"), "incident")
    op.drop_column("incident", "merged_into_id")
