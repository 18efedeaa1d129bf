"""Pictures of hours to come stand beside those of what is: each with the time it is valid at and what it began from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017_forecast_runs"
down_revision = "0016_import"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Every picture says how far ahead it looks; those that exist look at their own moment."""
    op.add_column("flood_run", sa.Column("horizon_min", sa.SmallInteger(), nullable=False, server_default="0"))
    op.add_column("flood_run", sa.Column("valid_at", sa.DateTime(timezone=True)))
    op.add_column("flood_run", sa.Column("basis_run_id", sa.BigInteger()))
    op.add_column("flood_run", sa.Column("not_counted", postgresql.JSONB(), nullable=False, server_default="{}"))
    op.execute("UPDATE flood_run SET valid_at = computed_at")
    op.alter_column("flood_run", "valid_at", nullable=False)
    op.create_foreign_key(
        op.f("fk_flood_run_basis_run_id_flood_run"), "flood_run", "flood_run", ["basis_run_id"], ["id"],
        ondelete="CASCADE",
    )
    op.create_check_constraint(
        op.f("ck_flood_run_basis"), "flood_run", "(horizon_min = 0) = (basis_run_id IS NULL) AND horizon_min >= 0"
    )
    op.create_index("ix_flood_run_ahead", "flood_run", ["basis_run_id", "horizon_min"], unique=True,
                    postgresql_where=sa.text("basis_run_id IS NOT NULL"))
    op.create_index("ix_flood_run_observed", "flood_run", ["id"], postgresql_where=sa.text("horizon_min = 0"))


def downgrade() -> None:
    """Only pictures of what is are left."""
    op.execute("DELETE FROM flood_run WHERE horizon_min > 0")
    op.drop_index("ix_flood_run_observed", "flood_run")
    op.drop_index("ix_flood_run_ahead", "flood_run")
    op.drop_constraint(op.f("ck_flood_run_basis"), "flood_run")
    op.drop_constraint(op.f("fk_flood_run_basis_run_id_flood_run"), "flood_run")
    for column in ("not_counted", "basis_run_id", "valid_at", "horizon_min"):
        op.drop_column("flood_run", column)
