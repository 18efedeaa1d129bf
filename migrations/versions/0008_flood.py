"""Tables of flood."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008_flood"
down_revision = "0007_cctv"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """The tables of flood exist."""
    _pictures()
    _zones()
    _states()


def downgrade() -> None:
    """The tables of flood are gone."""
    for table in ("zone_state", "zone_part", "zone", "flood_road", "flood_polygon", "flood_run"):
        op.drop_table(table)


def _shape(kind: str) -> sa.Column[object]:
    return sa.Column("geom", Geometry(kind, srid=4326, spatial_index=False), nullable=False)


def _floats(*names: str) -> list[sa.Column[float]]:
    return [sa.Column(name, sa.Float, nullable=False) for name in names]


def _of_run(*, is_key: bool) -> sa.Column[int]:
    return sa.Column(
        "run_id", sa.BigInteger, sa.ForeignKey("flood_run.id", ondelete="CASCADE"), primary_key=is_key, nullable=False
    )


def _pictures() -> None:
    op.create_table(
        "flood_run",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("computed_at", _AT, nullable=False),
        sa.Column("computed_wall_at", _AT, nullable=False),
        sa.Column("trigger_datastream_id", sa.Integer),
        sa.Column("trigger_received_wall_at", _AT),
        sa.Column("method", sa.String, nullable=False),
        sa.Column("reason", sa.String),
        sa.Column("levels", JSONB, nullable=False),
        sa.Column("grid", JSONB),
        sa.Column("depth_path", sa.String),
        sa.Column("wall_s", sa.Float, nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
    )
    op.create_table(
        "flood_polygon",
        sa.Column("id", sa.BigInteger, primary_key=True),
        _of_run(is_key=False),
        sa.Column("depth_class", sa.SmallInteger, nullable=False),
        _shape("MULTIPOLYGON"),
    )
    op.create_index("ix_flood_polygon_run_id", "flood_polygon", ["run_id"])
    op.create_index("ix_flood_polygon_geom", "flood_polygon", ["geom"], postgresql_using="gist")
    op.create_table(
        "flood_road",
        _of_run(is_key=True),
        # No foreign key: the roads of a city may be imported anew while its old pictures stay.
        sa.Column("road_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("max_depth_m", sa.Float, nullable=False),
    )


def _zones() -> None:
    op.create_table(
        "zone",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("name_th", sa.String, nullable=False),
        sa.Column("name_en", sa.String, nullable=False),
        sa.Column("area_id", sa.Integer, sa.ForeignKey("area.id", ondelete="SET NULL")),
        _shape("MULTIPOLYGON"),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("is_retired", sa.Boolean, nullable=False),
        sa.UniqueConstraint("code", name=op.f("uq_zone_code")),
    )
    op.create_index("ix_zone_geom", "zone", ["geom"], postgresql_using="gist")
    op.create_table(
        "zone_part",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("zone_id", sa.Integer, sa.ForeignKey("zone.id", ondelete="CASCADE"), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        _shape("POLYGON"),
    )
    op.create_index("ix_zone_part_geom", "zone_part", ["geom"], postgresql_using="gist")
    op.create_index("ix_zone_part_zone_id_version", "zone_part", ["zone_id", "version"])


def _states() -> None:
    op.create_table(
        "zone_state",
        _of_run(is_key=True),
        sa.Column("zone_id", sa.Integer, sa.ForeignKey("zone.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("severity", sa.SmallInteger, nullable=False),
        sa.Column("lower_severity", sa.SmallInteger),
        sa.Column("lower_since_at", _AT),
        sa.Column("lower_runs", sa.SmallInteger, nullable=False),
        sa.Column("depth_class", sa.SmallInteger, nullable=False),
        *_floats("wet_share", "depth_p50_m", "depth_p90_m", "confidence"),
        sa.Column("people", sa.Integer, nullable=False),
        sa.Column("people_method", sa.String, nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("members", "homes", "vulnerable_homes")),
        *_floats("roads_km"),
        *(sa.Column(name, JSONB, nullable=False) for name in ("roads_over_km", "facilities", "totals", "gauges")),
        sa.CheckConstraint("severity BETWEEN 0 AND 3", name=op.f("ck_zone_state_severity")),
    )
