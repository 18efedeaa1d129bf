"""Small city packs to import, and to break."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from gis.citypack import layers
from gis.citypack.layers import Column, LayerKind, LayerRows
from tests.gis.packs import SQUARE, Pack, feature


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    """A pack with a boundary of about 2 km and nothing else."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    made = Pack(folder)
    made.add("boundary", [feature({"type": "Polygon", "coordinates": [SQUARE]})])
    return made


@pytest.fixture
def loaded() -> Iterator[list[LayerRows]]:
    """What a made-up room was given for its layer kind `wells`."""
    given: list[LayerRows] = []

    def load(session: Session, rows: LayerRows) -> int:
        given.append(rows)
        return len(rows)

    columns = {"code": Column(required=True), "depth_m": Column(type=float), "is_open": Column(type=bool)}
    before = dict(layers.registered())
    layers.register(LayerKind("wells", columns, "Point", load))
    yield given
    layers._kinds.clear()
    layers._kinds.update(before)


@pytest.fixture
def write_terrain(tmp_path: Path) -> Callable[..., Path]:
    """Writes a GeoTIFF over the tiny city."""

    def write(path: Path, *, height_m: float = 2.0, epsg: int | None = 32647, nodata: float | None = -9999.0) -> Path:
        import numpy as np
        import rasterio
        from rasterio import Affine

        # The tiny city spans 610.2 to 612.5 km east and 884.3 to 886.6 km north in UTM 47 N.
        with rasterio.open(
            path, "w", driver="GTiff", dtype="float32", count=1, width=60, height=60, nodata=nodata,
            crs=None if epsg is None else f"EPSG:{epsg}", transform=Affine(50.0, 0.0, 610_000.0, 0.0, -50.0, 887_000.0),
        ) as output:
            output.write(np.full((60, 60), height_m, dtype=np.float32), 1)
        return path

    return write
