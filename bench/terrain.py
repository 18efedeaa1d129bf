"""Drainage of a terrain of 4000 x 4000 cells, against stock pyflwdir and pysheds.

Filled, directions, accumulation and height above the nearest drain, from heights in memory; a drain has more than 1,000
cells upstream. Each side works in a process of its own, begun afresh, so that its peak of memory is its own (VmHWM of
/proc/self/status: interpreter, libraries and terrain included); the first call compiles and does not count.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import peers
from bench.measure import OURS, Result, Timing, WrongWorkError, check, rounded, take_turns
from bench.places import own_folder
from core.progress import step
from gis.terrain.grid import Heights

SIDE, RELIEF_M, CELL_M = 4000, 500.0, 30.0
ROUGHNESS = 1.8  # Amplitudes fall with the wave number to this power: a Hurst exponent of 0.8, as of mountains.
DRAIN_CELLS = 1001  # More than 1,000, the cell itself among them.
ROUNDS, OUR_CALLS = 1, 5  # Peers take half a minute a call; ours is so short that a turn is the median of several.
NODATA = -9999.0
SAME_M = 0.01  # Peers add up float32 differences along the way; ours is one difference.
BAR = {"pyflwdir": 0.2, "pysheds": 0.2857}
MOST = {"peak_gb": 1.0}

Work = Callable[[Heights], Any]


def measure(*, seed: int) -> Result:
    """The terrain that `seed` draws, drained by each side in turn."""
    peers.fetch("pyflwdir", "pysheds")
    with own_folder("terrain") as folder, contextlib.ExitStack() as stack:
        with step("drawing the terrain"):
            np.save(folder / "heights.npy", fractal(SIDE, seed=seed))
        sides = {side: stack.enter_context(_side(side, folder)) for side in (OURS, "pyflwdir", "pysheds")}
        with step("draining") as tell:
            turns = {side: partial(ask, "turn") for side, ask in sides.items()}
            taken = take_turns(turns, rounds=ROUNDS, tell=tell)
        peak_gb = {side: ask("peak") for side, ask in sides.items()}
        with step("comparing the sides"):
            sides[OURS]("save")
            shares = {**sides["pyflwdir"]("compare"), **sides["pysheds"]("compare")}
            _check(shares)
    facts = {"cells": SIDE**2, "seed": seed, **{f"{side}_peak_gb": rounded(peak_gb[side]) for side in BAR}}
    facts |= {name: rounded(share) for name, share in shares.items()}
    figures = {"peak_gb": rounded(peak_gb[OURS])}
    return Result("terrain", facts, taken[OURS], _peers(taken), BAR, figures=figures, most=MOST)


def _peers(taken: dict[str, Timing]) -> dict[str, Timing]:
    return {name: taken[name] for name in BAR}


def fractal(side: int, *, seed: int) -> Heights:
    """A self-affine terrain of side x side cells, heights from 0 to `RELIEF_M` metres, by spectral synthesis."""
    wave = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :])
    wave[0, 0] = np.inf
    phase = np.random.default_rng(seed).uniform(0, 2 * np.pi, wave.shape)
    ground = np.fft.irfft2(wave**-ROUGHNESS * np.exp(1j * phase), s=(side, side))
    ground -= ground.min()
    heights_m: Heights = (ground * (RELIEF_M / ground.max())).astype(np.float32)
    return heights_m


def _check(shares: dict[str, float]) -> None:
    """What `_compare_pyflwdir` and `_compare_pysheds` found leaves no doubt that the sides do the same."""
    check(shares["same_filled"] == 1.0, "the sides fill to different heights.")
    check(shares["same_accumulation"] == 1.0, "pyflwdir counts other cells upstream along our directions.")
    check(shares["same_hand"] == 1.0, "pyflwdir finds other heights above the drain along our directions.")
    check(shares["as_steep_as_pyflwdir"] == 1.0, "pyflwdir finds a steeper way down on our filled ground.")
    check(shares["as_steep_as_pysheds"] == 1.0, "pysheds finds a steeper way down on our filled ground.")


# --- A side in its own process


@contextlib.contextmanager
def _side(name: str, folder: Path) -> Iterator[Callable[[str], Any]]:
    """Asks the side, which lives in a process of its own while the block runs."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(name, folder, there), daemon=True)
    process.start()
    there.close()

    def ask(what: str) -> Any:
        here.send(what)
        try:
            answer = here.recv()
        except EOFError:
            raise WrongWorkError(f"{name} has died.") from None
        if isinstance(answer, str):
            raise WrongWorkError(f"{name} could not do its work: {answer}")
        return answer

    try:
        yield ask
    finally:
        here.close()
        process.join(timeout=5)
        process.kill()


def _serve(name: str, folder: Path, pipe: Connection) -> None:
    """Answers one question after the other: seconds of a turn, gigabytes at the peak, or how the work compares."""
    work, compare = SIDES[name]
    heights_m: Heights = np.load(folder / "heights.npy")
    done: Any = None
    with contextlib.suppress(EOFError):
        while True:
            question = pipe.recv()
            try:
                if question == "turn":
                    took_s = []
                    for _ in range(OUR_CALLS if name == OURS else 1):
                        done = None
                        began_s = time.perf_counter()
                        done = work(heights_m)
                        took_s.append(time.perf_counter() - began_s)
                    pipe.send(statistics.median(took_s))
                elif question == "peak":
                    pipe.send(_peak_gb())
                else:
                    pipe.send(compare(folder, heights_m, done))
            except Exception as exc:  # Whatever a peer raises is told to who asked.
                pipe.send(f"{type(exc).__name__}: {exc}")


def _peak_gb() -> float:
    """The most memory that this process has held since it began, in units of 10**9 bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e9


def _ours(heights_m: Heights) -> Any:
    from gis.terrain.hydrology import drainage_of

    return drainage_of(heights_m, threshold=DRAIN_CELLS)


def _save_ours(folder: Path, _: Heights, done: Any) -> dict[str, float]:
    for layer in ("filled_m", "directions", "accumulation", "above_drain_m"):
        np.save(folder / f"{layer}.npy", getattr(done, layer))
    return {}


def _pyflwdir(heights_m: Heights) -> Any:
    import pyflwdir

    filled_m, codes = pyflwdir.dem.fill_depressions(heights_m, nodata=NODATA)
    ways = pyflwdir.from_array(codes, ftype="d8", check_ftype=False)
    upstream = ways.upstream_area(unit="cell")
    return filled_m, codes, upstream, ways.hand(drain=upstream >= DRAIN_CELLS, elevtn=filled_m)


def _compare_pyflwdir(folder: Path, _: Heights, done: Any) -> dict[str, float]:
    """Shares of cells on which pyflwdir says the same: of its own, and along our directions on our filled ground."""
    import numba
    import pyflwdir

    filled_m, codes, counts, above_m = _saved(folder)
    ways = pyflwdir.from_array(codes, ftype="d8", check_ftype=False)
    upstream = ways.upstream_area(unit="cell")
    # Stock hand() forgets to compile this function; compiled it gives the same numbers in a hundredth of the time.
    heights_above = numba.njit(pyflwdir.dem.height_above_nearest_drain)
    drain = (upstream >= DRAIN_CELLS).ravel()
    hand = heights_above(ways.idxs_ds, ways.idxs_seq, drain, filled_m.ravel()).reshape(codes.shape)
    has_drain = ~np.isnan(above_m)
    own_codes = pyflwdir.dem.fill_depressions(filled_m, nodata=NODATA)[1]
    return {
        "same_filled": _share(np.abs(done[0] - filled_m) <= SAME_M),
        "same_accumulation": _share(upstream == counts),
        "same_hand": _share(np.abs(hand - above_m)[has_drain] <= SAME_M),
        "as_steep_as_pyflwdir": _as_steep(filled_m, codes, own_codes),
        "same_as_pyflwdir": _share(own_codes == codes),
        "cells_with_drain": _share(has_drain),
    }


def _pysheds(heights_m: Heights) -> Any:
    grid, ground = _pysheds_grid(heights_m)
    flooded = grid.fill_depressions(grid.fill_pits(ground))
    codes = grid.flowdir(grid.resolve_flats(flooded))
    upstream = grid.accumulation(codes)
    return flooded, codes, upstream, grid.compute_hand(codes, flooded, upstream >= DRAIN_CELLS)


def _compare_pysheds(folder: Path, _: Heights, __: Any) -> dict[str, float]:
    """Shares of cells on which pysheds, which looks for the steepest descent too, says the same of our ground."""
    filled_m, codes, *_rest = _saved(folder)
    grid, ground = _pysheds_grid(filled_m)
    own_codes = np.asarray(grid.flowdir(ground))
    falls = _slopes(filled_m, codes) > 0
    falls[[0, -1]] = falls[:, [0, -1]] = False  # pysheds gives the raster's edge no direction.
    return {
        "as_steep_as_pysheds": _as_steep(filled_m, codes, own_codes),
        "same_as_pysheds_on_slopes": _share((own_codes == codes)[falls]),
    }


def _pysheds_grid(heights_m: Heights) -> Any:
    # pysheds 0.5 was written for NumPy 1 and asks for two names that NumPy 2 has dropped.
    for name, now in (("in1d", np.isin), ("bool8", np.bool_)):
        if not hasattr(np, name):
            setattr(np, name, now)
    from affine import Affine
    from pysheds.grid import Grid
    from pysheds.view import Raster, ViewFinder

    view = ViewFinder(
        affine=Affine(CELL_M, 0.0, 0.0, 0.0, -CELL_M, 0.0), shape=heights_m.shape, nodata=np.float32(NODATA)
    )
    return Grid(viewfinder=view), Raster(heights_m, viewfinder=view)


def _saved(folder: Path) -> list[NDArray[Any]]:
    return [np.load(folder / f"{layer}.npy") for layer in ("filled_m", "directions", "accumulation", "above_drain_m")]


def _as_steep(filled_m: Heights, codes: NDArray[np.uint8], others: NDArray[Any]) -> float:
    """The share of cells from which our direction falls no less steeply than the other's."""
    return _share(_slopes(filled_m, codes) >= _slopes(filled_m, others) * np.float32(1 - 1e-6))


def _slopes(filled_m: Heights, codes: NDArray[Any]) -> Heights:
    """The fall to the cell to which each drains, metres per width of a cell; 0 where it leaves the raster."""
    from gis.terrain.directions import CODES, CORNER, DOWN, RIGHT

    slopes = np.zeros(codes.shape, np.float32)
    for code, down, right in zip(CODES, DOWN, RIGHT, strict=True):
        fall = (filled_m - np.roll(filled_m, (-down, -right), axis=(0, 1))) * (CORNER if down and right else 1)
        slopes = np.where(codes == code, fall, slopes).astype(np.float32)
    return slopes


def _share(is_so: NDArray[np.bool_]) -> float:
    return float(np.mean(is_so))


SIDES: dict[str, tuple[Work, Callable[[Path, Heights, Any], dict[str, float]]]] = {
    OURS: (_ours, _save_ours),
    "pyflwdir": (_pyflwdir, _compare_pyflwdir),
    "pysheds": (_pysheds, _compare_pysheds),
}
