"""The city and its areas: open to everybody."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel

from api.deps import SessionDep
from api.routes.overview import ClockOut, clock_out
from api.security import standin_url
from gis import queries

router = APIRouter(tags=["city"])


class Names(BaseModel):
    """A name in Thai and English."""

    th: str
    en: str


class Place(BaseModel):
    """A place in WGS 84, degrees."""

    lon: float
    lat: float


class LayerOut(BaseModel):
    """Where a layer came from and how far to trust it; `accuracy` says what its conversion has cost."""

    name: str
    kind: str
    source: str
    licence: str
    dated: date | None
    trust: Literal["real", "derived", "simulated"]
    row_count: int
    version: int
    warning_count: int
    accuracy: str


class RegisteredOut(BaseModel):
    """The registered people of the city's units: all, those in parts of the units outside it, those without a place."""

    total: int
    outside: int
    unlocated: int


class CityOut(BaseModel):
    """The city; `bbox` is west, south, east, north in degrees."""

    slug: str
    name: Names
    centre: Place
    bbox: tuple[float, float, float, float]
    is_simulated: bool
    simulated_layers: list[str]
    layers: list[LayerOut]
    registered: RegisteredOut | None
    tiles_version: str
    clock: ClockOut
    line_is_standin: bool
    standin_url: str | None


class AreaOut(BaseModel):
    """A community, the municipality or a district."""

    id: int
    code: str
    kind: str
    name: Names
    place: Place
    trust: str


class AreasOut(BaseModel):
    """Areas by kind and name."""

    areas: list[AreaOut]


@router.get("/city")
def read_city(session: SessionDep) -> CityOut:
    """The city with the provenance of its layers, the shared clock, and whether LINE is a stand-in."""
    card = queries.city_card(session)
    found = queries.layers(session)
    layers = [LayerOut.model_validate(layer, from_attributes=True) for layer in found]
    people = next((layer.legend for layer in found if layer.kind == "people"), None)
    standin = standin_url()
    return CityOut(
        slug=card.slug,
        name=Names(th=card.name_th, en=card.name_en),
        centre=Place(lon=card.centre.lon, lat=card.centre.lat),
        bbox=card.bbox,
        is_simulated=card.is_simulated,
        simulated_layers=[layer.name for layer in layers if layer.trust == "simulated"],
        layers=layers,
        registered=RegisteredOut.model_validate(people) if people else None,
        tiles_version=queries.data_version(session),
        clock=clock_out(),
        line_is_standin=standin is not None,
        standin_url=standin,
    )


@router.get("/areas")
def list_areas(
    session: SessionDep,
    kind: Annotated[Literal["community", "municipality", "district"] | None, Query()] = None,
) -> AreasOut:
    """The city's areas, all or of one kind, in the order of their Thai names."""
    areas = [
        AreaOut(
            id=card.id, code=card.code, kind=card.kind, name=Names(th=card.name_th, en=card.name_en),
            place=Place(lon=card.place.lon, lat=card.place.lat), trust=card.trust,
        )
        for card in queries.area_cards(session, kind=kind)
    ]
    return AreasOut(areas=areas)
