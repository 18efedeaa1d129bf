"""Where the staff stops looking as it did when it was calibrated dry."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cctv.calibration import Calibration
from cctv.pictures import Picture
from cctv.pose import Pose, template_of

Floats = NDArray[np.float32]

SECOND_BEST_BEYOND_M = 0.10
DRY_LIKENESS = 0.65
STRENGTH_OVER_M = 0.8
OCCLUDED_LIKENESS = 0.8


@dataclass(frozen=True)
class Edge:
    """Where a cue sees the water's edge on the staff's centre line; `clearness` 0..1 is how alone it stands.

    `dry_below_m` is how much of the staff below it looks dry all the same: then something stands before the staff.
    """

    y_px: float
    sigma_px: float
    clearness: float
    dry_below_m: float = 0.0


def staff_edge(grey: Picture, calibration: Calibration, pose: Pose) -> Edge | None:
    """Where the staff stops looking as it did when it was calibrated dry; None without such a strip.

    Water, reflections and stains on the wall may look like anything, but none of them looks like the marks printed at
    that very place.
    """
    if calibration.strip is None:
        return None
    dry = template_of(calibration.strip.jpeg)
    if dry is None:
        return None
    columns, rows = np.meshgrid(np.arange(dry.shape[1]), np.arange(dry.shape[0]))
    here = cv2.remap(
        cv2.GaussianBlur(grey, (3, 3), 0),
        (columns + calibration.strip.x_px + pose.dx_px).astype(np.float32),
        (rows + calibration.strip.y_px + pose.dy_px).astype(np.float32),
        cv2.INTER_LINEAR,
    ).astype(np.float32)
    y = np.arange(len(dry), dtype=np.float64) + calibration.strip.y_px
    per_m = float(np.median(np.abs(np.gradient(y, calibration.staff.level_m_msl(y)))))
    votes, strength, correlation = _dry_votes(here, dry.astype(np.float32), per_m=per_m)
    # Rows above the edge speak for it where they look dry, rows below where they do not.
    tally = np.concatenate([[0.0], np.cumsum(votes)])
    best = int(np.argmax(tally))
    away = np.abs(np.arange(len(tally)) - best) > SECOND_BEST_BEYOND_M * per_m
    clearness = float(tally[best] - tally[away].max(initial=-np.inf)) / (
        SECOND_BEST_BEYOND_M * per_m * (1 - DRY_LIKENESS)
    )
    fine, sigma_px = _fine_on_staff(here, dry.astype(np.float32), best, reach=max(4, round(0.05 * per_m)))
    usual = float(np.median(strength[max(0, best - round(0.5 * per_m)) : max(best, 1)]))
    below = slice(best + round(0.06 * per_m), None)
    looks_dry = (correlation[below] > OCCLUDED_LIKENESS) & (strength[below] > OCCLUDED_LIKENESS * usual)
    return Edge(
        y_px=calibration.strip.y_px + fine - 0.5,
        sigma_px=sigma_px,
        clearness=float(np.clip(clearness, 0, 1)),
        dry_below_m=float(looks_dry.sum()) / per_m,
    )


def _dry_votes(
    here: Floats, dry: Floats, *, per_m: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Row by row how much the picture speaks for dry (above 0) or water (below 0), how strong marks are, how alike.

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
    votes = (np.maximum(correlation, 0) * relative - DRY_LIKENESS) * spread_dry / (spread_dry + 50)
    return votes, strength, correlation


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
    """The row from which on the picture departs from the dry staff in its present light; its standard deviation."""
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
