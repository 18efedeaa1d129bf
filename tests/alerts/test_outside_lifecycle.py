"""What becomes of warnings when others come: re-issues, references, titles; and what is proposed of them, once."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, box

from alerts import policy
from alerts.outside.deciding import Answered, Wanted, needed
from alerts.outside.lifecycle import Kept, Settled, in_order, settled
from alerts.outside.said import OutsideWarning, Place, Reference, Words
from alerts.outside.shapes import CityShape, outline_of, shares
from alerts.rules import Standing

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)


def warning(identifier: str, minute: int = 0, **changes: object) -> OutsideWarning:
    made = OutsideWarning(
        identifier=identifier, sender="TMD", sent_at=NOW + timedelta(minutes=minute), event="Rain", hazard="rain",
        grade=3, words={"th": Words("Rain", "rain")}, expires_at=NOW + timedelta(hours=9),
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]  # fields by name


def taken(*warnings: OutsideWarning) -> dict[str, str]:
    """What state each is in, when they came in this order."""
    kept: dict[str, Kept] = {}
    for one in warnings:
        fate = settled(one, kept, now=NOW + timedelta(hours=1))
        if fate.is_repeated:
            continue
        for identifier, state in fate.ends:
            kept[identifier] = replace(kept[identifier], state=state)
        references = tuple(reference.identifier for reference in one.references)
        kept[one.identifier] = Kept(one.identifier, one.sent_at, fate.state, one.message_type, one.group, references)
    return {identifier: one.state for identifier, one in kept.items()}


def of(message_type: str, identifier: str, minute: int, *references: str) -> OutsideWarning:
    spoken = tuple(Reference("TMD", one) for one in references)
    return warning(identifier, minute, message_type=message_type, references=spoken)


def test_the_order_of_arrival_does_not_matter() -> None:
    """Alert, update, cancel, and an alert of another danger: in whatever order they come, the end is the same."""
    chain = [warning("a"), of("Update", "b", 1, "a"), of("Cancel", "c", 2, "b"), warning("x", 1)]
    ends = {tuple(sorted(taken(*order).items())) for order in itertools.permutations(chain)}
    assert ends == {(("a", "replaced"), ("b", "cancelled"), ("c", "over"), ("x", "current"))}


def test_the_newest_of_a_title_holds() -> None:
    """Issues without references, in whatever order: the last one sent is current, those before it are replaced."""
    issues = [warning(str(minute), minute, group="g") for minute in range(4)]
    for order in itertools.permutations(issues):
        assert {name for name, state in taken(*order).items() if state == "current"} == {"3"}


def test_the_same_issue_twice_is_once() -> None:
    """What was sent no later than what is stored says nothing new; what was sent later replaces it."""
    kept = {"a": Kept("a", NOW, "current", "Alert")}
    again, later = settled(warning("a"), kept, now=NOW), settled(warning("a", 5), kept, now=NOW)
    assert (again.is_repeated, later.is_repeated, later.is_reissue) == (True, False, True)
    # A station that is high again after it was low.
    assert settled(warning("a", 5), {"a": replace(kept["a"], state="over")}, now=NOW).state == "current"


def test_what_is_odd_is_flagged() -> None:
    """An update of a warning that never came, one without an end, one from the future: taken, and said."""
    found: Settled = settled(of("Update", "b", 60, "never"), {}, now=NOW)
    assert [one.code for one in found.findings] == ["unknown_reference", "future"]
    assert [one.code for one in settled(warning("a", expires_at=None), {}, now=NOW).findings] == ["no_expiry"]


@given(
    st.lists(
        st.tuples(st.sampled_from(["Alert", "Update", "Cancel", "AllClear"]), st.sampled_from("abcd"),
                  st.integers(0, 5), st.lists(st.sampled_from("abcd"), max_size=2)),
        max_size=8,
    )
)  # fmt: skip
def test_taken_twice_is_the_same_as_once(chain: list[tuple[str, str, int, list[str]]]) -> None:
    """Whatever a source sends, sending all of it again changes nothing, and what was cancelled stays so."""
    sent = in_order([of(kind, identifier, minute, *references) for kind, identifier, minute, references in chain])
    assert taken(*sent, *sent) == taken(*sent)


def standing(id: int, state: str, level: int, *zones: int, is_by_rule: bool = True, ended: int = 0) -> Standing:
    return Standing(
        id=id, event_id=1, kind="alert", level=level, state=state, zone_ids=frozenset(zones),
        expires_at=NOW + timedelta(hours=6), ended_at=NOW - timedelta(minutes=ended) if ended else None,
        is_by_rule=is_by_rule,
    )  # fmt: skip


def propose(
    level_by_zone: dict[int, int], *alerts: Standing, answered: tuple[Answered, ...] = (), own: int = 0
) -> dict[int, set[int]]:
    wanted = Wanted(7, "flood", NOW - timedelta(hours=1), level_by_zone)
    found = needed(wanted, alerts, answered, own=[own], policy=policy.shipped(), now=NOW)
    return {level: set(zones) for level, zones in found.items()}


def test_a_zone_and_level_is_proposed_once() -> None:
    """What was told, or stands proposed by rules, officers or others, is not proposed again; a higher level is."""
    assert propose({1: 2, 2: 2, 3: 3}) == {2: {1, 2}, 3: {3}}
    assert propose({1: 2, 2: 2}, standing(1, "active", 2, 1)) == {2: {2}}
    assert propose({1: 2, 2: 2}, standing(1, "proposed", 3, 1)) == {2: {2}}
    assert propose({1: 2, 2: 2}, standing(1, "proposed", 2, 1, is_by_rule=False)) == {2: {2}}
    assert propose({1: 3}, standing(1, "active", 2, 1), standing(2, "proposed", 2, 1)) == {3: {1}}
    assert propose({1: 2}, standing(9, "proposed", 2, 1, is_by_rule=False), own=9) == {2: {1}}


def test_what_somebody_decided_holds() -> None:
    """A declined level is left alone for a while; a decision about this very warning until it is issued anew."""
    assert propose({1: 2}, standing(1, "declined", 2, 1, ended=10)) == {}
    assert propose({1: 2}, standing(1, "declined", 2, 1, ended=40)) == {2: {1}}
    decided = Answered(7, 2, frozenset({1}), NOW - timedelta(minutes=40))
    assert propose({1: 2, 2: 2}, answered=(decided,)) == {2: {2}}
    assert propose({1: 2}, answered=(replace(decided, at=NOW - timedelta(hours=2)),)) == {2: {1}}
    assert propose({1: 2}, answered=(replace(decided, warning_id=8),)) == {2: {1}}


CITY = CityShape(box(100, 8, 101, 9), {1: box(100, 8.4, 100.01, 8.41), 2: box(100.5, 8.5, 100.51, 8.51)})


def ring(shape: shapely.Polygon) -> tuple[tuple[float, float], ...]:
    return tuple((x, y) for x, y in shape.exterior.coords)


def place(*shapes: shapely.Polygon, circles: tuple[tuple[float, float, float], ...] = ()) -> Place:
    return Place("p", (), tuple(ring(shape) for shape in shapes), circles)


def test_an_outline_is_held_against_the_city() -> None:
    """Touching or elsewhere, and whether it is far larger than the city; without one nobody knows."""
    assert outline_of([place(box(100.2, 8.2, 100.3, 8.3))], CITY).reach == "touching"
    assert outline_of([place(box(98, 15, 99, 16))], CITY).reach == "elsewhere"
    assert outline_of([place()], CITY).reach == "unknown"
    assert not outline_of([place(box(100, 8, 101.5, 9))], CITY).is_wide
    assert outline_of([place(box(98, 6, 103, 11))], CITY).is_wide
    # Twenty-seven provinces are not wide for a city that only a small one of them touches.
    assert not outline_of([place(box(100.2, 8.2, 100.3, 8.3)), place(box(95, 10, 99, 20))], CITY).is_wide


def test_a_circle_covers_everybody_inside_it() -> None:
    """Its corners lie outside of it."""
    geom = outline_of([place(circles=((100.5, 8.5, 10.0),))], CITY).geom
    assert geom is not None
    y = 9.99 / 111.32
    x = y / math.cos(math.radians(8.5))
    around = (math.radians(turn) for turn in range(0, 360, 3))
    edge = [Point(100.5 + x * math.cos(turn), 8.5 + y * math.sin(turn)) for turn in around]
    assert all(geom.covers(one) for one in edge)
    assert shares(geom, CITY.zones) == {2: 1.0}


def test_shares_of_zones() -> None:
    """Half a zone is a half; a zone that is only touched at its edge has none."""
    half = outline_of([place(box(100.005, 8.3, 100.2, 8.5))], CITY).geom
    (share,) = shares(half, CITY.zones).values()
    assert abs(share - 0.5) < 1e-9
    assert shares(outline_of([place(box(100.01, 8.4, 100.02, 8.41))], CITY).geom, CITY.zones) == {}


@given(st.lists(st.tuples(st.floats(90, 110), st.floats(0, 20)), min_size=3, max_size=12))
def test_whatever_outline_comes_is_measured(corners: list[tuple[float, float]]) -> None:
    """Bow ties, slivers and points: a valid outline or none, and shares from 0 to 1."""
    found = outline_of([Place("p", (), ((*corners, corners[0]),))], CITY)
    assert found.geom is None or found.geom.is_valid
    assert all(0 < share <= 1 for share in shares(found.geom, CITY.zones).values())
