"""Open ways in: how categories stand open, keys, what came under whose number."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Session

revision = "0037_exchange"
down_revision = "0036_understanding"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_BEFORE = "source IN ('line', 'officer', 'open311', 'phone')"
_SINCE = "source IN ('line', 'officer', 'open311', 'phone', 'web', 'traffy')"


def _services() -> None:
    op.create_table(
        "open_service",
        sa.Column("category_code", sa.String, sa.ForeignKey("category.code", ondelete="CASCADE"), primary_key=True),
        sa.Column("service_type", sa.String, nullable=False),
        sa.Column("exposure", sa.String, nullable=False),
        sa.Column("questions", JSONB, nullable=False),
        sa.CheckConstraint(
            "service_type IN ('realtime', 'batch', 'blackbox')", name=op.f("ck_open_service_service_type")
        ),
        sa.CheckConstraint("exposure IN ('open', 'coarse', 'hidden')", name=op.f("ck_open_service_exposure")),
    )
    op.create_table(
        "services_change",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("changed_at", _AT, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_services_change_single")),
    )


def _keys() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("key_hash", sa.LargeBinary, nullable=False),
        sa.Column("scopes", ARRAY(sa.Text), nullable=False),
        sa.Column("agency_code", sa.String, sa.ForeignKey("agency.code", ondelete="SET NULL")),
        sa.Column("per_minute", sa.Integer, nullable=False),
        sa.Column("made_at", _AT, nullable=False),
        sa.Column("revoked_at", _AT),
        sa.CheckConstraint("per_minute > 0", name=op.f("ck_api_key_per_minute")),
        sa.UniqueConstraint("name", name="uq_api_key_name"),
        sa.UniqueConstraint("key_hash", name="uq_api_key_key_hash"),
    )
    op.create_table(
        "door_use",
        sa.Column("door", sa.String, primary_key=True),
        sa.Column("who", sa.LargeBinary, primary_key=True),
        sa.Column("minute_wall_at", _AT, primary_key=True),
        sa.Column("uses", sa.Integer, nullable=False),
    )


def _numbers() -> None:
    op.create_table(
        "service_request",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("door", sa.String, nullable=False),
        sa.Column("request_id", sa.String, nullable=False),
        sa.Column("token", sa.String),
        sa.Column("key_id", sa.Integer, sa.ForeignKey("api_key.id", ondelete="SET NULL")),
        sa.Column("report_id", sa.BigInteger, sa.ForeignKey("report.id", ondelete="CASCADE"), nullable=False),
        sa.Column("has_joined", sa.Boolean, nullable=False),
        sa.Column("description", sa.String, nullable=False),
        sa.Column("answers", JSONB, nullable=False),
        sa.Column("media_urls", ARRAY(sa.Text), nullable=False),
        sa.Column("contact_sealed", sa.LargeBinary),
        sa.Column("repeat_key", sa.LargeBinary, nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.CheckConstraint("door IN ('open311', 'web', 'traffy')", name=op.f("ck_service_request_door")),
        sa.UniqueConstraint("request_id", name="uq_service_request_request_id"),
        sa.UniqueConstraint("token", name="uq_service_request_token"),
    )
    op.create_index("ix_service_request_report_id", "service_request", ["report_id"])
    op.create_index("ix_service_request_repeat_key", "service_request", ["repeat_key", "created_at"])
    op.create_table(
        "foreign_id",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("system", sa.String, nullable=False),
        sa.Column("foreign_id", sa.String, nullable=False),
        sa.Column("direction", sa.String, nullable=False),
        sa.Column("version", _AT),
        sa.Column("incident_id", sa.BigInteger, sa.ForeignKey("incident.id", ondelete="CASCADE"), nullable=False),
        sa.Column("report_id", sa.BigInteger, sa.ForeignKey("report.id", ondelete="CASCADE")),
        sa.Column("noted_at", _AT, nullable=False),
        sa.CheckConstraint("direction IN ('in', 'out')", name=op.f("ck_foreign_id_direction")),
        sa.UniqueConstraint("system", "foreign_id", name="uq_foreign_id_system_foreign_id"),
    )
    op.create_index("ix_foreign_id_incident_id", "foreign_id", ["incident_id"])


def _open_what_is_there() -> None:
    """The categories of a city that stands already are open as the house ships them, as those of a new city."""
    from incidents.exchange import services

    services.load_shipped(Session(bind=op.get_bind()))


def upgrade() -> None:
    """Reports may come by the web and from Traffy; lists by the time of opening have their index."""
    op.drop_constraint(op.f("ck_report_source"), "report")
    op.create_check_constraint(op.f("ck_report_source"), "report", _SINCE)
    op.create_index("ix_incident_opened_at", "incident", ["opened_at"])
    _services()
    _keys()
    _numbers()
    _open_what_is_there()


def downgrade() -> None:
    """The ways are closed; what came through them stays, as told by an officer."""
    for table in ("foreign_id", "service_request", "door_use", "api_key", "services_change", "open_service"):
        op.drop_table(table)
    op.drop_index("ix_incident_opened_at", "incident")
    op.execute("UPDATE report SET source = 'officer' WHERE source IN ('web', 'traffy')")
    op.drop_constraint(op.f("ck_report_source"), "report")
    op.create_check_constraint(op.f("ck_report_source"), "report", _BEFORE)
