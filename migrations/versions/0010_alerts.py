"""Tables of alerts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0010_alerts"
down_revision = "0009_incidents"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
STATES = "'proposed', 'approved', 'sending', 'active', 'closed', 'declined', 'superseded'"


def upgrade() -> None:
    """The tables of alerts exist."""
    _words()
    _alerts()
    _recipients()


def downgrade() -> None:
    """The tables of alerts are gone."""
    for table in ("alert_recipient", "alert_zone", "alert", "alert_vocabulary", "alert_template", "alert_rule"):
        op.drop_table(table)


def _words() -> None:
    op.create_table(
        "alert_rule",
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("level", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("min_severity", sa.SmallInteger, nullable=False),
        sa.Column("is_proposed", sa.Boolean, nullable=False),
        sa.Column("lasts_s", sa.Integer, nullable=False),
        sa.Column("declined_holds_s", sa.Integer, nullable=False),
        sa.Column("priority", sa.SmallInteger, nullable=False),
    )
    op.create_table(
        "alert_template",
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("level", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("language", sa.String, primary_key=True),
        *(sa.Column(name, sa.String, nullable=False) for name in ("title", "situation", "action", "alt")),
    )
    op.create_table(
        "alert_vocabulary",
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("language", sa.String, primary_key=True),
        sa.Column("words", JSONB, nullable=False),
    )


def _alerts() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("number", sa.String, nullable=False, unique=True),
        sa.Column("event_id", sa.BigInteger, nullable=False, index=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("level", sa.SmallInteger, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("run_id", sa.BigInteger),
        sa.Column("depth_class", sa.SmallInteger, nullable=False),
        sa.Column("words_version", sa.Integer, nullable=False),
        sa.Column("policy_version", sa.Integer, nullable=False),
        sa.Column("proposed_at", _AT, nullable=False),
        sa.Column("revised_at", _AT, nullable=False),
        sa.Column("proposed_by", sa.BigInteger, sa.ForeignKey("account.id")),
        sa.Column("evidence", JSONB, nullable=False),
        sa.Column("texts", JSONB, nullable=False),
        sa.Column("audience_count", sa.Integer, nullable=False),
        sa.Column("audience_hash", sa.String, nullable=False),
        sa.Column("audience_by_language", JSONB, nullable=False),
        sa.Column("vulnerable_count", sa.Integer, nullable=False),
        sa.Column("suppressed_by_reason", JSONB, nullable=False),
        sa.Column("trigger_received_wall_at", _AT),
        sa.Column("approved_by", sa.BigInteger, sa.ForeignKey("account.id")),
        sa.Column("approved_at", _AT),
        sa.Column("approved_wall_at", _AT),
        sa.Column("expires_at", _AT),
        sa.Column("delivered_wall_at", _AT),
        sa.Column("accepted_last_wall_at", _AT),
        sa.Column("closed_at", _AT),
        sa.Column("closed_reason", sa.String),
        sa.Column("references", ARRAY(sa.BigInteger), nullable=False),
        sa.Column("previous_alert_id", sa.BigInteger, sa.ForeignKey("alert.id")),
        sa.Column("cap_identifier", sa.String),
        sa.Column("cap_xml", sa.String),
        sa.CheckConstraint("kind IN ('alert', 'update', 'all_clear')", name="kind"),
        sa.CheckConstraint("level BETWEEN 1 AND 3", name="level"),
        sa.CheckConstraint(f"state IN ({STATES})", name="state"),
    )
    # Never two open proposals of a level, nor two open all-clears of an event, whatever runs at the same time.
    op.create_index(
        "uq_alert_open_level",
        "alert",
        ["level"],
        unique=True,
        postgresql_where=sa.text("state = 'proposed' AND kind <> 'all_clear'"),
    )
    op.create_index(
        "uq_alert_open_all_clear",
        "alert",
        ["event_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('proposed', 'approved', 'sending') AND kind = 'all_clear'"),
    )


def _recipients() -> None:
    op.create_table(
        "alert_zone",
        sa.Column("alert_id", sa.BigInteger, sa.ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True),
        # No foreign key: an alert keeps the outline it was sent for, also when the city's zones are drawn anew.
        sa.Column("zone_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("zone_version", sa.Integer, nullable=False),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("name_th", sa.String, nullable=False),
        sa.Column("name_en", sa.String, nullable=False),
        sa.Column("geom", Geometry("MULTIPOLYGON", srid=4326, spatial_index=False), nullable=False),
    )
    op.create_index("ix_alert_zone_geom", "alert_zone", ["geom"], postgresql_using="gist")
    op.create_table(
        "alert_recipient",
        sa.Column("alert_id", sa.BigInteger, sa.ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("resident_id", sa.BigInteger, sa.ForeignKey("resident.id", ondelete="CASCADE"), primary_key=True),
        # No foreign key: a home may move or go, the record of why somebody was told stays.
        sa.Column("home_id", sa.BigInteger),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("chunk_id", sa.BigInteger),
        sa.Column("answer", sa.String),
        sa.Column("answered_at", _AT),
        sa.CheckConstraint("state IN ('frozen', 'queued', 'suppressed')", name="state"),
        # Half of each page stays free: a recipient's chunk is written beside the row, and no index is touched (HOT).
        postgresql_with={"fillfactor": "50"},
    )
    op.create_index("ix_alert_recipient_resident_id", "alert_recipient", ["resident_id"])
