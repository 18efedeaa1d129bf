"""An alert's states from draft to end, its first of two people, quiet hours, armed sending, targets and thread."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0053_alert_states"
down_revision = "0052_paged_open_data"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_STATES = (
    "'draft', 'proposed', 'approved', 'sending', 'active', 'updated', 'cancelled', 'ended', 'declined', 'withdrawn'"
)
_STATES_BEFORE = "'proposed', 'approved', 'sending', 'active', 'closed', 'declined', 'superseded'"
_ACCOUNT = "account.id"


def _rule_columns() -> tuple[sa.Column[Any], ...]:
    # A city's own versions keep what they said; the new columns begin with what comes with Faonam.
    return (
        sa.Column("persons", sa.SmallInteger, nullable=False, server_default="1"),
        sa.Column("needs_typed_name", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("is_quiet_at_night", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("quiet_from_h", sa.SmallInteger, nullable=False, server_default="22"),
        sa.Column("quiet_to_h", sa.SmallInteger, nullable=False, server_default="6"),
        sa.Column("check_holds_s", sa.Integer, nullable=False, server_default="1800"),
        sa.Column("may_be_armed", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("armed_delay_s", sa.Integer, nullable=False, server_default="180"),
        sa.Column("armed_at_most_s", sa.Integer, nullable=False, server_default="43200"),
    )


def _alert_columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("hazard", sa.String, nullable=False, server_default="flood"),
        sa.Column("source", sa.String, nullable=False, server_default="rule"),
        sa.Column("outside_id", sa.BigInteger),
        sa.Column("is_exercise", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("own_words", JSONB),
        sa.Column("checked_by", sa.BigInteger, sa.ForeignKey(_ACCOUNT)),
        sa.Column("checked_at", _AT),
        sa.Column("hold_until_at", _AT),
        sa.Column("sends_itself_at", _AT),
        sa.Column("armed_policy_id", sa.BigInteger),
    )



def upgrade() -> None:
    """Alerts have their states, and what decides about them has tables."""
    _states()
    _policies()
    _targets()
    _threads()


def downgrade() -> None:
    """Alerts have the states they had; drafts, news and exercises are gone."""
    for table in ("alert_thread", "alert_target", "armed_policy"):
        op.drop_table(table)
    op.execute("DROP FUNCTION alert_thread_only_grows()")
    op.execute("DELETE FROM alert WHERE state = 'draft' OR kind = 'news' OR is_exercise")
    for name in ("state", "kind", "level", "source"):
        op.drop_constraint(op.f(f"ck_alert_{name}"), "alert", type_="check")
    op.execute("UPDATE alert SET state = 'superseded' WHERE state IN ('updated', 'withdrawn')")
    op.execute("UPDATE alert SET state = 'closed' WHERE state IN ('ended', 'cancelled')")
    op.drop_index("uq_alert_open_level", table_name="alert")
    op.drop_index("ix_alert_hold_until_at", table_name="alert")
    op.drop_index("ix_alert_sends_itself_at", table_name="alert")
    for column in _alert_columns():
        op.drop_column("alert", column.name)
    for column in _rule_columns():
        op.drop_column("alert_rule", column.name)
    op.create_check_constraint(op.f("ck_alert_kind"), "alert", "kind IN ('alert', 'update', 'all_clear')")
    op.create_check_constraint(op.f("ck_alert_level"), "alert", "level BETWEEN 1 AND 3")
    op.create_check_constraint(op.f("ck_alert_state"), "alert", f"state IN ({_STATES_BEFORE})")
    op.create_index(
        "uq_alert_open_level", "alert", ["level"], unique=True,
        postgresql_where=sa.text("state = 'proposed' AND kind <> 'all_clear'"),
    )


def _states() -> None:
    for name in ("state", "kind", "level"):
        op.drop_constraint(op.f(f"ck_alert_{name}"), "alert", type_="check")
    op.drop_index("uq_alert_open_level", table_name="alert")
    for column in _alert_columns():
        op.add_column("alert", column)
    op.execute("UPDATE alert SET source = 'officer' WHERE proposed_by IS NOT NULL")
    op.execute(
        "UPDATE alert SET state = CASE WHEN state = 'superseded' AND approved_at IS NULL THEN 'withdrawn' "
        "WHEN state = 'superseded' THEN 'updated' ELSE 'ended' END WHERE state IN ('superseded', 'closed')"
    )
    op.create_check_constraint(op.f("ck_alert_kind"), "alert", "kind IN ('alert', 'update', 'all_clear', 'news')")
    is_news = "level BETWEEN 0 AND 3 AND (level = 0) = (kind = 'news')"
    op.create_check_constraint(op.f("ck_alert_level"), "alert", is_news)
    op.create_check_constraint(op.f("ck_alert_state"), "alert", f"state IN ({_STATES})")
    op.create_check_constraint(op.f("ck_alert_source"), "alert", "source IN ('rule', 'officer', 'outside')")
    # Never two open proposals of the rules for one level, whatever runs at the same time.
    op.create_index(
        "uq_alert_open_level", "alert", ["level"], unique=True,
        postgresql_where=sa.text("state = 'proposed' AND kind IN ('alert', 'update') AND source = 'rule'"),
    )
    for name, state in (("hold_until_at", "approved"), ("sends_itself_at", "proposed")):
        op.create_index(
            f"ix_alert_{name}", "alert", [name], postgresql_where=sa.text(f"{name} IS NOT NULL AND state = '{state}'")
        )


def _policies() -> None:
    for column in _rule_columns():
        op.add_column("alert_rule", column)
    op.create_table(
        "armed_policy",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("level", sa.SmallInteger, nullable=False),
        sa.Column("owner_id", sa.BigInteger, sa.ForeignKey(_ACCOUNT), nullable=False),
        sa.Column("armed_by", sa.BigInteger, sa.ForeignKey(_ACCOUNT), nullable=False),
        sa.Column("armed_at", _AT, nullable=False),
        sa.Column("expires_at", _AT, nullable=False),
        sa.Column("delay_s", sa.Integer, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("disarmed_by", sa.BigInteger, sa.ForeignKey(_ACCOUNT)),
        sa.Column("disarmed_at", _AT),
        sa.CheckConstraint("owner_id <> armed_by", name="two_people"),
        sa.CheckConstraint("expires_at > armed_at", name="ends"),
        sa.CheckConstraint("delay_s >= 30", name="can_be_stopped"),
    )
    op.create_index(
        "uq_armed_policy_level", "armed_policy", ["level"], unique=True,
        postgresql_where=sa.text("disarmed_at IS NULL"),
    )


def _targets() -> None:
    op.create_table(
        "alert_target",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("alert_id", sa.BigInteger, sa.ForeignKey("alert.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("ref_id", sa.BigInteger),
        sa.CheckConstraint("kind IN ('area', 'group', 'person', 'everyone')", name="kind"),
        sa.CheckConstraint("(kind = 'everyone') = (ref_id IS NULL)", name="ref"),
        sa.UniqueConstraint("alert_id", "kind", "ref_id", postgresql_nulls_not_distinct=True),
    )


def _threads() -> None:
    op.create_table(
        "alert_thread",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("event_id", sa.BigInteger, nullable=False),
        # No foreign key: what happened stays on record whatever becomes of the alert.
        sa.Column("alert_id", sa.BigInteger),
        sa.Column("happened_at", _AT, nullable=False),
        sa.Column("happened_wall_at", _AT, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("account_id", sa.BigInteger, sa.ForeignKey(_ACCOUNT)),
        sa.Column("detail", JSONB, nullable=False),
    )
    op.create_index("ix_alert_thread_event_id", "alert_thread", ["event_id", "id"])
    op.create_index("ix_alert_thread_alert_id", "alert_thread", ["alert_id"])
    op.execute(
        "CREATE FUNCTION alert_thread_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF TG_OP = 'UPDATE' AND ROW(OLD.id, OLD.alert_id, OLD.happened_at, OLD.kind, OLD.account_id, OLD.detail) "
        "IS NOT DISTINCT FROM ROW(NEW.id, NEW.alert_id, NEW.happened_at, NEW.kind, NEW.account_id, NEW.detail) "
        "THEN RETURN NEW; END IF; "  # Two events that turn out to be one flood become one thread.
        "RAISE EXCEPTION 'what happened to an alert is not changed afterwards'; END $$"
    )
    op.execute(
        "CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON alert_thread "
        "FOR EACH ROW EXECUTE FUNCTION alert_thread_only_grows()"
    )
