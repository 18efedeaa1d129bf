"""From heights to drainage, tile by tile: filled, directions, accumulation, height above the nearest drain.

Each stage is a task for every tile and a small problem over the edges of all tiles, solved in between. What comes out
depends on the terrain alone, not on the tiles nor on who does them in which order: the layers are the same to the bit
for every size of tile, for threads, processes and machines (numba; never imported by the API).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from gis.terrain import accumulation, depressions, directions, drainage, seams
from gis.terrain.accumulation import Counts
from gis.terrain.directions import Directions
from gis.terrain.grid import Cells, Heights
from gis.terrain.runners import Found, Item, Runner, threads
from gis.terrain.tiles import NOTHING, Arrays, Numbers, Store, Tiling, Window

TILE_IN_MEMORY = 512  # Cells a side: its layers fit into the cache of one processor.
THREADS = 2


@dataclass(frozen=True)
class Drainage:
    """Layers of one raster (rows x columns): heights in metres of the terrain's datum, counts in cells."""

    filled_m: Heights
    directions: Directions
    accumulation: Counts
    above_drain_m: Heights


def drainage_of(
    heights_m: Heights, *, threshold: int, side: int = TILE_IN_MEMORY
) -> Drainage:
    """The drainage of a raster in memory (metres, NaN: nothing known); a stream has `threshold` cells or more."""
    store = Arrays(heights_m, side=side)
    with threads(THREADS) as run:
        derive(store, threshold=threshold, run=run, tell=lambda _: None)
    layers = store.layers
    return Drainage(layers["filled"], layers["directions"], layers[store.tiling.count_layer], layers["hand"])


def derive(store: Store, *, threshold: int, run: Runner, tell: Callable[[str], None]) -> None:
    """The store holds `filled`, `directions`, accumulation and `hand` of its `heights`; `tell` hears how far it is."""
    work = _Work(store, run, tell)
    _fill(work)
    _direct(work)
    streams = _accumulate(work)
    _drain(work, streams, threshold)


@dataclass(frozen=True)
class _Work:
    store: Store
    run: Runner
    tell: Callable[[str], None]

    def each(self, what: str, task: Callable[..., Found], items: Sequence[Item]) -> list[Found]:
        """What the task gives for each item, whose first part is a tile."""
        found = []
        for result in self.run(partial(_started, task, self.store), items):
            found.append(result)
            self.tell(f"{what}, {len(found):,} of {len(items):,} tiles")
        return found

    def tiles(self) -> list[Item]:
        """Every tile as an item."""
        return [(tile,) for tile in range(len(self.store.tiling))]


def _started(task: Callable[..., Found], store: Store, item: Item) -> Found:
    return task(store, *item)


def each(
    store: Store, run: Runner, tell: Callable[[str], None], what: str, task: Callable[[Store, int], Found]
) -> list[Found]:
    """What the task gives for each tile of the store."""
    work = _Work(store, run, tell)
    return work.each(what, task, work.tiles())


# --- Depressions


@dataclass(frozen=True)
class _Flooded:
    """What the tiles' spills are made of: how many labels began, which touch and how high, and its four edges."""

    began: int
    pairs: Numbers
    heights_m: Heights
    labels: seams.Edges
    edges_m: seams.Edges


def _fill(work: _Work) -> None:
    store = work.store
    store.begin("filled")
    store.begin("labels")
    flooded = work.each("filling", _flood, work.tiles())
    firsts = np.cumsum([0, *(tile.began for tile in flooded)])
    pairs, heights_m = _all_spills(store.tiling, flooded, firsts)
    level_m = depressions.levels(pairs, heights_m, int(firsts[-1]) + 1)[1:]
    raised = [(tile, level_m[firsts[tile] : firsts[tile + 1]]) for tile in range(len(flooded)) if flooded[tile].began]
    work.each("raising", _raise, raised)
    store.drop("labels")


def _flood(store: Store, tile: int) -> _Flooded:
    window = store.tiling.window(tile)
    heights_m = store.read("heights", window.ringed(1)) + np.float32(0.0)  # -0.0 is 0.0 with other bits.
    filled_m, labels = np.empty_like(heights_m), np.empty(heights_m.shape, np.int32)
    began = depressions.flood(heights_m, filled_m, labels)
    pairs, spills_m = depressions.spills(filled_m, labels)
    filled_m, labels = filled_m[1:-1, 1:-1], labels[1:-1, 1:-1]
    store.write("filled", tile, filled_m)
    store.write("labels", tile, labels)
    return _Flooded(began, pairs, spills_m, seams.edges_of(labels), seams.edges_of(filled_m))


def _all_spills(tiling: Tiling, flooded: Sequence[_Flooded], firsts: Numbers) -> tuple[Numbers, Heights]:
    """Pairs of labels that touch, within tiles and across their edges, numbered over the raster: 0 is the outside."""
    pairs = [_numbered(found.pairs, first) for found, first in zip(flooded, firsts, strict=False)]
    heights_m = [found.heights_m for found in flooded]
    labels: list[seams.Edges] = []
    for found, first in zip(flooded, firsts, strict=False):
        top, bottom, left, right = (_numbered(edge, first) for edge in found.labels)
        labels.append((top, bottom, left, right))
    of_heights = seams.lines(tiling, [found.edges_m for found in flooded])
    for line, line_m in zip(seams.lines(tiling, labels), of_heights, strict=True):
        for (here, beyond), (here_m, beyond_m) in zip(seams.contacts(*line), seams.contacts(*line_m), strict=True):
            touches = (here != beyond) & (here >= 0) & (beyond >= 0)
            pairs.append(np.column_stack([here[touches], beyond[touches]]))
            heights_m.append(np.maximum(here_m, beyond_m)[touches])
    return np.concatenate(pairs), np.concatenate(heights_m)


def _numbered(labels: Cells | Numbers, first: int) -> Numbers:
    """Labels of a tile as labels of the raster; nodata stays -1."""
    own = np.asarray(labels, np.int64) - depressions.FIRST_LABEL + 1 + first
    return np.where(labels >= depressions.FIRST_LABEL, own, np.where(labels == depressions.DRAINED, 0, -1))


def _raise(store: Store, tile: int, level_m: Heights) -> None:
    window = store.tiling.window(tile)
    filled_m = store.read("filled", window)
    depressions.raise_to_levels(filled_m, store.read("labels", window), level_m)
    store.write("filled", tile, filled_m)


# --- Directions


def _direct(work: _Work) -> None:
    """Tiles are asked again as long as a neighbour has come nearer to lower ground on what is level with theirs."""
    store, tiling = work.store, work.store.tiling
    store.begin("directions")
    store.begin("distance")
    waiting = work.tiles()
    gains = work.each("directions", _direct_tile, waiting)
    while any(gains):
        again = {
            tiling.beside(tile, bit // 3 - 1, bit % 3 - 1)
            for (tile,), gaining in zip(waiting, gains, strict=True)
            for bit in range(9)
            if gaining >> bit & 1
        }
        waiting = [(tile,) for tile in sorted(tile for tile in again if tile is not None)]
        gains = work.each("level ground", _direct_tile_again, waiting)
    store.drop("distance")


def _direct_tile(store: Store, tile: int) -> int:
    ringed = store.tiling.window(tile).ringed(1)
    filled_m = store.read("filled", ringed.ringed(1))
    towards = np.empty(ringed.shape, np.uint8)
    distance, gains = np.zeros(ringed.shape, np.int32), 0
    if directions.descents(filled_m, towards):
        distance = store.read("distance", ringed)
        gains = directions.resolve(np.ascontiguousarray(filled_m[1:-1, 1:-1]), towards, distance)
    store.write("distance", tile, distance[1:-1, 1:-1])
    store.write("directions", tile, towards[1:-1, 1:-1])
    return gains


def _direct_tile_again(store: Store, tile: int) -> int:
    ringed = store.tiling.window(tile).ringed(1)
    towards, distance = store.read("directions", ringed), store.read("distance", ringed)
    gains = directions.resolve_again(store.read("filled", ringed), towards, distance)
    store.write("distance", tile, distance[1:-1, 1:-1])
    store.write("directions", tile, towards[1:-1, 1:-1])
    return gains


# --- Accumulation


@dataclass(frozen=True)
class _Flows:
    """What crosses the edges of a tile, by flat cells of the raster.

    `out` are cells beyond its edge that get `amounts` from it on its own; water that enters at `entries` leaves to the
    cells `leads_to`, -1 where it stays.
    """

    out: Numbers
    amounts: Numbers
    entries: Numbers
    leads_to: Numbers


@dataclass(frozen=True)
class _Streams:
    """The entering places of all tiles (sorted flat cells of the raster) and what the tiles' edges told of them."""

    places: Numbers
    inflow: Numbers
    flows: Sequence[_Flows]


def _accumulate(work: _Work) -> _Streams:
    work.store.begin(work.store.tiling.count_layer)
    flows = work.each("flows over edges", _flows, work.tiles())
    places = np.sort(np.concatenate([tile.entries for tile in flows]))
    amounts = np.zeros(places.size, np.int64)
    for tile in flows:
        amounts[np.searchsorted(places, tile.out)] += tile.amounts
    ahead = np.full(places.size, accumulation.ENDS, np.int64)
    for tile in flows:
        ahead[np.searchsorted(places, tile.entries)] = _place_of(places, tile.leads_to)
    inflow = accumulation.inflows(places, ahead, amounts)
    streams = _Streams(places, inflow, flows)
    work.each(
        "accumulation",
        _accumulate_tile,
        [(tile, found.entries, inflow[np.searchsorted(places, found.entries)]) for tile, found in enumerate(flows)],
    )
    return streams


def _place_of(places: Numbers, cells: Numbers) -> Numbers:
    """The number of each cell among the sorted places; -1 stays -1."""
    return np.where(cells < 0, -1, np.searchsorted(places, cells))


def _flows(store: Store, tile: int) -> _Flows:
    ringed = store.tiling.window(tile).ringed(1)
    towards = store.read("directions", ringed)
    counts = np.empty(ringed.shape, NOTHING[store.tiling.count_layer].dtype)
    nothing = np.empty(0, np.int64)
    accumulation.accumulate(towards, nothing, nothing, counts)
    out = np.flatnonzero(accumulation.ring_of(ringed.shape) & (counts.ravel() > 0))
    entries = accumulation.entries(towards)
    numbers_of = partial(store.tiling.numbers_of, ringed=ringed)
    leads_to = accumulation.ways_out(towards, entries)
    return _Flows(numbers_of(out), counts.ravel()[out], numbers_of(entries), numbers_of(leads_to))


def _accumulate_tile(store: Store, tile: int, entries: Numbers, inflow: Numbers) -> None:
    layer, ringed = store.tiling.count_layer, store.tiling.window(tile).ringed(1)
    counts = np.empty(ringed.shape, NOTHING[layer].dtype)
    cells = store.tiling.cells_in(entries, ringed)
    accumulation.accumulate(store.read("directions", ringed), cells, inflow, counts)
    store.write(layer, tile, counts[1:-1, 1:-1])


# --- Height above the nearest drain


def _drain(work: _Work, streams: _Streams, threshold: int) -> None:
    store, places, flows = work.store, streams.places, streams.flows
    store.begin("hand")
    met = work.each(
        "drains at edges", _drains, [(tile, found.entries, threshold) for tile, found in enumerate(flows)]
    )
    heights_m, ahead = np.full(places.size, np.nan, np.float32), np.full(places.size, -1, np.int64)
    for found, (drains_m, leaves_at) in zip(flows, met, strict=True):
        here = np.searchsorted(places, found.entries)
        heights_m[here], ahead[here] = drains_m, _place_of(places, leaves_at)
    drain_m = drainage.first_drains(ahead, heights_m)
    work.each(
        "heights above drains",
        _drain_tile,
        [
            (tile, found.out, drain_m[np.searchsorted(places, found.out)], threshold)
            for tile, found in enumerate(flows)
        ],
    )


def _drains(store: Store, tile: int, entries: Numbers, threshold: int) -> tuple[Heights, Numbers]:
    ringed = store.tiling.window(tile).ringed(1)
    heights_m, leaves_at = drainage.drains(*_ground(store, ringed), threshold, store.tiling.cells_in(entries, ringed))
    return heights_m, store.tiling.numbers_of(leaves_at, ringed)


def _drain_tile(store: Store, tile: int, beyond: Numbers, beyond_m: Heights, threshold: int) -> None:
    ringed = store.tiling.window(tile).ringed(1)
    drain_m = np.full(ringed.shape, np.nan, np.float32)
    drain_m.ravel()[store.tiling.cells_in(beyond, ringed)] = beyond_m
    store.write("hand", tile, drainage.above_drain(*_ground(store, ringed), threshold, drain_m))


def _ground(store: Store, ringed: Window) -> tuple[Directions, Heights, Counts]:
    return store.read("directions", ringed), store.read("filled", ringed), store.read(store.tiling.count_layer, ringed)
