"""The base map's vector tiles."""

from __future__ import annotations

import math

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gis import tiles
from gis.citypack.importer import import_city
from gis.errors import NoSuchTileError
from tests.gis.packs import Pack, feature, line, point

LANE = line((100.008, 8.009), (100.012, 8.011))
FOOTPRINT = {"type": "Polygon", "coordinates": [[[100.01, 8.01], [100.0102, 8.01], [100.0102, 8.0102], [100.01, 8.01]]]}


@pytest.fixture
def city(session: Session, pack: Pack) -> Session:
    """The tiny city with one of everything."""
    pack.add("roads", [feature(LANE, highway="service", name_th="ซอยหนึ่ง")], options='columns = { class = "highway" }')
    pack.add("waterways", [feature(LANE, kind="canal", name_th="คลองหนึ่ง")])
    pack.add("buildings", [feature(FOOTPRINT, kind="house")])
    pack.add("facilities", [feature(point(100.01, 8.01), kind="school", name_th="โรงเรียนหนึ่ง")])
    pack.add_csv("communities", "code,name_th,lon,lat\nC1,ชุมชนหนึ่ง,100.005,8.01\n", options='polygons = "voronoi"')
    import_city(session, pack.close())
    tiles.ready_version(session)
    return session


def tile_over(lon: float, lat: float, z: int) -> tiles.Tile:
    """The tile that holds the place (Web Mercator pyramid)."""
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z
    return tiles.Tile(z=z, x=int((lon + 180) / 360 * 2**z), y=int(y))


def layer_names(body: bytes) -> set[str]:
    """The names of a tile's layers: field 3 of the tile, in it field 1 (Mapbox vector tile 2.1)."""
    names: set[str] = set()
    at = 0
    while at < len(body):
        assert body[at] == 0x1A
        length, at = _varint(body, at + 1)
        layer, at = body[at : at + length], at + length
        inner = layer.index(b"\x0a")
        size, start = _varint(layer, inner + 1)
        names.add(layer[start : start + size].decode())
    return names


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (body[at] & 0x7F) << shift
        at += 1
        if not body[at - 1] & 0x80:
            return value, at
        shift += 7


def test_a_near_tile_holds_every_layer_and_thai_names(city: Session) -> None:
    """At street level everything is there, by the names that the screens ask for."""
    body = tiles.drawn(city, tile_over(100.01, 8.01, 15))
    assert layer_names(body) >= {"area", "waterway", "road", "building", "facility"}
    assert "ซอยหนึ่ง".encode() in body
    assert "boundary" in layer_names(tiles.drawn(city, tile_over(100.01, 8.01, 12)))


def test_far_tiles_leave_out_lanes_and_houses(city: Session) -> None:
    """From afar a city is its outline and its waters."""
    assert layer_names(tiles.drawn(city, tile_over(100.01, 8.01, 9))) == {"boundary", "waterway"}


def test_a_tile_elsewhere_is_empty(city: Session) -> None:
    """No features, no layers, no bytes."""
    assert tiles.drawn(city, tile_over(101.0, 9.0, 12)) == b""


@pytest.mark.parametrize(("z", "x", "y"), [(3, 0, 0), (19, 0, 0), (12, -1, 0), (12, 4096, 0), (12, 0, 4096)])
def test_tiles_that_do_not_exist_are_refused(z: int, x: int, y: int) -> None:
    """Zooms and numbers outside the pyramid are not asked of the database."""
    with pytest.raises(NoSuchTileError):
        tiles.Tile(z=z, x=x, y=y)


def test_tiles_use_the_index(city: Session) -> None:
    """The column is never transformed in the condition, so that PostgreSQL may use the GiST index."""
    city.execute(sa.text("SET LOCAL enable_seqscan = off"))
    plan = "\n".join(city.scalars(sa.text(
        "EXPLAIN SELECT id FROM building WHERE geom && ST_Transform(ST_TileEnvelope(15, 25486, 15653), 4326)"
    )))
    assert "ix_building_geom" in plan
