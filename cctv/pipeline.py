"""From one picture to the level of the water: pure kernels, arrays in, numbers out.

The dangerous mistake is a confident wrong edge (the end of a reflection, a fouling line). So an edge counts only with
absolute contrast, with persistence below it, on the staff and on the wall beside it; else there is no reading, and the
reasons say why.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cctv.calibration import Calibration
from cctv.pictures import Picture
from cctv.rules import WaterlineReading, no_reading

Floats = NDArray[np.float32]

SEARCH_PX = 32  # A camera that has moved farther must be calibrated again.
PATCH_SCORE = 0.5
LONE_PATCH_SCORE = 0.65
STEP_PX = 0.5
SHORT_M, LONG_M = 0.05, 0.20  # The wall is judged over 5 cm, the staff over two printed decimetres.
BELOW_MARKS_M, ABOVE_MARKS_M = 0.45, 0.08
SECOND_BEST_BEYOND_M = 0.10
AGREEMENT_M = 0.015
DRY_LIKENESS = 0.65
STRENGTH_OVER_M = 0.8
WALL_CONTRAST = 5.0  # Grey levels; less is the wall's own mottle.


@dataclass(frozen=True)
class _Pose:
    """How far the view has moved, and by how many patches that is known."""

    dx_px: float
    dy_px: float
    patches: int
    sharpness: float


def read_waterline(picture: Picture, calibration: Calibration) -> WaterlineReading:
    """The water's level in this picture (BGR), or the reasons why none can be read."""
    fitted = _at_calibrated_size(picture, calibration.size_px)
    if fitted is None:
        return no_reading("size_changed")
    grey = cv2.cvtColor(fitted, cv2.COLOR_BGR2GRAY)
    if _is_dark(grey):
        return no_reading("dark")
    pose = _register(grey, calibration)
    if pose is None:
        return no_reading("marks_lost")
    if pose.sharpness < 0.18:
        return no_reading("blurred")
    profiles = _sample(fitted, calibration, pose)
    return _judge(grey, profiles, calibration, pose)


def is_same_picture(before: Picture, after: Picture) -> bool:
    """Two pictures differ by less than a live sensor's noise: the camera repeats itself."""
    if before.shape != after.shape:
        return False
    return bool(np.mean(cv2.absdiff(before, after)) < 0.5)


def _at_calibrated_size(picture: Picture, size_px: tuple[int, int]) -> Picture | None:
    height, width = picture.shape[:2]
    if (width, height) == size_px:
        return picture
    if abs(width / height - size_px[0] / size_px[1]) > 0.01:
        return None
    resized: Picture = cv2.resize(picture, size_px, interpolation=cv2.INTER_LINEAR)
    return resized


def _is_dark(grey: Picture) -> bool:
    low, high = np.percentile(grey[::4, ::4], (5, 95))
    return bool(high - low < 14 or high < 30)


@functools.lru_cache(maxsize=256)
def _template(jpeg: bytes) -> Picture | None:
    template = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    return None if template is None else cv2.GaussianBlur(template, (3, 3), 0)


def _register(grey: Picture, calibration: Calibration) -> _Pose | None:
    """The shift on which the dry patches agree; None where too few are found near their calibrated places."""
    if not calibration.patches:
        return _Pose(0.0, 0.0, patches=0, sharpness=1.0)
    found = [match for patch in calibration.patches if (match := _find(grey, patch.x_px, patch.y_px, patch.jpeg))]
    if not found:
        return None
    shifts = np.array([match[:2] for match in found])
    middle = np.median(shifts, axis=0)
    agreeing = np.abs(shifts - middle).max(axis=1) < 2.5
    if agreeing.sum() == 0 or (agreeing.sum() == 1 and max(match[3] for match in found) < LONE_PATCH_SCORE):
        return None
    dx, dy = shifts[agreeing].mean(axis=0)
    sharpness = float(np.median([match[2] for match, agrees in zip(found, agreeing, strict=True) if agrees]))
    return _Pose(float(dx), float(dy), patches=int(agreeing.sum()), sharpness=sharpness)


def _find(grey: Picture, x_px: int, y_px: int, jpeg: bytes) -> tuple[float, float, float, float] | None:
    """Where a patch is now: shift in pixels, sharpness against the calibrated one, correlation; None where it is not."""
    template = _template(jpeg)
    if template is None:
        return None
    height, width = template.shape
    left, top = max(0, x_px - SEARCH_PX), max(0, y_px - SEARCH_PX)
    window = cv2.GaussianBlur(grey[top : y_px + height + SEARCH_PX, left : x_px + width + SEARCH_PX], (3, 3), 0)
    if window.shape[0] < height or window.shape[1] < width:
        return None
    scores = cv2.matchTemplate(window, template, cv2.TM_CCOEFF_NORMED)
    _, best, _, (column, row) = cv2.minMaxLoc(scores)
    if best < PATCH_SCORE:
        return None
    dx = left + column + _vertex(scores[row], column) - x_px
    dy = top + row + _vertex(scores[:, column], row) - y_px
    here = window[row : row + height, column : column + width]
    return float(dx), float(dy), _sharpness(here) / max(_sharpness(template), 1e-6), float(best)


def _sharpness(grey: Picture) -> float:
    """Energy of the second derivative against that of the picture: low where it is blurred, whatever the light."""
    variance = float(grey.var())
    return float(cv2.Laplacian(cv2.GaussianBlur(grey, (0, 0), 1.2), cv2.CV_32F).var()) / max(variance, 1.0)


def _vertex(values: Floats | NDArray[np.float64], index: int) -> float:
    """Where between the neighbours the parabola through three values has its top, from -0.5 to 0.5."""
    if not 0 < index < len(values) - 1:
        return 0.0
    before, here, after = (float(value) for value in values[index - 1 : index + 2])
    bend = before - 2 * here + after
    return 0.0 if bend >= 0 else float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5))


@dataclass(frozen=True)
class _Profiles:
    """Brightness and colour along the staff's centre line, downwards: one row per STEP_PX, one column per swath."""

    y_px: NDArray[np.float64]
    level_m_msl: NDArray[np.float64]
    px_per_m: NDArray[np.float64]
    wall: Floats
    wall_colour: Floats
    staff: Floats
    staff_colour: Floats
    staff_texture: Floats


def _sample(picture: Picture, calibration: Calibration, pose: _Pose) -> _Profiles:
    """Swaths beside and over the staff; each row of them lies along the water's calibrated slope."""
    staff, width = calibration.staff, calibration.staff_width_px
    top = float(staff.y_px(calibration.highest_mark_m_msl + ABOVE_MARKS_M))
    foot = float(staff.y_px(calibration.lowest_mark_m_msl - BELOW_MARKS_M))
    steepest = max(abs(slope) for _, slope in calibration.water_slopes)
    bottom_px = calibration.size_px[1] - 2 - steepest * 3.2 * width - pose.dy_px
    y = np.arange(max(top, 1.0 - pose.dy_px), min(foot, bottom_px), STEP_PX)
    wall_offsets = np.concatenate([np.linspace(-3.0, -0.8, 36), np.linspace(0.8, 3.0, 36)]) * width
    staff_offsets = np.linspace(-0.36, 0.36, 12) * width
    offsets = np.concatenate([wall_offsets, staff_offsets])
    columns = (staff.x_px(y)[:, None] + offsets + pose.dx_px).astype(np.float32)
    rows = (y[:, None] + calibration.slope_at(y)[:, None] * offsets + pose.dy_px).astype(np.float32)
    samples = cv2.remap(picture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    grey, colour = samples.mean(axis=2), samples[:, :, 0] - samples[:, :, 2]
    levels = staff.level_m_msl(y)
    stripe = grey[:, len(wall_offsets) :]
    lag = max(1, round(2 / STEP_PX))
    texture = np.zeros(len(y), np.float32)
    texture[lag:] = np.abs(stripe[lag:] - stripe[:-lag]).mean(axis=1)
    return _Profiles(
        y_px=y,
        level_m_msl=levels,
        px_per_m=np.abs(np.gradient(y, levels)),
        wall=grey[:, : len(wall_offsets)].reshape(len(y), 6, -1).mean(axis=2),
        wall_colour=colour[:, : len(wall_offsets)].reshape(len(y), 6, -1).mean(axis=2),
        staff=stripe.mean(axis=1, keepdims=True),
        staff_colour=colour[:, len(wall_offsets) :].mean(axis=1, keepdims=True),
        staff_texture=texture[:, None],
    )


def _persistent_steps(profile: Floats, reach: int) -> Floats:
    """The step from `reach` rows above to as many below, as far as it goes on over the next `reach` rows too.

    Zero near the ends and where the two windows below disagree in sign: a dark line is no edge of the water.
    """
    rows = len(profile)
    sums = np.vstack([np.zeros((1, profile.shape[1]), np.float32), np.cumsum(profile, axis=0, dtype=np.float64)])
    steps = np.zeros_like(profile)
    centre = np.arange(reach, rows - 2 * reach)
    if len(centre) == 0:
        return steps
    above = (sums[centre] - sums[centre - reach]) / reach
    near = (sums[centre + reach] - sums[centre]) / reach - above
    far = (sums[centre + 2 * reach] - sums[centre + reach]) / reach - above
    kept = np.where(np.sign(near) == np.sign(far), np.sign(near) * np.minimum(np.abs(near), np.abs(far)), 0)
    steps[centre] = kept.astype(np.float32)
    return steps


def _scores(profiles: _Profiles) -> tuple[Floats, Floats]:
    """How much each row looks like the water's edge on the wall and on the staff, in grey levels."""
    per_m = float(np.median(profiles.px_per_m)) / STEP_PX
    short, long = max(4, round(SHORT_M * per_m)), max(8, round(LONG_M / 2 * per_m))
    wall_steps = np.abs(_persistent_steps(profiles.wall, short)) + np.abs(
        _persistent_steps(profiles.wall_colour, short)
    )
    wall: Floats = np.median(wall_steps, axis=1)
    staff: Floats = (
        np.abs(_persistent_steps(profiles.staff, long))
        + np.abs(_persistent_steps(profiles.staff_colour, long))
        + 2 * np.maximum(0, -_persistent_steps(profiles.staff_texture, long))
    )[:, 0]
    return wall, staff


def _judge(grey: Picture, profiles: _Profiles, calibration: Calibration, pose: _Pose) -> WaterlineReading:
    if len(profiles.y_px) < 200:
        return no_reading("marks_lost")
    staff = _staff_edge(grey, calibration, pose) or _step_edge(profiles)
    if staff is None:
        return no_reading("no_edge")
    best = int(np.argmin(np.abs(profiles.y_px - staff.y_px)))
    per_m = float(profiles.px_per_m[best])
    wall = _wall_edge(profiles, best)
    is_agreeing = wall is not None and abs(wall.y_px - staff.y_px) < AGREEMENT_M * per_m
    fine_px = _weighted_mean(staff, wall) if wall is not None and is_agreeing else staff.y_px
    spread_px = min(staff.sigma_px, wall.sigma_px) if wall is not None and is_agreeing else staff.sigma_px
    sigma_m = float(np.hypot(np.hypot(spread_px, 0.4) / per_m, calibration.residual_m))
    confidence, doubts = _confidence(staff=staff, wall=wall, is_agreeing=is_agreeing, pose=pose, sigma_m=sigma_m)
    return WaterlineReading(
        level_m_msl=float(calibration.staff.level_m_msl(fine_px)),
        sigma_m=sigma_m,
        confidence=confidence,
        reasons=doubts,
        shift_px=(pose.dx_px, pose.dy_px),
    )


@dataclass(frozen=True)
class _Edge:
    """Where a cue sees the water's edge on the staff's centre line; `clearness` 0..1 is how alone it stands."""

    y_px: float
    sigma_px: float
    clearness: float


def _weighted_mean(one: _Edge, other: _Edge) -> float:
    weights = 1 / np.square([one.sigma_px, other.sigma_px])
    return float(np.average([one.y_px, other.y_px], weights=weights))


def _staff_edge(grey: Picture, calibration: Calibration, pose: _Pose) -> _Edge | None:
    """Where the staff stops looking as it did when it was calibrated dry; None without such a strip.

    Water, reflections and stains on the wall may look like anything, but none of them looks like the marks printed at
    that very place.
    """
    if calibration.strip is None:
        return None
    dry = _template(calibration.strip.jpeg)
    if dry is None:
        return None
    columns, rows = np.meshgrid(np.arange(dry.shape[1]), np.arange(dry.shape[0]))
    here = cv2.remap(
        cv2.GaussianBlur(grey, (3, 3), 0),
        (columns + calibration.strip.x_px + pose.dx_px).astype(np.float32),
        (rows + calibration.strip.y_px + pose.dy_px).astype(np.float32),
        cv2.INTER_LINEAR,
    ).astype(np.float32)
    y = np.arange(len(dry)) + calibration.strip.y_px
    per_m = float(np.median(np.abs(np.gradient(y, calibration.staff.level_m_msl(y)))))
    votes = _dry_votes(here, dry.astype(np.float32), per_m=per_m)
    # Rows above the edge speak for it where they look dry, rows below where they do not.
    tally = np.concatenate([[0.0], np.cumsum(votes)])
    best = int(np.argmax(tally))
    away = np.abs(np.arange(len(tally)) - best) > SECOND_BEST_BEYOND_M * per_m
    clearness = float(tally[best] - tally[away].max(initial=-np.inf)) / (
        SECOND_BEST_BEYOND_M * per_m * (1 - DRY_LIKENESS)
    )
    fine, sigma_px = _fine_on_staff(here, dry.astype(np.float32), best, reach=max(4, round(0.05 * per_m)))
    return _Edge(y_px=calibration.strip.y_px + fine - 0.5, sigma_px=sigma_px, clearness=float(np.clip(clearness, 0, 1)))


def _dry_votes(here: Floats, dry: Floats, *, per_m: float) -> NDArray[np.float64]:
    """Row by row how much the picture speaks for dry (above 0) or water (below 0).

    Alike are rows that correlate with the dry staff and show its marks as strongly as the rows above them do: a
    reflection repeats marks, but weaker. Plain rows without marks say little.
    """
    reach = max(3, round(0.04 * per_m))
    mean_here, mean_dry = _over_rows(here, reach), _over_rows(dry, reach)
    both = _over_rows(here * dry, reach) - mean_here * mean_dry
    spread_here = _over_rows(here * here, reach) - mean_here**2
    spread_dry = _over_rows(dry * dry, reach) - mean_dry**2
    correlation = both / np.sqrt(np.maximum(spread_here, 4.0) * np.maximum(spread_dry, 4.0))
    strength = np.maximum(both, 0.0) / np.maximum(spread_dry, 25.0)
    relative = np.minimum(1.0, strength / np.maximum(_strength_above(strength, round(STRENGTH_OVER_M * per_m)), 0.05))
    votes: NDArray[np.float64] = (np.maximum(correlation, 0) * relative - DRY_LIKENESS) * spread_dry / (spread_dry + 50)
    return votes


def _over_rows(values: Floats, reach: int) -> NDArray[np.float64]:
    """The mean over each row and `reach` rows above and below it."""
    window = np.ones(2 * reach + 1)
    total = np.convolve(values.mean(axis=1, dtype=np.float64), window, "same")
    mean: NDArray[np.float64] = total / np.convolve(np.ones(len(values)), window, "same")
    return mean


def _strength_above(strength: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
    """How strongly the marks show in the rows above each row: the 85th percentile of the last `rows`."""
    thin = 4  # Every fourth row tells enough.
    few = strength[::thin]
    length = max(1, rows // thin)
    padded = np.concatenate([np.full(length - 1, few[0]), few])
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(padded, length), axis=1)
    above: NDArray[np.float64] = np.repeat(windows[:, int(0.85 * (length - 1))], thin)[: len(strength)]
    return above


def _fine_on_staff(here: Floats, dry: Floats, best: int, *, reach: int) -> tuple[float, float]:
    """The row from which on the picture departs from the dry staff, in its present light, and its standard deviation."""
    lit = slice(max(0, best - 8 * reach), max(2, best - reach // 2))
    if lit.stop - lit.start < reach:
        return float(best), float(reach) / 2
    gain, offset = np.polyfit(dry[lit].ravel(), here[lit].ravel(), 1)
    departure = np.abs(here - (gain * dry + offset)).mean(axis=1)
    usual = float(np.median(departure[lit]))
    wet = float(np.median(departure[best : best + 2 * reach])) if best + 2 <= len(departure) else usual
    if wet < 1.5 * usual:
        return float(best), float(reach) / 2
    start, end = max(0, best - reach), min(len(departure), best + reach)
    votes = np.clip(((usual + wet) / 2 - departure[start:end]) / ((wet - usual) / 2), -1, 1)
    tally = np.concatenate([[0.0], np.cumsum(votes)])
    edge = int(np.argmax(tally))
    return float(start + edge), 1.0 + 2.0 * usual / wet


def _step_edge(profiles: _Profiles) -> _Edge | None:
    """The strongest persistent step that wall and staff share; None where there is no absolute contrast."""
    wall, staff = _scores(profiles)
    together = np.sqrt(np.maximum(wall, 0.3) * np.maximum(staff, 0.3))
    best = int(np.argmax(together))
    if together[best] < 2.0:
        return None
    rivals = np.abs(profiles.level_m_msl - profiles.level_m_msl[best]) > SECOND_BEST_BEYOND_M
    clearness = 1 - float(together[rivals].max(initial=0.0)) / float(together[best])
    return _Edge(y_px=float(profiles.y_px[best]), sigma_px=4.0, clearness=clearness)


def _wall_edge(profiles: _Profiles, best: int) -> _Edge | None:
    """The edge to parts of a pixel from the wall's swaths near a row; None where fewer than half of them agree."""
    fine_px, spread_px, agreement, contrast = _fine_edge(profiles, best)
    if agreement < 0.5 or contrast < WALL_CONTRAST:
        return None
    return _Edge(y_px=fine_px, sigma_px=max(spread_px, 0.3), clearness=agreement)


def _fine_edge(profiles: _Profiles, best: int) -> tuple[float, float, float, float]:
    """The edge to parts of a pixel from the wall's swaths: row, standard error, share that agree, their grey levels."""
    per_m = float(profiles.px_per_m[best]) / STEP_PX
    reach, around = max(6, round(0.03 * per_m)), max(8, round(0.045 * per_m))
    start, end = max(0, best - around - reach), min(len(profiles.y_px), best + around + reach)
    places, weights = [], []
    for swath in range(profiles.wall.shape[1]):
        edge = _swath_edge(profiles.wall[start:end, swath], profiles.wall_colour[start:end, swath], reach)
        if edge is not None and edge[1] > 0:
            places.append(profiles.y_px[start] + edge[0] * STEP_PX)
            weights.append(edge[1])
    if not places:
        return float(profiles.y_px[best]), float(around), 0.0, 0.0
    middle = _weighted_median(np.array(places), np.array(weights))
    near = np.abs(np.array(places) - middle) < AGREEMENT_M * per_m * STEP_PX
    fine = float(np.average(np.array(places)[near], weights=np.array(weights)[near]))
    spread = float(np.std(np.array(places)[near]) / np.sqrt(near.sum())) if near.sum() > 1 else 0.02 * per_m * STEP_PX
    return fine, spread, float(near.sum()) / profiles.wall.shape[1], float(np.array(weights)[near].mean())


def _swath_edge(grey: Floats, colour: Floats, reach: int) -> tuple[float, float] | None:
    """The row of the strongest step in one swath (in rows of the profile, to a fraction) and its size in grey levels."""
    rows = len(grey)
    centre = np.arange(reach, rows - reach + 1)
    if len(centre) < 3:
        return None
    size = np.zeros(len(centre))
    for profile in (grey, colour):
        sums = np.concatenate([[0.0], np.cumsum(profile, dtype=np.float64)])
        size += np.abs((sums[centre + reach] - 2 * sums[centre] + sums[centre - reach]) / reach)
    index = int(np.argmax(size))
    # Row k of the profile is a pixel's centre; the step lies between rows k - 1 and k.
    return float(centre[index]) + _vertex(size, index) - 0.5, float(size[index])


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values)
    share = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][int(np.searchsorted(share, 0.5))])


def _confidence(
    *, staff: _Edge, wall: _Edge | None, is_agreeing: bool, pose: _Pose, sigma_m: float
) -> tuple[float, tuple[str, ...]]:
    """How sure the reading is, from 0 to 1, and its doubts by name. Tuned on rendered scenes with hidden seeds."""
    doubts, confidence = [], 0.97
    for is_doubtful, reason, factor in (
        (staff.clearness < 0.25, "second_edge", 0.5),
        (wall is None, "wall_without_edge", 0.85),
        (wall is not None and not is_agreeing, "wall_disagrees", 0.6),
        (pose.patches == 1, "one_mark_only", 0.8),
        (sigma_m > 0.015, "imprecise", 0.7),
    ):
        if is_doubtful:
            doubts.append(reason)
            confidence *= factor
    return confidence, tuple(doubts)
