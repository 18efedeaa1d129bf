"""The watch: a process that looks at every camera's newest picture, again and again.

Fetching is asynchronous and has a total deadline, so a camera that hangs delays only itself. Looking happens in one
thread of this process, one picture after another: OpenCV is fast enough and never runs in parallel.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import json
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import cv2

from cctv import actions, capture, pictures, pipeline, queries
from cctv.calibration import Calibration, parsed
from cctv.capture import Snapshot
from cctv.rules import WaterlineReading, is_failure_due, is_new, no_reading
from core import clock
from core.db import transaction
from core.errors import InvalidInputError, UnavailableError
from core.logs import get_logger
from core.settings import data_dir

log = get_logger("cctv.watch")

LOOK_FOR_CAMERAS_S = 5.0
FOLDER_POLL_S = 0.5
WEB_POLL_S = (2.0, 60.0)
_SAMPLE_PX = 256


def run() -> None:
    """The watch runs in this process until SIGTERM or SIGINT."""
    cv2.setNumThreads(1)
    asyncio.run(_run_until_told())


async def _run_until_told() -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await watch(stop)


async def watch(stop: asyncio.Event) -> None:
    """Every camera in the database is watched until `stop` is set; cameras that come or change are taken up."""
    watched: dict[int, tuple[queries.CameraSource, asyncio.Task[None]]] = {}
    looker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="look")
    while not stop.is_set():
        cameras = await _cameras_now()
        if cameras is not None:
            _follow_list(cameras, watched, looker)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_FOR_CAMERAS_S)
    for _, task in watched.values():
        task.cancel()
    await asyncio.gather(*(task for _, task in watched.values()), return_exceptions=True)
    looker.shutdown()
    log.info("watch.stopped", cameras=len(watched))


async def _cameras_now() -> list[queries.CameraSource] | None:
    try:
        return await asyncio.to_thread(_read_cameras)
    except Exception as fault:  # The database may be away for a while; those known are watched on.
        log.error("cameras.unknown", reason=type(fault).__name__)
        return None


def _read_cameras() -> list[queries.CameraSource]:
    with transaction() as session:
        return queries.sources(session)


def _is_same_camera(one: queries.CameraSource, other: queries.CameraSource) -> bool:
    return (one.source, one.calibration_version, one.station_id) == (
        other.source,
        other.calibration_version,
        other.station_id,
    )


def _follow_list(
    cameras: list[queries.CameraSource],
    watched: dict[int, tuple[queries.CameraSource, asyncio.Task[None]]],
    looker: ThreadPoolExecutor,
) -> None:
    now_there = {camera.id: camera for camera in cameras}
    for camera_id, (camera, task) in list(watched.items()):
        if camera_id not in now_there or not _is_same_camera(camera, now_there[camera_id]) or task.done():
            task.cancel()
            del watched[camera_id]
    for camera in cameras:
        if camera.id not in watched:
            eye = Eye(camera)
            watched[camera.id] = (camera, asyncio.create_task(_watch_one(eye, looker), name=camera.code))
            log.info("camera.watched", camera=camera.code)


async def _watch_one(eye: Eye, looker: ThreadPoolExecutor) -> None:
    while True:
        look: Callable[[], None]
        try:
            found = await capture.snapshot(eye.camera.source)
            look = functools.partial(eye.look_at, found)
        except UnavailableError as fault:
            look = functools.partial(eye.note_blindness, fault.detail)
        try:
            await asyncio.get_running_loop().run_in_executor(looker, look)
        except Exception as fault:  # Whatever this picture or the database did, the next one gets its chance.
            log.error("picture.failed", camera=eye.camera.code, reason=type(fault).__name__)
        await asyncio.sleep(await asyncio.to_thread(eye.wait_s))


@dataclass
class Eye:
    """What the watch remembers of one camera between two pictures."""

    camera: queries.CameraSource
    last_taken_at: datetime | None = None
    last_digest: bytes = b""
    last_sample: pictures.Picture | None = None
    last_failure_at: datetime | None = None

    def __post_init__(self) -> None:
        """After a restart it goes on where the database says it was."""
        self.last_taken_at = self.camera.last_taken_at

    def wait_s(self) -> float:
        """How long to wait before the next look (real seconds): folders cost nothing, web cameras something."""
        if "://" not in self.camera.source:
            return FOLDER_POLL_S
        shared = timedelta(seconds=self.camera.interval_s)
        seconds = clock.real_duration(shared, speed=clock.current().speed).total_seconds()
        return min(max(seconds, WEB_POLL_S[0]), WEB_POLL_S[1])

    def look_at(self, found: Snapshot) -> None:
        """A picture not seen before is read, kept for the public and recorded; any other leaves no trace."""
        digest = hashlib.sha256(found.data).digest()
        if digest == self.last_digest or not is_new(found.taken_at, last_taken_at=self.last_taken_at):
            return
        picture = pictures.decoded(found.data)
        reading = no_reading("not_a_picture") if picture is None else self._read(picture)
        path = None if picture is None else self._keep_public(picture, found.taken_at)
        with transaction() as session:
            actions.record_frame(
                session,
                self.camera,
                reading,
                taken_at=found.taken_at,
                received_wall_at=found.received_wall_at,
                picture_path=path,
            )
            forgotten = actions.forget_old_pictures(session, self.camera.id)
        self.last_taken_at, self.last_digest = found.taken_at, digest
        for old in forgotten:
            (data_dir() / old).unlink(missing_ok=True)

    def _read(self, picture: pictures.Picture) -> WaterlineReading:
        sample = picture[-_SAMPLE_PX - 60 : -60, :_SAMPLE_PX].copy()
        before, self.last_sample = self.last_sample, sample
        if before is not None and pipeline.is_same_picture(before, sample):
            return no_reading("frozen")
        try:
            calibration = _calibration(
                self.camera.code, self.camera.calibration_version, json.dumps(self.camera.calibration)
            )
        except InvalidInputError:
            return no_reading("calibration")
        return pipeline.read_waterline(picture, calibration)

    def _keep_public(self, picture: pictures.Picture, taken_at: datetime) -> str:
        is_simulated = self.camera.trust == "simulated"
        window = self.camera.calibration.get("window_px") or []
        public = pictures.public_picture(picture, window, is_simulated=is_simulated)
        relative = f"public-pictures/{self.camera.id}/{taken_at:%Y%m%dT%H%M%S%f}.jpg"
        pictures.write_file(data_dir() / relative, pictures.jpeg(public))
        return relative

    def note_blindness(self, detail: str) -> None:
        """Once per interval without a picture, it is recorded that there was none; never an old level."""
        now = clock.now()
        if not is_failure_due(last_at=self.last_failure_at, interval_s=self.camera.interval_s, now=now):
            return
        self.last_failure_at = now
        log.warning("camera.blind", camera=self.camera.code, detail=detail)
        if not is_new(now, last_taken_at=self.last_taken_at):
            return
        with transaction() as session:
            actions.record_frame(
                session,
                self.camera,
                no_reading("no_picture"),
                taken_at=now,
                received_wall_at=clock.wall_now(),
                picture_path=None,
            )


@functools.lru_cache(maxsize=256)
def _calibration(code: str, version: int, document: str) -> Calibration:
    return parsed(document)
