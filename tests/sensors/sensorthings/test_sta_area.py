"""observedArea of a datastream: the box around the features of interest of its observations (18-088, clause 8.2.4)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sensors.sensorthings.conftest import PROPERTY, SENSOR, Sta, datastream, thing


def _feature(lon: float, lat: float) -> dict[str, Any]:
    return {"name": "F", "description": "f", "encodingType": "application/geo+json",
            "feature": {"type": "Point", "coordinates": [lon, lat]}}


def _box(sta: Sta, datastream_id: int = 1) -> list[list[float]] | None:
    """The two corners of the area, from the south-west to the north-east."""
    area = sta.get(f"Datastreams({datastream_id})").get("observedArea")
    if area is None:
        return None
    places = area["coordinates"][0] if area["type"] == "Polygon" else area["coordinates"]
    places = [places] if area["type"] == "Point" else places
    return [[choose(place[axis] for place in places) for axis in (0, 1)] for choose in (min, max)]


@pytest.fixture
def moving(sta: Sta) -> Sta:
    """A service with three observations of one datastream, each about a feature of its own on a diagonal."""
    observations = [{"result": n, "FeatureOfInterest": _feature(100 + n, 7 + n)} for n in range(3)]
    sta.post("Things", thing(Datastreams=[datastream(Observations=observations)]))
    assert _box(sta) == [[100, 7], [102, 9]]
    return sta


def test_the_area_shrinks_with_what_is_taken_away(moving: Sta) -> None:
    """Without an observation or a feature the area is that of those left; without any it is absent."""
    last = moving.ids("Observations", filter="result eq 2")[0]
    moving.send("DELETE", f"Observations({last})", status=200)
    assert _box(moving) == [[100, 7], [101, 8]]
    moving.send("DELETE", "Observations(1)/FeatureOfInterest", status=200)
    assert _box(moving) == [[101, 8], [101, 8]]
    moving.send("DELETE", f"Observations({moving.ids('Observations')[0]})", status=200)
    assert _box(moving) is None


def test_the_area_follows_observations_and_features_that_change(moving: Sta) -> None:
    """An observation about another feature, or in another datastream, and a feature elsewhere redraw the areas."""
    second, first = (moving.get(f"Observations({n})/FeatureOfInterest")["@iot.id"] for n in (2, 1))
    moving.send("PATCH", "Observations(3)", {"FeatureOfInterest": {"@iot.id": second}}, status=200)
    assert _box(moving) == [[100, 7], [101, 8]]
    moving.send("PATCH", f"FeaturesOfInterest({first})", {"feature": _feature(90, 7)["feature"]}, status=200)
    assert _box(moving) == [[90, 7], [101, 8]]
    other = moving.post("Datastreams", datastream(Thing={"@iot.id": 1}, Sensor=SENSOR, ObservedProperty=PROPERTY))
    moving.send("PATCH", "Observations(1)", {"Datastream": {"@iot.id": other["@iot.id"]}}, status=200)
    assert (_box(moving), _box(moving, other["@iot.id"])) == ([[101, 8], [101, 8]], [[90, 7], [90, 7]])
