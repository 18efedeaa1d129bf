"""House numbers, for the gazetteer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

revision = "0021_addresses"
down_revision = "0020_landmarks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Addresses have a table, with their places indexed."""
    op.create_table(
        "address",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("layer_id", sa.Integer(), sa.ForeignKey("layer.id", ondelete="CASCADE"), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("house_number", sa.String(), nullable=False),
        sa.Column("street_th", sa.String(), nullable=False),
        sa.Column("street_en", sa.String(), nullable=False),
        sa.Column("geom", Geometry("POINT", srid=4326, spatial_index=False, nullable=False), nullable=False),
    )
    op.create_index("ix_address_layer_id", "address", ["layer_id"])
    op.create_index("ix_address_geom", "address", ["geom"], postgresql_using="gist")


def downgrade() -> None:
    """The table is gone."""
    op.drop_table("address")
