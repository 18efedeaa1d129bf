"""The map picture on an alert's card: drawn once for the same zones, versions and level, served where phones reach it.

One picture shows all zones of an alert, so that the card is the same for everybody who reads a language and the
messages are no more than without it (see the decision on words). A card never waits for its picture.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from alerts import queries, scenes, templates
from alerts.models import Alert
from alerts.models_texts import ZonePicture
from core import clock
from core.aside import done_aside
from core.errors import NotFoundError
from core.logs import get_logger
from core.settings import settings
from core.words import LANGUAGES, words
from gis.crs import to_lonlat, to_metric
from line.messages import CardPicture

log = get_logger("alerts")
# Counts up when the same zones would be drawn differently.
DRAWING = 1
WITHIN_S = 20.0
MOST_LINES = 4000
STREET_PX = {"motorway": 7, "trunk": 7, "primary": 6, "secondary": 5, "tertiary": 4}
OTHER_STREET_PX, RIVER_PX, OTHER_WATER_PX = 2, 9, 4
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_STREETS = sa.text("""
    SELECT class AS kind, ST_AsBinary(geom) AS wkb FROM road
    WHERE geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326) ORDER BY length_m DESC, id LIMIT :most
""")
_WATER = sa.text("""
    SELECT kind, ST_AsBinary(geom) AS wkb FROM waterway
    WHERE geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326) ORDER BY ST_Length(geom) DESC, id LIMIT :most
""")


@dataclass(frozen=True)
class Served:
    """A picture's bytes and their kind."""

    content: bytes
    content_type: str = "image/png"


def level_of(alert: Alert) -> int:
    """The level that a picture shows: an all-clear has its own colour."""
    return templates.ALL_CLEAR if alert.kind == "all_clear" else alert.level


def key_of(session: Session, alert: Alert) -> str:
    """What the picture is of: the zones in their versions, the level, whether data is simulated."""
    zones = sorted((zone.zone_id, zone.zone_version) for zone in queries.zones(session, [alert.id])[alert.id])
    told = json.dumps([DRAWING, level_of(alert), queries.city(session).is_simulated, zones])
    return hashlib.sha256(told.encode()).hexdigest()


def draw(session: Session, alert_id: int) -> ZonePicture | None:
    """The alert's picture is there, drawn now where nobody had drawn it; None for an alert without zones.

    Raises UnavailableError where drawing fails.
    """
    alert = queries.alert(session, alert_id)
    key = key_of(session, alert)
    known = session.get(ZonePicture, key)
    outlines = queries.zone_outlines(session, alert_id)
    if known is not None or not outlines:
        return known
    made = done_aside("alerts.drawing_child", _scene(session, alert).as_json(), within_s=WITHIN_S, name="The picture")
    row = {
        "key": key,
        "level": level_of(alert),
        "zone_ids": [zone.zone_id for zone in queries.zones(session, [alert_id])[alert_id]],
        "token": secrets.token_urlsafe(32),
        "width_px": scenes.WIDTH_PX,
        "height_px": scenes.HEIGHT_PX,
        "picture": made,
        "drawn_at": clock.now(),
    }
    session.execute(postgresql.insert(ZonePicture).values(row).on_conflict_do_nothing(index_elements=["key"]))
    log.info("alert.picture_drawn", alert=alert_id, bytes=len(made))
    return session.get(ZonePicture, key)


def _scene(session: Session, alert: Alert) -> scenes.Scene:
    outlines = queries.zone_outlines(session, alert.id)
    srid = session.execute(sa.text("SELECT metric_srid FROM city")).scalar_one()
    zones_m = [to_metric(shapely.from_wkb(wkb), srid) for _, _, wkb in outlines]
    west, south, east, north = to_lonlat(shapely.box(*scenes.view_of(zones_m).box_m), srid).bounds
    box = {"west": west, "south": south, "east": east, "north": north, "most": MOST_LINES}

    def in_metres(statement: sa.TextClause) -> Iterable[tuple[str, BaseGeometry]]:
        for row in session.execute(statement, box):
            yield str(row.kind), to_metric(shapely.from_wkb(bytes(row.wkb)), srid)

    vocabularies = templates.shipped().vocabularies
    names = [name for _, name, _ in outlines]
    return scenes.scene(
        level=level_of(alert),
        zones_m=zones_m,
        names=[{language: name.in_language(language) for language in LANGUAGES} for name in names],
        water_m=((shape, RIVER_PX if kind == "river" else OTHER_WATER_PX) for kind, shape in in_metres(_WATER)),
        streets_m=((shape, STREET_PX.get(kind, OTHER_STREET_PX)) for kind, shape in in_metres(_STREETS)),
        label={
            language: templates.joined(
                [name.in_language(language) for name in names],
                words=vocabularies[language],
                most=templates.PLACES_IN_TITLE,
            )
            for language in LANGUAGES
        },
        mark=(
            {language: words("alerts", "picture-simulated", language=language) for language in LANGUAGES}
            if queries.city(session).is_simulated
            else None
        ),
    )


def can_phones_fetch() -> bool:
    """Residents' phones reach us by https: LINE shows no picture that comes another way."""
    return settings().residents_url.startswith("https://")


def on_cards(session: Session, alert: Alert) -> dict[str, CardPicture]:
    """The alert's picture by language; empty where there is none, or phones cannot reach us by https.

    Once an alert is approved, a picture that was drawn later is left out: its messages are the same to the last.
    """
    base = settings().residents_url
    row = session.get(ZonePicture, key_of(session, alert)) if can_phones_fetch() else None
    if row is None or (alert.approved_at is not None and row.drawn_at > alert.approved_at):
        return {}
    return {
        language: CardPicture(
            url=f"{base}/pictures/zone/{row.token}.png",
            width_px=row.width_px,
            height_px=row.height_px,
            caption=words("alerts", "picture-caption", language=language),
        )
        for language in templates.LANGUAGES
    }


def served(session: Session, token: str) -> Served:
    """The picture of this token; raises NotFoundError."""
    found = None
    if _TOKEN.fullmatch(token):
        found = session.scalar(sa.select(ZonePicture.picture).where(ZonePicture.token == token))
    if found is None:
        raise NotFoundError("There is no such picture.")
    return Served(bytes(found))
