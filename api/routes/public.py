"""What everybody may see without signing in: the water at the gauges, the cameras, the zones."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

import cctv.queries
import flood.queries
import gis.queries
from api.deps import SessionDep
from api.routes.cameras import camera_feature
from api.routes.gauges import gauge_features
from api.routes.overview import ClockOut, clock_out

router = APIRouter(prefix="/public", tags=["public"])

# In a flood the whole city looks: the database answers once in this time, whoever asks.
SAME_ANSWER_S = 2.0
KEPT_BY_BROWSERS_S = 5


class Names(BaseModel):
    """A name in Thai and English."""

    th: str
    en: str


class PublicCity(BaseModel):
    """Which city this is, and whether it is made up."""

    slug: str
    name: Names
    is_simulated: bool


class Features(BaseModel):
    """GeoJSON."""

    type: str = "FeatureCollection"
    features: list[dict[str, Any]]


class PublicWater(BaseModel):
    """The water now; `computed_at` is the shared time of the newest picture of the flood, None before the first."""

    city: PublicCity
    clock: ClockOut
    computed_at: datetime | None
    gauges: Features
    cameras: Features
    zones: Features


def _zone_feature(zone: flood.queries.CurrentZone) -> dict[str, Any]:
    """A zone without the counts of who lives there."""
    return {
        "type": "Feature",
        "id": zone.id,
        "geometry": zone.geometry,
        "properties": {
            "id": zone.id,
            "code": zone.code,
            "name": {"th": zone.name_th, "en": zone.name_en},
            "severity": zone.severity,
            "is_falling": zone.is_falling,
            "depth_class": zone.depth_class,
        },
    }


def _water(session: SessionDep) -> PublicWater:
    time_now = clock_out()
    city = gis.queries.city(session)
    run = flood.queries.current_run(session)
    return PublicWater(
        city=PublicCity(slug=city.slug, name=Names(th=city.name_th, en=city.name_en), is_simulated=city.is_simulated),
        clock=time_now,
        computed_at=run.computed_at if run else None,
        gauges=Features(features=gauge_features(session, time_now.now)),
        cameras=Features(features=[camera_feature(card) for card in cctv.queries.cameras(session)]),
        zones=Features(features=[_zone_feature(zone) for zone in flood.queries.current_zones(session)]),
    )


class SameAnswer:
    """One answer for all who ask within `SAME_ANSWER_S`; who comes while it is made waits for it."""

    def __init__(self) -> None:
        """Nothing was made yet."""
        self._lock = threading.Lock()
        self._body = b""
        self._made_s = float("-inf")

    def body(self, session: SessionDep) -> bytes:
        """The JSON of the water, at most `SAME_ANSWER_S` old."""
        with self._lock:
            if time.monotonic() - self._made_s > SAME_ANSWER_S:
                self._body = _water(session).model_dump_json().encode()
                self._made_s = time.monotonic()
            return self._body


@router.get("/water", summary="The water now, for everybody", response_model=PublicWater)
def public_water(request: Request, session: SessionDep) -> Response:
    """Levels, cameras and zones without a word of who lives there; made anew every two seconds at most."""
    answer: SameAnswer = request.app.state.public_water
    return Response(
        answer.body(session),
        media_type="application/json",
        headers={"Cache-Control": f"public, max-age={KEPT_BY_BROWSERS_S}"},
    )
