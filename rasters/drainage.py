"""The city's height above drainage, made of its terrain when it is first looked at: `faonam terrain prepare` for it."""

from __future__ import annotations

import threading
from pathlib import Path

from core.errors import ConflictError, UnavailableError
from gis.terrain.products import NOTE, Wish, prepare

STREAM_M2 = 100_000.0  # Assumed: a stream gathers the water of a tenth of a square kilometre.
LEAST_CELLS, SIDE = 50, 1024
_BEING_MADE = "The height above drainage is being made of the terrain. Ask again in a minute."
_one_at_a_time = threading.Lock()


def hand_of(terrain: Path, *, cell_m: float) -> Path:
    """The GeoTIFF of metres above the first stream on the way down, NaN where no way meets one.

    It lies in a folder beside the terrain, with the other maps of its drainage. Raises UnavailableError while somebody
    else's question has it made, InvalidInputError where the terrain cannot be drained.
    """
    folder = terrain.with_name(f"{terrain.stem}-drainage")
    hand = folder / "hand.tif"
    if hand.is_file() and (folder / NOTE).is_file():
        return hand
    if not _one_at_a_time.acquire(blocking=False):
        raise UnavailableError(_BEING_MADE)
    try:
        threshold = max(round(STREAM_M2 / cell_m**2), LEAST_CELLS)
        wish = Wish(source=terrain, out=folder, threshold=threshold, side=SIDE, holes="drain")
        prepare(wish, dask=None, tell=lambda sentence: None)
    except ConflictError as exc:  # Another process of ours has been asked for it too.
        raise UnavailableError(_BEING_MADE) from exc
    finally:
        _one_at_a_time.release()
    return hand
