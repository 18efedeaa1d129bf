"""The city over HTTP: open to everybody, with provenance, areas and tiles."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api import problems
from api.routes import city, tiles
from core.db import transaction
from gis.citypack.importer import import_city
from tests.gis.packs import Pack


@pytest.fixture
def client(database: sa.Engine, pack: Pack) -> Iterator[TestClient]:
    """A browser that is not signed in, before an API with the tiny city's routes."""
    pack.add_csv("communities", "code,name_th,lon,lat\nC1,ขวา,100.015,8.01\nC2,กลาง,100.01,8.01\n",
                 options='polygons = "voronoi"')
    with transaction() as session:
        import_city(session, pack.close())
    app = FastAPI()
    problems.add_problems(app)
    app.include_router(city.router, prefix="/api/v1")
    app.include_router(tiles.router, prefix="/api/v1")
    with TestClient(app) as browser:
        yield browser


def test_the_city_tells_where_its_layers_come_from(client: TestClient) -> None:
    """Name, box, provenance and the simulated layers, without signing in."""
    told = client.get("/api/v1/city").json()
    assert told["slug"] == "tiny"
    assert told["name"] == {"th": "เมืองเล็ก", "en": "Tiny"}
    assert told["is_simulated"]
    assert told["simulated_layers"] == ["boundary", "communities"]
    assert told["layers"][0]["licence"] == "CC0"
    west, south, east, north = told["bbox"]
    assert west < 100.0 < 100.02 < east
    assert south < 8.0 < 8.02 < north
    assert told["clock"]["speed"] == 1.0


def test_areas_come_in_the_order_of_the_thai_alphabet(client: TestClient) -> None:
    """ก before ข, whatever the row order of the pack."""
    areas = client.get("/api/v1/areas", params={"kind": "community"}).json()["areas"]
    assert [area["name"]["th"] for area in areas] == ["กลาง", "ขวา"]
    assert client.get("/api/v1/areas", params={"kind": "kingdom"}).status_code == 422


def test_a_tile_is_sent_once_and_then_confirmed(client: TestClient) -> None:
    """The second look costs a 304, until a layer is imported again."""
    first = client.get("/api/v1/tiles/12/3185/1956.mvt")
    assert first.status_code == 200
    assert first.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert b"boundary" in first.content
    again = client.get("/api/v1/tiles/12/3185/1956.mvt", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_tile_that_cannot_be_is_not_found(client: TestClient) -> None:
    """A number outside the pyramid is a 404 in words, not an error of the database."""
    answer = client.get("/api/v1/tiles/12/9999/1.mvt")
    assert answer.status_code == 404
    assert "no tile 12/9999/1" in answer.json()["detail"]


def test_without_a_city_the_answer_says_how_to_get_one(database: sa.Engine) -> None:
    """An empty database is told as such, with the command that fills it."""
    app = FastAPI()
    problems.add_problems(app)
    app.include_router(city.router)
    with TestClient(app) as browser:
        answer = browser.get("/city")
    assert answer.status_code == 404
    assert "faonam city import" in answer.json()["detail"]
