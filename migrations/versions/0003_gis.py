"""Tables of gis."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0003_gis"
down_revision = "0002_staff"
branch_labels = None
depends_on = None

_TRUST = "trust IN ('real', 'derived', 'simulated')"
_AT = sa.DateTime(timezone=True)


def _shape(kind: str, name: str = "geom") -> sa.Column[object]:
    return sa.Column(name, Geometry(kind, srid=4326, spatial_index=False, nullable=False), nullable=False)


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String(), nullable=False) for name in names]


def _shaped_table(name: str, kind: str, *columns: sa.schema.SchemaItem) -> None:
    """A table of a layer's features, with its GiST index."""
    op.create_table(
        name,
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("layer_id", sa.Integer(), sa.ForeignKey("layer.id", ondelete="CASCADE"), nullable=False),
        *columns,
        _shape(kind),
    )
    op.create_index(f"ix_{name}_layer_id", name, ["layer_id"])
    op.create_index(f"ix_{name}_geom", name, ["geom"], postgresql_using="gist")


def upgrade() -> None:
    """The tables of gis exist."""
    op.create_table(
        "city",
        sa.Column("id", sa.Integer(), primary_key=True),
        *_text("slug", "name_th", "name_en"),
        _shape("MULTIPOLYGON", "boundary"),
        _shape("POLYGON", "extent"),
        _shape("POINT", "centre"),
        sa.Column("metric_srid", sa.Integer(), nullable=False),
        *_text("datum"),
        sa.Column("imported_at", _AT, nullable=False),
        sa.Column("is_simulated", sa.Boolean(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_city_single")),
    )
    op.create_table(
        "layer",
        sa.Column("id", sa.Integer(), primary_key=True),
        *_text("name", "kind", "source", "licence"),
        sa.Column("dated", sa.Date()),
        *_text("trust"),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("imported_at", _AT, nullable=False),
        sa.Column("legend", postgresql.JSONB(), nullable=False),
        sa.UniqueConstraint("name", name=op.f("uq_layer_name")),
        sa.CheckConstraint(_TRUST, name=op.f("ck_layer_trust")),
    )
    op.create_table(
        "terrain",
        sa.Column("id", sa.Integer(), primary_key=True),
        *_text("path"),
        sa.Column("srid", sa.Integer(), nullable=False),
        sa.Column("cell_m", sa.Float(), nullable=False),
        *_text("datum", "trust"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_terrain_single")),
        sa.CheckConstraint(_TRUST, name=op.f("ck_terrain_trust")),
    )
    _feature_tables()


def _feature_tables() -> None:
    _shaped_table(
        "area", "MULTIPOLYGON", *_text("kind", "code", "name_th", "name_en"), _shape("POINT", "place"),
        sa.Column("attributes", postgresql.JSONB(), nullable=False), *_text("trust"),
        sa.UniqueConstraint("code", name=op.f("uq_area_code")),
        sa.CheckConstraint("kind IN ('community', 'municipality', 'district')", name=op.f("ck_area_kind")),
        sa.CheckConstraint(_TRUST, name=op.f("ck_area_trust")),
    )
    _shaped_table(
        "road", "LINESTRING", *_text("code", "name_th", "name_en", "class"),
        sa.Column("is_bridge", sa.Boolean(), nullable=False), sa.Column("length_m", sa.Float(), nullable=False),
    )
    _shaped_table("waterway", "LINESTRING", *_text("code", "name_th", "name_en", "kind"))
    _shaped_table("building", "POLYGON", *_text("code", "kind"))
    _shaped_table(
        "facility", "POINT", *_text("code", "kind", "name_th", "name_en"), sa.Column("capacity", sa.Integer())
    )
    _shaped_table(
        "survey_point", "POINT", *_text("kind", "event"), sa.Column("level_m_msl", sa.Float(), nullable=False),
        sa.CheckConstraint("kind IN ('road_level', 'flood_mark')", name=op.f("ck_survey_point_kind")),
    )


def downgrade() -> None:
    """The tables of gis are gone."""
    for table in ("survey_point", "facility", "building", "waterway", "road", "area", "terrain", "layer", "city"):
        op.drop_table(table)
