"""The whole house on one machine: databases prepared, every process under one supervisor, the storm played."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import httpx
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from core import clock, cluster, db
from core.errors import SetupError
from core.settings import ROOT, data_dir, settings
from core.supervisor import Program, Supervisor

if TYPE_CHECKING:
    from gis.citypack.importer import ImportReport

console = Console(stderr=True)
Progress = Callable[[str], None]
FAONAM = [sys.executable, "-m", "cli"]


@dataclass(frozen=True)
class PreparedCity:
    """A city in a database of its own, ready for work; `pack` holds the device keys of its simulated gauges."""

    slug: str
    database_url: str
    pack: Path


@contextlib.contextmanager
def _step(sentence: str) -> Iterator[Progress]:
    """The sentence stands with a spinner while the block runs, with what the block tells of its progress behind it."""
    began_s = time.monotonic()
    with console.status(sentence) as status:
        yield lambda detail: status.update(f"{sentence}: {detail}")
    console.print(f"[green]✓[/green] {sentence} [dim]{time.monotonic() - began_s:.1f} s[/dim]")


# --- the city ------------------------------------------------------------------------------------------------------


def _digest(*folders: Path) -> str:
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
            digest.update(str(path.relative_to(folder)).encode())
            stat = path.stat()
            digest.update(path.read_bytes() if path.suffix in {".py", ".toml", ".sql"} else str(stat.st_size).encode())
    return digest.hexdigest()[:12]


def _city_code() -> list[Path]:
    """What a prepared city depends on besides its pack: the tables, the importers, the generator."""
    rooms = ("migrations", "gis", "residents", "sensors", "cctv", "flood", "incidents", "dispatch", "demo", "alerts")
    return [ROOT / room for room in rooms]


def pack_of(city: Path | None) -> Path:
    """The folder of the city pack: the one that was named, or the demo city, drawn at first use."""
    if city is not None:
        if not city.is_dir():
            raise SetupError(f"There is no city pack at {city}: it must be a folder.")
        return city.resolve()
    from demo.city import generate

    folder = data_dir() / "packs" / f"demo-{_digest(ROOT / 'demo' / 'city')}"
    if not (folder / "city.toml").exists():
        with _step("drawing the demo city"):
            generate.write_pack(folder)
    return folder


def _import(session: Session, pack: Path, tell: Progress) -> ImportReport:
    """The pack is in the city's database, with what every city has: categories, alert words, zones."""
    from alerts import proposals
    from cli.rooms import load_layers
    from flood import actions as flood_actions
    from gis.citypack import importer
    from incidents import actions as incident_actions

    load_layers()
    report = importer.import_city(session, pack, tell)
    incident_actions.load_categories(session)
    proposals.store_shipped(session)
    if _count(session, "terrain") and _count(session, "station"):
        tell("drawing the zones that can flood")
        flood_actions.make_zones(session)
    return report


def _count(session: Session, table: str) -> int:
    return int(session.scalar(sa.select(sa.func.count()).select_from(sa.table(table))) or 0)


def import_for_a_storm(pack: Path, tell: Progress) -> Path:
    """The city is imported; what it lacks for a storm is simulated. Returns the folder that holds its gauges' keys."""
    with db.transaction() as session:
        report = _import(session, pack, tell)
        if _count(session, "station"):
            return pack
        from demo import complement

        tell("simulating what the city lacks")
        simulated = complement.write_overlay(session, data_dir() / "packs" / f"{report.slug}-simulated", seed=2569)
        _import(session, simulated, tell)
        return simulated


def import_pack(pack: Path) -> None:
    """The pack is in the city's database; counts are printed. For `faonam city import`."""
    with _cluster_while_needed() as is_private:
        if is_private:
            cluster.start(cluster.default_cluster())
        _upgrade()
        with _step(f"importing {pack}") as tell, db.transaction() as session:
            report = _import(session, pack, tell)
    table = Table("layer", "rows", "trust", title=report.slug)
    for layer in report.layers:
        table.add_row(layer.name, f"{layer.row_count:,}", layer.trust)
    console.print(table)


def _upgrade() -> None:
    from migrations import upgrade

    upgrade.upgrade(db.engine())
    with db.transaction() as session:
        db.check_thai(session)


def _admin(statement: str) -> None:
    url = db.sqlalchemy_url(cluster.default_cluster().url("postgres"))
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(statement))


def _has_database(name: str) -> bool:
    engine = sa.create_engine(
        db.sqlalchemy_url(cluster.default_cluster().url("postgres")), poolclass=sa.pool.NullPool
    )
    with engine.connect() as connection:
        return bool(connection.scalar(sa.text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}))


def _base_database(pack: Path) -> tuple[str, Path]:
    """A database that holds the imported city and nothing else; made once per pack and code."""
    name = f"base_{_digest(pack, *_city_code())}"
    note = data_dir() / "packs" / f"{name}.json"
    if not (_has_database(name) and note.exists()):
        _admin(f"DROP DATABASE IF EXISTS {name}_new WITH (FORCE)")
        _admin(f"CREATE DATABASE {name}_new")
        db.use(cluster.default_cluster().url(f"{name}_new"))
        with _step("making the tables"):
            _upgrade()
        with _step(f"importing the city from {pack.name}") as tell:
            keys = import_for_a_storm(pack, tell)
        db.engine().dispose()
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps({"keys": str(keys)}))
        _admin(f"ALTER DATABASE {name}_new RENAME TO {name}")
    return name, Path(json.loads(note.read_text())["keys"])


def _prepare(city: Path | None, *, is_fresh: bool) -> PreparedCity:
    """The city's database stands and this process uses it; `is_fresh` leaves nothing of earlier storms."""
    configured = settings().database_url
    if configured is not None:
        return _prepare_configured(city, configured.get_secret_value())
    with _step("starting the database"):
        cluster.start(cluster.default_cluster())
    pack = pack_of(city)
    base, keys = _base_database(pack)
    slug = pack.name.split("-")[0] if city is None else pack.name.replace("-", "_")
    name = f"once_{slug}" if is_fresh else f"faonam_{slug}_{base.removeprefix('base_')}"
    if is_fresh:
        _admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    if is_fresh or not _has_database(name):
        with _step("laying out the city"):
            _admin(f"CREATE DATABASE {name} TEMPLATE {base}")
    url = cluster.default_cluster().url(name)
    db.use(url)
    return PreparedCity(slug=slug, database_url=url, pack=keys)


def _prepare_configured(city: Path | None, url: str) -> PreparedCity:
    """The same in a database that the city runs itself: we never start, stop or drop it."""
    try:
        _upgrade()
    except sa.exc.OperationalError as exc:
        reason = str(exc.orig).strip().splitlines()[0]
        raise SetupError(f"The database at DATABASE_URL does not answer: {reason}") from exc
    pack = pack_of(city)
    with db.transaction() as session:
        has_city = bool(session.scalar(sa.text("SELECT count(*) FROM city")))
    with _step(f"looking for the city of {pack.name}") as tell:
        keys = pack if has_city else import_for_a_storm(pack, tell)
    return PreparedCity(slug=pack.name, database_url=url, pack=keys)


# --- the processes -------------------------------------------------------------------------------------------------


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1.0).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _refuse_taken_ports() -> None:
    taken = [port for port in (settings().api_port, settings().standin_port, settings().mqtt_port) if _listens(port)]
    if taken:
        raise SetupError(
            f"Port {taken[0]} is in use by another program. End that one, or choose another with "
            "FAONAM_API_PORT, FAONAM_STANDIN_PORT or FAONAM_MQTT_PORT."
        )


def programs() -> list[Program]:
    """Every process of the house, in the order of starting."""
    here = settings()
    house = [
        Program("api", [*FAONAM, "api"], is_ready=lambda: _answers(f"{here.api_url}/readyz")),
        Program("worker", [*FAONAM, "worker", "--queues", "default,events,line", "--concurrency", "4"]),
        Program("flood", [*FAONAM, "worker", "--queues", "flood", "--concurrency", "1"]),
        Program("sender", [*FAONAM, "sender"]),
        Program("gateway", [*FAONAM, "gateway"], is_ready=_gateway_ready),
        Program("cameras", [*FAONAM, "cameras"]),
    ]
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
def _cluster_while_needed() -> Iterator[bool]:
    """True where the private cluster is used; it ends with the block, unless it ran before."""
    home = cluster.default_cluster()
    is_private = settings().database_url is None
    was_running = is_private and cluster.running_pid(home) is not None
    try:
        yield is_private
    finally:
        db.engine().dispose()
        if is_private and not was_running:
            cluster.stop(home)


@contextlib.contextmanager
def _house_running() -> Iterator[Supervisor]:
    supervisor = Supervisor()
    try:
        began_s = time.monotonic()
        with console.status("starting every process"):
            for program in programs():
                supervisor.start(program)
                if program.name == "api":
                    supervisor.await_ready()  # The map comes first; the others share the processor after it.
            supervisor.await_ready()
        _note_processes(supervisor)
        console.print(f"[green]✓[/green] every process runs [dim]{time.monotonic() - began_s:.1f} s[/dim]")
        yield supervisor
    finally:
        with console.status("stopping every process"):
            supervisor.stop()


@contextlib.contextmanager
def _asked_to_stop() -> Iterator[list[int]]:
    """The list fills when somebody asks this process to stop; a second Ctrl-C does not cut the stopping short."""
    asked: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def live(*, city: Path | None, speed: float) -> None:
    """The house runs, with its storm, until somebody asks it to stop; people decide on the screens."""
    from demo import accounts

    _refuse_taken_ports()
    with _cluster_while_needed() as is_private:
        prepared = _prepare(city, is_fresh=False)
        with db.transaction() as session:
            passwords = accounts.ensure_demo_accounts(session, _crew_codes(session))
            clock.run_at(session, speed=1.0)
        with _house_running() as supervisor, _asked_to_stop() as asked:
            _welcome(passwords)
            command = [*FAONAM, "storm", "--speed", str(speed), "--pack", str(prepared.pack)]
            supervisor.start(Program("storm", command, is_restarted=False))
            while not asked:
                supervisor.watch()
                _note_processes(supervisor)
                if is_private and not cluster.is_alive(cluster.default_cluster()):
                    cluster.start(cluster.default_cluster())
                time.sleep(0.2)


def _crew_codes(session: Session) -> list[str]:
    return list(session.scalars(sa.text("SELECT code FROM crew ORDER BY code")))


def _welcome(passwords: dict[str, str]) -> None:
    url = settings().api_url
    table = Table("screen", "address", "sign in as", "password")
    table.add_row("console: officers", f"{url}/", "approver", passwords["approver"])
    table.add_row("console: dispatch", f"{url}/", "dispatcher", passwords["dispatcher"])
    crew = next(name for name in passwords if name.startswith("crew-"))
    table.add_row("crew's phone", f"{url}/crew", crew, passwords[crew])
    if is_standin():
        table.add_row("a resident's LINE (simulated)", f"{url}/phone", "–", "–")
    table.add_row("the public's page", f"{url}/city", "–", "–")
    console.print(table)
    console.print("The storm begins now. Ctrl-C stops everything.", style="bold")


def _apart() -> None:
    """A headless storm has its own ports and folder, so that it disturbs no house that runs beside it."""
    apart = data_dir() / "once"
    shutil.rmtree(apart, ignore_errors=True)
    apart.mkdir()
    for shared in ("secrets", "terrain", "flood-cache"):
        (data_dir() / shared).mkdir(exist_ok=True, mode=0o700)
        with contextlib.suppress(FileExistsError):
            (apart / shared).symlink_to(data_dir() / shared)
    for variable in ("FAONAM_API_PORT", "FAONAM_STANDIN_PORT", "FAONAM_MQTT_PORT"):
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
    with _cluster_while_needed():
        prepared = _prepare(city, is_fresh=True)
        _apart()
        with db.transaction() as session:
            passwords = accounts.ensure_demo_accounts(session, _crew_codes(session))
        with _house_running() as supervisor:

            def keep_alive() -> None:
                supervisor.watch()
                _note_processes(supervisor)

            figures = storm.play_through(
                pack=prepared.pack, speed=speed, passwords=passwords, on_beat=keep_alive
            )
    line = json.dumps({**figures.as_dict(), "wall_s": round(time.monotonic() - began_s, 1)}, ensure_ascii=False)
    if json_file is not None:
        json_file.write_text(line + "\n", encoding="utf-8")
    print(line)
    return 0 if figures.is_exact() else 1
