"""The public's page: the water for everybody, without a word of who lives there."""

from __future__ import annotations

import sqlalchemy as sa
from fastapi.testclient import TestClient

from core.db import transaction

CITY = """
INSERT INTO city (id, slug, name_th, name_en, boundary, extent, centre, metric_srid, datum, imported_at, is_simulated)
VALUES (1, 'demo', 'เมืองสาธิต', 'Demo', ST_Multi(ST_MakeEnvelope(100, 8, 100.1, 8.1, 4326)),
        ST_MakeEnvelope(100, 8, 100.1, 8.1, 4326), ST_SetSRID(ST_MakePoint(100.05, 8.05), 4326), 32647, 'msl',
        now(), true)
"""


def test_without_a_city_it_says_so(browser: TestClient) -> None:
    """Before the import there is nothing to show, and a sentence says what is missing."""
    assert browser.get("/api/v1/public/water").status_code == 404


def test_everybody_sees_the_water_and_nobody_sees_people(browser: TestClient) -> None:
    """No sign-in, kept by browsers for some seconds, and no count of homes or members in it."""
    with transaction() as session:
        session.execute(sa.text(CITY))
    answer = browser.get("/api/v1/public/water")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "public, max-age=5"
    body = answer.json()
    assert body["city"] == {"slug": "demo", "name": {"th": "เมืองสาธิต", "en": "Demo"}, "is_simulated": True}
    assert body["gauges"] == {"type": "FeatureCollection", "features": []}
    assert body["computed_at"] is None
    for word in ("members", "homes", "vulnerable", "people"):
        assert word not in answer.text


def test_the_whole_city_may_look_at_once(browser: TestClient) -> None:
    """Within two seconds everybody gets the same answer, made once."""
    with transaction() as session:
        session.execute(sa.text(CITY))
    first = browser.get("/api/v1/public/water").content
    assert browser.get("/api/v1/public/water").content == first
