"""What others ask about the place: the city, its areas, its layers, and what a spot is called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.words import words
from gis.errors import NoCityError
from gis.models import Area, City, Layer, PopulationPoint
from gis.points import LonLat

ROAD_WITHIN_M = 120.0
AREA_WITHIN_M = 600.0
PLACE_WITHIN_M = 1500.0  # Assumed: how far a village's name reaches from the point that stands for it.


@dataclass(frozen=True)
class CityCard:
    """The city as screens need it; `bbox` is its extent: west, south, east, north in degrees."""

    slug: str
    name_th: str
    name_en: str
    centre: LonLat
    bbox: tuple[float, float, float, float]
    is_simulated: bool


@dataclass(frozen=True)
class AreaCard:
    """An area by id, code and name, with the place where its name is written."""

    id: int
    code: str
    kind: str
    name_th: str
    name_en: str
    place: LonLat
    attributes: dict[str, Any]
    trust: str


def city(session: Session) -> City:
    """The city of this database; raises NoCityError where none has been imported."""
    found = session.get(City, 1)
    if found is None:
        raise NoCityError("No city has been imported yet. Import one with: faonam city import FOLDER")
    return found


def city_card(session: Session) -> CityCard:
    """The city with plain coordinates; raises NoCityError where none has been imported."""
    row = session.execute(
        sa.select(
            City.slug, City.name_th, City.name_en, City.is_simulated,
            sa.func.ST_X(City.centre).label("lon"), sa.func.ST_Y(City.centre).label("lat"),
            sa.func.ST_XMin(City.extent).label("west"), sa.func.ST_YMin(City.extent).label("south"),
            sa.func.ST_XMax(City.extent).label("east"), sa.func.ST_YMax(City.extent).label("north"),
        )
    ).one_or_none()
    if row is None:
        city(session)
        raise AssertionError("a city was imported between two questions")
    return CityCard(
        slug=row.slug, name_th=row.name_th, name_en=row.name_en, is_simulated=row.is_simulated,
        centre=LonLat(lon=row.lon, lat=row.lat), bbox=(row.west, row.south, row.east, row.north),
    )


def layers(session: Session) -> Sequence[Layer]:
    """Every layer with its provenance, in the order of import."""
    return session.scalars(sa.select(Layer).order_by(Layer.id)).all()


def data_version(session: Session) -> str:
    """A word that changes whenever a layer is imported; tiles are kept by it."""
    found = session.scalar(sa.text("SELECT coalesce(sum(version), 0) || '-' || count(*) FROM layer"))
    return str(found)


# The slug and the `data_version`, for rooms that ask for them among other things.
CITY_VERSION = "SELECT slug, (SELECT coalesce(sum(version), 0) || '-' || count(*) FROM layer) AS data FROM city"


def city_version(session: Session) -> tuple[str, str]:
    """The city's slug and `data_version`, in one question; raises NoCityError where none has been imported."""
    found = session.execute(sa.text(CITY_VERSION)).one_or_none()
    if found is None:
        raise NoCityError("No city has been imported yet. Import one with: faonam city import FOLDER")
    return found[0], found[1]


# --- areas ---------------------------------------------------------------------------------------------------------

_SMALLEST_FIRST = sa.case({"community": 0, "municipality": 1, "district": 2}, value=Area.kind)


def is_within_boundary(session: Session, place: LonLat) -> bool:
    """The place lies within the city's boundary; of no city nothing lies within."""
    here = sa.func.ST_SetSRID(sa.func.ST_MakePoint(place.lon, place.lat), 4326)
    return bool(session.scalar(sa.select(sa.func.ST_Covers(City.boundary, here))))


def area_cards(session: Session, *, kind: str | None = None) -> list[AreaCard]:
    """Every area of the kind (community, municipality, district; all without one), in the order of their names."""
    asked = sa.select(
        Area.id, Area.code, Area.kind, Area.name_th, Area.name_en, Area.attributes, Area.trust,
        sa.func.ST_X(Area.place).label("lon"), sa.func.ST_Y(Area.place).label("lat"),
    ).order_by(_SMALLEST_FIRST, sa.collate(Area.name_th, "th-x-icu"))
    if kind is not None:
        asked = asked.where(Area.kind == kind)
    return [
        AreaCard(
            id=row.id, code=row.code, kind=row.kind, name_th=row.name_th, name_en=row.name_en,
            place=LonLat(lon=row.lon, lat=row.lat), attributes=row.attributes, trust=row.trust,
        )
        for row in session.execute(asked)
    ]


# --- what a spot is called -----------------------------------------------------------------------------------------

# The spot stands in each ORDER BY itself: taken from a row, it would keep the nearest from being found by the index.
_HERE = "ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)"
_NEAREST = f"""
    SELECT name_th, name_en, ST_Distance(near.geom::geography, {_HERE}::geography) AS away_m
    FROM (SELECT * FROM {{table}} WHERE {{where}} ORDER BY geom <-> {_HERE} LIMIT 1) AS near
"""  # noqa: S608 - our own words.
_HOLDING_AREA = f"""
    SELECT id FROM area WHERE ST_Intersects(geom, {_HERE})
    ORDER BY array_position(ARRAY['community', 'municipality', 'district'], kind), id LIMIT 1
"""  # noqa: S608 - our own words.
_NEAREST_NAMES = sa.text(
    f"""
    SELECT ({_HOLDING_AREA}), area.name_th, area.name_en, area.away_m, road.name_th, road.name_en, road.away_m,
           place.name_th, place.name_en, place.away_m
    FROM (VALUES (1)) AS here (one)
    LEFT JOIN ({_NEAREST.format(table="area", where="kind = 'community'")}) AS area ON true
    LEFT JOIN ({_NEAREST.format(table="road", where="name_th <> ''")}) AS road ON true
    LEFT JOIN ({_NEAREST.format(table="place", where="true")}) AS place ON true
    """  # noqa: S608 - our own words.
)


def place_label(session: Session, place: LonLat, language: str) -> str:
    """What people call the place: its community and the nearest named road, else a village near, in Thai or English."""
    thai, english = place_labels(session, place)
    return thai if language == "th" else english


def place_labels(session: Session, place: LonLat) -> tuple[str, str]:
    """What people call the place, in Thai and in English."""
    found = spot(session, place)
    return found.label_th, found.label_en


@dataclass(frozen=True)
class Spot:
    """What people call a place, and the smallest area that holds it, None where none does."""

    label_th: str
    label_en: str
    area_id: int | None


def spot(session: Session, place: LonLat) -> Spot:
    """What the place is called and which area holds it, in one question."""
    area_id, *near = session.execute(_NEAREST_NAMES, {"lon": place.lon, "lat": place.lat}).one()
    return Spot(_label(session, near, "th"), _label(session, near, "en"), area_id)


def _label(session: Session, near: Sequence[Any], tongue: str) -> str:
    area_th, area_en, area_m, road_th, road_en, road_m, spot_th, spot_en, spot_m = near
    area, road, spot = (area_th, road_th, spot_th) if tongue == "th" else (area_en, road_en, spot_en)
    is_road_near = road_m is not None and road_m <= ROAD_WITHIN_M
    if area_m == 0 and is_road_near:
        return words("gis", "place-area-and-road", language=tongue, area=area, road=_set_off(road, tongue))
    if area_m == 0:
        return words("gis", "place-area", language=tongue, area=area)
    if is_road_near:
        return words("gis", "place-road", language=tongue, road=_set_off(road, tongue))
    if area_m is not None and area_m <= AREA_WITHIN_M:
        return words("gis", "place-near-area", language=tongue, area=_set_off(area, tongue))
    if spot_m is not None and spot_m <= PLACE_WITHIN_M:
        return words("gis", "place-near-area", language=tongue, area=_set_off(spot, tongue))
    here = city(session)
    name = here.name_th if tongue == "th" else here.name_en
    return words("gis", "place-outside", language=tongue, city=_set_off(name, tongue))


def _set_off(name: str, language: str) -> str:
    """The name as it follows a Thai word: after a gap where it begins with a Latin letter or a digit."""
    first = name[:1]
    is_thai_letter = "ก" <= first <= "๛" and not first.isdigit()
    return f" {name}" if language == "th" and first.isalnum() and not is_thai_letter else name


# --- people --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PeoplePlaces:
    """Where the city's people live, as columns of one length: degrees, and whole people, above 0, at each place.

    They are spread, not counted: `legend` says by which method, how many of the units' people live `outside` what the
    city's data cover, and how many have no place (`unlocated`).
    """

    lons: list[float]
    lats: list[float]
    people: list[int]
    legend: dict[str, Any]


def people_places(session: Session) -> PeoplePlaces | None:
    """Every place where people live, in a stable order; None where no unit's people are known."""
    layer = session.scalars(sa.select(Layer).where(Layer.kind == "people")).one_or_none()
    if layer is None:
        return None
    geom = PopulationPoint.geom
    rows = session.execute(
        sa.select(sa.func.ST_X(geom), sa.func.ST_Y(geom), PopulationPoint.people).order_by(PopulationPoint.id)
    ).all()
    lons, lats, people = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    legend = {**layer.legend, "source": layer.source, "dated": layer.dated, "trust": layer.trust}
    return PeoplePlaces(lons=lons, lats=lats, people=people, legend=legend)


def people_in_area(session: Session, area_id: int) -> int:
    """How many of the spread people live in the area; a place on a shared edge counts for both sides."""
    found = session.scalar(
        sa.select(sa.func.coalesce(sa.func.sum(PopulationPoint.people), 0))
        .join(Area, sa.func.ST_Intersects(Area.geom, PopulationPoint.geom)).where(Area.id == area_id)
    )
    return int(found or 0)
