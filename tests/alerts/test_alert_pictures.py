"""The map picture of an alert's zones: drawn once, served to whoever has its address, never waited for."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import cv2
import numpy as np
import pytest
import shapely
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, box
from sqlalchemy.orm import Session

from alerts import actions, drawing_child, pictures, queueing, scenes
from alerts.models import Alert
from alerts.models_texts import ZonePicture
from api import problems
from api.routes import pictures as routes
from core import clock
from core.db import transaction
from core.settings import settings

RING = shapely.Polygon(
    [(0, 0), (900, 100), (1000, 700), (500, 900), (100, 600)], [[(300, 300), (500, 320), (450, 500)]]
)
RED = (61, 38, 215)


def a_scene(*, level: int = 3, mark: dict[str, str] | None = None) -> scenes.Scene:
    return scenes.scene(
        level=level,
        zones_m=[RING],
        names=[{"th": "ชุมชนริมน้ำ", "en": "Riverside"}],
        water_m=[(shapely.LineString([(-5000, 300), (5000, 300)]), 9)],
        streets_m=[(shapely.LineString([(-5000, -90), (5000, -90)]), 4)],
        label={"th": "ชุมชนริมน้ำ", "en": "Riverside"},
        mark=mark,
    )


def pixels(content: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)


@given(
    st.floats(-50_000, 50_000), st.floats(-50_000, 50_000), st.floats(1, 30_000), st.floats(1, 30_000)
)  # fmt: skip
def test_all_of_a_zone_is_shown_with_room_around_it(west: float, south: float, width: float, height: float) -> None:
    """Whatever the zone's size and shape, it lies wholly inside the picture, north up, below the label's band."""
    view = scenes.view_of([shapely.box(west, south, west + width, south + height)])
    left, bottom = view.px(west, south)
    right, top = view.px(west + width, south + height)
    assert 0 < left <= right < scenes.WIDTH_PX
    assert 38 < top <= bottom < scenes.HEIGHT_PX
    metres, long_px = scenes.scale_bar(view.m_per_px)
    assert long_px <= scenes.WIDTH_PX * scenes.SCALE_SHARE
    assert abs(long_px * view.m_per_px - metres) <= view.m_per_px


def test_picture_shows_zone_water_street_and_hole() -> None:
    """Inside the zone the paper is coloured, in its hole and outside it is not; water and street are there."""
    scene = a_scene()
    picture = pixels(drawing_child.drawn(json.loads(scene.as_json())))
    assert picture.shape == (scenes.HEIGHT_PX, scenes.WIDTH_PX, 3)
    view = scenes.view_of([RING])

    def at(x_m: float, y_m: float) -> tuple[int, ...]:
        column, row = view.px(x_m, y_m)
        return tuple(int(value) for value in picture[row, column])

    assert at(430, 390) == at(-300, 150) == drawing_child.PAPER
    assert at(600, 700) != drawing_child.PAPER
    assert at(-300, 300) == drawing_child.WATER
    assert at(-300, -90) == drawing_child.STREET
    column, row = view.px(*RING.exterior.coords[1])
    assert np.abs(picture[row, column].astype(int) - RED).max() < 40


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_level_is_seen_without_colour(level: int) -> None:
    """As many triangles as the level stand in the corner, none for the all-clear."""
    band = pixels(drawing_child.drawn(json.loads(a_scene(level=level).as_json())))[24, : 22 + 22 * level]
    is_filled = np.abs(band.astype(int) - drawing_child.LEVELS[level]).max(axis=1) < 12
    assert int(np.count_nonzero(np.diff(is_filled.astype(int)) == 1)) == level


def test_simulated_data_is_marked_on_the_picture() -> None:
    """The mark is drawn where data is simulated, and nowhere else."""
    plain = drawing_child.drawn(json.loads(a_scene().as_json()))
    marked = drawing_child.drawn(json.loads(a_scene(mark={"th": "ข้อมูลจำลอง", "en": "SIMULATED"}).as_json()))
    corner = (slice(46, 76), slice(scenes.WIDTH_PX - 140, scenes.WIDTH_PX - 10))
    assert (pixels(marked)[corner] < 60).any()
    assert not (pixels(plain)[corner] < 60).any()


def test_several_zones_have_their_names_on_the_map() -> None:
    """A reader finds their own zone by its name inside it; one zone is named above, and many names would hide it."""
    zones = [shapely.box(n * 600, 0, n * 600 + 500, 500) for n in range(9)]
    names = [{"th": f"ชุมชน {n}", "en": f"Community {n}"} for n in range(9)]
    view = scenes.view_of(zones[:3])
    three = scenes.names_on_map(zones[:3], names[:3], view)
    assert [name.words for name in three] == names[:3]
    for zone, name in zip(zones, three, strict=False):
        west, north = view.px(zone.bounds[0], zone.bounds[3])
        east, south = view.px(zone.bounds[2], zone.bounds[1])
        assert west < name.at[0] < east
        assert north < name.at[1] < south
    assert scenes.names_on_map(zones[:1], names[:1], view) == scenes.names_on_map(zones, names, view) == ()
    empty = {"water_m": [], "streets_m": [], "label": names[0], "mark": None, "level": 1}
    drawn, nameless = (
        pixels(
            drawing_child.drawn(
                {**json.loads(scenes.scene(zones_m=zones[:3], names=names[:3], **empty).as_json()), **more}
            )
        )
        for more in ({}, {"names": []})
    )
    column, row = three[1].at
    middle = (slice(row - 14, row + 2), slice(column - 30, column + 30))
    assert (drawn[middle] < 60).any()
    assert not (nameless[middle] < 60).any()


# ── In the house ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def reached_by_https() -> Any:
    """Phones reach this house by https while the test runs."""
    before = settings().public_url
    settings().public_url = "https://city.example/"
    yield
    settings().public_url = before


def propose(session: Session, town: Any, severity: int = 3) -> Alert:
    town.zone("A", box(100, 8.4, 100.01, 8.41))
    town.resident(Point(100.005, 8.405), language="ms")
    actions.consider(
        session,
        run_id=town.picture({"A": severity}),
        severity_by_code={"A": severity},
        falling_by_code={},
        trigger_received_wall_at=None,
        is_without_data=False,
    )
    return session.scalars(sa.select(Alert)).one()


def heroes(session: Session, alert: Alert) -> dict[str, str | None]:
    sent = queueing.messages_by_language(session, alert)
    return {
        language: messages[0]["contents"].get("hero", {}).get("contents", [{}])[0].get("url")
        for language, messages in sent.items()
    }


@pytest.mark.usefixtures("reached_by_https", "frozen_clock")
def test_same_zones_and_level_are_drawn_once(session: Session, town: Any) -> None:
    """The second time the picture is there; a redrawn zone and another level have pictures of their own."""
    alert = propose(session, town, severity=2)
    first = pictures.draw(session, alert.id)
    assert first is not None
    assert pictures.draw(session, alert.id) is first
    alert.level = 3
    other = pictures.draw(session, alert.id)
    assert other is not None
    assert other.token != first.token
    assert session.scalar(sa.select(sa.func.count()).select_from(ZonePicture)) == 2
    assert len(first.picture) < 300_000
    assert first.picture.startswith(b"\x89PNG")


@pytest.mark.usefixtures("frozen_clock")
def test_citys_own_streets_and_waters_are_on_the_picture(session: Session, town: Any) -> None:
    """What lies around the zone in the city's own map is drawn, in its place: a river north, a street south of it."""
    layer = (
        "INSERT INTO layer (name, kind, source, licence, trust, row_count, version, imported_at,"
        " legend) VALUES (:name, 'x', 'x', 'x', 'simulated', 1, 1, now(), '{}') RETURNING id"
    )
    line = "ST_SetSRID(ST_MakeLine(ST_MakePoint(99.9, :lat), ST_MakePoint(100.1, :lat)), 4326))"
    street = (
        "INSERT INTO road (layer_id, code, name_th, name_en, class, is_bridge, length_m, geom)"
        " VALUES (:layer, 'x', '', '', 'primary', false, 9, "
    )
    river = "INSERT INTO waterway (layer_id, code, name_th, name_en, kind, geom) VALUES (:layer, 'x', '', '', 'river', "
    for statement, lat in ((street, 8.3995), (river, 8.4105)):
        layer_id = session.execute(sa.text(layer), {"name": statement}).scalar_one()
        session.execute(sa.text(statement + line), {"layer": layer_id, "lat": lat})
    row = pictures.draw(session, propose(session, town).id)
    assert row is not None
    picture = pixels(row.picture)
    column = picture[:, 640].astype(int)  # East of the zone, beside the arrow.
    water = np.flatnonzero(np.abs(column - drawing_child.WATER).max(axis=1) < 4)
    street = np.flatnonzero(np.abs(column - drawing_child.STREET).max(axis=1) < 4)
    assert 38 < water.min() < water.max() < scenes.HEIGHT_PX // 2
    assert (street > scenes.HEIGHT_PX // 2).any()


@pytest.mark.usefixtures("reached_by_https", "frozen_clock")
def test_every_language_shows_the_same_picture(session: Session, town: Any) -> None:
    """One address for all; without a picture, or where phones cannot reach us, the card goes without."""
    alert = propose(session, town)
    assert set(heroes(session, alert).values()) == {None}
    row = pictures.draw(session, alert.id)
    assert row is not None
    assert set(heroes(session, alert).values()) == {f"https://city.example/pictures/zone/{row.token}.png"}
    settings().public_url = "http://127.0.0.1:8000"
    assert set(heroes(session, alert).values()) == {None}


@pytest.mark.usefixtures("reached_by_https", "frozen_clock")
def test_picture_that_comes_after_the_approval_is_left_out(session: Session, town: Any) -> None:
    """Messages of an approved alert are the same from the first chunk to the last."""
    alert = propose(session, town)
    actions.approve(session, alert.id, alert.revision, town.account("bob"))
    row = pictures.draw(session, alert.id)
    assert row is not None
    row.drawn_at = clock.now() + timedelta(seconds=1)
    session.flush()
    assert set(heroes(session, alert).values()) == {None}
    row.drawn_at = clock.now() - timedelta(seconds=1)
    session.flush()
    assert None not in heroes(session, alert).values()


def test_picture_is_served_to_whoever_has_its_address(database: sa.Engine, frozen_clock: Any, town_of: Any) -> None:
    """Without signing in, kept for good by whoever fetched it; a guess finds nothing."""
    app = FastAPI()
    problems.add_problems(app)
    app.include_router(routes.router)
    with transaction() as session:
        row = pictures.draw(session, propose(session, town_of(session)).id)
        assert row is not None
        token, content = row.token, row.picture
    phone = TestClient(app)
    answer = phone.get(f"/pictures/zone/{token}.png")
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "image/png", content)
    assert "immutable" in answer.headers["cache-control"]
    again = phone.get(f"/pictures/zone/{token}.png", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for guess in (token[:-1] + ("A" if token[-1] != "A" else "B"), "x", "a" * 43, "a" * 5000):
        assert phone.get(f"/pictures/zone/{guess}.png").status_code == 404
