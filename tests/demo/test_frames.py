"""The demo's camera pictures: known levels, weather, light, and the mark that says they are made up."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from cctv.calibration import parsed
from demo.frames import StaffScene, calibration_json, render_frame, staff_scene, write_picture

NOON = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
SCENE = staff_scene(code="CAM01", low_m_msl=0.5, high_m_msl=3.6, seed=3)


def test_the_same_arguments_give_the_same_picture_and_another_seed_another_one() -> None:
    """A storm can be played again; live water never looks the same twice."""
    first = render_frame(1.5, staff=SCENE, light=0.8, rain=0.4, seed=1, taken_at=NOON)
    again = render_frame(1.5, staff=SCENE, light=0.8, rain=0.4, seed=1, taken_at=NOON)
    other = render_frame(1.5, staff=SCENE, light=0.8, rain=0.4, seed=2, taken_at=NOON)
    assert (first.shape, first.dtype) == ((720, 1280, 3), np.uint8)
    assert np.array_equal(first, again)
    assert np.mean(cv2.absdiff(first, other)) > 1.0


@pytest.mark.parametrize(("light", "rain"), [(1.0, 0.0), (0.5, 1.0), (0.0, 0.0), (0.1, 1.0)])
def test_every_picture_says_that_it_is_simulated(light: float, rain: float) -> None:
    """White letters on black stand in the upper left corner, by day and by night."""
    picture = render_frame(1.5, staff=SCENE, light=light, rain=rain, seed=1)
    corner = picture[12:50, 12:150]
    assert corner.max() == 255
    assert (corner == 0).mean() > 0.4


def test_night_is_infrared() -> None:
    """Below a light of 0.2 the picture has no colour of its own."""
    night = render_frame(1.5, staff=SCENE, light=0.05, rain=0.0, seed=1)[100:600, 300:1200].astype(int)
    assert abs(night[:, :, 0] - night[:, :, 2]).max() == 0


def test_the_map_of_the_marks_is_the_cameras_own() -> None:
    """The operator's marks, clicked to half a pixel, give every level of the staff to half a centimetre."""
    for seed in range(6):
        scene = staff_scene(code="C", low_m_msl=20.0, high_m_msl=23.4, seed=seed)
        staff = parsed(calibration_json(scene)).staff
        for level_m_msl in np.linspace(20.1, 23.3, 30):
            x_px, y_px = scene.at_px(scene.staff_x_m, level_m_msl)
            assert float(staff.level_m_msl(y_px)) == pytest.approx(level_m_msl, abs=0.005)
            assert float(staff.y_px(level_m_msl)) == pytest.approx(y_px, abs=1.0)
            assert float(staff.x_px(y_px)) == pytest.approx(x_px, abs=1.5)


def test_a_scene_of_its_own_needs_no_arguments() -> None:
    """The default scene can be drawn at the middle of its staff."""
    scene = StaffScene()
    assert render_frame(scene.middle_level_m_msl, staff=scene, light=1.0, rain=0.0, seed=1).shape == (720, 1280, 3)


@pytest.mark.parametrize("level_m_msl", [-5.0, 0.4, 3.7, 9.0])
def test_water_beside_the_staff_can_be_drawn_too(level_m_msl: float) -> None:
    """A dry canal and a drowned staff are pictures like any other."""
    assert render_frame(level_m_msl, staff=SCENE, light=1.0, rain=0.2, seed=1).shape == (720, 1280, 3)


def test_picture_and_time_are_written_whole(tmp_path: Path) -> None:
    """The folder holds the newest picture and when it was taken, and nothing else."""
    frame = render_frame(1.5, staff=SCENE, light=1.0, rain=0.0, seed=1, taken_at=NOON)
    for _ in range(2):
        write_picture(tmp_path, frame, NOON)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest.jpg", "latest.json"]
    assert json.loads((tmp_path / "latest.json").read_text()) == {"taken_at": "2026-11-21T05:00:00+00:00"}
    assert (tmp_path / "latest.jpg").read_bytes()[:2] == b"\xff\xd8"
