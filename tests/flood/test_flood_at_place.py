"""What the pictures say of one place, now and ahead."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from flood import queries
from flood.at_place import water_at
from flood.depths import SpotDepth
from flood.queries import Unknown
from gis.points import LonLat
from tests.flood.test_flood_ahead import look_ahead, rising


def test_before_the_first_picture_nothing_is_known(town: Any) -> None:
    """No picture, no hours to come, no level."""
    found = water_at(town.session, town.place(605, 625), now=town.now)
    assert (found.now, found.ahead, found.foretold_at, found.gauge) == (None, (), None, None)


def test_a_place_in_the_water_has_depth_zone_hours_to_come_and_its_gauge(town: Any) -> None:
    """As deep as the picture draws it there; the hours to come in their order, with the zone's severity in each."""
    run = rising(town)
    for horizon_min in (120, 60):
        look_ahead(town, run, horizon_min)
    place = town.place(605, 625)
    found = water_at(town.session, place, now=town.now)
    assert found.now is not None
    assert isinstance(found.now.spot, SpotDepth)
    assert found.now.spot.depth_m == queries.depth_at(town.session, place) > 0
    assert [one.valid_at for one in found.ahead] == [run.valid_at + timedelta(hours=hours) for hours in (1, 2)]
    assert all(isinstance(one.spot, SpotDepth) for one in found.ahead)
    zones = {zone.name_en: zone.severity for zone in queries.current_zones(town.session)}
    assert found.zone_en is not None
    assert zones[found.zone_en] == found.now.severity
    assert found.gauge is not None
    assert found.gauge.card.level_m_msl == pytest.approx(2.4)
    assert not found.gauge.is_doubted


def test_hours_that_are_over_are_not_ahead(town: Any) -> None:
    """A forecast of an hour that has passed is told to nobody."""
    run = rising(town)
    look_ahead(town, run, 60)
    assert water_at(town.session, town.place(605, 625), now=run.valid_at + timedelta(hours=1)).ahead == ()


def test_half_the_world_away_nothing_is_known(town: Any) -> None:
    """Off the known ground there is no zone and no depth, and no fault."""
    rising(town)
    found = water_at(town.session, LonLat(lon=-70.0, lat=-33.0), now=town.now)
    assert found.now is not None
    assert (found.now.spot, found.now.severity, found.zone_en) == (Unknown.NO_GROUND, None, None)
