"""Depth as tiles: by a layer's id, never by a path or an address."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
import sqlalchemy as sa
from affine import Affine
from fastapi.testclient import TestClient

from core.db import transaction
from core.errors import UnavailableError
from core.settings import data_dir
from flood.depths import write_depths
from gis.crs import transformer
from gis.terrain.grid import Grid
from gis.terrain.hydrology import drainage_of
from rasters import drainage, layers, server

# rio-tiler multiplies affine transforms in a way that affine is going to give up.
pytestmark = pytest.mark.filterwarnings("ignore:Use .* matmul:PendingDeprecationWarning")

RUN = 7_000_001
LON, LAT = 99.915, 8.4095  # The middle of the raster below.


@pytest.fixture
def depths(database: sa.Engine) -> Iterator[None]:
    """A picture with a depth of 1.25 m everywhere, one whose depths are no longer kept, and one without any."""
    grid = Grid(rows=512, columns=512, cell_m=10.0, west_m=598_200.0, north_m=932_200.0, srid=32647)
    path = data_dir() / "flood" / f"run_{RUN}_test.npy"
    path.parent.mkdir(exist_ok=True)
    deep = np.full(grid.size, 1.25, dtype=np.float32)
    write_depths(path, grid, deep, deep + np.float32(0.25), np.full(grid.size, 0.75, dtype=np.float32))
    with transaction() as session:
        for run_id, kept in ((RUN, f"flood/{path.name}"), (RUN + 1, "flood/gone.npy"), (RUN + 2, None)):
            session.execute(
                sa.text(
                    "INSERT INTO flood_run (id, computed_at, valid_at, computed_wall_at, method, levels, wall_s, "
                    "confidence, depth_path, grid) VALUES (:id, now(), now(), now(), 'canal-network', '{}', 0, 1, "
                    ":kept, CAST(:grid AS jsonb))"
                ),
                {"id": run_id, "kept": kept, "grid": json.dumps(grid.as_json())},
            )
    yield
    path.unlink()
    path.with_suffix(".tif").unlink(missing_ok=True)


@pytest.fixture
def raster_process(depths: None) -> Iterator[None]:
    """The raster server on its socket."""
    listening = server.listening_socket(layers.socket_path())
    running = server.server_of(server.create_app())
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield
    running.should_exit = True
    thread.join(10)
    layers.socket_path().unlink(missing_ok=True)


def test_depth_is_served_by_the_picture_it_is_of(
    signed_in: Callable[[str], TestClient], raster_process: None
) -> None:
    """The list names the layers; a layer tells its tiles under our address, its tiles are pictures, points values."""
    officer = signed_in("officer")
    listed = officer.get("/api/v1/rasters").json()["layers"]
    assert [(one["id"], one["kind"], one["run_id"]) for one in listed] == [(f"depth-{RUN}", "depth", RUN)]
    assert [(band["name"], band["unit"]) for band in listed[0]["bands"]] == [
        ("depth_p50_m", "m"), ("depth_p90_m", "m"), ("chance", "1")
    ]
    assert listed[0]["nodata"] == "-9999"
    assert listed[0]["title"]["th"] != listed[0]["title"]["en"]
    base = f"/api/v1/rasters/depth-{RUN}"
    tilejson = officer.get(f"{base}/WebMercatorQuad/tilejson.json")
    assert tilejson.status_code == 200, tilejson.text
    assert tilejson.json()["tiles"][0].startswith(f"http://testserver{base}/tiles/WebMercatorQuad/{{z}}/{{x}}/{{y}}")
    point = officer.get(f"{base}/point/{LON},{LAT}")
    assert point.json()["values"] == [1.25, 1.5, 0.75]
    z = 12
    x = int((LON + 180) / 360 * 2**z)
    y = int((1 - np.arcsinh(np.tan(np.radians(LAT))) / np.pi) / 2 * 2**z)
    tile = officer.get(f"{base}/tiles/WebMercatorQuad/{z}/{x}/{y}.png", params={"bidx": "1", "rescale": "0,2"})
    assert tile.status_code == 200, tile.text
    assert tile.headers["content-type"] == "image/png"
    assert tile.content.startswith(b"\x89PNG")
    likely = officer.get(f"{base}/tiles/WebMercatorQuad/{z}/{x}/{y}.png",
                         params={"bidx": "3", "rescale": "0,1", "colormap_name": "chance"})  # fmt: skip
    picture = cv2.imdecode(np.frombuffer(likely.content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    colours = {(red, green, blue, alpha) for blue, green, red, alpha in picture.reshape(-1, 4).tolist()}
    assert colours == {(0, 0, 0, 0), server.COLORMAPS.get("chance")[round(0.75 * 255)]}
    assert officer.get(f"{base}/tiles/WebMercatorQuad/{z}/0/0.png").status_code == 404
    assert officer.get(f"{base}/info").json()["count"] == 3
    for away in ("0,0", "999,99", "-180,-90"):  # PROJ has no place for the other side of the world.
        outside = officer.get(f"{base}/point/{away}")
        assert outside.status_code == 404, away
        assert "outside" in outside.json()["detail"].lower()


def test_every_band_is_called_by_its_own_name(
    signed_in: Callable[[str], TestClient], raster_process: None
) -> None:
    """Beside values and in what the layer tells: which is the depth, which the probability."""
    officer = signed_in("officer")
    base = f"/api/v1/rasters/depth-{RUN}"
    bands = ["depth_p50_m", "depth_p90_m", "chance"]
    point = officer.get(f"{base}/point/{LON},{LAT}").json()
    assert (point["band_names"], point["band_descriptions"]) == (["b1", "b2", "b3"], bands)
    turned = officer.get(f"{base}/point/{LON},{LAT}", params={"bidx": ["3", "1"]}).json()
    assert (turned["values"], turned["band_descriptions"]) == ([0.75, 1.25], ["chance", "depth_p50_m"])
    assert [name for _, name in officer.get(f"{base}/info").json()["band_descriptions"]] == bands


@pytest.mark.parametrize("source", ["/etc/passwd", "http://127.0.0.1:1/x.tif", "file:///etc/passwd", "s3://x/y.tif"])
def test_no_file_and_no_address_can_be_asked_for(
    signed_in: Callable[[str], TestClient], raster_process: None, source: str
) -> None:
    """`url=` is refused wherever it stands, and no id is a path."""
    officer = signed_in("officer")
    for path in ("info", "point/99.9,8.4", "preview.png", "WebMercatorQuad/tilejson.json"):
        answer = officer.get(f"/api/v1/rasters/depth-{RUN}/{path}", params={"url": source})
        assert 400 <= answer.status_code < 500, path
        assert "url" in answer.json()["detail"]
    assert officer.get(f"/api/v1/rasters/info?url={source}").status_code == 404
    assert officer.get(f"/api/v1/rasters/{source}/info").status_code == 404


def test_only_what_a_layer_has_can_be_asked(signed_in: Callable[[str], TestClient], raster_process: None) -> None:
    """Unknown layers, older forms, statistics over everything, expressions and huge pictures are refused."""
    officer = signed_in("officer")
    for layer in (f"depth-{RUN + 1}", f"depth-{RUN + 2}", "depth-0", "depth-1e9", "terrain", "..", "DEPTH-1"):
        assert officer.get(f"/api/v1/rasters/{layer}/info").status_code == 404, layer
    for path in ("statistics", "bbox/0,0,1,1.png", "map.html", "preview/9000x9000.png", "../info", "tiles/x/1/1/1"):
        assert officer.get(f"/api/v1/rasters/depth-{RUN}/{path}").status_code == 404, path
    for name, value in (("expression", "b1**9999"), ("max_size", "90000"), ("bidx", "9"), ("algorithm", "hillshade"),
                        ("rescale", "x"), ("colormap_name", "none-such")):
        answer = officer.get(f"/api/v1/rasters/depth-{RUN}/preview.png", params={name: value})
        assert 400 <= answer.status_code < 500, name


def test_rasters_are_for_officers(browser: TestClient) -> None:
    """Nobody sees depths without signing in."""
    assert browser.get("/api/v1/rasters").status_code == 401
    assert browser.get(f"/api/v1/rasters/depth-{RUN}/info").status_code == 401


def test_without_the_raster_process_it_says_so(signed_in: Callable[[str], TestClient]) -> None:
    """While it is down the answer is 503 and names the command that starts it."""
    layers.socket_path().unlink(missing_ok=True)
    answer = signed_in("officer").get("/api/v1/rasters/terrain/info")
    assert answer.status_code == 503
    assert "faonam rasters" in answer.json()["detail"]


@pytest.fixture
def terrain(database: sa.Engine, tmp_path: Path) -> np.ndarray:
    """The city has a terrain: a valley of 512 x 512 cells that runs south, with a hole; its heights."""
    rows, columns = np.mgrid[:512, :512]
    heights = (20.0 - rows / 50 + np.abs(columns - 256) / 20).astype(np.float32)
    heights[100:103, 100:103] = np.nan
    path = tmp_path / "tiny-v1-0.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=512, height=512, count=1, dtype="float32", crs="EPSG:32647", nodata=-9999.0,
        transform=Affine(10.0, 0, 598_200.0, 0, -10.0, 932_200.0),
    ) as target:
        target.write(np.where(np.isnan(heights), -9999.0, heights), 1)
    with transaction() as session:
        session.execute(
            sa.text("INSERT INTO terrain VALUES (1, :path, 32647, 10, 'm above mean sea level', 'simulated', 1)"),
            {"path": str(path)},
        )
    return heights


def test_height_above_drainage_is_offered_with_its_legend(
    signed_in: Callable[[str], TestClient], raster_process: None, terrain: np.ndarray
) -> None:
    """Where there is a terrain there is its hand: made once, in metres, NaN where nothing is known, no flood map."""
    officer = signed_in("officer")
    listed = {one["id"]: one for one in officer.get("/api/v1/rasters").json()["layers"]}
    assert list(listed) == ["terrain", "hand", f"depth-{RUN}"]
    hand = listed["hand"]
    assert (hand["kind"], hand["bands"], hand["nodata"]) == ("hand", [{"name": "hand_m", "unit": "m"}], "nan")
    assert "no flood map" in hand["note"]["en"]
    assert listed["terrain"]["bands"] == [{"name": "height_m_msl", "unit": "m above mean sea level"}]
    point = officer.get(f"/api/v1/rasters/hand/point/{LON},{LAT}")
    assert point.status_code == 200, point.text
    expected = drainage_of(terrain, threshold=1000).above_drain_m
    east, north = transformer(4326, 32647).transform(LON, LAT)
    row, column = int((932_200.0 - north) / 10), int((east - 598_200.0) / 10)
    assert point.json()["values"] == [pytest.approx(float(expected[row, column]), abs=1e-5)]
    assert point.json()["band_descriptions"] == ["hand"]
    info = officer.get("/api/v1/rasters/hand/info").json()
    assert str(info["nodata_value"]).lower() in {"nan", "none"}
    hole = transformer(32647, 4326).transform(598_200.0 + 1015.0, 932_200.0 - 1015.0)
    assert officer.get(f"/api/v1/rasters/hand/point/{hole[0]},{hole[1]}").json()["values"] == [None]


def test_a_hand_that_is_being_made_is_asked_for_again(terrain: np.ndarray, tmp_path: Path) -> None:
    """Tiles by the dozen wait for nobody: while one question has it made, the others are told to come back."""
    path = tmp_path / "tiny-v1-0.tif"
    with drainage._one_at_a_time, pytest.raises(UnavailableError, match="is being made"):
        drainage.hand_of(path, cell_m=10.0)
    made = drainage.hand_of(path, cell_m=10.0)
    before = made.stat().st_mtime_ns
    assert drainage.hand_of(path, cell_m=10.0).stat().st_mtime_ns == before


def test_depths_that_are_no_longer_kept_are_not_known(
    signed_in: Callable[[str], TestClient], raster_process: None
) -> None:
    """An older picture's depths are gone: the sentence says so, and that outlines and zones are still there."""
    officer = signed_in("officer")
    gone = officer.get(f"/api/v1/rasters/depth-{RUN + 1}/point/{LON},{LAT}")
    assert gone.status_code == 404
    assert "no longer kept" in gone.json()["detail"]
    assert "how deep it was is not known" in gone.json()["detail"]
    assert "no longer kept" not in officer.get(f"/api/v1/rasters/depth-{RUN + 2}/info").json()["detail"]
