"""Words by hazard, reviewed by a second person; pictures of zones; residents' answers, offers and the reminder."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0057_words"
down_revision = "0056_called_back"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_KEY = ["version", "hazard", "level", "language"]


def upgrade() -> None:
    """Every word that was there is about floods."""
    op.add_column("alert_template", sa.Column("hazard", sa.String, nullable=False, server_default="flood"))
    op.add_column("alert_template", sa.Column("expected", sa.String, nullable=False, server_default=""))
    op.execute("UPDATE alert_template SET expected = situation")
    for column in ("hazard", "expected"):
        op.alter_column("alert_template", column, server_default=None)
    op.drop_constraint("pk_alert_template", "alert_template", type_="primary")
    op.create_primary_key("pk_alert_template", "alert_template", _KEY)
    _versions()
    _answers()


def _versions() -> None:
    op.create_table(
        "template_version",
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("based_on", sa.Integer, nullable=False),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("drafted_by", sa.BigInteger, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("drafted_at", _AT, nullable=False),
        sa.Column("reviewed_by", sa.BigInteger, sa.ForeignKey("account.id")),
        sa.Column("reviewed_at", _AT),
        sa.CheckConstraint("version >= 1001", name="of_city"),
        sa.CheckConstraint("reviewed_by <> drafted_by", name="two_people"),
        sa.CheckConstraint("(reviewed_by IS NULL) = (reviewed_at IS NULL)", name="reviewed"),
    )
    op.create_table(
        "zone_picture",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("level", sa.SmallInteger, nullable=False),
        sa.Column("zone_ids", ARRAY(sa.BigInteger), nullable=False),
        sa.Column("token", sa.String, nullable=False, unique=True),
        sa.Column("width_px", sa.Integer, nullable=False),
        sa.Column("height_px", sa.Integer, nullable=False),
        sa.Column("picture", sa.LargeBinary, nullable=False),
        sa.Column("drawn_at", _AT, nullable=False),
    )


def _answers() -> None:
    op.create_table(
        "alert_answer",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("alert_id", sa.BigInteger, sa.ForeignKey("alert.id", ondelete="CASCADE"), nullable=False),
        sa.Column("resident_id", sa.BigInteger, sa.ForeignKey("resident.id", ondelete="CASCADE"), nullable=False),
        sa.Column("answer", sa.String, nullable=False),
        sa.Column("answered_at", _AT, nullable=False),
        sa.CheckConstraint("answer IN ('safe', 'help', 'can_help')", name="answer"),
    )
    op.create_index("ix_alert_answer_alert_id", "alert_answer", ["alert_id", "resident_id", "id"])
    op.create_index("ix_alert_answer_resident_id", "alert_answer", ["resident_id"])
    op.execute(
        "INSERT INTO alert_answer (alert_id, resident_id, answer, answered_at) "
        "SELECT alert_id, resident_id, answer, answered_at FROM alert_recipient "
        "WHERE answer IN ('safe', 'help') AND answered_at IS NOT NULL"
    )
    op.create_table(
        "help_offer",
        sa.Column("alert_id", sa.BigInteger, sa.ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("resident_id", sa.BigInteger, sa.ForeignKey("resident.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("offered_at", _AT, nullable=False),
        sa.CheckConstraint("kind IN ('boat', 'pickup', 'room', 'hands')", name="kind"),
    )
    op.create_index("ix_help_offer_resident_id", "help_offer", ["resident_id"])
    op.create_table(
        "alert_reminder",
        sa.Column(
            "alert_id",
            sa.BigInteger,
            sa.ForeignKey("alert.id", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("asked_by", sa.BigInteger, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("asked_at", _AT, nullable=False),
        sa.Column("recipients", sa.Integer, nullable=False),
        sa.Column("chunk_ids", ARRAY(sa.BigInteger), nullable=False),
    )


def downgrade() -> None:
    """Only the words about floods are left."""
    for table in ("alert_reminder", "help_offer", "alert_answer", "zone_picture", "template_version"):
        op.drop_table(table)
    op.execute("DELETE FROM alert_template WHERE hazard <> 'flood'")
    op.drop_constraint("pk_alert_template", "alert_template", type_="primary")
    op.drop_column("alert_template", "hazard")
    op.drop_column("alert_template", "expected")
    op.create_primary_key("pk_alert_template", "alert_template", ["version", "level", "language"])
