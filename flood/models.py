"""Tables of flood: pictures (runs), their polygons and roads, the zones and what each picture says of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from geoalchemy2 import Geometry, WKBElement
from sqlalchemy.orm import Mapped, mapped_column

import gis.models  # noqa: F401 - a zone lies in one of gis's areas.
from core.db import Base

_AT = sa.DateTime(timezone=True)


class FloodRun(Base):
    """One picture of the flood. `method` is `canal-network`, or `no-data` (see `reason`) without usable gauges.

    It is of the moment `valid_at`: its own (`horizon_min` 0), or so many minutes after that of the picture
    `basis_run_id`, whose levels it carries on. `not_counted` is who stands in no zone, and so in no figure.
    """

    __tablename__ = "flood_run"
    __table_args__ = (
        sa.CheckConstraint("(horizon_min = 0) = (basis_run_id IS NULL) AND horizon_min >= 0", name="basis"),
        sa.Index("ix_flood_run_ahead", "basis_run_id", "horizon_min", unique=True,
                 postgresql_where=sa.text("basis_run_id IS NOT NULL")),
        sa.Index("ix_flood_run_observed", "id", postgresql_where=sa.text("horizon_min = 0")),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    horizon_min: Mapped[int] = mapped_column(sa.SmallInteger, default=0, server_default="0")
    valid_at: Mapped[datetime] = mapped_column(_AT)
    basis_run_id: Mapped[int | None] = mapped_column(sa.ForeignKey("flood_run.id", ondelete="CASCADE"))
    computed_at: Mapped[datetime] = mapped_column(_AT)
    computed_wall_at: Mapped[datetime] = mapped_column(_AT)
    trigger_datastream_id: Mapped[int | None]
    trigger_received_wall_at: Mapped[datetime | None] = mapped_column(_AT)
    method: Mapped[str]
    reason: Mapped[str | None]
    levels: Mapped[dict[str, Any]]
    grid: Mapped[dict[str, Any] | None]
    depth_path: Mapped[str | None]
    wall_s: Mapped[float]
    confidence: Mapped[float]
    not_counted: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")


class FloodPolygon(Base):
    """Where the water of a picture stands in one depth class: 1 ankle, 2 knee, 3 waist, 4 above."""

    __tablename__ = "flood_polygon"
    __table_args__ = (sa.Index("ix_flood_polygon_geom", "geom", postgresql_using="gist"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    run_id: Mapped[int] = mapped_column(sa.ForeignKey("flood_run.id", ondelete="CASCADE"), index=True)
    depth_class: Mapped[int] = mapped_column(sa.SmallInteger)
    geom: Mapped[WKBElement] = mapped_column(Geometry("MULTIPOLYGON", srid=4326, spatial_index=False))


class FloodRoad(Base):
    """A road under water in a picture, with its greatest depth; bridges are never here."""

    __tablename__ = "flood_road"

    run_id: Mapped[int] = mapped_column(sa.ForeignKey("flood_run.id", ondelete="CASCADE"), primary_key=True)
    road_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    max_depth_m: Mapped[float]


class Zone(Base):
    """An area of a community that can flood. The code stays, `version` counts its shapes, retired ones are left out."""

    __tablename__ = "zone"
    __table_args__ = (sa.Index("ix_zone_geom", "geom", postgresql_using="gist"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name_th: Mapped[str]
    name_en: Mapped[str]
    area_id: Mapped[int | None] = mapped_column(sa.ForeignKey("area.id", ondelete="SET NULL"))
    geom: Mapped[WKBElement] = mapped_column(Geometry("MULTIPOLYGON", srid=4326, spatial_index=False))
    version: Mapped[int]
    is_retired: Mapped[bool] = mapped_column(default=False)


class ZonePart(Base):
    """A piece of one version of a zone with at most 128 vertices, for fast joins with homes."""

    __tablename__ = "zone_part"
    __table_args__ = (
        sa.Index("ix_zone_part_geom", "geom", postgresql_using="gist"),
        sa.Index("ix_zone_part_zone_id_version", "zone_id", "version"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    zone_id: Mapped[int] = mapped_column(sa.ForeignKey("zone.id", ondelete="CASCADE"))
    version: Mapped[int]
    geom: Mapped[WKBElement] = mapped_column(Geometry("POLYGON", srid=4326, spatial_index=False))


class ZoneState(Base):
    """What a picture says of a zone. Counts are of what stands in the water; `totals` holds what stands in the zone."""

    __tablename__ = "zone_state"
    __table_args__ = (sa.CheckConstraint("severity BETWEEN 0 AND 3", name="severity"),)

    run_id: Mapped[int] = mapped_column(sa.ForeignKey("flood_run.id", ondelete="CASCADE"), primary_key=True)
    zone_id: Mapped[int] = mapped_column(sa.ForeignKey("zone.id", ondelete="CASCADE"), primary_key=True)
    severity: Mapped[int] = mapped_column(sa.SmallInteger)
    lower_severity: Mapped[int | None] = mapped_column(sa.SmallInteger)
    lower_since_at: Mapped[datetime | None] = mapped_column(_AT)
    lower_runs: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    calls_for: Mapped[int] = mapped_column(sa.SmallInteger, server_default="0")
    falling_to: Mapped[int | None] = mapped_column(sa.SmallInteger)
    depth_class: Mapped[int] = mapped_column(sa.SmallInteger)
    wet_share: Mapped[float]
    depth_p50_m: Mapped[float]
    depth_p90_m: Mapped[float]
    confidence: Mapped[float]
    people: Mapped[int]
    people_method: Mapped[str]
    members: Mapped[int]
    homes: Mapped[int]
    vulnerable_homes: Mapped[int]
    roads_km: Mapped[float]
    roads_over_km: Mapped[dict[str, Any]]
    facilities: Mapped[dict[str, Any]]
    totals: Mapped[dict[str, Any]]
    gauges: Mapped[dict[str, Any]]
