"""The agencies, crews and station titles of a simulated city."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

_ROSTERS = Path(__file__).with_name("rosters.toml")


def _read() -> dict[str, Any]:
    return tomllib.loads(_ROSTERS.read_text(encoding="utf-8"))


def station_title(kind: str) -> tuple[str, str]:
    """What a gauge or camera is called in Thai and English, before the name of its water or community."""
    thai, english = _read()["stations"][kind]
    return thai, english


def agency_columns() -> dict[str, list[Any]]:
    """The columns of the layer `agencies`."""
    agencies = _read()["agency"]
    return {
        "code": [agency["code"] for agency in agencies],
        "name_th": [agency["names"][0] for agency in agencies],
        "name_en": [agency["names"][1] for agency in agencies],
        "categories": [agency["categories"] for agency in agencies],
    }


def crew_columns() -> dict[str, list[Any]]:
    """The columns of the layer `crews`, without their places: `pump-1` to `rescue-3`."""
    crews = [(crew, number) for crew in _read()["crew"] for number in range(1, crew["count"] + 1)]
    return {
        "code": [f"{crew['kind']}-{number}" for crew, number in crews],
        "name_th": [f"{crew['names'][0]} {number}" for crew, number in crews],
        "name_en": [f"{crew['names'][1]} {number}" for crew, number in crews],
        "kind": [crew["kind"] for crew, _ in crews],
        "capabilities": [crew["capabilities"] for crew, _ in crews],
        "vehicle": [crew["vehicle"] for crew, _ in crews],
        "ford_limit_m": [crew["ford_limit_m"] for crew, _ in crews],
    }
