"""The briefing map for the officers' morning meeting: one HTML file that needs no network, Thai with English beside."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import folium
from sqlalchemy.orm import Session

from core.errors import InvalidInputError, NotFoundError
from core.files import whole_file
from core.words import words
from flood.models import FloodRun
from flood.queries import current_run
from gis import maps, queries
from gis.maps import LEAFLET
from sensors import queries as sensors

LARGEST_BYTES = 5_000_000
# Degrees by which outlines may be generalised (about 1, 5, 20 and 80 m), until the file is small enough.
TOLERANCES_DEG = (0.00001, 0.00005, 0.0002, 0.0008)
LOCAL_TIME, BUDDHIST_ERA_OFFSET = ZoneInfo("Asia/Bangkok"), 543
DEPTH_COLOURS = {1: "#9ecae1", 2: "#4f94cd", 3: "#2460a7", 4: "#0b2f66"}
DOUBTED_COLOUR = "#8a8a8a"
SEVERITY_COLOURS = {0: "#5b8c5a", 1: "#c9a200", 2: "#d9730d", 3: "#b3122a"}

_WATER = """
    SELECT depth_class, ST_SimplifyPreserveTopology(geom, :tolerance) AS geom FROM flood_polygon
    WHERE run_id = :run_id ORDER BY depth_class
"""
_ZONES = """
    SELECT z.name_th, z.name_en, s.severity, s.people, s.homes, s.vulnerable_homes, s.roads_km, s.depth_p50_m,
        ST_SimplifyPreserveTopology(z.geom, :tolerance) AS geom
    FROM zone z JOIN zone_state s ON s.zone_id = z.id AND s.run_id = :run_id ORDER BY s.severity, z.code
"""
_WET_FACILITIES = """
    SELECT f.name_th, f.name_en, f.kind, max(p.depth_class) AS depth_class, f.geom FROM facility f
    JOIN flood_polygon p ON p.run_id = :run_id AND ST_Intersects(p.geom, f.geom)
    GROUP BY f.id ORDER BY max(p.depth_class) DESC, f.id LIMIT 500
"""


@dataclass(frozen=True)
class _Sheet:
    """What a map is drawn from."""

    session: Session
    run: FloodRun | None
    now: datetime
    leaflet: Path
    tolerance_deg: float

    @property
    def doubted(self) -> list[str]:
        """The codes of the gauges that the picture was drawn without, because their levels are not believed."""
        levels = self.run.levels.values() if self.run is not None else ()
        return sorted(level["code"] for level in levels if level.get("doubt") and not level["is_stale"])

    def rows(self, statement: str) -> dict[str, Any]:
        """The rows of a statement about the picture as GeoJSON; none without a picture."""
        if self.run is None:
            return {"type": "FeatureCollection", "features": []}
        asked = {"run_id": self.run.id}
        return maps.features(self.session, statement, **asked, **(
            {"tolerance": self.tolerance_deg} if ":tolerance" in statement else {}
        ))


def write_briefing(
    session: Session, out: Path, *, run_id: int | None, now: datetime, leaflet: Path = LEAFLET
) -> int:
    """The map of the picture `run_id`, or of the newest, is the file `out`; returns its bytes, `LARGEST_BYTES` at most.

    Raises NotFoundError for an unknown picture, NoCityError before a city was imported, SetupError without Leaflet,
    InvalidInputError where no file can be there or even the plainest map would be too large.
    """
    run = current_run(session) if run_id is None else session.get(FloodRun, run_id)
    if run is None and run_id is not None:
        raise NotFoundError(f"There is no picture of the flood {run_id}.")
    with whole_file(out) as fresh:
        page = _smallest_page(session, run, now, leaflet)
        fresh.write_bytes(page)
    return len(page)


def _smallest_page(session: Session, run: FloodRun | None, now: datetime, leaflet: Path) -> bytes:
    """The page as little generalised as the limit allows."""
    for tolerance_deg in TOLERANCES_DEG:
        page = _page(_Sheet(session, run, now, leaflet, tolerance_deg)).encode()
        if len(page) <= LARGEST_BYTES:
            return page
    raise InvalidInputError(f"The map would have {len(page):,} bytes; at most {LARGEST_BYTES:,} can be sent about.")


def _page(sheet: _Sheet) -> str:
    drawn = maps.city_map(sheet.session, leaflet=sheet.leaflet, tolerance_deg=sheet.tolerance_deg)
    _add_water(sheet, drawn)
    _add_zones(sheet, drawn)
    _add_gauges(sheet, drawn)
    _add_facilities(sheet, drawn)
    root: Any = drawn.get_root()
    root.html.add_child(folium.Element(_legend(sheet)))
    page: str = root.render()
    return page


def both(key: str, **slots: Callable[[str], str] | str | int | float) -> str:
    """The words in Thai, with English beside; a slot that is a function is asked for each language."""

    def told(language: str) -> str:
        filled = {name: slot(language) if callable(slot) else slot for name, slot in slots.items()}
        return words("flood", key, language=language, **filled)

    return f"{told('th')} / {told('en')}"


def _named(properties: dict[str, Any]) -> Callable[[str], str]:
    return lambda language: str(properties[f"name_{language}"] or properties["name_th"] or "–")


def _word(key: str) -> Callable[[str], str]:
    return lambda language: words("flood", key, language=language)


def _time(at: datetime) -> Callable[[str], str]:
    """The time in Thailand; the year is of the Buddhist era in Thai."""
    here = at.astimezone(LOCAL_TIME)
    return lambda language: (
        f"{here.day}/{here.month}/{here.year + BUDDHIST_ERA_OFFSET} {here:%H:%M}" if language == "th"
        else f"{here:%Y-%m-%d %H:%M}"
    )


def _add(drawn: folium.Map, *, name: str, features: dict[str, Any], tell: Callable[[dict[str, Any]], str],
         style: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """The features are on the map, each with its sentence to be clicked for."""
    for feature in features["features"]:
        properties = feature["properties"]
        feature["properties"] = {"told": html.escape(tell(properties)), "style": style(properties)}
    maps.add_told(drawn, name=name, features=features)


def _add_water(sheet: _Sheet, drawn: folium.Map) -> None:
    def style(water: dict[str, Any]) -> dict[str, Any]:
        colour = DEPTH_COLOURS[water["depth_class"]]
        return {"color": colour, "fillColor": colour, "fillOpacity": 0.65, "weight": 0.5}

    _add(drawn, name="water", features=sheet.rows(_WATER), style=style,
         tell=lambda water: both(f"briefing-depth-{water['depth_class']}"))


def _add_zones(sheet: _Sheet, drawn: folium.Map) -> None:
    def style(zone: dict[str, Any]) -> dict[str, Any]:
        return {"color": SEVERITY_COLOURS[zone["severity"]], "weight": 1 + zone["severity"], "fillOpacity": 0.05}

    def tell(zone: dict[str, Any]) -> str:
        return both(
            "briefing-zone", name=_named(zone), severity=_word(f"briefing-severity-{zone['severity']}"),
            people=zone["people"], homes=zone["homes"], vulnerable=zone["vulnerable_homes"],
            roads=f"{zone['roads_km']:.1f}", depth=f"{zone['depth_p50_m']:.1f}",
        )

    _add(drawn, name="zones", features=sheet.rows(_ZONES), style=style, tell=tell)


def _add_gauges(sheet: _Sheet, drawn: folium.Map) -> None:
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [round(card.place.lon, 6), round(card.place.lat, 6)]},
            "properties": {"card": card},
        }
        for card in sensors.gauges(sheet.session, sheet.now)
    ]

    def tell(gauge: dict[str, Any]) -> str:
        card = gauge["card"]
        name = _named({"name_th": card.name_th, "name_en": card.name_en})
        if card.level_m_msl is None or card.observed_at is None:
            return both("briefing-gauge-silent", name=name)
        if card.code in sheet.doubted:
            return both("briefing-gauge-doubted", name=name, level=f"{card.level_m_msl:.2f}")
        return both(
            "briefing-gauge", name=name, level=f"{card.level_m_msl:.2f}", at=_time(card.observed_at),
            severity=_word(f"briefing-severity-{card.state or 0}"),
        )

    def style(gauge: dict[str, Any]) -> dict[str, Any]:
        card = gauge["card"]
        colour = DOUBTED_COLOUR if card.code in sheet.doubted else SEVERITY_COLOURS[card.state or 0]
        return {"color": "#222", "fillColor": colour, "fillOpacity": 1.0, "weight": 2}

    _add(drawn, name="gauges", features={"type": "FeatureCollection", "features": features}, style=style, tell=tell)


def _add_facilities(sheet: _Sheet, drawn: folium.Map) -> None:
    def tell(place: dict[str, Any]) -> str:
        depth = _word(f"briefing-depth-{place['depth_class']}")
        return both("briefing-facility", name=_named(place), kind=place["kind"], depth=depth)

    _add(drawn, name="facilities", features=sheet.rows(_WET_FACILITIES), tell=tell,
         style=lambda place: {"color": "#7a1fa2", "fillColor": "#ffffff", "fillOpacity": 1.0, "weight": 3})


def _legend(sheet: _Sheet) -> str:
    """The box with the city, the picture's time, what is simulated, and what the colours mean."""
    card, run = queries.city_card(sheet.session), sheet.run
    lines = [f"<b>{html.escape(both('briefing-title'))}</b>", html.escape(f"{card.name_th} / {card.name_en}")]
    if run is None:
        lines.append(html.escape(both("briefing-no-run")))
    else:
        lines.append(html.escape(both("briefing-at", run=str(run.id), at=_time(run.computed_at))))
        if run.method == "no-data":
            lines.append(f"<b>{html.escape(both('briefing-no-data'))}</b>")
    if sheet.doubted:
        lines.append(f"<b>{html.escape(both('briefing-not-believed', gauges=', '.join(sheet.doubted)))}</b>")
    if card.is_simulated:
        lines.append(
            f'<b class="simulated" style="background:#b3122a;color:#fff;padding:1px 6px">'
            f"{html.escape(both('briefing-simulated'))}</b>"
        )
    sources = dict.fromkeys(layer.source.partition(";")[0] for layer in queries.layers(sheet.session))
    swatches = [(colour, both(f"briefing-depth-{number}")) for number, colour in DEPTH_COLOURS.items()]
    swatches += [(colour, both(f"briefing-severity-{number}")) for number, colour in SEVERITY_COLOURS.items()]
    lines += [
        f'<span style="display:inline-block;width:1em;height:1em;background:{colour}"></span> {html.escape(told)}'
        for colour, told in swatches
    ]
    lines.append(f'<details><summary>{html.escape(both("briefing-sources"))}</summary>'
                 f'{html.escape(" · ".join(sources))}</details>')
    return (
        '<div id="briefing" style="position:fixed;top:10px;right:10px;z-index:1000;background:#fffe;padding:8px 12px;'
        'font:13px/1.5 Sarabun,Garuda,sans-serif;border:1px solid #999;max-width:26em">' + "<br>".join(lines) + "</div>"
    )
