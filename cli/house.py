"""The whole house on one machine: every process under one supervisor, the storm played."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType

import httpx
import sqlalchemy as sa
from sqlalchemy.orm import Session

from cli import datafolder, richmenu
from cli.city import cluster_while_needed, prepare
from core import cluster, db, pace
from core.errors import SetupError
from core.progress import console, step
from core.settings import data_dir, settings
from core.supervisor import Program, Supervisor

FAONAM = [sys.executable, "-m", "cli"]
STORM_SPEED = 120.0


class Answering:
    """Whether an address answers, asked again and again while one waits for it.

    One client is kept until it does: each makes a TLS context, which takes the processor longer than the question.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._http: httpx.Client | None = None

    def __call__(self) -> bool:
        """The address answers now, with 200."""
        if self._http is None:
            self._http = httpx.Client(timeout=1.0)
        try:
            is_there = self._http.get(self._url).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False
        if is_there:
            self._http.close()
            self._http = None
        return is_there


def _is_open_to_us(port: int) -> bool:
    """The port can be listened on; raises SetupError where this user may not, or where it is no port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings().api_host if port == settings().api_port else "127.0.0.1", port))
        except OverflowError:
            raise SetupError(f"{port} is no port: they go from 1 to 65535.") from None
        except PermissionError:
            raise SetupError(f"This user may not open port {port}; choose one above 1023.") from None
        except OSError:
            return False
        return True


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _ports() -> dict[str, int]:
    here = settings()
    return {
        "FAONAM_API_PORT": here.api_port, "FAONAM_STANDIN_PORT": here.standin_port, "FAONAM_MQTT_PORT": here.mqtt_port
    }


def _refuse_taken(ports: Iterable[int]) -> None:
    """Raises SetupError for the first that is taken: a house on another's ports would speak to that one's people."""
    taken = next((port for port in ports if not _is_open_to_us(port)), None)
    if taken is not None:
        raise SetupError(
            f"Port {taken} is in use by another program, perhaps by another Faonam. End that one, or choose another "
            f"with {', '.join(_ports())}."
        )


def _refuse_wrong_addresses() -> None:
    """Raises SetupError before anything starts, rather than a process of the house again and again."""
    if settings().mqtt_url is not None:
        from sensors.gateway import broker_address

        broker_address()


def programs() -> list[Program]:
    """Every process of the house, in the order of starting."""
    here = settings()
    house = [
        Program("api", [*FAONAM, "api"], is_ready=Answering(f"{here.api_url}/readyz")),
        # Where processors are short, the way from a level to a warning goes before chats, pictures and ways for crews.
        Program("worker", [*FAONAM, "worker", "--queues", "default,events", "--concurrency", "4"], niceness=5),
        Program("flood", [*FAONAM, "worker", "--queues", "urgent,flood", "--concurrency", "1"]),
        Program("planner", [*FAONAM, "worker", "--queues", "dispatch", "--concurrency", "1"], niceness=5),
        Program("receiver", [*FAONAM, "receiver"], niceness=2),  # Cries for help come this way.
        Program("sender", [*FAONAM, "sender"]),
        Program("gateway", [*FAONAM, "gateway"], is_ready=_gateway_ready),
        Program("cameras", [*FAONAM, "cameras"], niceness=5),
        Program("rasters", [*FAONAM, "rasters"], niceness=10),
    ]
    if here.line.exercise_token is not None:
        # In a process of its own, which never has the live token.
        alone = {"LINE_CHANNEL_ACCESS_TOKEN": ""}
        house.append(Program("exercise-sender", [*FAONAM, "sender", "--exercise"], environment=alone))
    if is_standin():
        standin = Program("line-standin", [*FAONAM, "line-standin"], is_ready=lambda: _listens(here.standin_port))
        house.insert(1, standin)
    return house


def is_standin() -> bool:
    """LINE is played by the local stand-in, because no `LINE_CHANNEL_ACCESS_TOKEN` was given."""
    return "LINE_CHANNEL_ACCESS_TOKEN" not in os.environ


def _gateway_ready() -> bool:
    return settings().mqtt_url is not None or _listens(settings().mqtt_port)


def _note_processes(supervisor: Supervisor) -> None:
    """Who runs where, for people and tests who want to look or to kill: `processes.json` in the data folder."""
    here = settings()
    note = json.dumps(
        {"pids": supervisor.pids(), "api": here.api_url, "standin": f"http://127.0.0.1:{here.standin_port}"}
    )
    path = data_dir() / "processes.json"
    if path.exists() and path.read_text() == note:
        return
    path.with_suffix(".new").write_text(note)
    path.with_suffix(".new").rename(path)


@contextlib.contextmanager
def _house_running() -> Iterator[Supervisor]:
    supervisor = Supervisor()
    try:
        with step("starting every process"):
            for program in programs():
                supervisor.start(program)
                if program.name == "api":
                    supervisor.await_ready()  # The map comes first; the others share the processor after it.
            supervisor.await_ready()
        _note_processes(supervisor)
        if is_standin():
            richmenu.put()
        yield supervisor
    finally:
        with console.status("stopping every process"):
            supervisor.stop()


@contextlib.contextmanager
def _stopped_cleanly() -> Iterator[None]:
    """The first Ctrl-C or SIGTERM ends the block by KeyboardInterrupt; further ones do not cut its clean-up short.

    This holds also where whoever started us ignores Ctrl-C, as a shell does for what it runs in the background.
    """
    asked: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        if len(asked) == 1:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _only_house(name: str) -> contextlib.AbstractContextManager[None]:
    what = "Another Faonam" if name == datafolder.HOUSE else "Another ./run --once"
    return datafolder.only_one(
        name, sentence=f"{what} works in {data_dir()}. End it, or choose another folder with FAONAM_DATA_DIR."
    )


def live(*, city: Path | None, speed: float | None, is_fresh: bool) -> None:
    """The house runs, with its storm, until somebody asks it to stop; people decide on the screens.

    Without a `speed` the storm is a patient one: it slows down while an alert waits for approval.
    """
    from demo import accounts, partners

    _refuse_taken(_ports().values())
    _refuse_wrong_addresses()
    with _stopped_cleanly(), _only_house(datafolder.HOUSE), cluster_while_needed() as is_private:
        packs = prepare(city, name="faonam", is_fresh=is_fresh)
        if is_private:
            datafolder.note_city()
        if is_fresh:
            forget_the_city_that_was(is_private=is_private)
        with db.transaction() as session:
            passwords = accounts.ensure_demo_accounts(session, _crew_codes(session))
            partners.ensure_demo_key(session)
            pace.set_pace(session, speed=1.0)
        with _house_running() as supervisor, contextlib.suppress(KeyboardInterrupt):
            _welcome(passwords)
            patience = ["--patient"] if speed is None else []
            command = [*FAONAM, "storm", "--speed", str(speed or STORM_SPEED), *patience, *map(str, packs)]
            supervisor.start(Program("storm", command, is_restarted=False))
            while True:
                supervisor.watch()
                _note_processes(supervisor)
                if is_private and not cluster.is_alive(cluster.default_cluster()):
                    cluster.start(cluster.default_cluster())
                time.sleep(0.2)


def forget_the_city_that_was(*, is_private: bool) -> None:
    """The folder holds no resident of the stand-in and no picture of an earlier storm.

    A camera's last picture would otherwise count as its newest, and every one of the new storm as older than that.
    What the database names of pictures and depths is only forgotten with a private one, which has begun anew.
    """
    gone = (["standin"] if is_standin() else []) + (["public-pictures", "flood"] if is_private else [])
    for name in gone:
        shutil.rmtree(data_dir() / name, ignore_errors=True)
    for picture in (data_dir() / "cameras").glob("*/latest.*"):
        picture.unlink(missing_ok=True)


def _crew_codes(session: Session) -> list[str]:
    return list(session.scalars(sa.text("SELECT code FROM crew ORDER BY code")))


def _welcome(passwords: dict[str, str]) -> None:
    from demo import partners

    url = settings().api_url
    crew = next(name for name in passwords if name.startswith("crew-"))
    screens = [
        ("console, to approve alerts", "/", "approver"),
        ("console, to send crews", "/", "dispatcher"),
        ("a crew's phone", "/crew", crew),
        ("a resident's LINE (simulated)", "/phone", None),
        ("the public's page", "/city", None),
        ("reports without LINE", "/report", None),
    ]
    # Plain lines, not a table: a narrow terminal or a log must never cut a password.
    for what, path, username in screens:
        if path == "/phone" and not is_standin():
            continue
        sign_in = f"  {username}  {passwords[username]}" if username else ""
        console.print(f"  {what:<30} {url}{path}{sign_in}", soft_wrap=True, highlight=False)
    console.print(f"  every account                  {data_dir() / 'secrets' / 'demo-accounts.json'}", soft_wrap=True)
    console.print(f"  a key for other systems        {partners.key_path()}", soft_wrap=True)
    console.print("The storm begins now and has an alert for you in a minute. Ctrl-C stops everything.", style="bold")


def _apart() -> None:
    """A headless storm has its own ports and folder, so that it disturbs no house that runs beside it."""
    apart = data_dir() / "once"
    shutil.rmtree(apart, ignore_errors=True)
    apart.mkdir()
    for shared in ("secrets", "terrain", "flood-cache"):
        (data_dir() / shared).mkdir(exist_ok=True, mode=0o700)
        with contextlib.suppress(FileExistsError):
            (apart / shared).symlink_to(data_dir() / shared)
    for variable in _ports():
        if variable not in os.environ:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                os.environ[variable] = str(probe.getsockname()[1])
    os.environ["FAONAM_DATA_DIR"] = str(apart)
    settings.cache_clear()


def play_once(*, city: Path | None, json_file: Path | None, speed: float) -> int:
    """The storm has been played headless with a scripted officer and crews; returns the exit status.

    0 only where every resident of the audience got the alert once and nobody else did.
    """
    from demo import accounts, storm

    began_s = time.monotonic()
    _refuse_taken(port for variable, port in _ports().items() if variable in os.environ)  # Others are found free.
    _refuse_wrong_addresses()
    with _stopped_cleanly(), _only_house("once"), cluster_while_needed():
        packs = prepare(city, name="once", is_fresh=True)
        _apart()
        with db.transaction() as session:
            passwords = accounts.ensure_demo_accounts(session, _crew_codes(session))
        with _house_running() as supervisor:

            def keep_alive() -> None:
                supervisor.watch()
                _note_processes(supervisor)

            figures = storm.play_through(packs=packs, speed=speed, passwords=passwords, on_beat=keep_alive)
    line = json.dumps({**figures.as_dict(), "wall_s": round(time.monotonic() - began_s, 1)}, ensure_ascii=False)
    if json_file is not None:
        json_file.write_text(line + "\n", encoding="utf-8")
    print(line)
    return 0 if figures.is_exact() else 1
