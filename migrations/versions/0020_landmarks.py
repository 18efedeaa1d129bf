"""Names around the city, for the gazetteer alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

revision = "0020_landmarks"
down_revision = "0019_soi_behind_a_dot"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Landmarks have a table, with their names' normal form and their places indexed."""
    op.create_table(
        "landmark",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("layer_id", sa.Integer(), sa.ForeignKey("layer.id", ondelete="CASCADE"), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name_th", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("geom", Geometry("GEOMETRY", srid=4326, spatial_index=False, nullable=False), nullable=False),
    )
    op.create_index("ix_landmark_layer_id", "landmark", ["layer_id"])
    op.create_index("ix_landmark_geom", "landmark", ["geom"], postgresql_using="gist")
    op.create_index(
        "ix_landmark_normal", "landmark", [sa.func.thai_normal(sa.text("name_th")).label("normal")],
        postgresql_using="gin", postgresql_ops={"normal": "gin_trgm_ops"}, postgresql_where=sa.text("true"),
    )


def downgrade() -> None:
    """The table is gone."""
    op.drop_table("landmark")
