"""An elevation model in any system becomes one in the city's; holes, damage and wrong units are told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import sqlalchemy as sa
from rasterio import Affine
from sqlalchemy.orm import Session

from gis.citypack import systems
from gis.citypack.importer import import_city
from gis.errors import CityPackError
from tests.gis.packs import Pack


def write_plane(path: Path, system: str, box: tuple[float, float, float, float], heights: Any, **profile: Any) -> None:
    """A GeoTIFF of these heights over the box, given in the system."""
    rows, columns = heights.shape[-2:]
    west, south, east, north = box
    at = Affine((east - west) / columns, 0.0, west, 0.0, (south - north) / rows, north)
    with rasterio.open(
        path, "w", **{
            "driver": "GTiff", "dtype": "float32", "count": 1, "width": columns, "height": rows, "nodata": -9999.0,
            "crs": systems.system_of(system).definition, "transform": at,
        } | profile,
    ) as output:
        output.write(heights if heights.ndim == 3 else heights[np.newaxis])


def refusal(session: Session, folder: Path) -> str:
    """The words with which the pack is refused."""
    with pytest.raises(CityPackError) as refused:
        import_city(session, folder)
    return refused.value.detail


def terrain(session: Session) -> tuple[Any, Any]:
    """The kept terrain and its heights, NaN where unknown."""
    path, srid = session.execute(sa.text("SELECT path, srid FROM terrain")).one()
    with rasterio.open(path) as source:
        assert source.crs.to_epsg() == srid
        return source.transform, source.read(1, masked=True).filled(np.nan)


@pytest.mark.parametrize(
    ("system", "box"),
    [
        ("EPSG:4326", (99.98, 7.98, 100.04, 8.04)), ("EPSG:32648", (-53_000.0, 885_000.0, -45_000.0, 893_000.0)),
        ("EPSG:3857", (11_129_000.0, 891_000.0, 11_136_500.0, 898_500.0)),
        ("EPSG:24047", (608_000.0, 882_000.0, 615_000.0, 889_000.0)),
    ],
)
def test_a_terrain_in_any_system_lies_in_the_city_s_own(
    session: Session, pack: Pack, system: str, box: tuple[float, float, float, float]
) -> None:
    """Degrees, the next zone, Web Mercator, the old datum: a flat plane stays flat, in square metric cells."""
    write_plane(pack.folder / "terrain.tif", system, box, np.full((120, 120), 2.5, dtype=np.float32))
    pack.declare("terrain", "terrain.tif")
    import_city(session, pack.close())
    at, heights = terrain(session)
    assert at.a == pytest.approx(-at.e)
    assert 40.0 < at.a < 80.0
    assert np.nanmin(heights) == pytest.approx(2.5)
    assert np.nanmax(heights) == pytest.approx(2.5)


def test_holes_in_the_city_are_counted_and_placed(
    session: Session, pack: Pack, write_terrain: Callable[..., Path]
) -> None:
    """Unknown ground inside the boundary is refused with its extent; kept on purpose it stays unknown, and told."""
    path = write_terrain(pack.folder / "terrain.tif")
    with rasterio.open(path, "r+") as source:
        heights = source.read(1)
        heights[30:34, 20:24] = -9999.0
        source.write(heights, 1)
    pack.declare("terrain", "terrain.tif")
    said = refusal(session, pack.close())
    assert "16 cells inside the municipality" in said
    assert "1 hole" in said
    assert 'holes = "keep"' in said
    pack.extra += '\nholes = "keep"\n'
    report = import_city(session, pack.close())
    assert "16 cells" in report.layers[-1].warnings[-1]
    assert int(np.isnan(terrain(session)[1]).sum()) == 16


def test_a_damaged_geotiff_is_told(session: Session, pack: Pack, write_terrain: Callable[..., Path]) -> None:
    """Cut off in the middle, or no raster at all: one sentence that names the file."""
    path = write_terrain(pack.folder / "terrain.tif")
    whole = path.read_bytes()
    pack.declare("terrain", "terrain.tif")
    folder = pack.close()
    for content in (whole[: len(whole) // 2], whole[:20], b"", b"no raster"):
        path.write_bytes(content)
        said = refusal(session, folder)
        assert said.startswith("terrain.tif: ")
        assert "damaged" in said or "cannot be read" in said


def test_bands_units_and_ellipsoids_are_no_heights_above_the_sea(session: Session, pack: Pack) -> None:
    """A photograph, feet, and heights above the ellipsoid are each named for what they are."""
    path, box = pack.folder / "terrain.tif", (99.98, 7.98, 100.04, 8.04)
    plane = np.full((60, 60), 2.5, dtype=np.float32)
    pack.declare("terrain", "terrain.tif")
    folder = pack.close()
    write_plane(path, "EPSG:4326", box, np.stack([plane] * 3), count=3)
    assert "one band, this has 3" in refusal(session, folder)
    write_plane(path, "EPSG:4326", box, plane)
    with rasterio.open(path, "r+") as source:
        source.units = ("ft",)
    assert "in 'ft', not in metres" in refusal(session, folder)
    path.unlink()
    write_plane(path, "EPSG:4326", box, plane, crs="EPSG:4979")
    assert "above the ellipsoid" in refusal(session, folder)


def test_levels_without_a_datum_are_refused(
    session: Session, pack: Pack, write_terrain: Callable[..., Path]
) -> None:
    """Nothing says from where the heights count: the manifest must; another zero than the sea is not understood."""
    write_terrain(pack.folder / "terrain.tif")
    pack.declare("terrain", "terrain.tif")
    head = pack.head
    pack.head = head.replace('datum = "m above mean sea level"\n', "")
    assert "datum: 'terrain' holds levels, but nothing says from where they count" in refusal(session, pack.close())
    pack.head = head.replace("m above mean sea level", "staff zero")
    assert "'terrain' holds levels of 'staff zero'" in refusal(session, pack.close())


@pytest.mark.parametrize("turn", ["south up", "mirrored"])
def test_a_terrain_on_its_head_is_set_upright(session: Session, pack: Pack, turn: str) -> None:
    """Rows may run north and columns west: every height lands where it was measured."""
    south_up = Affine(50.0, 0, 610_000.0, 0, 50.0, 884_000.0)
    mirrored = Affine(-50.0, 0, 613_000.0, 0, -50.0, 887_000.0)
    heights = np.add.outer(np.arange(60) / 10, np.arange(60) / 100).astype(np.float32)
    shown = heights[::-1] if turn == "south up" else heights[:, ::-1]
    write_plane(
        pack.folder / "terrain.tif", "EPSG:32647", (0, 0, 1, 1), shown,
        transform=south_up if turn == "south up" else mirrored,
    )
    pack.declare("terrain", "terrain.tif")
    import_city(session, pack.close())
    at, kept = terrain(session)
    assert (at.c, at.f) == (610_000.0, 887_000.0)
    assert np.allclose(kept, heights, atol=0.01)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dtype": "complex64", "nodata": None}, "its cells are complex64, not heights"),
        ({"transform": Affine(5000.0, 0, 500_000.0, 0, -5000.0, 1_000_000.0)}, "its cells are 5,0"),
        ({"dtype": "float64"}, "its heights run from 2 to 1e+300"),
    ],
)
def test_what_is_no_ground_of_a_city_is_refused(
    session: Session, pack: Pack, changes: dict[str, Any], said: str
) -> None:
    """Complex numbers, cells as wide as the city, a height that 32 bits would make infinite and so unknown."""
    heights = np.full((60, 60), 2.0, dtype=changes.get("dtype", "float32"))
    if changes.get("dtype") == "float64":
        heights[0, 0] = 1e300
    at = {"transform": Affine(50.0, 0, 610_000.0, 0, -50.0, 887_000.0)}
    write_plane(pack.folder / "terrain.tif", "EPSG:32647", (0, 0, 1, 1), heights, **(at | changes))
    pack.declare("terrain", "terrain.tif")
    assert f"terrain.tif: {said}" in refusal(session, pack.close())


def test_centimetres_that_are_to_be_scaled_are_refused(
    session: Session, pack: Pack, write_terrain: Callable[..., Path]
) -> None:
    """A scale in the file's head is easily passed over: 200 cm would be a hill of 200 m."""
    with rasterio.open(write_terrain(pack.folder / "terrain.tif"), "r+") as source:
        source.scales = (0.01,)
    pack.declare("terrain", "terrain.tif")
    assert "its cells are to be scaled to be metres" in refusal(session, pack.close())


def test_a_terrain_of_any_declared_size_is_weighed_before_it_is_read(session: Session, pack: Pack) -> None:
    """A few kilobytes may declare ninety thousand million cells: nothing is allocated for them."""
    with rasterio.open(
        pack.folder / "terrain.tif", "w", driver="GTiff", dtype="float32", count=1, width=300_000, height=300_000,
        nodata=-9999.0, crs="EPSG:32647", transform=Affine(0.01, 0, 610_000.0, 0, -0.01, 887_000.0), tiled=True,
        sparse_ok=True, bigtiff="yes",
    ):
        pass
    pack.declare("terrain", "terrain.tif")
    assert "it has 300,000 x 300,000 cells; a city may have 100,000,000" in refusal(session, pack.close())


def test_a_terrain_that_sends_gdal_elsewhere_is_refused(
    session: Session, pack: Pack, write_terrain: Callable[..., Path], tmp_path: Path
) -> None:
    """A VRT called terrain.tif reads files that are none of the pack's."""
    secret = write_terrain(tmp_path / "secret.tif")
    (pack.folder / "terrain.tif").write_text(
        '<VRTDataset rasterXSize="60" rasterYSize="60"><SRS>EPSG:32647</SRS>'
        '<GeoTransform>610000,50,0,887000,0,-50</GeoTransform><VRTRasterBand dataType="Float32" band="1">'
        f"<SimpleSource><SourceFilename>{secret}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>"
        "</VRTRasterBand></VRTDataset>"
    )
    pack.declare("terrain", "terrain.tif")
    assert "terrain.tif: it cannot be read as a GeoTIFF" in refusal(session, pack.close())


def test_heights_that_look_like_holes_are_told(session: Session, pack: Pack) -> None:
    """Zeros in a file that declares no nodata value may be sea or holes: it is taken, and said."""
    heights = np.full((60, 60), 2.0, dtype=np.float32) + np.arange(60) / 100
    heights[:10, :10] = 0.0
    write_plane(
        pack.folder / "terrain.tif", "EPSG:32647", (0, 0, 1, 1), heights.astype(np.float32), nodata=None,
        transform=Affine(50.0, 0, 610_000.0, 0, -50.0, 887_000.0),
    )
    pack.declare("terrain", "terrain.tif")
    report = import_city(session, pack.close())
    assert "3% of its cells are exactly 0 m high and it declares no nodata value" in report.layers[-1].warnings[0]
