"""The place from open data: what a layer was made of, named places, levels of buildings, and where people live."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0016_import"
down_revision = "0015_gazetteer"
branch_labels = None
depends_on = None


def _jsonb(name: str, empty: str) -> sa.Column[object]:
    return sa.Column(name, postgresql.JSONB(), nullable=False, server_default=sa.text(f"'{empty}'"))


def _of_layer() -> sa.Column[int]:
    return sa.Column("layer_id", sa.Integer(), sa.ForeignKey("layer.id", ondelete="CASCADE"), nullable=False)


def _shape(kind: str) -> sa.Column[object]:
    return sa.Column("geom", Geometry(kind, srid=4326, spatial_index=False, nullable=False), nullable=False)


def upgrade() -> None:
    """Layers know their content's digest and their warnings; places and people's points have tables."""
    op.add_column("layer", sa.Column("digest", sa.String(), nullable=False, server_default=""))
    op.add_column("layer", sa.Column("accuracy", sa.String(), nullable=False, server_default=""))
    op.add_column("layer", _jsonb("warnings", "[]"))
    op.add_column("layer", sa.Column("warning_count", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("road", _jsonb("attributes", "{}"))
    op.add_column("building", sa.Column("levels", sa.Integer()))
    op.create_table(
        "place",
        sa.Column("id", sa.Integer(), primary_key=True),
        _of_layer(),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name_th", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("population", sa.Integer()),
        _shape("POINT"),
    )
    op.create_table(
        "population_point",
        sa.Column("id", sa.Integer(), primary_key=True),
        _of_layer(),
        sa.Column("unit_code", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        _shape("POINT"),
        sa.CheckConstraint("method IN ('buildings', 'streets', 'ground')", name=op.f("ck_population_point_method")),
        sa.CheckConstraint("people > 0", name=op.f("ck_population_point_people")),
    )
    for table in ("place", "population_point"):
        op.create_index(f"ix_{table}_layer_id", table, ["layer_id"])
        op.create_index(f"ix_{table}_geom", table, ["geom"], postgresql_using="gist")


def downgrade() -> None:
    """They are gone."""
    op.drop_table("population_point")
    op.drop_table("place")
    op.drop_column("building", "levels")
    op.drop_column("road", "attributes")
    for column in ("warning_count", "warnings", "accuracy", "digest"):
        op.drop_column("layer", column)
