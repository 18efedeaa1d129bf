"""Tiles over HTTP: who may see them, how long they keep, their tags and their encoding."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from core.db import transaction
from tests.gis.test_tiles import tile_over

TILE = tile_over(100.01, 8.01, 14)
HERE = f"{TILE.z}/{TILE.x}/{TILE.y}"
FLOOD = """
WITH run AS (
    INSERT INTO flood_run (id, computed_at, valid_at, computed_wall_at, method, levels, wall_s, confidence)
    VALUES (9001, now(), now(), now(), 'canal-network', '{}', 0, 1)
)
INSERT INTO flood_polygon (run_id, depth_class, geom)
SELECT 9001, 1, ST_Multi(ST_Union(ST_Buffer(
    ST_SetSRID(ST_MakePoint(100.005 + x * 0.001, 8.005 + y * 0.001), 4326), 0.0004)))
FROM generate_series(1, 10) x, generate_series(1, 10) y
"""


@pytest.fixture
def officer(signed_in: Callable[[str], TestClient]) -> TestClient:
    """An officer's browser over a city under water."""
    with transaction() as session:
        session.execute(sa.text(FLOOD))
        session.execute(sa.text(
            "INSERT INTO layer (name, kind, source, licence, trust, row_count, version, imported_at, legend) "
            "VALUES ('a', 'a', 'a', 'a', 'real', 0, 3, now(), '{}')"
        ))
    return signed_in("officer")


def test_a_picture_of_the_flood_is_kept_for_ever_by_its_officer(officer: TestClient) -> None:
    """Private, immutable, tagged by its bytes; the second look costs a 304; gzip has a tag of its own."""
    path = f"/api/v1/flood/runs/9001/tiles/{HERE}.mvt"
    plain = officer.get(path, headers={"Accept-Encoding": "identity"})
    packed = officer.get(path, headers={"Accept-Encoding": "br, gzip;q=0.5"})
    assert plain.status_code == packed.status_code == 200
    assert plain.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert plain.headers["etag"] != packed.headers["etag"]
    assert not plain.headers["etag"].startswith("W/")
    assert "Accept-Encoding" in plain.headers["vary"]
    assert "Accept-Encoding" in packed.headers["vary"]
    for encoding, first in (("identity", plain), ("gzip", packed)):
        known = {"Accept-Encoding": encoding, "If-None-Match": f'"other", {first.headers["etag"]}'}
        again = officer.get(path, headers=known)
        assert (again.status_code, again.content) == (304, b"")
    refused = officer.get(path, headers={"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in refused.headers


def test_what_is_not_there_is_a_problem(officer: TestClient) -> None:
    """An unknown picture, a tile outside the pyramid, a number that is none."""
    for path, status in ((f"flood/runs/1/tiles/{HERE}", 404), ("flood/runs/9001/tiles/12/9999/0", 404),
                         ("incidents/tiles/3/0/0", 404), ("tiles/a/b/c", 422)):
        answer = officer.get(f"/api/v1/{path}.mvt")
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/problem+json"


def test_floods_and_incidents_are_for_officers(browser: TestClient) -> None:
    """Nobody sees them without signing in; the base map is everybody's."""
    assert browser.get(f"/api/v1/flood/runs/9001/tiles/{HERE}.mvt").status_code == 401
    assert browser.get(f"/api/v1/incidents/tiles/{HERE}.mvt").status_code == 401
    assert browser.get(f"/api/v1/tiles/{HERE}.mvt").status_code == 200


def test_incidents_are_asked_for_again(officer: TestClient) -> None:
    """Their tiles are as they are now: kept by no cache without asking."""
    answer = officer.get(f"/api/v1/incidents/tiles/{HERE}.mvt")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, no-cache")


def test_the_map_of_a_version_is_kept_for_ever(officer: TestClient) -> None:
    """The city names the version; under another one there is no map."""
    version = officer.get("/api/v1/city").json().get("tiles_version", "3-1")
    answer = officer.get(f"/api/v1/tiles/{version}/{HERE}.mvt")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert officer.get(f"/api/v1/tiles/2-1/{HERE}.mvt").status_code == 404
