"""An elevation model made into maps of its drainage."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table

from core.progress import console, step


def prepare(
    dem: Path, *, out: Path, threshold: int, side: int, holes: Literal["refuse", "drain"], dask: str | None
) -> None:
    """The maps lie in `out`, and what they say is printed. For `faonam terrain prepare`."""
    from gis.terrain import products

    wish = products.Wish(source=dem, out=out, threshold=threshold, side=side, holes=holes)
    with step(f"draining {dem.name}") as tell:
        told = products.prepare(wish, dask=dask, tell=tell)
    table = Table("what", "figure", title=str(out))
    for name in ("known_cells", "hole_count", "raised_cells", "stream_cells", "cells_without_drain"):
        table.add_row(name.replace("_", " "), f"{told[name]:,}")
    Console().print(table)
    if told["lowest_m"] == told["highest_m"]:
        console.print(
            f"warning: every known cell of {dem.name} lies at {told['lowest_m']:g} m: no water flows anywhere on it, "
            "and its maps say nothing of how it drains.", markup=False, highlight=False, soft_wrap=True,
        )
