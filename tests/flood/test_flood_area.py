"""What an officer learns of an area that was drawn on the map."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from api.routes import flood as routes
from flood import actions, area
from flood.errors import InvalidAreaError
from gis.errors import InvalidPlaceError, NoCityError
from staff.rules import AccountRef

OFFICER = AccountRef(id=1, username="o", display_name="o", roles=frozenset({"officer"}), crew_code=None)
WHOLE = ((0, 0), (1200, 0), (1200, 1200), (0, 1200))
BOX = (99.0, 8.0, 100.0, 9.0)


@pytest.fixture
def city(town: Any) -> Any:
    """The small city stands in an extent of its own, and an officer may be written into the audit log."""
    run = town.session.execute
    corners = ", ".join(f"{place.lon} {place.lat}" for place in (town.place(*xy) for xy in (*WHOLE, WHOLE[0])))
    shape = f"ST_Buffer(ST_GeomFromText('POLYGON(({corners}))', 4326), 0.001)"
    run(
        sa.text(
            "INSERT INTO city (id, slug, name_th, name_en, boundary, extent, centre, metric_srid, datum, imported_at, "
            f"is_simulated) SELECT 1, 't', 't', 't', ST_Multi({shape}), ST_Envelope({shape}), ST_Centroid({shape}), "
            "32647, 'm', now(), true"
        )
    )
    run(
        sa.text(
            "INSERT INTO account (id, username, display_name, password_hash, roles, is_active, created_at) "
            "VALUES (1, 'o', 'o', '', '{officer}', true, now())"
        )
    )
    return town


def _asked(city: Any, *corners: tuple[float, float], run_id: int | None = None) -> routes.AreaAsked:
    places = [city.place(*corner) for corner in (*corners, corners[0])]
    outline = routes.Outline(type="Polygon", coordinates=[[(place.lon, place.lat) for place in places]])
    return routes.AreaAsked(polygon=outline, run_id=run_id)


def _found(city: Any, *corners: tuple[float, float], run_id: int | None = None) -> routes.DrawnAreaOut:
    return routes.count_in_area(city.session, OFFICER, _asked(city, *corners, run_id=run_id))


def test_the_whole_city_holds_what_its_zones_hold(city: Any) -> None:
    """An area around everything counts every home, member, road and facility, and most of the homes in the water."""
    city.water(a=2.6, b=2.6)
    run = actions.draw(city.session, now=city.now)
    found = _found(city, *WHOLE)
    assert (found.run_id, found.homes.total, found.members.total) == (run.id, 400, 380)
    assert found.vulnerable_homes.total == 40
    assert found.area_m2 == pytest.approx(1200 * 1200, rel=0.005)
    assert found.roads_km == pytest.approx(2.44, rel=0.01)
    assert {kind: (one.wet, one.total) for kind, one in found.facilities.items()} == {"school": (1, 1)}
    zones = [feature["properties"] for feature in routes.read_zones(city.session, OFFICER).features]
    assert found.homes.wet == pytest.approx(sum(zone["homes"] for zone in zones), rel=0.05)
    assert sum(found.roads_wet_km.values()) == pytest.approx(1.2, rel=0.05)
    assert 0 < sum(found.wet_m2.values()) < found.area_m2
    assert set(found.wet_m2) == {1, 2, 3}


def test_the_area_is_asked_of_the_picture_that_is_named(city: Any) -> None:
    """The dry picture of before says dry while the newest one says wet."""
    city.water(a=0.0, b=0.0)
    before = actions.draw(city.session, now=city.now)
    city.later(20)
    city.water(a=2.6, b=2.6)
    actions.draw(city.session, now=city.now)
    assert _found(city, *WHOLE).homes.wet > 10
    assert (_found(city, *WHOLE, run_id=before.id).homes.wet, _found(city, *WHOLE, run_id=before.id).wet_m2) == (0, {})


def test_without_a_picture_nothing_is_called_dry(city: Any) -> None:
    """Before the first picture the totals are known, and what is wet is unknown."""
    found = _found(city, *WHOLE)
    assert (found.run_id, found.homes.wet, found.homes.total, found.wet_m2) == (None, None, 400, None)
    assert not found.homes.is_few_wet
    assert found.facilities["school"].wet is None


def test_registered_people_are_counted_with_how_they_were_spread(city: Any) -> None:
    """Without a register there is no number of people; with one it comes with its method."""
    assert _found(city, *WHOLE).people is None
    city.session.execute(
        sa.text(
            "INSERT INTO population_point (layer_id, unit_code, method, people, geom) "
            "SELECT layer.id, 'u', method, people, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) FROM layer, "
            "(VALUES ('buildings', 70), ('streets', 5)) AS spread(method, people) LIMIT 2"
        ),
        _parameters(city.place(605, 625)),
    )
    city.water(a=2.6, b=2.6)
    actions.draw(city.session, now=city.now)
    found = _found(city, *WHOLE)
    assert (found.people.wet, found.people.total) == (75, 75)
    assert found.people_by == {"buildings": 70, "streets": 5}
    assert _found(city, (0, 0), (100, 0), (100, 100)).people.total == 0


def _parameters(place: Any) -> dict[str, float]:
    return {"lon": place.lon, "lat": place.lat}


def test_one_or_two_members_are_never_told(city: Any) -> None:
    """A neighbour could tell them by name: fewer than three are only said to be few, none is said to be none."""
    city.session.execute(sa.text("DELETE FROM home WHERE id NOT IN (SELECT id FROM home ORDER BY id LIMIT 2)"))
    found = _found(city, *WHOLE)
    assert (found.members.total, found.members.is_few, found.homes.total) == (None, True, None)
    nobody = _found(city, (0, 0), (30, 0), (30, 30))
    assert (nobody.members.total, nobody.members.is_few) == (0, False)


def test_every_look_is_in_the_audit_log(city: Any) -> None:
    """Who counted residents where is written down, without the counts."""
    _found(city, *WHOLE)
    action, username, detail = city.session.execute(
        sa.text("SELECT action, username, detail FROM audit_entry ORDER BY id DESC LIMIT 1")
    ).one()
    assert (action, username) == ("area.counted", "o")
    assert set(detail) == {"area_m2", "corner"}


def test_a_crossing_outline_is_refused_with_the_place_of_the_crossing(city: Any) -> None:
    """A bow tie is not repaired into something that nobody drew."""
    with pytest.raises(InvalidAreaError, match=r"crosses itself near 99\.\d+, 8\.\d+"):
        _found(city, (100, 100), (500, 500), (500, 100), (100, 500))


def test_an_outline_without_width_is_refused(city: Any) -> None:
    """Three corners on one line hold nothing."""
    with pytest.raises(InvalidAreaError):
        _found(city, (100, 100), (300, 100), (100, 100))


def test_outside_the_city_is_refused(city: Any) -> None:
    """The corner that lies outside is named."""
    with pytest.raises(InvalidAreaError, match="outside the city"):
        _found(city, (100, 100), (9000, 100), (9000, 900))


def test_too_many_corners_are_refused(city: Any) -> None:
    """The database is not asked to cut along a coastline."""
    many = [(100 + n, 100 + 400 * (n % 2)) for n in range(250)] + [(350 - n, 600 + n) for n in range(250)]
    with pytest.raises(InvalidAreaError, match="501 corners"):
        _found(city, *many)


def test_without_a_city_there_is_no_area(town: Any) -> None:
    """Before an import the answer is one sentence."""
    with pytest.raises(NoCityError):
        _found(town, *WHOLE)


@given(
    st.lists(
        st.lists(st.tuples(st.floats(allow_nan=True), st.floats(allow_nan=True)), max_size=8), max_size=4
    )
)
def test_any_numbers_are_an_area_or_a_sentence(coordinates: list[list[tuple[float, float]]]) -> None:
    """No outline fails otherwise than with a sentence an officer can read."""
    try:
        rings = [[area.LonLat(lon=lon, lat=lat) for lon, lat in ring] for ring in coordinates]
        area.check_rings(rings, bbox=BOX)
    except (InvalidAreaError, InvalidPlaceError) as problem:
        said = problem.detail
    else:
        said = "" if all(ring[0] == ring[-1] and len(ring) >= 4 for ring in rings) else "not closed"
    assert said == "" or said.endswith(".")
