"""The officers' briefing map: one file, no network."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import InvalidInputError, NotFoundError, SetupError
from flood import actions, briefing
from gis.maps import LEAFLET
from tests.flood.conftest import NOW, Town

CITY = """
INSERT INTO city (id, slug, name_th, name_en, boundary, extent, centre, metric_srid, datum, imported_at, is_simulated)
SELECT 1, 'town', 'เมืองเล็ก', '<b>Town</b>', ST_Multi(box), box, ST_Centroid(box), 32647, 'msl', now(), true
FROM (SELECT ST_SetSRID(ST_Extent(geom)::geometry, 4326) AS box FROM area) a
"""


@pytest.fixture
def flooded(town: Town) -> Session:
    """The small city under water, drawn once."""
    town.session.execute(sa.text(CITY))
    actions.make_zones(town.session)
    town.water(a=3.2, b=3.0)
    actions.draw(town.session, now=NOW)
    return town.session


@pytest.fixture
def leaflet(tmp_path: Path) -> Path:
    """Leaflet as the screens have it, or a stand-in where the screens are not built."""
    if (LEAFLET / "leaflet.js").is_file():
        return LEAFLET
    (tmp_path / "leaflet.js").write_text("window.L = {};", encoding="utf-8")
    (tmp_path / "leaflet.css").write_text("", encoding="utf-8")
    return tmp_path


def test_the_briefing_is_one_file_without_a_network(flooded: Session, tmp_path: Path, leaflet: Path) -> None:
    """Water, zones, gauges and wet facilities stand in it in both languages; nothing is fetched from anywhere."""
    out = tmp_path / "briefing.html"
    size = briefing.write_briefing(flooded, out, run_id=None, now=NOW, leaflet=leaflet)
    page = out.read_text(encoding="utf-8")
    assert size == out.stat().st_size <= briefing.LARGEST_BYTES
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", page)
    assert not re.search(r"(?:fetch|import|url)\(\s*[\"']?(?:https?:)?//", page)
    for words in ("21/11/2569 10:00", "2026-11-21 10:00", "ข้อเท้า", "Knee", "ข้อมูลจำลอง", "Simulated", "m MSL"):
        assert words in page, words
    assert "&lt;b&gt;Town" in page
    assert "<b>Town" not in page
    assert [path.name for path in tmp_path.glob("*brief*")] == ["briefing.html"]


def test_before_the_first_picture_it_says_so(town: Town, tmp_path: Path, leaflet: Path) -> None:
    """Without a picture the map is the city and its gauges, and says that there is none; an unknown one is refused."""
    town.session.execute(sa.text(CITY))
    out = tmp_path / "briefing.html"
    briefing.write_briefing(town.session, out, run_id=None, now=NOW, leaflet=leaflet)
    assert "ยังไม่มีภาพน้ำท่วม" in out.read_text(encoding="utf-8")
    with pytest.raises(NotFoundError, match="no picture of the flood 99"):
        briefing.write_briefing(town.session, out, run_id=99, now=NOW, leaflet=leaflet)


def test_a_gauge_that_is_not_believed_is_named_on_the_map(town: Town, tmp_path: Path, leaflet: Path) -> None:
    """Whoever reads the map in the morning sees which gauge it was drawn without."""
    town.session.execute(sa.text(CITY))
    town.let_any_level_pass("gauge-a")
    town.water(a=900.0, b=2.6)
    actions.draw(town.session, now=town.now)
    out = tmp_path / "briefing.html"
    briefing.write_briefing(town.session, out, run_id=None, now=NOW, leaflet=leaflet)
    page = out.read_text(encoding="utf-8")
    assert "Not believed and left out of this picture: gauge-a" in page
    assert "900.00 m MSL, not believed" in page


def test_a_briefing_that_cannot_be_written_leaves_nothing(flooded: Session, tmp_path: Path, leaflet: Path) -> None:
    """A missing folder, a missing Leaflet and a map that stays too large are one sentence each."""
    with pytest.raises(InvalidInputError, match="no folder"):
        briefing.write_briefing(flooded, tmp_path / "no" / "b.html", run_id=None, now=NOW, leaflet=leaflet)
    with pytest.raises(SetupError, match="Leaflet"):
        briefing.write_briefing(flooded, tmp_path / "b.html", run_id=None, now=NOW, leaflet=tmp_path / "none")
    with pytest.raises(InvalidInputError, match="is a folder"):
        briefing.write_briefing(flooded, tmp_path, run_id=None, now=NOW, leaflet=leaflet)
    assert not list(tmp_path.glob("*b.html*"))


@pytest.mark.browser
def test_the_briefing_is_painted_in_a_browser_without_a_network(flooded: Session, tmp_path: Path) -> None:
    """In Chromium with every request refused, the canvas holds colours and the box its words."""
    from playwright.sync_api import sync_playwright
    from screens import CHROMIUM, CHROMIUM_ARGUMENTS

    out = tmp_path / "briefing.html"
    briefing.write_briefing(flooded, out, run_id=None, now=NOW)
    asked: list[str] = []
    troubles: list[str] = []
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_ARGUMENTS))
        page = chromium.new_page()
        page.on("request", lambda request: asked.append(request.url[:60]))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(out.as_uri())
        page.wait_for_selector("canvas")
        painted = page.wait_for_function(
            "() => { const c = document.querySelector('canvas'); "
            "const p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; const seen = new Set(); "
            "for (let i = 0; i < p.length; i += 4) if (p[i + 3]) seen.add(p[i] + ',' + p[i + 1] + ',' + p[i + 2]); "
            "return seen.size > 5 ? seen.size : false }"
        ).json_value()
        words = page.inner_text("#briefing")
        chromium.close()
    assert painted > 5
    assert "เมืองเล็ก" in words
    assert troubles == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
