"""Maps for notebooks and briefings: folium with Leaflet from this installation, never from the internet.

folium links ten files on public networks; without them its page is blank. Here Leaflet is put into the page itself,
so that a saved notebook shows its map on a machine without a network too. The base map is the city's own data.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import folium
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import SetupError
from core.settings import ROOT
from gis import queries

LEAFLET = ROOT / "web" / "node_modules" / "leaflet" / "dist"

Style = Mapping[str, str | float]

_LAYERS: tuple[tuple[str, str, Style], ...] = (
    (
        "municipality", "SELECT geom, name_th FROM area WHERE kind = 'municipality'",
        {"color": "#8a8577", "fillColor": "#f4f1ea", "fillOpacity": 1.0, "weight": 2},
    ),
    (
        "communities", "SELECT geom, name_th FROM area WHERE kind = 'community'",
        {"color": "#b9b2a2", "fillOpacity": 0.0, "weight": 1, "dashArray": "3 3"},
    ),
    ("waterways", "SELECT geom, name_th FROM waterway", {"color": "#4f8fc0", "weight": 2.5}),
    (
        "streets", "SELECT geom, name_th FROM road WHERE class NOT IN ('service', 'residential')",
        {"color": "#a39c8c", "weight": 1.2},
    ),
)


def city_map(session: Session, *, leaflet: Path = LEAFLET, tolerance_deg: float = 0.0) -> folium.Map:
    """A map of the city with its boundary, communities, waterways and larger streets; needs no network.

    `leaflet` is the folder with leaflet.js and leaflet.css; shapes are generalised by `tolerance_deg`. Raises
    SetupError where Leaflet is missing, NoCityError where no city has been imported.
    """
    card = queries.city_card(session)
    drawn = blank_map(card.bbox, leaflet=leaflet)
    for name, statement, style in _LAYERS:
        plain = f"SELECT name_th, ST_Simplify(geom, :tolerance, true) AS geom FROM ({statement}) exact"  # noqa: S608 - ours.
        shapes = features(session, plain, tolerance=tolerance_deg)
        add_shapes(drawn, name=name, features=shapes, style=style, label="name_th")
    return drawn


def blank_map(bbox: tuple[float, float, float, float], *, leaflet: Path = LEAFLET) -> folium.Map:
    """A map with nothing on it, for places outside the city; needs no network.

    It shows `bbox` (west, south, east, north in degrees). Raises SetupError where Leaflet is missing.
    """
    west, south, east, north = bbox
    middle = ((south + north) / 2, (west + east) / 2)
    drawn = folium.Map(location=middle, tiles=None, zoom_start=13, prefer_canvas=True)
    drawn.default_js = [("leaflet", _as_data(leaflet / "leaflet.js", "text/javascript"))]
    drawn.default_css = [("leaflet_css", _css(leaflet))]
    drawn.fit_bounds([(south, west), (north, east)])
    return drawn


def add_shapes(drawn: folium.Map, *, name: str, features: dict[str, Any], style: Style, label: str) -> None:
    """The GeoJSON features are on the map as the layer `name`; pointing at one shows its property `label`.

    `style` is Leaflet's: color, weight, fillColor, fillOpacity. Points become circles, since pictures of pins would
    come from the internet.
    """
    if not features["features"]:
        return
    folium.GeoJson(
        features,
        name=name,
        style_function=lambda feature: dict(style),
        marker=folium.CircleMarker(radius=6, fill=True),
        tooltip=folium.GeoJsonTooltip(fields=[label], labels=False),
    ).add_to(drawn)


def add_told(drawn: folium.Map, *, name: str, features: dict[str, Any]) -> None:
    """The features are on the map as the layer `name`, each in its property `style`; a click shows its `told`."""
    if not features["features"]:
        return
    folium.GeoJson(
        features,
        name=name,
        style_function=lambda feature: feature["properties"]["style"],
        marker=folium.CircleMarker(radius=7, fill=True),
        popup=folium.GeoJsonPopup(fields=["told"], labels=False, max_width=380),
    ).add_to(drawn)


def features(session: Session, statement: str, **parameters: float) -> dict[str, Any]:
    """The rows of a statement with a column `geom` as GeoJSON; six digits are about a decimetre."""
    collection = session.scalar(
        sa.text(
            f"SELECT json_build_object('type', 'FeatureCollection', 'features', "  # noqa: S608 - our own statements
            f"coalesce(json_agg(ST_AsGeoJSON(shown.*, 'geom', 6)::json), '[]')) FROM ({statement}) shown"
        ),
        parameters,
    )
    found: dict[str, Any] = collection if isinstance(collection, dict) else json.loads(str(collection))
    return found


# --- Leaflet inside the page ---------------------------------------------------------------------------------------


def _as_data(path: Path, media_type: str) -> str:
    if not path.is_file():
        raise SetupError(
            f"Leaflet is not in {path.parent}: maps in notebooks need it. Fetch it once with: ./run (which sets up the "
            "screens and their libraries)."
        )
    return f"data:{media_type};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _css(leaflet: Path) -> str:
    """Leaflet's style sheet with its few pictures inside."""
    _as_data(leaflet / "leaflet.css", "text/css")
    text = (leaflet / "leaflet.css").read_text(encoding="utf-8")
    inside = re.sub(r"url\((images/[\w.-]+\.png)\)", lambda at: f"url({_as_data(leaflet / at[1], 'image/png')})", text)
    return f"data:text/css;base64,{base64.b64encode(inside.encode()).decode()}"
