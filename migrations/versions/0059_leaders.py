"""Who passes warnings on: leaders' groups on LINE, what they acknowledge, and whom to call if nobody does."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0059_leaders"
down_revision = "0058_event_outcome"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_PURPOSE = "ck_handed_code_purpose"


def _number() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True)


def _of(column: str, target: str, *, ondelete: str | None = None, **more: bool) -> sa.Column[int]:
    kind = sa.Integer if target in {"area.id", "zone.id"} else sa.BigInteger
    return sa.Column(column, kind, sa.ForeignKey(target, ondelete=ondelete), **more)  # type: ignore[arg-type]  # flags


def upgrade() -> None:
    """Groups, their zones, codes and leaders; calls and acknowledgements; lists of phone numbers, and calls by them."""
    op.execute("SET LOCAL lock_timeout = '10s'")
    op.drop_constraint(op.f(_PURPOSE), "handed_code")
    op.create_check_constraint(op.f(_PURPOSE), "handed_code", "purpose IN ('identity', 'group', 'leaders')")
    _groups()
    _acknowledgements()
    _escalations()


def _groups() -> None:
    op.create_table(
        "leader_group",
        _number(),
        sa.Column("name_th", sa.String, nullable=False),
        sa.Column("name_en", sa.String, nullable=False),
        sa.Column("language", sa.String, nullable=False),
        _of("area_id", "area.id", ondelete="SET NULL"),
        sa.Column("group_hash", sa.LargeBinary),
        sa.Column("group_sealed", sa.LargeBinary),
        sa.Column("member_count", sa.Integer),
        sa.Column("counted_at", _AT),
        _of("made_by", "account.id", nullable=False),
        sa.Column("made_at", _AT, nullable=False),
        sa.Column("opened_at", _AT),
        sa.Column("ended_at", _AT),
        sa.Column("ended_why", sa.String),
        sa.CheckConstraint("ended_why IN ('left', 'officer', 'moved')", name=op.f("ck_leader_group_ended_why")),
        sa.CheckConstraint("language IN ('th', 'en', 'ms', 'my')", name=op.f("ck_leader_group_language")),
    )
    op.create_index("uq_leader_group_group_hash", "leader_group", ["group_hash"], unique=True)
    op.create_table(
        "leader_group_zone",
        _of("leader_group_id", "leader_group.id", ondelete="CASCADE", primary_key=True),
        _of("zone_id", "zone.id", ondelete="CASCADE", primary_key=True),
    )
    op.create_table(
        "leader_code",
        _of("code_id", "handed_code.id", ondelete="CASCADE", primary_key=True, autoincrement=False),
        _of("leader_group_id", "leader_group.id", ondelete="CASCADE", nullable=False),
    )
    op.create_table(
        "leader",
        _of("leader_group_id", "leader_group.id", ondelete="CASCADE", primary_key=True),
        sa.Column("user_hash", sa.LargeBinary, primary_key=True),
        sa.Column("joined_at", _AT, nullable=False),
    )
    op.create_index("ix_leader_user_hash", "leader", ["user_hash"])


def _acknowledgements() -> None:
    op.create_table(
        "leader_call",
        _of("alert_id", "alert.id", ondelete="CASCADE", primary_key=True),
        _of("leader_group_id", "leader_group.id", ondelete="CASCADE", primary_key=True),
        sa.Column("told_at", _AT, nullable=False),
        sa.Column("homes", sa.Integer, nullable=False),
        sa.Column("vulnerable_homes", sa.Integer, nullable=False),
        sa.Column("member_count", sa.Integer, nullable=False),
    )
    op.create_table(
        "leader_acknowledgement",
        _of("alert_id", "alert.id", ondelete="CASCADE", primary_key=True),
        sa.Column("zone_id", sa.Integer, primary_key=True, autoincrement=False),
        _of("leader_group_id", "leader_group.id", ondelete="SET NULL"),
        sa.Column("way", sa.String, nullable=False),
        sa.Column("by_hash", sa.LargeBinary),
        sa.Column("by_sealed", sa.LargeBinary),
        _of("account_id", "account.id"),
        sa.Column("acknowledged_at", _AT, nullable=False),
        sa.CheckConstraint("way IN ('button', 'words', 'phone')", name=op.f("ck_leader_acknowledgement_way")),
    )
    op.create_index("ix_leader_acknowledgement_by_hash", "leader_acknowledgement", ["by_hash"])


def _escalations() -> None:
    op.create_table(
        "contact_list",
        _number(),
        _of("area_id", "area.id", ondelete="CASCADE"),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("name_sealed", sa.LargeBinary, nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary, nullable=False),
        sa.Column("phone_hash", sa.LargeBinary, nullable=False),
        sa.Column("is_wrong", sa.Boolean, server_default=sa.false(), nullable=False),
        _of("made_by", "account.id", nullable=False),
        sa.Column("made_at", _AT, nullable=False),
    )
    op.create_index("ix_contact_list_area_id", "contact_list", ["area_id", "position"])
    op.create_index("ix_contact_list_phone_hash", "contact_list", ["phone_hash"])
    op.create_table(
        "escalation_policy",
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("level", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("after_s", sa.Integer),
        _of("made_by", "account.id"),
        sa.Column("made_at", _AT, nullable=False),
        sa.CheckConstraint("after_s > 0", name=op.f("ck_escalation_policy_after_s")),
    )
    op.create_table(
        "escalation",
        _number(),
        _of("alert_id", "alert.id", ondelete="CASCADE", nullable=False),
        _of("area_id", "area.id", ondelete="CASCADE"),
        sa.Column("policy_version", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("opened_at", _AT, nullable=False),
        sa.Column("ended_at", _AT),
        sa.CheckConstraint(
            "state IN ('calling', 'reached', 'acknowledged', 'exhausted', 'stopped')",
            name=op.f("ck_escalation_state"),
        ),
    )
    op.create_index(
        "uq_escalation_alert_area", "escalation", ["alert_id", sa.text("coalesce(area_id, 0)")], unique=True
    )
    op.create_index(
        "ix_escalation_open", "escalation", ["id"], postgresql_where=sa.text("state IN ('calling', 'exhausted')")
    )
    op.create_table(
        "escalation_call",
        _number(),
        _of("escalation_id", "escalation.id", ondelete="CASCADE", nullable=False),
        _of("contact_id", "contact_list.id", ondelete="SET NULL"),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("opened_at", _AT, nullable=False),
        sa.Column("outcome", sa.String),
        sa.Column("note_sealed", sa.LargeBinary),
        sa.Column("outcome_at", _AT),
        _of("outcome_by", "account.id"),
        sa.CheckConstraint(
            "outcome IN ('reached', 'no_answer', 'wrong_number')", name=op.f("ck_escalation_call_outcome")
        ),
    )
    op.create_index("ix_escalation_call_escalation_id", "escalation_call", ["escalation_id"])
    op.create_index(
        "uq_escalation_call_open", "escalation_call", ["escalation_id"], unique=True,
        postgresql_where=sa.text("outcome IS NULL"),
    )


def downgrade() -> None:
    """Warnings go to residents alone; codes of leaders open nothing."""
    for table in (
        "escalation_call", "escalation", "escalation_policy", "contact_list", "leader_acknowledgement", "leader_call",
        "leader", "leader_code", "leader_group_zone", "leader_group",
    ):
        op.drop_table(table)
    op.execute("DELETE FROM handed_code WHERE purpose = 'leaders'")
    op.drop_constraint(op.f(_PURPOSE), "handed_code")
    op.create_check_constraint(op.f(_PURPOSE), "handed_code", "purpose IN ('identity', 'group')")
