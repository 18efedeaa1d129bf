"""Whose work it is: by category, kind and area, both sides of a border, and never nobody's."""

from __future__ import annotations

import math
import random

import pytest
import shapely
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from gis.models import Area, City, Layer, Road
from gis.points import LonLat
from incidents import actions, agencies, promise_queries, public_queries, queries, routing
from incidents.models import Agency
from incidents.routing import AgencyChoice, AreaNear, Handing, Reached, Surroundings
from incidents.rules import NewReport
from tests.conftest import FROZEN_AT

CLERK = AgencyChoice("clerk", frozenset({"*"}), None)
WEST, EAST = (AgencyChoice(f"drain-{side}", frozenset({"drainage"}), side) for side in ("west", "east"))
PUMPS = AgencyChoice("pumps", frozenset({"flooded_road"}), None)


def _near(code: str, distance_m: float, edge_m: float, *, street_m: float | None = None) -> AreaNear:
    return AreaNear(code, distance_m, edge_m, 1e6, street_m, street_m)


def _codes(*choices: AgencyChoice, areas: tuple[AreaNear, ...] = (), outside_m: float | None = 0.0) -> list[str]:
    return [agency.code for agency in _reached(*choices, areas=areas, outside_m=outside_m)]


def _reached(
    *choices: AgencyChoice, areas: tuple[AreaNear, ...] = (), outside_m: float | None = 0.0
) -> tuple[Reached, ...]:
    return routing.agencies_for(
        choices, category_code="flooded_road", agency_kind="drainage",
        surroundings=Surroundings(areas, outside_m), radius_m=10.0,
    )


# ── The rule ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_agency_that_names_the_category_comes_first() -> None:
    """Category before kind before `*`; an agency of the very area before one of the whole city."""
    works = AgencyChoice("works", frozenset({"drainage"}), None)
    local = AgencyChoice("local", frozenset({"flooded_road"}), "west")
    inside = (_near("west", 0, 500),)
    assert _codes(CLERK, works, PUMPS, local)[0] == "pumps"
    assert _codes(CLERK, works, PUMPS, local, areas=inside) == ["local"]
    assert _codes(CLERK, works) == ["works"]
    assert _codes(CLERK) == ["clerk"]


def test_without_any_agency_it_is_the_built_in_desks() -> None:
    """No pack, no area, no catch-all: the city has a desk of its own."""
    assert _reached() == (Reached(routing.DESK_CODE, "desk"),)


def test_at_a_border_both_sides_have_it_and_further_in_one() -> None:
    """Within the report's radius and the border's inaccuracy of the neighbour it is the neighbour's too."""
    both = ["drain-west", "drain-east"]
    assert _codes(CLERK, WEST, EAST, areas=(_near("west", 0, 20), _near("east", 20, 20))) == both
    assert _codes(CLERK, WEST, EAST, areas=(_near("west", 0, 26), _near("east", 26, 26))) == ["drain-west"]


def test_a_street_on_the_border_is_both_sides() -> None:
    """Forty metres from the border, but on the street that is the border: both."""
    on_the_street = (_near("west", 0, 40, street_m=5), _near("east", 40, 40, street_m=5))
    assert [(r.code, r.reason) for r in _reached(CLERK, WEST, EAST, areas=on_the_street)] == [
        ("drain-west", "kind"), ("drain-east", "street"),
    ]
    beside = (_near("west", 0, 40, street_m=60), _near("east", 40, 40, street_m=60))
    assert _codes(CLERK, WEST, EAST, areas=beside) == ["drain-west"]


def test_at_the_edge_of_a_local_agencys_area_the_whole_citys_has_it_too() -> None:
    """Beyond the edge another would lead: the one of the whole city."""
    works = AgencyChoice("works", frozenset({"drainage"}), None)
    assert _codes(CLERK, works, WEST, areas=(_near("west", 0, 10),)) == ["drain-west", "works"]
    assert _codes(CLERK, works, WEST, areas=(_near("west", 0, 90),)) == ["drain-west"]


def test_who_would_lead_nowhere_is_not_called_to_a_border() -> None:
    """A second agency of the same area, and one of the next area whose work another does in the whole city."""
    second = AgencyChoice("drain-west-2", frozenset({"drainage"}), "west")
    border = (_near("west", 0, 5), _near("east", 5, 5))
    assert _codes(CLERK, WEST, second, EAST, areas=border) == ["drain-west", "drain-east"]
    assert _codes(CLERK, PUMPS, WEST, EAST, areas=border) == ["pumps"]


def test_outside_every_area_the_nearest_agency_leads_and_says_why() -> None:
    """Not the catch-all: somebody does such work, only elsewhere; as near as the nearest means both."""
    gap = (_near("west", 300, 300), _near("east", 320, 320))
    assert _reached(CLERK, WEST, EAST, areas=gap) == (
        Reached("drain-west", "nearest_area", 300), Reached("drain-east", "border", 320),
    )
    assert _codes(CLERK, WEST, EAST, areas=(_near("west", 300, 300), _near("east", 500, 500))) == ["drain-west"]
    assert _codes(CLERK, PUMPS, WEST, areas=(_near("west", 300, 300),)) == ["pumps"]


def test_beyond_the_city_it_is_the_desks_with_the_reason() -> None:
    """Further out than the tolerance; on the edge itself it is the city's as usual."""
    areas = (_near("west", 400, 400),)
    assert _reached(CLERK, WEST, areas=areas, outside_m=400.0) == (Reached("clerk", "outside_city", 400.0),)
    assert _codes(CLERK, WEST, areas=(_near("west", 20, 20),), outside_m=20.0) == ["drain-west"]


def test_a_place_known_to_a_kilometre_does_not_reach_the_whole_city() -> None:
    """The tolerance ends somewhere, and no more than three others are called."""
    assert routing.tolerance_m(1000.0) == routing.WIDEST_TOLERANCE_M
    assert routing.tolerance_m(None) == routing.tolerance_m(15.0)
    ring = [AgencyChoice(f"a{n}", frozenset({"drainage"}), f"a{n}") for n in range(9)]
    areas = tuple(_near(f"a{n}", float(n > 0), 1.0) for n in range(9))
    assert len(_codes(*ring, areas=areas)) == 1 + routing.MOST_OTHERS


_CHOICE = st.builds(
    AgencyChoice,
    st.sampled_from([f"g{n}" for n in range(6)]),
    st.frozensets(st.sampled_from(["flooded_road", "drainage", "*", "works"]), min_size=1),
    st.sampled_from([None, "a0", "a1", "a2", "gone"]),
)
_AREA = st.builds(
    AreaNear, st.sampled_from(["a0", "a1", "a2"]), st.floats(0, 5000), st.floats(0, 5000), st.floats(1, 1e8),
    st.none() | st.floats(0, 200), st.none() | st.floats(0, 200),
)


@given(
    choices=st.lists(_CHOICE, max_size=8, unique_by=lambda c: c.code),
    areas=st.lists(_AREA, max_size=3, unique_by=lambda a: a.code),
    outside_m=st.none() | st.floats(0, 1e6),
    radius_m=st.none() | st.floats(0, 1e5),
)
def test_whatever_a_city_has_a_report_has_one_lead_and_no_agency_twice(
    choices: list[AgencyChoice], areas: list[AreaNear], outside_m: float | None, radius_m: float | None
) -> None:
    """Never none, never twice; only agencies that are there, or the built-in desk."""
    reached = routing.agencies_for(
        choices, category_code="flooded_road", agency_kind="drainage",
        surroundings=Surroundings(tuple(areas), outside_m), radius_m=radius_m,
    )
    codes = [agency.code for agency in reached]
    assert codes
    assert len(codes) == len(set(codes))
    assert set(codes) <= {choice.code for choice in choices} | {routing.DESK_CODE}


# ── Sent on ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _may_go(earlier: list[Handing], lead: str, to: str) -> bool:
    return routing.refusal_of_handing(earlier, lead_code=lead, to_code=to, desk_code="clerk", limit=5) is None


def test_two_agencies_cannot_hand_an_incident_to_and_fro() -> None:
    """Who has sent it on does not get it back from another agency; the desk may get it, and gives it to anybody."""
    once = [Handing("works", "parks")]
    assert not _may_go(once, "parks", "works")
    assert _may_go(once, "parks", "clerk")
    assert _may_go([*once, Handing("parks", "clerk")], "clerk", "works")
    assert not _may_go([], "works", "works")


def test_after_five_hands_only_the_desk_may_have_it() -> None:
    """An incident that wanders is decided on."""
    wandered = [Handing(f"g{n}", f"g{n + 1}") for n in range(5)]
    assert not _may_go(wandered, "g5", "g9")
    assert _may_go(wandered, "g5", "clerk")


# ── A city with borders, streets and a gap ───────────────────────────────────────────────────────────────────────────

WEST_LON, MIDDLE_LON, EAST_LON, GAP_LON = 100.00, 100.02, 100.04, 100.05
SOUTH_LAT, NORTH_LAT = 8.00, 8.03
M_PER_DEGREE = 110_600.0


def _border() -> list[tuple[float, float]]:
    """A crooked line between west and east: what a street that is a border looks like."""
    shaky = random.Random(7)
    steps = 24
    inner = [
        (MIDDLE_LON + shaky.uniform(-8e-4, 8e-4), SOUTH_LAT + (NORTH_LAT - SOUTH_LAT) * n / steps)
        for n in range(1, steps)
    ]
    return [(MIDDLE_LON, SOUTH_LAT), *inner, (MIDDLE_LON, NORTH_LAT)]


def _fill_city(session: Session) -> None:
    """West and east share a crooked border with a street along it; between east and the city's edge lies no area."""
    actions.load_categories(session)
    layer = Layer(
        name="communities", kind="communities", source="t", licence="t", dated=None, trust="simulated", row_count=2,
        version=1, imported_at=FROZEN_AT, legend={},
    )
    session.add(layer)
    session.flush()
    border = _border()
    corners = {"west": WEST_LON, "east": EAST_LON}
    for code, lon in corners.items():
        ring = [*border, (lon, NORTH_LAT), (lon, SOUTH_LAT)]
        shape = shapely.MultiPolygon([shapely.Polygon(ring)])
        inner = shape.representative_point()
        session.add(
            Area(
                layer_id=layer.id, kind="community", code=code, name_th=code, name_en=code,
                geom=f"SRID=4326;{shape.wkt}", place=f"SRID=4326;{inner.wkt}", attributes={}, trust="simulated",
            )
        )
    boundary = shapely.box(WEST_LON, SOUTH_LAT, GAP_LON, NORTH_LAT)
    session.add(
        City(
            slug="t", name_th="เมือง", name_en="Town", boundary=f"SRID=4326;{shapely.MultiPolygon([boundary]).wkt}",
            extent=f"SRID=4326;{boundary.buffer(0.02, join_style='mitre').wkt}",
            centre=f"SRID=4326;{boundary.centroid.wkt}", metric_srid=32647, datum="msl", imported_at=FROZEN_AT,
            is_simulated=True,
        )
    )
    # The street is drawn up to 12 m off the border, as another survey would have it.
    off = [(lon + 1e-4, lat) for lon, lat in border]
    session.add(
        Road(
            layer_id=layer.id, code="border", name_th="ถนนแนวเขต", name_en="Border Road", road_class="primary",
            is_bridge=False, geom=f"SRID=4326;{shapely.LineString(off).wkt}", length_m=3300.0,
        )
    )
    for choice in (CLERK, WEST, EAST):
        row = Agency(
            code=choice.code, name_th=choice.code, name_en=choice.code, categories=sorted(choice.categories),
            area_code=choice.area_code, trust="simulated",
        )
        session.add(row)
    session.flush()


@pytest.fixture(scope="module")
def city(module_session: Session) -> Session:
    """The city is there for all tests of this file."""
    _fill_city(module_session)
    return module_session


def _route(session: Session, lon: float, lat: float, *, radius_m: float | None = 10.0) -> list[str]:
    category = queries.category(session, "flooded_road")
    return [a.code for a in agencies.reached_by(session, category, LonLat(lon=lon, lat=lat), radius_m=radius_m)]


_LON, _LAT = st.floats(WEST_LON - 0.03, GAP_LON + 0.03), st.floats(SOUTH_LAT - 0.03, NORTH_LAT + 0.03)


@settings(max_examples=300)
@given(lon=_LON, lat=_LAT)
def test_no_place_in_or_around_the_city_is_without_an_agency(city: Session, lon: float, lat: float) -> None:
    """In an area, in the gap, on the city's edge and beyond it: one lead at least, and each one exists."""
    codes = _route(city, lon, lat)
    assert codes
    known = set(city.scalars(sa.select(Agency.code)))
    assert set(codes) <= known


@settings(max_examples=300)
@given(along=st.floats(0, 1), off_m=st.floats(-9, 9))
def test_a_place_on_the_border_reaches_both_agencies(city: Session, along: float, off_m: float) -> None:
    """Wherever on the crooked line, a few metres to either side: west and east."""
    at = shapely.LineString(_border()).interpolate(along, normalized=True)
    lon = min(max(at.x + off_m / (M_PER_DEGREE * math.cos(math.radians(8))), WEST_LON), GAP_LON)
    assert {"drain-west", "drain-east"} <= set(_route(city, lon, at.y))


@settings(max_examples=300)
@given(along=st.floats(0, 1), off_m=st.floats(-20, 20))
def test_a_report_on_the_street_between_two_agencies_reaches_both(city: Session, along: float, off_m: float) -> None:
    """The street is drawn 11 m beside the border and the pin up to 20 m beside the street: still both."""
    at = shapely.LineString([(lon + 1e-4, lat) for lon, lat in _border()]).interpolate(along, normalized=True)
    lon = at.x + off_m / (M_PER_DEGREE * math.cos(math.radians(8)))
    assert {"drain-west", "drain-east"} <= set(_route(city, lon, at.y, radius_m=5.0))


@pytest.mark.slow
def test_ten_thousand_places_on_every_edge_have_an_agency(city: Session) -> None:
    """The border between the areas, their outer edges and the city's own, to within centimetres of the line."""
    spread = random.Random(36)
    outer = shapely.box(WEST_LON, SOUTH_LAT, GAP_LON, NORTH_LAT).exterior
    lines = (shapely.LineString(_border()), outer, shapely.box(WEST_LON, SOUTH_LAT, EAST_LON, NORTH_LAT).exterior)
    takes = frozenset({"flooded_road", "drainage", routing.ANYTHING})
    without = 0
    for number in range(10_000):
        at = lines[number % 3].interpolate(spread.random(), normalized=True)
        place = LonLat(lon=at.x + spread.gauss(0, 3e-7), lat=at.y + spread.gauss(0, 3e-7))
        choices, surroundings = promise_queries.choices_at(city, place, takes=takes)
        reached = routing.agencies_for(
            choices, category_code="flooded_road", agency_kind="drainage", surroundings=surroundings, radius_m=10.0
        )
        without += not reached
        if number % 3 == 0:
            assert {"drain-west", "drain-east"} <= {agency.code for agency in reached}
    assert without == 0


# ── Stored ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _report(session: Session, off_m: float) -> int:
    """A report so many metres east of the border's southern end; the incident's id."""
    place = LonLat(lon=MIDDLE_LON + off_m / (M_PER_DEGREE * math.cos(math.radians(8))), lat=SOUTH_LAT + 2e-5)
    new = NewReport(text="น้ำท่วม", category_code="flooded_road", place=place, place_source="pin", radius_m=5.0)
    return actions.receive_report(session, new)[1].id


def _agencies(session: Session, incident_id: int) -> list[tuple[str, str]]:
    return [(row.code, row.role) for row in promise_queries.reached_rows(session, incident_id)]


def test_a_report_that_joins_from_the_other_side_brings_its_agency(city: Session) -> None:
    """The first lies well inside west; its neighbour stands at the border; the lead stays who it was."""
    first = _report(city, -75)
    assert _agencies(city, first) == [("drain-west", "lead")]
    assert _report(city, -15) == first
    assert _agencies(city, first) == [("drain-west", "lead"), ("drain-east", "other")]
    assert queries.incident(city, first).agency_code == "drain-west"


def test_a_better_pin_changes_the_agency_of_what_is_new_and_adds_to_what_has_begun(city: Session) -> None:
    """Before anybody has taken it on it simply is the other's; afterwards both have it."""
    inside_west, inside_east = (LonLat(lon=lon, lat=8.015) for lon in (100.01, 100.03))
    new = NewReport(text="น้ำท่วม", category_code="drain", place=inside_west, place_source="pin")
    incident_id = actions.receive_report(city, new)[1].id
    actions.move_incident(city, incident_id, inside_east)
    assert _agencies(city, incident_id) == [("drain-east", "lead")]
    actions.change_state(city, incident_id, "accepted", by="officer", reason="")
    actions.move_incident(city, incident_id, inside_west)
    assert _agencies(city, incident_id) == [("drain-east", "lead"), ("drain-west", "other")]


def test_each_step_that_everybody_reads_names_who_led_then(city: Session) -> None:
    """A pin that brings another agency rewrites no earlier step; a step from before that was kept names nobody."""
    inside_west, inside_east = (LonLat(lon=lon, lat=8.015) for lon in (100.01, 100.03))
    new = NewReport(text="น้ำท่วม", category_code="drain", place=inside_west, place_source="pin")
    incident = actions.open_apart(city, new, opened_at=FROZEN_AT)
    actions.move_incident(city, incident.id, inside_east)
    actions.change_state(city, incident.id, "accepted", by="officer", reason="")
    names = dict(city.execute(sa.select(Agency.code, Agency.name_th)).all())
    found = public_queries.tracked(city, incident.number)
    assert found is not None
    assert [step.agency_th for step in found.steps] == [names["drain-west"], names["drain-east"]]
    city.execute(sa.text("UPDATE incident_change SET to_agency_code = NULL WHERE from_state IS NULL"))
    found = public_queries.tracked(city, incident.number)
    assert found is not None
    assert [step.agency_th for step in found.steps] == ["", names["drain-east"]]
