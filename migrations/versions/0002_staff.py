"""Tables of staff."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002_staff"
down_revision = "0001_core"
branch_labels = None
depends_on = None

KNOWN_ROLES = (
    "roles <@ ARRAY['viewer','officer','approver','dispatcher','crew','admin']::text[] AND cardinality(roles) > 0"
)


def upgrade() -> None:
    """The tables of staff exist, and the audit log can only grow."""
    op.create_table(
        "account",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("username", sa.String, nullable=False),
        sa.Column("display_name", sa.String, nullable=False),
        sa.Column("password_hash", sa.String, nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("crew_code", sa.String),
        sa.Column("is_active", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("username", name=op.f("uq_account_username")),
        sa.CheckConstraint(KNOWN_ROLES, name=op.f("ck_account_known_roles")),
    )
    op.create_table(
        "sign_in",
        sa.Column("token_hash", sa.LargeBinary, primary_key=True),
        sa.Column("account_id", sa.BigInteger, sa.ForeignKey("account.id"), nullable=False, index=True),
        sa.Column("created_wall_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_wall_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "sign_in_failure",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("username", sa.String, nullable=False),
        sa.Column("address", sa.String, nullable=False),
        sa.Column("failed_wall_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_sign_in_failure_address_failed_wall_at", "sign_in_failure", ["address", "failed_wall_at"])
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("recorded_wall_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", sa.BigInteger, sa.ForeignKey("account.id")),
        sa.Column("username", sa.String, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("detail", postgresql.JSONB, nullable=False),
    )
    op.execute(
        """
        CREATE FUNCTION audit_entry_only_grows() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'the audit log is never changed'; END $$
        """
    )
    op.execute(
        "CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON audit_entry "
        "FOR EACH ROW EXECUTE FUNCTION audit_entry_only_grows()"
    )


def downgrade() -> None:
    """The tables of staff are gone."""
    op.drop_table("audit_entry")
    op.execute("DROP FUNCTION audit_entry_only_grows()")
    op.drop_table("sign_in_failure")
    op.drop_table("sign_in")
    op.drop_table("account")
