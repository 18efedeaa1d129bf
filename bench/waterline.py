"""The reading of a camera's frame, from JPEG to level, against what OpenCV needs to decode the same JPEG.

Frames of the demo's cameras by day, by night and in rain, 1280 x 720, one thread as in the camera watch.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from bench.measure import OURS, Result, WrongWorkError, check, take_turns, timed
from cctv.calibration import Calibration, parsed
from cctv.pictures import Picture, decoded, jpeg
from cctv.pipeline import read_waterline
from cctv.rules import WaterlineReading
from core.progress import step
from demo.frames import calibration_json, render_frame, staff_scene

SCENES, ROUNDS = 5, 11
WEATHER = ((0.9, 0.0), (0.6, 0.6), (0.1, 0.0), (0.1, 0.6))  # (light, rain): day, wet day, night, wet night.
STAFF_M = 3.0
CONFIDENT, NEAR_M, READ_SHARE = 0.7, 0.02, 0.8
BAR = {"imdecode": 12.0}


@dataclass(frozen=True)
class _Frame:
    jpeg: bytes
    calibration: Calibration
    level_m_msl: float


def measure(*, seed: int) -> Result:
    """Twenty frames of five cameras, read and decoded in turn; the seconds are those of one frame."""
    cv2.setNumThreads(1)
    with step("rendering the frames"):
        frames = _frames(np.random.default_rng(seed))
    with step("checking both sides"):
        for frame in frames:
            check(np.array_equal(_decoded(frame), np.asarray(_pixels(frame))), "the sides decode different pictures.")
        read = sum(_is_right(_level(frame), frame) for frame in frames)
        check(read >= READ_SHARE * len(frames), f"only {read} of {len(frames)} levels are read to 2 cm.")
    with step(f"{len(frames)} frames") as tell:
        taken = take_turns(
            {
                OURS: timed(lambda: [_level(frame) for frame in frames], pieces=len(frames)),
                "imdecode": timed(lambda: [_pixels(frame) for frame in frames], pieces=len(frames)),
            },
            rounds=ROUNDS,
            tell=tell,
        )
    facts = {"frames": len(frames), "levels_read": read, "seed": seed}
    return Result("waterline", facts, taken[OURS], {"imdecode": taken["imdecode"]}, BAR)


def _frames(rng: np.random.Generator) -> list[_Frame]:
    frames = []
    for number in range(SCENES):
        scene = staff_scene(code="C", low_m_msl=0.0, high_m_msl=STAFF_M, seed=int(rng.integers(10_000)))
        calibration = parsed(calibration_json(scene))
        for light, rain in WEATHER:
            level_m_msl = float(rng.uniform(0.1, 0.9)) * STAFF_M
            picture = render_frame(level_m_msl, staff=scene, light=light, rain=rain, seed=number)
            frames.append(_Frame(jpeg(picture), calibration, level_m_msl))
    return frames


def _decoded(frame: _Frame) -> Picture:
    picture = decoded(frame.jpeg)
    if picture is None:
        raise WrongWorkError("A frame of the bench is no picture.")
    return picture


def _level(frame: _Frame) -> WaterlineReading:
    return read_waterline(_decoded(frame), frame.calibration)


def _pixels(frame: _Frame) -> Picture | None:
    return cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)


def _is_right(reading: WaterlineReading, frame: _Frame) -> bool:
    if reading.level_m_msl is None or reading.confidence < CONFIDENT:
        return False
    return abs(reading.level_m_msl - frame.level_m_msl) <= NEAR_M
