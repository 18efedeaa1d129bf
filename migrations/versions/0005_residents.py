"""Tables of residents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

revision = "0005_residents"
down_revision = "0004_line"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """The tables of residents exist."""
    op.create_table(
        "resident",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("line_user_hash", sa.LargeBinary, nullable=False),
        sa.Column("line_user_sealed", sa.LargeBinary, nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("consented_at", TIME),
        sa.Column("consent_version", sa.String),
        sa.Column("is_reachable", sa.Boolean, nullable=False),
        sa.Column("unreachable_at", TIME),
        sa.Column("friendship_changed_at", TIME),
        sa.Column("home_asked_at", TIME),
        sa.Column("home_answered_at", TIME),
        sa.Column("joined_at", TIME, nullable=False),
        sa.Column("trust", sa.String, nullable=False),
        sa.UniqueConstraint("line_user_hash", name=op.f("uq_resident_line_user_hash")),
        sa.CheckConstraint("trust IN ('real', 'derived', 'simulated')", name=op.f("ck_resident_trust")),
    )
    op.create_table(
        "home",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column(
            "resident_id",
            sa.BigInteger,
            sa.ForeignKey("resident.id", ondelete="CASCADE", name=op.f("fk_home_resident_id_resident")),
            nullable=False,
        ),
        sa.Column("geom", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column(
            "area_id", sa.Integer, sa.ForeignKey("area.id", ondelete="SET NULL", name=op.f("fk_home_area_id_area"))
        ),
        sa.Column("is_vulnerable", sa.Boolean, nullable=False),
        sa.Column("label", sa.String, nullable=False),
    )
    op.create_index("ix_home_geom", "home", ["geom"], postgresql_using="gist")
    op.create_index("ix_home_resident_id", "home", ["resident_id"])


def downgrade() -> None:
    """The tables of residents are gone."""
    op.drop_table("home")
    op.drop_table("resident")
