"""Warnings of others: sources and how they do, documents as they came, warnings, the city's table in versions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0061_outside_warnings"
down_revision = "0060_no_news"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_TABLES = (
    "outside_mapping_row", "outside_mapping", "outside_warning_zone", "outside_warning", "outside_document",
    "outside_health", "outside_source",
)  # fmt: skip


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=nullable)


def _at(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, _AT, nullable=nullable)


def _json(name: str) -> sa.Column[object]:
    return sa.Column(name, JSONB, nullable=False)


def _source(*, is_key: bool = False) -> sa.Column[int]:
    to = sa.ForeignKey("outside_source.id", ondelete="CASCADE")
    return sa.Column("source_id", sa.Integer, to, nullable=False, primary_key=is_key, autoincrement=False)


def upgrade() -> None:
    """Others' warnings can be kept and mapped; no source is declared yet but the officers' own entries."""
    op.execute("SET LOCAL lock_timeout = '10s'")
    _sources()
    _warnings()
    _mapping()
    op.execute(
        "INSERT INTO outside_source (code, name_th, name_en, kind, period_s, options, is_enabled) VALUES "
        "('phone', 'โทรศัพท์แจ้งเจ้าหน้าที่', 'Told to an officer', 'officer', 86400, '{}', true)"
    )


def downgrade() -> None:
    """Nothing of what others warned of is kept."""
    for table in _TABLES:
        op.drop_table(table)


def _sources() -> None:
    op.create_table(
        "outside_source",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("code", sa.String, nullable=False, unique=True),
        _text("name_th"),
        _text("name_en"),
        _text("kind"),
        _text("url", nullable=True),
        sa.Column("period_s", sa.Integer, nullable=False),
        _json("options"),
        sa.Column("is_enabled", sa.Boolean, nullable=False),
        _text("extra_ca_pem", nullable=True),
        _text("secret_env", nullable=True),
        _text("secret_header", nullable=True),
        sa.Column("signing_sealed", sa.LargeBinary),
        sa.CheckConstraint(
            "kind IN ('cap', 'thaiwater_level', 'thaiwater_rain', 'dwr', 'webhook', 'officer')",
            name=op.f("ck_outside_source_kind"),
        ),
        sa.CheckConstraint("period_s > 0", name=op.f("ck_outside_source_period")),
    )
    op.create_table(
        "outside_health",
        _source(is_key=True),
        *(_at(f"{name}_wall_at") for name in ("last_attempt", "last_success", "failing_since", "next_attempt")),
        _at("newest_sent_at"),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        *(_text(name, nullable=True) for name in ("trouble", "trouble_detail", "etag", "last_modified")),
    )
    op.create_table(
        "outside_document",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        _source(),
        _text("address"),
        _text("call_id", nullable=True),
        *(_at(name, nullable=False) for name in ("received_at", "received_wall_at", "seen_wall_at")),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        _text("state"),
        _text("reason", nullable=True),
        _text("detail", nullable=True),
        _json("unread"),
        sa.CheckConstraint("state IN ('read', 'refused')", name=op.f("ck_outside_document_state")),
        sa.UniqueConstraint("source_id", "call_id"),
    )
    op.create_index("ix_outside_document_source_id", "outside_document", ["source_id", "address"])
    op.create_index("ix_outside_document_received_at", "outside_document", ["received_wall_at"])


def _warnings() -> None:
    op.create_table(
        "outside_warning",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        _source(),
        _text("identifier"),
        _text("sender"),
        sa.Column("issues", sa.Integer, nullable=False),
        sa.Column("document_id", sa.BigInteger, sa.ForeignKey("outside_document.id", ondelete="SET NULL")),
        _at("sent_at", nullable=False),
        _at("received_at", nullable=False),
        _at("effective_at"),
        _at("onset_at"),
        _at("expires_at", nullable=False),
        _text("state"),
        _at("ended_at"),
        sa.Column("replaced_by", sa.BigInteger),
        *(_text(name) for name in ("status", "message_type", "event", "hazard")),
        sa.Column("grade", sa.SmallInteger),
        *(_text(name) for name in ("severity", "urgency", "certainty")),
        *(_json(name) for name in ("words", "places", "references")),
        _text("station", nullable=True),
        _text("group_key", nullable=True),
        _json("facts"),
        _json("findings"),
        sa.Column("geom", Geometry("MULTIPOLYGON", srid=4326, spatial_index=False)),
        _text("reach"),
        sa.Column("is_wide", sa.Boolean, nullable=False),
        _text("acts_as"),
        sa.Column("level", sa.SmallInteger, nullable=False),
        sa.Column("mapped_row", sa.Integer),
        sa.Column("mapped_version", sa.Integer),
        _json("mapped_findings"),
        sa.Column("entered_by", sa.BigInteger, sa.ForeignKey("account.id")),
        sa.Column("contact_sealed", sa.LargeBinary),
        sa.CheckConstraint(
            "state IN ('current', 'replaced', 'cancelled', 'over')", name=op.f("ck_outside_warning_state")
        ),
        sa.CheckConstraint("acts_as IN ('context', 'proposal')", name=op.f("ck_outside_warning_acts_as")),
        sa.CheckConstraint("level BETWEEN 0 AND 3", name=op.f("ck_outside_warning_level")),
        sa.UniqueConstraint("source_id", "identifier"),
    )
    op.create_index(
        "ix_outside_warning_current", "outside_warning", ["expires_at"], postgresql_where=sa.text("state = 'current'")
    )
    op.create_index("ix_outside_warning_document_id", "outside_warning", ["document_id"])
    op.create_index("ix_outside_warning_geom", "outside_warning", ["geom"], postgresql_using="gist")
    op.create_table(
        "outside_warning_zone",
        sa.Column(
            "warning_id", sa.BigInteger, sa.ForeignKey("outside_warning.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("zone_id", sa.Integer, sa.ForeignKey("zone.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("level", sa.SmallInteger, nullable=False),
        _text("acts_as"),
        sa.Column("share", sa.Float, nullable=False),
    )
    op.create_index("ix_outside_warning_zone_zone_id", "outside_warning_zone", ["zone_id"])


def _mapping() -> None:
    op.create_table(
        "outside_mapping",
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        _at("made_at", nullable=False),
        sa.Column("made_by", sa.BigInteger, sa.ForeignKey("account.id")),
        _text("note"),
    )
    op.create_table(
        "outside_mapping_row",
        sa.Column(
            "version", sa.Integer, sa.ForeignKey("outside_mapping.version"), primary_key=True, autoincrement=False
        ),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        _text("source"),
        _text("event"),
        sa.Column("min_grade", sa.SmallInteger, nullable=False),
        _text("place_kind"),
        _text("area"),
        sa.Column("share", sa.Float, nullable=False),
        sa.Column("zones", ARRAY(sa.String), nullable=False),
        sa.Column("level", sa.SmallInteger, nullable=False),
        _text("acts_as"),
        _text("note"),
        sa.CheckConstraint(
            "place_kind IN ('station', 'code', 'name', 'polygon', '*')", name=op.f("ck_outside_mapping_row_place_kind")
        ),
        sa.CheckConstraint("level BETWEEN 0 AND 3", name=op.f("ck_outside_mapping_row_level")),
        sa.CheckConstraint("acts_as IN ('context', 'proposal')", name=op.f("ck_outside_mapping_row_acts_as")),
    )
