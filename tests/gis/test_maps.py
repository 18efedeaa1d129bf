"""Maps in notebooks need no network."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from core.errors import SetupError
from gis import maps
from gis.citypack.importer import import_city
from tests.gis.packs import Pack, feature, point


@pytest.fixture
def leaflet(tmp_path: Path) -> Path:
    """A folder with the files that Leaflet is made of."""
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "layers.png").write_bytes(b"png")
    (tmp_path / "leaflet.js").write_text("window.L = {};", encoding="utf-8")
    (tmp_path / "leaflet.css").write_text(".a { background-image: url(images/layers.png); }", encoding="utf-8")
    return tmp_path


def test_a_map_links_nothing_on_the_internet(session: Session, pack: Pack, leaflet: Path) -> None:
    """No script, style, picture or tile comes from another machine; the city's names are in the page."""
    import_city(session, pack.close())
    drawn = maps.city_map(session, leaflet=leaflet)
    places = {"type": "FeatureCollection", "features": [feature(point(100.01, 8.01), code="G1")]}
    maps.add_shapes(drawn, name="gauges", features=places, style={"color": "#d33"}, label="code")
    page = drawn.get_root().render()
    assert re.findall(r"(?:src|href)=[\"'](https?:[^\"']+)", page) == []
    assert "://{s}" not in page
    assert "data:text/javascript;base64," in page
    assert "G1" in page


def test_a_map_without_leaflet_says_what_is_missing(session: Session, pack: Pack, tmp_path: Path) -> None:
    """An installation without the library is told so, not shown a blank page."""
    import_city(session, pack.close())
    with pytest.raises(SetupError, match="Leaflet is not in"):
        maps.city_map(session, leaflet=tmp_path / "nowhere")
