"""No number, letter or place in an address makes the API fail: it answers, or says in a sentence what is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from core.db import transaction
from tests.accounts import PASSWORD, add_account

BAD = (
    "", "-1", "0", "1.5", "1e9", "nan", "inf", "-inf", "1e400", "0x10", "%00", "%ff", "..", "'", "๑",
    "9223372036854775807", "9223372036854775808", "9" * 30, "9" * 5000,
)
PATHS = (
    "/api/v1/flood/depth?lon={}&lat=8.01", "/api/v1/flood/depth?lon=100.01&lat={}",
    "/api/v1/flood/depth?lon=100.01&lat=8.01&run_id={}", "/api/v1/flood/runs?limit={}", "/api/v1/flood/runs/{}",
    "/api/v1/flood/runs/{}/zones", "/api/v1/flood/runs/1/compare/{}", "/api/v1/flood/runs/{}/tiles/12/3185/1957.mvt",
    "/api/v1/flood/runs/1/tiles/{}/1/1.mvt", "/api/v1/flood/runs/1/tiles/12/{}/1.mvt", "/api/v1/tiles/12/1/{}.mvt",
    "/api/v1/tiles/{}/1/1.mvt", "/api/v1/tiles/{}/12/1/1.mvt", "/api/v1/incidents/tiles/{}/1/1.mvt",
    "/api/v1/reverse?lon={}&lat=8.01", "/api/v1/reverse?lon=100.01&lat={}", "/api/v1/geocode?q=x&near={}",
    "/api/v1/geocode?q=x&near=100,{}", "/api/v1/rasters/depth-{}/info", "/api/v1/rasters/hand/point/{},8.01",
    "/ogc/collections/{}", "/ogc/collections/roads/items/{}", "/ogc/collections/roads/items?limit={}",
    "/ogc/collections/roads/items?offset={}", "/ogc/collections/roads/items?bbox={},1,2,3",
    "/ogc/collections/roads/items?datetime={}", "/ogc/collections/roads/items?id={}",
    "/ogc/collections/roads/tiles/WebMercatorQuad/12/{}/1",
    "/api/v1/gauges/{}/readings", "/api/v1/gauges/{}/rain", "/api/v1/gauges/{}/forecast", "/api/v1/rules/{}",
    "/api/v1/inbox?after={}", "/api/v1/inbox?limit={}", "/api/v1/inbox?tier={}", "/api/v1/inbox?q={}",
    "/api/v1/incidents/{}/notes", "/api/v1/incidents/{}/redaction", "/api/v1/incidents/{}/guesses",
    "/api/v1/photos/{}/original", "/api/v1/events?limit={}", "/api/v1/events/{}", "/api/v1/events/{}/report.html",
)


@pytest.fixture(scope="module")
def officer(module_database: sa.Engine) -> Iterator[TestClient]:
    """A browser in which an officer is signed in; the tests only ask."""
    with transaction() as session:
        add_account(session, "officer", roles=["officer"])
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        assert client.post("/api/v1/session", json={"username": "officer", "password": PASSWORD}).is_success
        yield client


@pytest.mark.parametrize("path", PATHS)
def test_a_number_that_is_none_is_answered(officer: TestClient, path: str) -> None:
    """Neither a failure of ours (500) nor a page: what the API refuses is a problem document with a sentence.

    Without a raster process its address answers that it is away (503); nothing else may.
    """
    for value in BAD:
        answer = officer.get(path.format(value), follow_redirects=False)
        away = answer.status_code == 503 and path.startswith("/api/v1/rasters")
        assert answer.status_code < 500 or away, (path, value[:40], answer.text[:200])
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json", (path, value[:40])
            assert answer.json()["detail"], (path, value[:40])
