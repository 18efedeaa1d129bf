"""Tables of gis: the city, its layers and what they hold. Shapes are stored in EPSG:4326."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from geoalchemy2 import Geometry, WKBElement
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

_TRUST = "trust IN ('real', 'derived', 'simulated')"
_NAMED = "name_th <> ''"


def _by_normal_form(table: str, condition: str) -> sa.Index:
    """Names are found by what they begin with and by likeness, in the form that `thai_normal` gives them."""
    return sa.Index(
        f"ix_{table}_normal", sa.func.thai_normal(sa.text("name_th")).label("normal"),
        postgresql_using="gin", postgresql_ops={"normal": "gin_trgm_ops"}, postgresql_where=sa.text(condition),
    )


def _shape(kind: str) -> Geometry:
    return Geometry(kind, srid=4326, spatial_index=False)


def _of_layer() -> Mapped[int]:
    return mapped_column(sa.ForeignKey("layer.id", ondelete="CASCADE"), index=True)


class City(Base):
    """The one city of this database. `extent` is its boundary's box and a margin; `datum` is that of all its levels.

    `is_simulated` where one of its layers is, and so what is drawn from it.
    """

    __tablename__ = "city"
    __table_args__ = (sa.CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    slug: Mapped[str]
    name_th: Mapped[str]
    name_en: Mapped[str]
    boundary: Mapped[WKBElement] = mapped_column(_shape("MULTIPOLYGON"))
    extent: Mapped[WKBElement] = mapped_column(_shape("POLYGON"))
    centre: Mapped[WKBElement] = mapped_column(_shape("POINT"))
    metric_srid: Mapped[int]
    datum: Mapped[str]
    imported_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    is_simulated: Mapped[bool]


class Layer(Base):
    """Where a kind of data came from, under which licence, from when, and how far to trust it.

    `digest` is of the file, its manifest entry and the importer: what has the same is not imported again. `warnings`
    are sentences (the first of them; `warning_count` counts all), `accuracy` says what a conversion has cost.
    """

    __tablename__ = "layer"
    __table_args__ = (sa.CheckConstraint(_TRUST, name="trust"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    source: Mapped[str]
    licence: Mapped[str]
    dated: Mapped[date | None]
    trust: Mapped[str]
    row_count: Mapped[int]
    version: Mapped[int]
    imported_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    legend: Mapped[dict[str, Any]] = mapped_column(default=dict)
    digest: Mapped[str] = mapped_column(default="", server_default="")
    accuracy: Mapped[str] = mapped_column(default="", server_default="")
    warnings: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default=sa.text("'[]'"))
    warning_count: Mapped[int] = mapped_column(default=0, server_default="0")


class Area(Base):
    """A community, the municipality or a district; `place` is a point inside it, where its name is written."""

    __tablename__ = "area"
    __table_args__ = (
        sa.Index("ix_area_geom", "geom", postgresql_using="gist"),
        _by_normal_form("area", "true"),
        sa.CheckConstraint("kind IN ('community', 'municipality', 'district')", name="kind"),
        sa.CheckConstraint(_TRUST, name="trust"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    layer_id: Mapped[int] = _of_layer()
    kind: Mapped[str]
    code: Mapped[str] = mapped_column(unique=True)
    name_th: Mapped[str]
    name_en: Mapped[str]
    geom: Mapped[WKBElement] = mapped_column(_shape("MULTIPOLYGON"))
    place: Mapped[WKBElement] = mapped_column(_shape("POINT"))
    attributes: Mapped[dict[str, Any]]
    trust: Mapped[str]


class AdminUnit(Base):
    """A unit of the country's administration by its DOPA code: 2 digits province, 4 district, 6, 8 village.

    `parent_code` is the code of the unit that holds it; `place` (often an office) and `geom` (often simplified, for
    drawing) are absent where the register has none.
    """

    __tablename__ = "admin_unit"
    __table_args__ = (
        sa.Index("ix_admin_unit_geom", "geom", postgresql_using="gist"),
        sa.Index("ix_admin_unit_place", "place", postgresql_using="gist"),
        _by_normal_form("admin_unit", "kind IN ('province', 'district', 'subdistrict', 'municipality')"),
        sa.CheckConstraint(
            "kind IN ('province', 'district', 'subdistrict', 'municipality', 'village', 'community')", name="kind"
        ),
        sa.UniqueConstraint("kind", "code"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    layer_id: Mapped[int] = _of_layer()
    kind: Mapped[str]
    code: Mapped[str]
    name_th: Mapped[str]
    name_en: Mapped[str]
    parent_code: Mapped[str | None] = mapped_column(index=True)
    moo: Mapped[int | None]
    postcode: Mapped[str | None]
    population: Mapped[int | None]
    households: Mapped[int | None]
    place: Mapped[WKBElement | None] = mapped_column(_shape("POINT"))
    geom: Mapped[WKBElement | None] = mapped_column(_shape("MULTIPOLYGON"))


class Road(Base):
    """A piece of street; pieces that meet share a vertex exactly. `attributes` keep what else its source knows of it:
    `oneway`, `maxspeed`, `surface`, `tunnel`.
    """

    __tablename__ = "road"
    __table_args__ = (
        sa.Index("ix_road_geom", "geom", postgresql_using="gist"),
        _by_normal_form("road", _NAMED),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    layer_id: Mapped[int] = _of_layer()
    code: Mapped[str]
    name_th: Mapped[str]
    name_en: Mapped[str]
    road_class: Mapped[str] = mapped_column("class")
    is_bridge: Mapped[bool]
    geom: Mapped[WKBElement] = mapped_column(_shape("LINESTRING"))
    length_m: Mapped[float]
    attributes: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=sa.text("'{}'"))


class Waterway(Base):
    """A piece of river or canal."""

    __tablename__ = "waterway"
    __table_args__ = (
        sa.Index("ix_waterway_geom", "geom", postgresql_using="gist"),
        _by_normal_form("waterway", _NAMED),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    layer_id: Mapped[int] = _of_layer()
    code: Mapped[str]
    name_th: Mapped[str]
    name_en: Mapped[str]
    kind: Mapped[str]
    geom: Mapped[WKBElement] = mapped_column(_shape("LINESTRING"))


class Building(Base):
    """A building's footprint; `levels` only where they were counted or a measured height tells them."""

    __tablename__ = "building"
    __table_args__ = (sa.Index("ix_building_geom", "geom", postgresql_using="gist"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    layer_id: Mapped[int] = _of_layer()
    code: Mapped[str]
    kind: Mapped[str]
    levels: Mapped[int | None]
    geom: Mapped[WKBElement] = mapped_column(_shape("POLYGON"))


class Place(Base):
    """A named spot of a settlement: city, town, village, suburb, quarter, neighbourhood, hamlet."""

    __tablename__ = "place"
    __table_args__ = (sa.Index("ix_place_geom", "geom", postgresql_using="gist"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    layer_id: Mapped[int] = _of_layer()
    code: Mapped[str]
    kind: Mapped[str]
    name_th: Mapped[str]
    name_en: Mapped[str]
    population: Mapped[int | None]
    geom: Mapped[WKBElement] = mapped_column(_shape("POINT"))


class PopulationPoint(Base):
    """How many of the people of a unit live about here, spread by `method`: over buildings, streets or bare ground."""

    __tablename__ = "population_point"
    __table_args__ = (
        sa.Index("ix_population_point_geom", "geom", postgresql_using="gist"),
        sa.CheckConstraint("method IN ('buildings', 'streets', 'ground')", name="method"),
        sa.CheckConstraint("people > 0", name="people"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    layer_id: Mapped[int] = _of_layer()
    unit_code: Mapped[str]
    method: Mapped[str]
    people: Mapped[int]
    geom: Mapped[WKBElement] = mapped_column(_shape("POINT"))


class Facility(Base):
    """A place that matters in a flood: hospital, school, temple, market, police, shelter and the like."""

    __tablename__ = "facility"
    __table_args__ = (
        sa.Index("ix_facility_geom", "geom", postgresql_using="gist"),
        _by_normal_form("facility", _NAMED),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    layer_id: Mapped[int] = _of_layer()
    code: Mapped[str]
    kind: Mapped[str]
    name_th: Mapped[str]
    name_en: Mapped[str]
    geom: Mapped[WKBElement] = mapped_column(_shape("POINT"))
    capacity: Mapped[int | None]


class Landmark(Base):
    """A name around the city that people who write to it use: a facility, road or river of the province.

    Only the gazetteer asks it; what the map shows and the flood meets lies in the city's own layers.
    """

    __tablename__ = "landmark"
    __table_args__ = (
        sa.Index("ix_landmark_geom", "geom", postgresql_using="gist"),
        _by_normal_form("landmark", "true"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    layer_id: Mapped[int] = _of_layer()
    code: Mapped[str]
    kind: Mapped[str]
    name_th: Mapped[str]
    name_en: Mapped[str]
    geom: Mapped[WKBElement] = mapped_column(_shape("GEOMETRY"))


class Address(Base):
    """A house by its number and the street that it names; where one language lacks the street's name, the other's.

    It says where a house is and nothing of who lives there: registers of residents are no source of it.
    """

    __tablename__ = "address"
    __table_args__ = (sa.Index("ix_address_geom", "geom", postgresql_using="gist"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    layer_id: Mapped[int] = _of_layer()
    code: Mapped[str]
    house_number: Mapped[str]
    street_th: Mapped[str]
    street_en: Mapped[str]
    geom: Mapped[WKBElement] = mapped_column(_shape("POINT"))


class SurveyPoint(Base):
    """A measured height: of a street (`road_level`) or of high water (`flood_mark`, of the flood `event`)."""

    __tablename__ = "survey_point"
    __table_args__ = (
        sa.Index("ix_survey_point_geom", "geom", postgresql_using="gist"),
        sa.CheckConstraint("kind IN ('road_level', 'flood_mark')", name="kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    layer_id: Mapped[int] = _of_layer()
    kind: Mapped[str]
    event: Mapped[str]
    level_m_msl: Mapped[float]
    geom: Mapped[WKBElement] = mapped_column(_shape("POINT"))


class Terrain(Base):
    """The elevation model: a GeoTIFF in the data folder, heights in metres of `datum`."""

    __tablename__ = "terrain"
    __table_args__ = (sa.CheckConstraint("id = 1", name="single"), sa.CheckConstraint(_TRUST, name="trust"))

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    path: Mapped[str]
    srid: Mapped[int]
    cell_m: Mapped[float]
    datum: Mapped[str]
    trust: Mapped[str]
    version: Mapped[int]


class MapPrepared(Base):
    """Which `gis.queries.data_version` the tables of `MAP_BANDS` were made from."""

    __tablename__ = "map_prepared"
    __table_args__ = (sa.CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    data_version: Mapped[str]


def _band(name: str) -> sa.Table:
    """Shapes as tiles show them: in Web Mercator, generalised; `rank` says what goes first where not all fits.

    What a layer does not tell of its features is null, which a tile leaves out.
    """
    return sa.Table(
        name,
        Base.metadata,
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("layer", sa.String, nullable=False),
        sa.Column("source_id", sa.BigInteger),
        *(sa.Column(column, sa.String) for column in ("code", "kind", "class", "name_th", "name_en")),
        sa.Column("is_bridge", sa.SmallInteger),
        sa.Column("from_zoom", sa.SmallInteger, nullable=False),
        sa.Column("rank", sa.Float, nullable=False),
        sa.Column("shape", Geometry("GEOMETRY", srid=3857, spatial_index=False), nullable=False),
        sa.Index(f"ix_{name}_shape", "shape", postgresql_using="gist"),
    )


MAP_BANDS = {name: _band(name) for name in ("map_far", "map_middle", "map_near")}
