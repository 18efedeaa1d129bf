"""The country's administrative units: provinces, districts, sub-districts, villages and communities, by their codes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

revision = "0014_admin_units"
down_revision = "0013_answers"
branch_labels = None
depends_on = None

_KINDS = "kind IN ('province', 'district', 'subdistrict', 'municipality', 'village', 'community')"


def upgrade() -> None:
    """The table of administrative units exists."""
    op.create_table(
        "admin_unit",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("layer_id", sa.Integer(), sa.ForeignKey("layer.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name_th", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("parent_code", sa.String()),
        sa.Column("moo", sa.Integer()),
        sa.Column("postcode", sa.String()),
        sa.Column("population", sa.Integer()),
        sa.Column("households", sa.Integer()),
        sa.Column("place", Geometry("POINT", srid=4326, spatial_index=False)),
        sa.Column("geom", Geometry("MULTIPOLYGON", srid=4326, spatial_index=False)),
        sa.CheckConstraint(_KINDS, name=op.f("ck_admin_unit_kind")),
        sa.UniqueConstraint("kind", "code", name=op.f("uq_admin_unit_kind_code")),
    )
    op.create_index("ix_admin_unit_layer_id", "admin_unit", ["layer_id"])
    op.create_index("ix_admin_unit_parent_code", "admin_unit", ["parent_code"])
    op.create_index("ix_admin_unit_geom", "admin_unit", ["geom"], postgresql_using="gist")
    op.create_index("ix_admin_unit_place", "admin_unit", ["place"], postgresql_using="gist")


def downgrade() -> None:
    """The units are gone."""
    op.drop_table("admin_unit")
