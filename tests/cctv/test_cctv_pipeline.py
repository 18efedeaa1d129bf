"""From a picture to a level, on rendered canals whose true level is known."""

from __future__ import annotations

import functools
import json
from typing import Any

import cv2
import numpy as np
import pytest

from cctv.calibration import Calibration, parsed
from cctv.pictures import Picture, decoded, jpeg
from cctv.pipeline import is_same_picture, read_waterline
from core.errors import InvalidInputError
from demo.frames import StaffScene, calibration_json, render_frame, staff_scene

CONFIDENT = 0.7
SCENES = 6
LEVELS = 6


@functools.cache
def _scene(seed: int) -> tuple[StaffScene, Calibration]:
    rng = np.random.default_rng(seed)
    low = float(rng.uniform(-1, 30))
    scene = staff_scene(code="C", low_m_msl=low, high_m_msl=low + float(rng.uniform(2.5, 4.0)), seed=seed)
    return scene, parsed(calibration_json(scene))


def _picture(scene: StaffScene, level_m_msl: float, *, light: float = 0.9, rain: float = 0.0, seed: int = 1) -> Picture:
    """A picture as it comes from a camera: through a JPEG."""
    picture = decoded(jpeg(render_frame(level_m_msl, staff=scene, light=light, rain=rain, seed=seed)))
    assert picture is not None
    return picture


def _errors_cm(*, light: tuple[float, float], rain: tuple[float, float]) -> tuple[list[float], int]:
    """Errors of the confident readings in centimetres, and how many pictures there were."""
    rng = np.random.default_rng(2569)
    errors = []
    for seed in range(SCENES):
        scene, calibration = _scene(seed + 500)
        for _ in range(LEVELS):
            level = scene.low_m_msl + float(rng.uniform(0.05, 0.95)) * (scene.high_m_msl - scene.low_m_msl)
            picture = _picture(
                scene, level, light=rng.uniform(*light), rain=rng.uniform(*rain), seed=int(rng.integers(1_000_000))
            )
            reading = read_waterline(picture, calibration)
            if reading.level_m_msl is not None and reading.confidence >= CONFIDENT:
                errors.append(abs(reading.level_m_msl - level) * 100)
    return errors, SCENES * LEVELS


@pytest.mark.parametrize(
    ("light", "rain", "mae_cm"),
    [
        pytest.param((0.4, 1.0), (0.0, 0.2), 1.0, id="day"),
        pytest.param((0.0, 0.19), (0.0, 0.0), 2.0, id="night"),
        pytest.param((0.4, 1.0), (0.3, 1.0), 2.0, id="rain"),
        pytest.param((0.0, 0.19), (0.3, 1.0), 2.0, id="rain at night"),
    ],
)
def test_levels_are_read_to_a_centimetre_by_day_and_two_in_night_and_rain(
    light: tuple[float, float], rain: tuple[float, float], mae_cm: float
) -> None:
    """At least 90 % of pictures give a confident level, the mean error holds, and no confident one is off by 2 cm."""
    errors, pictures = _errors_cm(light=light, rain=rain)
    assert len(errors) >= 0.9 * pictures
    assert float(np.mean(errors)) <= mae_cm
    assert max(errors) <= 2.0


def test_the_dark_is_no_reading() -> None:
    """A picture without light gives the reason, not a level."""
    scene, calibration = _scene(1)
    picture = (_picture(scene, scene.middle_level_m_msl) * 0.04).astype(np.uint8)
    assert read_waterline(picture, calibration).reasons == ("dark",)


def test_a_blurred_view_is_no_confident_reading() -> None:
    """Water on the lens: refused or doubted."""
    scene, calibration = _scene(1)
    reading = read_waterline(cv2.GaussianBlur(_picture(scene, scene.middle_level_m_msl), (0, 0), 7), calibration)
    assert reading.level_m_msl is None
    assert reading.reasons[0] in {"blurred", "marks_lost"}


def test_another_view_is_no_reading() -> None:
    """A camera turned away sees no marks and says so."""
    scene, calibration = _scene(1)
    picture = np.roll(_picture(scene, scene.middle_level_m_msl), 300, axis=1)
    assert read_waterline(picture, calibration).reasons == ("marks_lost",)
    assert read_waterline(np.full_like(picture, 127), calibration).level_m_msl is None


@pytest.mark.parametrize(("dx_px", "dy_px"), [(12, 0), (0, -12), (-9, 14), (25, 20)])
def test_a_view_that_shifted_a_little_is_followed(dx_px: int, dy_px: int) -> None:
    """A pole that leans in the wind moves the search along: the level stays within half a centimetre."""
    scene, calibration = _scene(2)
    level = scene.low_m_msl + 1.2
    still = _picture(scene, level)
    moved = cv2.warpAffine(still, np.array([[1, 0, dx_px], [0, 1, dy_px]], np.float64), (1280, 720))
    before, after = read_waterline(still, calibration), read_waterline(moved, calibration)
    assert before.level_m_msl is not None
    assert after.level_m_msl == pytest.approx(before.level_m_msl, abs=0.005)
    assert after.shift_px == pytest.approx((dx_px, dy_px), abs=0.6)


def test_a_reflection_as_bright_as_the_staff_misleads_nobody() -> None:
    """The staff mirrored in still water repeats the marks upside down; its lower end is no waterline."""
    scene, calibration = _scene(3)
    level = scene.low_m_msl + 1.4
    picture = _picture(scene, level)
    edge = round(scene.at_px(scene.staff_x_m, level)[1])
    mirror = picture[2 * edge - 720 : edge][::-1]
    picture[edge:720] = (0.6 * mirror + 0.4 * picture[edge:720]).astype(np.uint8)
    reading = read_waterline(picture, calibration)
    assert reading.confidence < CONFIDENT or abs((reading.level_m_msl or 0) - level) < 0.02


def test_half_the_resolution_still_reads() -> None:
    """A camera switched to a smaller picture of the same shape is read on; another shape is refused."""
    scene, calibration = _scene(2)
    level = scene.low_m_msl + 1.2
    small = cv2.resize(_picture(scene, level), (640, 360), interpolation=cv2.INTER_AREA)
    assert read_waterline(small, calibration).level_m_msl == pytest.approx(level, abs=0.02)
    assert read_waterline(small[:, 80:-80], calibration).reasons == ("size_changed",)


def test_a_person_before_the_staff_makes_no_confident_mistake() -> None:
    """Something dark that covers the staff is refused, doubted, or seen past."""
    scene, calibration = _scene(2)
    level = scene.low_m_msl + 0.8
    for top_m in (0.4, 0.9, 1.5):
        picture = _picture(scene, level)
        x, y = scene.at_px(scene.staff_x_m, level + top_m)
        cv2.ellipse(picture, (round(x), round(y)), (60, 110), 0, 0, 360, (40, 45, 70), -1)
        reading = read_waterline(picture, calibration)
        assert reading.confidence < CONFIDENT or abs((reading.level_m_msl or 0) - level) < 0.02


def test_a_repeated_picture_is_known_from_a_live_one() -> None:
    """Live pictures differ by their grain, even at the same level; a copy does not."""
    scene, _ = _scene(2)
    first, second = (_picture(scene, scene.middle_level_m_msl, seed=seed) for seed in (1, 2))
    assert is_same_picture(first, first.copy())
    assert not is_same_picture(first, second)
    assert not is_same_picture(first, first[:100])


def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(calibration_json(_scene(1)[0]))
    return document


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"marks": []}, "at least 4"),
        ({"datum": "staff zero"}, "mean sea level"),
        ({"window_px": [[0, 0]]}, "three corners"),
        ({"size_px": [0, 720]}, "size_px"),
        ({"staff_width_px": "wide"}, "staff_width_px"),
        ({"patches": [{"x_px": 1, "y_px": 1, "jpeg": "%%%"}]}, "not a picture"),
    ],
)
def test_a_calibration_that_cannot_be_right_is_refused(changes: dict[str, object], message: str) -> None:
    """A wrong calibration is a wrong level for months: it is refused with the field that is wrong."""
    with pytest.raises(InvalidInputError, match=message):
        parsed(_document() | changes)


def test_a_mark_clicked_at_the_wrong_place_is_named() -> None:
    """One mark that the others contradict by more than a centimetre is named with its level."""
    document = _document()
    document["marks"][3]["y_px"] += 9
    with pytest.raises(InvalidInputError, match="Click it again"):
        parsed(document)
    with pytest.raises(InvalidInputError, match="not JSON"):
        parsed("{")
