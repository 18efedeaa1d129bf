"""`faonam terrain prepare`: all maps or none, the same on a cluster, a clear sentence for what cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from bench.terrain import fractal
from cli import terrain as command
from core.errors import ConflictError, FaonamError, InvalidInputError, UnavailableError
from gis.terrain import products
from gis.terrain.hydrology import drainage_of
from gis.terrain.products import MAPS, NOTE, Wish

UTM, DEGREES = "EPSG:32647", "EPSG:4326"
SIDE, THRESHOLD = 120, 40


def _write(path: Path, heights_m: np.ndarray, *, crs: str | None = UTM, cell: float = 10.0, bands: int = 1) -> Path:
    """A GeoTIFF of these heights, -9999 where they are NaN."""
    rows, columns = heights_m.shape
    with rasterio.open(
        path, "w", driver="GTiff", dtype="float32", count=bands, nodata=-9999.0, height=rows, width=columns, crs=crs,
        transform=Affine(cell, 0, 600_000, 0, -cell, 930_000), tiled=True, blockxsize=64, blockysize=64,
    ) as output:
        for band in range(1, bands + 1):
            output.write(np.where(np.isnan(heights_m), -9999.0, heights_m).astype(np.float32), band)
    return path


def _ground_m() -> np.ndarray:
    """Hills with lakes, a plain, and a corner beyond the survey; no hole."""
    ground_m = fractal(SIDE, seed=7)
    ground_m[60:90, 30:110] = ground_m[75, 70]
    ground_m[:20, :30] = np.nan
    return ground_m


def _wish(source: Path, **changes: object) -> Wish:
    asked: dict[str, object] = {
        "out": source.parent / "maps", "threshold": THRESHOLD, "side": 64, "holes": "refuse", **changes
    }
    return Wish(source=source, **asked)  # type: ignore[arg-type]  # the test's own changes


def _prepare(wish: Wish, *, dask: str | None = None) -> dict[str, object]:
    return dict(products.prepare(wish, dask=dask, tell=lambda _: None))


def _maps(folder: Path) -> dict[str, np.ndarray]:
    found = {}
    for name in MAPS:
        with rasterio.open(folder / f"{name}.tif") as source:
            found[name] = source.read(1)
    return found


def _assert_nothing_new(folder: Path, before: set[Path]) -> None:
    assert set(folder.iterdir()) == before


def test_the_maps_are_the_drainage_of_the_terrain(tmp_path: Path) -> None:
    """Five cloud-optimised GeoTIFFs in the terrain's own system hold what the kernels give for the whole raster."""
    ground_m = _ground_m()
    told = _prepare(_wish(_write(tmp_path / "dem.tif", ground_m)))
    wanted = drainage_of(ground_m, threshold=THRESHOLD)
    found = _maps(tmp_path / "maps")
    np.testing.assert_array_equal(found["filled"], wanted.filled_m)
    np.testing.assert_array_equal(found["directions"], wanted.directions)
    np.testing.assert_array_equal(found["accumulation"], wanted.accumulation)
    np.testing.assert_array_equal(found["hand"], wanted.above_drain_m)
    np.testing.assert_array_equal(found["streams"] == 1, wanted.accumulation >= THRESHOLD)
    np.testing.assert_array_equal(found["streams"] == 255, np.isnan(ground_m))
    for name in MAPS:
        with rasterio.open(tmp_path / "maps" / f"{name}.tif") as source:
            assert source.crs.to_string() == UTM
            assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            assert source.transform.a == 10.0
    assert told["known_cells"] == int((~np.isnan(ground_m)).sum())
    assert told["raised_cells"] == int((wanted.filled_m > ground_m).sum()) > 0
    assert told["stream_cells"] == int((wanted.accumulation >= THRESHOLD).sum())
    assert json.loads((tmp_path / "maps" / NOTE).read_text()) == told
    _assert_nothing_new(tmp_path, {tmp_path / "dem.tif", tmp_path / "maps"})


def test_a_second_time_nothing_is_done(tmp_path: Path) -> None:
    """Maps of the same terrain and threshold are left alone; another threshold renews them."""
    source = _write(tmp_path / "dem.tif", _ground_m()[:70, 30:])
    wish = _wish(source)
    _prepare(wish)
    before = (wish.out / "hand.tif").stat()
    assert _prepare(_wish(source, side=100))["threshold_cells"] == THRESHOLD
    after = (wish.out / "hand.tif").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert _prepare(_wish(source, threshold=9))["threshold_cells"] == 9
    assert json.loads((wish.out / NOTE).read_text())["threshold_cells"] == 9


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    """Maps never take the place of files that this command did not make."""
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "letters.txt").write_text("dear all")
    with pytest.raises(ConflictError, match="holds other things"):
        _prepare(_wish(_write(tmp_path / "dem.tif", _ground_m())))
    assert (tmp_path / "maps" / "letters.txt").read_text() == "dear all"


def test_holes_are_named_and_drained_only_on_demand(tmp_path: Path) -> None:
    """Nodata inside the terrain swallows water: it is refused with its place, whichever tiles it lies across."""
    ground_m = _ground_m()
    ground_m[60:70, 62:66] = np.nan  # Across a corner of four tiles.
    ground_m[5, 100] = np.nan
    wish = _wish(_write(tmp_path / "dem.tif", ground_m))
    with pytest.raises(InvalidInputError) as refused:
        _prepare(wish)
    assert "dem.tif: 2 holes (41 cells" in str(refused.value)
    assert "40 cells from row 60, column 62" in str(refused.value)
    _assert_nothing_new(tmp_path, {tmp_path / "dem.tif"})
    told = _prepare(_wish(wish.source, holes="drain"))
    assert (told["hole_count"], told["hole_cells"]) == (2, 41)
    np.testing.assert_array_equal(
        _maps(wish.out)["accumulation"], drainage_of(ground_m, threshold=THRESHOLD).accumulation
    )


def _scaled(path: Path) -> Path:
    with rasterio.open(path, "r+") as output:
        output.scales = (0.01,)
    return path


def _cut_in_half(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: _write(path, _ground_m(), crs=None), "does not say its coordinate system"),
        (lambda path: _write(path, _ground_m(), crs=DEGREES, cell=1e-4), "EPSG:4326 counts in degrees"),
        (lambda path: _write(path, _ground_m(), crs="EPSG:2277"), "counts in US survey foot"),
        (lambda path: _write(path, _ground_m(), bands=3), "has one band, this has 3"),
        (lambda path: _write(path, np.full((9, 9), np.nan)), "holds no heights"),
        (lambda path: _write(path, np.full((9, 9), -32768.0)), "from -32768 to -32768, which no ground in metres does"),
        (lambda path: _scaled(_write(path, _ground_m())), "are to be scaled"),
        (lambda path: _cut_in_half(_write(path, _ground_m())), "the file is damaged"),
        (lambda path: path.write_text("no raster") and path, "cannot be read as a raster"),
        (lambda path: path, "there is no such file"),
    ],
    ids=["no CRS", "degrees", "feet", "bands", "nodata", "undeclared", "scaled", "cut", "text", "absent"],
)
def test_what_cannot_be_drained_is_refused_in_a_sentence(tmp_path: Path, make: object, says: str) -> None:
    """The file and the cause are named, and no folder is left behind."""
    source = make(tmp_path / "dem.tif")  # type: ignore[operator]  # one of the makers above
    before = set(tmp_path.iterdir())
    with pytest.raises(InvalidInputError, match=says) as refused:
        _prepare(_wish(source))
    assert "dem.tif" in str(refused.value)
    assert "\n" not in str(refused.value)
    _assert_nothing_new(tmp_path, before)


def test_maps_that_are_there_outlive_a_failure(tmp_path: Path) -> None:
    """A terrain that cannot be drained leaves the maps of the last one as they were."""
    wish = _wish(_write(tmp_path / "dem.tif", _ground_m()[:70, 30:]))
    _prepare(wish)
    before = (wish.out / NOTE).read_bytes()
    _cut_in_half(wish.source)
    with pytest.raises(InvalidInputError, match="damaged"):
        _prepare(wish)
    assert (wish.out / NOTE).read_bytes() == before
    assert _maps(wish.out).keys() == MAPS.keys()


def test_one_hole_is_one_hole(tmp_path: Path) -> None:
    """The sentence counts as people do."""
    ground_m = _ground_m()
    ground_m[50, 100] = np.nan
    with pytest.raises(InvalidInputError, match=r"dem.tif: 1 hole \(1 cell of nodata inside\), the largest of 1 cell "):
        _prepare(_wish(_write(tmp_path / "dem.tif", ground_m)))


@pytest.mark.parametrize(("side", "is_flat"), [(40, True), (1, True), (40, False)])
def test_a_terrain_without_a_slope_is_said_to_move_no_water(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], side: int, is_flat: bool
) -> None:
    """Maps of a plane look like maps of anything else, so that nobody would notice."""
    ground_m = np.full((side, side), 3.0)
    ground_m[0, 0] = 3.0 if is_flat else 2.9
    source = _write(tmp_path / "dem.tif", ground_m)
    command.prepare(source, out=tmp_path / "maps", threshold=40, side=64, holes="refuse", dask=None)
    assert ("lies at 3 m: no water flows anywhere" in capsys.readouterr().err) == is_flat


def test_the_command_prints_what_it_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`faonam terrain prepare` ends with the figures of the drainage; an error of ours comes through as it is."""
    source = _write(tmp_path / "dem.tif", _ground_m())
    command.prepare(source, out=tmp_path / "maps", threshold=40, side=64, holes="refuse", dask=None)
    assert "raised cells" in capsys.readouterr().out
    with pytest.raises(FaonamError):
        command.prepare(
            tmp_path / "none.tif", out=tmp_path / "x", threshold=40, side=64, holes="refuse", dask=None
        )


def test_a_cluster_gives_the_same_bytes(tmp_path: Path) -> None:
    """Two processes of a Dask cluster make the same maps to the bit as this process alone; tiles may differ."""
    from distributed import LocalCluster

    ground_m = _ground_m()
    source = _write(tmp_path / "dem.tif", ground_m)
    alone, together = _wish(source, out=tmp_path / "alone", side=64), _wish(source, out=tmp_path / "many", side=50)
    _prepare(alone)
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None,
        worker_dashboard_address=None, local_directory=str(tmp_path / "dask"), silence_logs=50,
    ) as workers:
        _prepare(together, dask=workers.scheduler_address)
        cut = _cut_in_half(_write(tmp_path / "cut.tif", ground_m))
        with pytest.raises(InvalidInputError, match=r"cut\.tif.*damaged"):
            _prepare(_wish(cut, out=tmp_path / "cut"), dask=workers.scheduler_address)
    for name in MAPS:
        assert _maps(alone.out)[name].tobytes() == _maps(together.out)[name].tobytes(), name


def test_a_scheduler_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Without a cluster at the address nothing is made."""
    source = _write(tmp_path / "dem.tif", _ground_m())
    with pytest.raises(UnavailableError, match=r"scheduler at tcp://127\.0\.0\.1:9 does not answer"):
        _prepare(_wish(source), dask="tcp://127.0.0.1:9")
    _assert_nothing_new(tmp_path, {source})


def test_a_folder_with_something_of_somebody_s_in_it_is_left_alone(tmp_path: Path) -> None:
    """A note of ours beside a thesis does not make the folder ours to replace."""
    out = tmp_path / "maps"
    out.mkdir()
    (out / NOTE).write_text('{"a": 1}')
    (out / "thesis.odt").write_text("three years")
    wish = _wish(_write(tmp_path / "dem.tif", fractal(64, seed=1)), out=out)
    with pytest.raises(ConflictError, match="holds other things"):
        _prepare(wish)
    assert (out / "thesis.odt").read_text() == "three years"


@pytest.mark.parametrize("note", ["{bad", "[1]"])
def test_a_note_that_cannot_be_read_is_written_anew(tmp_path: Path, note: str) -> None:
    """A broken note says nothing about the maps: they are made again."""
    wish = _wish(_write(tmp_path / "dem.tif", fractal(64, seed=1)))
    before = _prepare(wish)
    (wish.out / NOTE).write_text(note)
    assert _prepare(wish) == before


def test_a_terrain_that_no_disk_could_hold_is_refused_at_once(tmp_path: Path) -> None:
    """Ninety thousand million cells are declared in a moment; the sentence says how much room they need."""
    source = tmp_path / "huge.tif"
    with rasterio.open(
        source, "w", driver="GTiff", dtype="float32", count=1, nodata=-9999.0, height=2**31 - 1, width=2**20, crs=UTM,
        transform=Affine(10.0, 0, 600_000, 0, -10.0, 930_000), tiled=True, sparse_ok=True, bigtiff="yes",
        blockxsize=2**14, blockysize=2**14,
    ):
        pass
    with pytest.raises(InvalidInputError, match=r"huge.tif: its 2,147,483,647 x 1,048,576 cells need [0-9,]+ GB"):
        _prepare(_wish(source))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["huge.tif"]


def test_an_address_that_is_none_is_told_before_anybody_is_called(tmp_path: Path) -> None:
    """`--dask hello` is a slip, and no scheduler that does not answer."""
    wish = _wish(_write(tmp_path / "dem.tif", fractal(64, seed=1)))
    with pytest.raises(InvalidInputError, match=r"'hello' is no address such as tcp://"):
        _prepare(wish, dask="hello")
