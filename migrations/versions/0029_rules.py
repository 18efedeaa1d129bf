"""Rules of the watch as versions that only grow, where each stands, and what each has changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0029_rules"
down_revision = "0028_feeds"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No rule but those of thresholds counts; changes from before were theirs (version 0)."""
    op.create_table(
        "watch_rule",
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("key", sa.Uuid, nullable=False, server_default=sa.text("gen_random_uuid()")),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("document", JSONB, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("valid_from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.BigInteger, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.UniqueConstraint("code", "version", name=op.f("uq_watch_rule_code_version")),
        sa.CheckConstraint("version > 0", name=op.f("ck_watch_rule_version")),
    )
    op.execute(
        "CREATE FUNCTION watch_rule_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'a version of a rule never changes'; END $$"
    )
    op.execute(
        "CREATE TRIGGER watch_rule_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON watch_rule "
        "FOR EACH STATEMENT EXECUTE FUNCTION watch_rule_only_grows()"
    )
    op.create_table(
        "watch_rule_state",
        sa.Column("rule_code", sa.String, primary_key=True),
        sa.Column("rule_version", sa.Integer, nullable=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True)),
        sa.Column("condition", sa.SmallInteger, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "watch_rule_change",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("rule_code", sa.String, nullable=False),
        sa.Column("rule_version", sa.Integer, nullable=False),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("from_state", sa.SmallInteger, nullable=False),
        sa.Column("to_state", sa.SmallInteger, nullable=False),
        sa.Column("condition", sa.SmallInteger, nullable=False),
        sa.Column("is_announced", sa.Boolean, nullable=False),
        sa.Column("value", sa.Double),
        sa.Column("received_wall_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_watch_rule_change_rule_code", "watch_rule_change", ["rule_code", "observed_at"])
    op.add_column("level_state_change", sa.Column("rule_version", sa.Integer, nullable=False, server_default="0"))


def downgrade() -> None:
    """Only the levels of thresholds are watched."""
    op.drop_column("level_state_change", "rule_version")
    op.drop_table("watch_rule_change")
    op.drop_table("watch_rule_state")
    op.drop_table("watch_rule")
    op.execute("DROP FUNCTION watch_rule_only_grows()")
