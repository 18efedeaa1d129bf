"""A gauge, a feed and an entry of its streams, as tests declare them."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from gis.points import LonLat
from sensors.actions import NewStation, register_station
from sensors.feeds_store.actions import NewFeed

KEY = "a-long-random-key-of-a-feed"


def add_gauge(session: Session, code: str) -> None:
    """A gauge with a datastream of the same code, in metres above mean sea level."""
    register_station(
        session,
        NewStation(
            code=code, name_th="คลอง", name_en="Canal", kind="gauge", place=LonLat(lon=100.0, lat=8.0), bank_m_msl=3.0,
            bed_m_msl=-1.5, watch_m_msl=1.5, warning_m_msl=2.0, danger_m_msl=2.5, interval_s=600, device_key=None,
            trust="simulated", layer="gauges",
        ),
    )


def a_feed(code: str, kind: str, **changes: Any) -> NewFeed:
    """A feed of this kind that writes series `s` in metres to G1, unless something else is said."""
    declared: dict[str, Any] = {
        "code": code, "name_th": f"แหล่ง {code}", "name_en": f"Source {code}", "kind": kind, "url": None,
        "period_s": 600, "streams": [{"stream": "s", "datastream": "G1", "unit": "m", "to_unit": "m"}], "options": {},
        "is_enabled": True, "secret_env": None, "secret_header": None, "key": KEY, "trust": "simulated", "layer": None,
    }
    return NewFeed(**(declared | changes))


def stream(name: str, datastream: str = "G1", **changes: Any) -> dict[str, Any]:
    """An entry of a feed's streams, in metres unless something else is said."""
    return {"stream": name, "datastream": datastream, "unit": "m", "to_unit": "m"} | changes
