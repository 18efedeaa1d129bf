"""The watch: folders and web cameras, cameras that hang, old pictures, what the public sees."""

from __future__ import annotations

import asyncio
import json
import os
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from cctv import actions, capture, pictures, queries
from cctv.actions import record_frame, register_camera
from cctv.models import CameraFrame
from cctv.rules import WaterlineReading, no_reading
from cctv.watch import Eye, watch
from core import db
from core.errors import UnavailableError
from core.settings import data_dir, settings
from demo.frames import StaffScene, calibration_json, render_frame, staff_scene, write_picture
from gis.points import LonLat
from sensors.actions import NewStation, register_station
from sensors.models import LevelStateChange, Reading

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
SCENE = staff_scene(code="CAM01", low_m_msl=0.0, high_m_msl=3.2, seed=5)


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Pictures of one test are not found by the next."""
    monkeypatch.setenv("FAONAM_DATA_DIR", str(tmp_path / "data"))
    settings.cache_clear()
    yield
    settings.cache_clear()


def _camera(session: Session, code: str, source: str, *, trust: str = "simulated") -> queries.CameraSource:
    station_id = register_station(
        session,
        NewStation(
            code=code,
            name_th="สะพาน",
            name_en="Bridge",
            kind="camera",
            place=LonLat(lon=100.0, lat=8.0),
            bank_m_msl=2.5,
            bed_m_msl=-1.0,
            watch_m_msl=1.0,
            warning_m_msl=1.5,
            danger_m_msl=2.0,
            interval_s=60,
            device_key=None,
            trust=trust,
            layer="cameras",
        ),
    )
    calibration = json.loads(calibration_json(SCENE))
    register_camera(session, station_id=station_id, code=code, source=source, calibration=calibration)
    return next(camera for camera in queries.sources(session) if camera.code == code)


def _show(
    folder: Path, level_m_msl: float, taken_at: datetime, *, scene: StaffScene = SCENE, light: float = 0.9
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    seed = int(taken_at.timestamp()) % 100_000
    write_picture(folder, render_frame(level_m_msl, staff=scene, light=light, rain=0.1, seed=seed), taken_at)


def _look(eye: Eye) -> None:
    eye.look_at(asyncio.run(capture.snapshot(eye.camera.source)))


def _frames() -> list[CameraFrame]:
    with db.transaction() as session:
        return list(session.scalars(sa.select(CameraFrame).order_by(CameraFrame.taken_at)))


def _readings() -> list[Reading]:
    with db.transaction() as session:
        return list(session.scalars(sa.select(Reading).order_by(Reading.observed_at)))


@pytest.fixture
def eye(database: sa.Engine, frozen_clock: Callable[..., None], tmp_path: Path) -> Eye:
    """A camera whose pictures lie in a folder."""
    with db.transaction() as session:
        return Eye(_camera(session, "CAM01", str(tmp_path / "cam")))


def test_a_picture_becomes_a_reading_with_its_doubt(eye: Eye) -> None:
    """The level, its sigma and confidence are stored with the picture, and the reading goes the way of all readings."""
    _show(Path(eye.camera.source), 1.2, NOW)
    _look(eye)
    frame, reading = _frames()[0], _readings()[0]
    assert frame.is_reading
    assert frame.level_m_msl == pytest.approx(1.2, abs=0.02)
    assert frame.sigma_m is not None
    assert (reading.value, reading.source, reading.qc_flag) == (pytest.approx(1.2, abs=0.02), "camera", 1)
    assert reading.observed_at == NOW


def test_two_pictures_over_the_threshold_raise_the_state(eye: Eye) -> None:
    """A camera raises an alarm like a gauge: by two good readings."""
    for minutes in (0, 1):
        _show(Path(eye.camera.source), 1.7, NOW + timedelta(minutes=minutes))
        _look(eye)
    with db.transaction() as session:
        assert [(c.from_state, c.to_state) for c in session.scalars(sa.select(LevelStateChange))] == [(0, 2)]


def test_an_old_picture_is_never_a_new_value(eye: Eye) -> None:
    """The same picture again, a copy with a new time, and an older one add no reading."""
    folder = Path(eye.camera.source)
    _show(folder, 1.2, NOW)
    _look(eye)
    _look(eye)
    (folder / "latest.json").write_text(json.dumps({"taken_at": (NOW + timedelta(minutes=1)).isoformat()}))
    _look(eye)
    picture = pictures.decoded((folder / "latest.jpg").read_bytes())
    assert picture is not None
    write_picture(folder, picture, NOW + timedelta(minutes=2))
    _look(eye)
    _show(folder, 1.5, NOW - timedelta(minutes=5))
    _look(eye)
    assert len(_readings()) == 1
    assert [frame.reasons for frame in _frames()][1:] == [["frozen"]]


def test_a_restarted_watch_goes_on_where_it_was(eye: Eye) -> None:
    """What was looked at before a restart is not looked at again."""
    _show(Path(eye.camera.source), 1.2, NOW)
    _look(eye)
    with db.transaction() as session:
        restarted = Eye(queries.sources(session)[0])
    _look(restarted)
    assert len(_frames()) == 1


def test_a_blind_camera_says_so_once_an_interval(eye: Eye, frozen_clock: Callable[[datetime], None]) -> None:
    """Three intervals without a picture are three records with the reason, and not one level."""
    for minutes in (0, 0.5, 1, 1.5, 2):
        frozen_clock(NOW + timedelta(minutes=minutes))
        eye.note_blindness("no picture")
    assert [frame.reasons for frame in _frames()] == [["no_picture"]] * 3
    assert _readings() == []


def test_what_is_no_picture_is_recorded_as_such(eye: Eye) -> None:
    """A text file called latest.jpg gives a record with the reason."""
    folder = Path(eye.camera.source)
    folder.mkdir()
    (folder / "latest.jpg").write_bytes(b"<html>login</html>")
    _look(eye)
    assert _frames()[0].reasons == ["not_a_picture"]


def test_a_picture_newer_than_its_time_waits_for_it(eye: Eye) -> None:
    """Between the writing of the picture and of its time nothing is read: they would not belong together."""
    folder = Path(eye.camera.source)
    _show(folder, 1.2, NOW)
    later = time.time() + 5
    os.utime(folder / "latest.jpg", (later, later))
    with pytest.raises(UnavailableError, match="belong together"):
        asyncio.run(capture.snapshot(str(folder)))


@pytest.mark.parametrize("note", ["{", "[]", "{}", '{"taken_at": 5}', '{"taken_at": "2026-11-21T03:00:00"}'])
def test_a_time_that_cannot_be_read_is_said_so(eye: Eye, note: str) -> None:
    """A broken latest.json is the camera's fault with a sentence, not a crash."""
    folder = Path(eye.camera.source)
    _show(folder, 1.2, NOW)
    (folder / "latest.json").write_text(note)
    with pytest.raises(UnavailableError, match="taken_at"):
        asyncio.run(capture.snapshot(str(folder)))


def test_only_the_newest_pictures_are_kept(
    eye: Eye, frozen_clock: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Older files go, their records stay."""
    monkeypatch.setattr(actions, "PICTURES_KEPT", 2)
    for minutes in range(4):
        _show(Path(eye.camera.source), 1.2, NOW + timedelta(minutes=minutes))
        _look(eye)
    kept = [frame.picture_path for frame in _frames()]
    assert [path is None for path in kept] == [True, True, False, False]
    folder = data_dir() / "public-pictures" / str(eye.camera.id)
    assert {str(path.relative_to(data_dir())) for path in folder.iterdir()} >= {path for path in kept if path}
    assert len(list(folder.iterdir())) == 2


def test_an_unsure_camera_is_stored_as_suspect(session: Session) -> None:
    """Low confidence is kept beside the level and moves no state."""
    camera = _camera(session, "CAM01", "somewhere")
    unsure = WaterlineReading(level_m_msl=2.4, sigma_m=0.03, confidence=0.4, reasons=("second_edge",))
    for minutes in (0, 1, 2):
        at = NOW + timedelta(minutes=minutes)
        assert record_frame(session, camera, unsure, taken_at=at, received_wall_at=NOW, picture_path=None)
    assert set(session.scalars(sa.select(Reading.qc_flag))) == {3}
    assert "raised" not in session.scalars(sa.select(LevelStateChange.kind)).all()


def test_the_same_frame_twice_is_recorded_once(session: Session) -> None:
    """Two watches on one camera, or a retry, make one record and one event."""
    camera = _camera(session, "CAM01", "somewhere")
    answers = [
        record_frame(session, camera, no_reading("dark"), taken_at=NOW, received_wall_at=NOW, picture_path=None)
        for _ in range(2)
    ]
    assert answers == [True, False]


def test_a_changed_calibration_is_a_new_version(session: Session) -> None:
    """Each reading names the calibration it came from."""
    camera = _camera(session, "CAM01", "somewhere")
    again = _camera(session, "CAM01", "elsewhere")
    changed = dict(camera.calibration) | {"staff_width_px": 50.0}
    register_camera(session, station_id=camera.station_id, code="CAM01", source="elsewhere", calibration=changed)
    assert (camera.calibration_version, again.calibration_version) == (1, 1)
    assert queries.sources(session)[0].calibration_version == 2


def test_nobody_outside_the_water_window_can_be_recognised() -> None:
    """Outside the operator's window only coarse blocks are left: a person's picture correlates with nothing."""
    rng = np.random.default_rng(1)
    picture = render_frame(1.2, staff=SCENE, light=0.9, rain=0.0, seed=1)
    person = rng.integers(0, 255, (90, 60, 3), dtype=np.uint8)
    window = json.loads(calibration_json(SCENE))["window_px"]
    for x, y in ((40, 300), (1150, 200), (60, 560)):
        picture[y : y + 90, x : x + 60] = person
    public = pictures.public_picture(picture, window, is_simulated=True)
    for x, y in ((40, 300), (1150, 200), (60, 560)):
        seen = cv2.matchTemplate(public[y - 20 : y + 110, max(0, x - 20) : x + 80], person, cv2.TM_CCOEFF_NORMED)
        assert seen.max() < 0.3
    x, y = (round(part) for part in SCENE.at_px(SCENE.staff_x_m, 2.0))
    assert np.array_equal(public[y - 20 : y + 20, x - 20 : x + 20], picture[y - 20 : y + 20, x - 20 : x + 20])


def test_a_public_picture_without_a_window_shows_nothing_sharp() -> None:
    """Default-deny: where the operator has drawn no window, all is blocks."""
    picture = render_frame(1.2, staff=SCENE, light=0.9, rain=0.0, seed=1)
    public = pictures.public_picture(picture, [], is_simulated=False)
    assert len(np.unique(public.reshape(-1, 3), axis=0)) <= pictures.BLOCKS_PER_WIDTH * 23


def test_a_simulated_public_picture_says_so_and_carries_no_exif() -> None:
    """The mark stays readable after the blocks; the file is made from pixels alone."""
    picture = render_frame(1.2, staff=SCENE, light=0.9, rain=0.0, seed=1)
    public = pictures.public_picture(picture, [], is_simulated=True)
    assert public[12:50, 12:150].max() == 255
    assert b"Exif" not in pictures.jpeg(public)


def test_a_picture_too_large_to_decode_is_none() -> None:
    """A header that claims 50,000 × 50,000 pixels is refused before memory is taken."""
    data = bytearray(pictures.jpeg(np.zeros((64, 64, 3), np.uint8)))
    start = data.index(b"\xff\xc0")
    data[start + 5 : start + 9] = (50_000).to_bytes(2, "big") * 2
    assert pictures.decoded(bytes(data)) is None


class _Handler(socketserver.StreamRequestHandler):
    """A camera on the web: /good.jpg, /slow.jpg (one byte a second), /mute.jpg, /big.jpg, /moved.jpg, /broken.jpg."""

    def handle(self) -> None:
        path = self.rfile.readline().split()[1].decode()
        while self.rfile.readline().strip():
            pass
        ok = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nConnection: close\r\n\r\n"
        server: Any = self.server
        if path == "/good.jpg":
            self.wfile.write(ok + server.picture)
        elif path == "/moved.jpg":
            self.wfile.write(b"HTTP/1.1 302 Found\r\nLocation: /good.jpg\r\nContent-Length: 0\r\n\r\n")
        elif path == "/big.jpg":
            self.wfile.write(ok + b"\0" * (capture.PICTURE_LIMIT_BYTES + 1))
        elif path == "/mute.jpg":
            server.stop.wait(30)
        elif path == "/slow.jpg":
            self.wfile.write(ok)
            while not server.stop.wait(0.1):
                self.wfile.write(b"x")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is what these tests do."""


@contextmanager
def _web() -> Iterator[tuple[str, _Server]]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.stop = threading.Event()  # type: ignore[attr-defined]  # read by the handler
        server.picture = b""  # type: ignore[attr-defined]  # read by the handler
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", server
        server.stop.set()  # type: ignore[attr-defined]  # set above
        server.shutdown()


@pytest.mark.parametrize(
    ("path", "deadline_s", "message"),
    [
        ("/mute.jpg", 1.0, "within 1 s"),
        ("/slow.jpg", 1.0, "within 1 s"),
        ("/big.jpg", 60.0, "larger than 10 MB"),
        ("/moved.jpg", 60.0, "status 302"),
        ("/broken.jpg", 60.0, "does not answer"),
    ],
)
def test_a_hostile_web_camera_is_left_alone_in_time(
    path: str, deadline_s: float, message: str, monkeypatch: pytest.MonkeyPatch, frozen_clock: Callable[..., None]
) -> None:
    """Mute or dripping: one sentence at the deadline. Endless, redirecting or broken: one sentence, at once."""
    monkeypatch.setattr(capture, "DEADLINE_S", deadline_s)
    with _web() as (url, _), pytest.raises(UnavailableError, match=message):
        asyncio.run(capture.snapshot(url + path))


@pytest.mark.parametrize("source", ["file:///etc/passwd", "ftp://camera/x.jpg", "http:///x.jpg"])
def test_only_web_addresses_are_web_cameras(source: str) -> None:
    """A source with another scheme is refused."""
    with pytest.raises(UnavailableError, match="http"):
        asyncio.run(capture.snapshot(source))


def test_a_camera_that_hangs_delays_no_other(
    database: sa.Engine, frozen_clock: Callable[..., None], tmp_path: Path
) -> None:
    """Beside a mute camera, a dead one and an empty folder, the good ones are read within seconds."""

    async def run() -> int:
        stop = asyncio.Event()
        with _web() as (url, server):
            server.picture = pictures.jpeg(render_frame(1.4, staff=SCENE, light=0.9, rain=0.0, seed=4))  # type: ignore[attr-defined]  # read by the handler
            with db.transaction() as session:
                _camera(session, "A-MUTE", f"{url}/mute.jpg")
                _camera(session, "B-DEAD", "http://127.0.0.1:9/x.jpg")
                _camera(session, "C-EMPTY", str(tmp_path / "nothing"))
                _camera(session, "D-FOLDER", str(tmp_path / "good"))
                _camera(session, "E-WEB", f"{url}/good.jpg")
            _show(tmp_path / "good", 1.2, NOW)
            task = asyncio.create_task(watch(stop))
            deadline = time.monotonic() + 15
            while time.monotonic() < deadline and len(await asyncio.to_thread(_readings)) < 2:
                await asyncio.sleep(0.1)
            count = len(await asyncio.to_thread(_readings))
            stop.set()
            await asyncio.wait_for(task, 10)
        return count

    assert asyncio.run(run()) == 2
