"""A city made ready to work: its pack drawn or read, imported once, laid out in a database of its own."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from cli import datafolder
from core import clock, cluster, db
from core.errors import SetupError
from core.progress import Progress, console, step
from core.settings import ANOTHER_DATABASE, ROOT, data_dir, settings

if TYPE_CHECKING:
    from gis.citypack.importer import ImportReport, LayerReport
    from gis.citypack.manifest import Manifest
    from gis.queries import CityCard

CITY_NEEDS = {
    "boundary": "nobody knows where the city ends",
    "communities": "there is no area to warn",
    "waterways": "a level at a gauge says nothing of the water elsewhere",
    "roads": "no crew can be led to anybody",
}
TOLD = 10
TYPE_WORDS = {str: "text", float: "number", int: "whole number", bool: "0 or 1"}


@contextlib.contextmanager
def cluster_while_needed() -> Iterator[bool]:
    """True where the private cluster is used; it runs while the block or another Faonam needs it."""
    is_private = settings().database_url is None
    with contextlib.ExitStack() as stack:
        if is_private:
            with step("starting the database"):
                stack.enter_context(cluster.in_use(cluster.default_cluster()))
        try:
            yield is_private
        finally:
            db.engine().dispose()


@contextlib.contextmanager
def city_while_needed() -> Iterator[None]:
    """The city that was last run or imported in this folder, or the one at DATABASE_URL, can be read; it is named.

    Raises SetupError where there is none.
    """
    from gis import queries
    from gis.errors import NoCityError

    with cluster_while_needed() as is_private:
        noted = datafolder.noted_database() if is_private else None
        if noted is not None:
            db.use(cluster.default_cluster().url(noted))
        try:
            with db.transaction() as session:
                console.print(f"city: {_named(queries.city_card(session))}", style="dim")
        except (sa.exc.ProgrammingError, sa.exc.OperationalError, NoCityError) as exc:
            raise SetupError(
                "There is no city here yet. Start one with ./run, or bring one with: faonam city import PATH"
            ) from exc
        yield


def _named(card: CityCard) -> str:
    """The city and the database that this process reads it from, so that nobody takes one for another."""
    return f"{card.name_th} ({card.slug}, database {db.engine().url.database})"


def _digest(*folders: Path) -> str:
    digest = hashlib.sha256()
    for folder in folders:
        inside = [folder] if folder.is_file() else folder.rglob("*")
        for path in sorted(p for p in inside if p.is_file() and "__pycache__" not in p.parts):
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
        if not city.exists():
            raise SetupError(f"There is no city pack at {city}.")
        return city.resolve()
    from demo.city import generate

    folder = data_dir() / "packs" / f"demo-{_digest(ROOT / 'demo')}"
    if not (folder / "city.toml").exists():
        with step("drawing the demo city"):
            generate.write_pack(folder)
    return folder


def check_whole(manifest: Manifest) -> None:
    """Raises CityPackError that names the kinds of layers without which a city is only a picture."""
    from gis.errors import CityPackError

    missing = [kind for kind in CITY_NEEDS if kind not in {layer.kind for layer in manifest.layers}]
    if missing and manifest.extends is None:
        name = manifest.path.name
        raise CityPackError([f"{name}: it has no layer of the kind '{kind}': {CITY_NEEDS[kind]}." for kind in missing])


def _import(session: Session, pack: Path, tell: Progress, *, boundary: str | None = None) -> ImportReport:
    """The pack is in the city's database, with what every city has: categories, alert words, zones."""
    from alerts import proposals
    from cli.rooms import load_layers
    from flood import actions as flood_actions
    from gis.citypack import importer
    from incidents import actions as incident_actions
    from incidents import teaching
    from incidents.exchange import services as open_services
    from residents import household

    load_layers()
    tell(f"reading {pack.name}")
    check_whole(importer.read_pack(pack, boundary=boundary))
    report = importer.import_city(session, pack, tell, boundary=boundary)
    if not report.has_changed:
        return report
    incident_actions.load_categories(session)
    open_services.load_shipped(session)
    household.load_needs(session)
    tell("learning what residents may write")
    teaching.learn_first(session, now=clock.now())
    proposals.store_shipped(session)
    if _count(session, "terrain") and _count(session, "station"):
        tell("drawing the zones that can flood")
        flood_actions.make_zones(session)
        _tell_of_gauges(session)
    # Without this the first questions are planned as if nobody lived here: an audience took half a minute, not a tenth.
    session.execute(sa.text("ANALYZE resident, home, area, zone, zone_part"))
    return report


def _tell_of_gauges(session: Session) -> None:
    """Gauges that no picture of the flood will believe are named."""
    from flood.belief import BANK_OFF_GROUND_M
    from flood.ground import unused_gauges

    doubted, beside = unused_gauges(session)
    for code in beside:
        console.print(
            f"warning: gauge {code}: it stands outside the terrain, so it is left out of every picture of the flood.",
            markup=False, highlight=False, soft_wrap=True,
        )
    for site in doubted:
        console.print(
            f"warning: gauge {site.gauge.code}: its bank or danger level lies {BANK_OFF_GROUND_M:g} m or more from the "
            f"ground around it ({site.ground_m:.1f} m above mean sea level), so it is left out of every picture of the "
            "flood. Are its levels metres above mean sea level?", markup=False, highlight=False, soft_wrap=True,
        )


def _count(session: Session, table: str) -> int:
    return int(session.scalar(sa.select(sa.func.count()).select_from(sa.table(table))) or 0)


def import_for_a_storm(pack: Path, tell: Progress) -> tuple[Path, ...]:
    """The city is imported; what it lacks for a storm is simulated. Returns the packs, the simulated one first."""
    from demo import complement

    with db.transaction() as session:
        report = _import(session, pack, tell)
        if not complement.lacking(session):
            return (pack,)
        tell("simulating what the city lacks")
        _import(session, complement.write_overlay(session, _overlay(report.slug), seed=2569), tell)
        return (_overlay(report.slug), pack)


def _overlay(slug: str) -> Path:
    return data_dir() / "packs" / f"{slug}-simulated"


def import_pack(pack: Path, *, boundary: str | None) -> bool:
    """What of the pack could be taken is in the city's database; one line a layer is printed. Nothing was refused.

    For `faonam city import`. Raises CityPackError where a new pack has faults.
    """
    from gis import queries

    with cluster_while_needed() as is_private:
        if is_private:
            _use_city_of(pack, boundary=boundary)
        _upgrade()
        with step(f"importing {pack}") as tell, db.transaction() as session:
            report = _import(session, pack, tell, boundary=boundary)
            card = queries.city_card(session)
        if is_private:
            datafolder.note_city()
        console.print(f"The other commands read {_named(card)} from now on.", highlight=False, soft_wrap=True)
    table = Table("layer", "", "rows", "version", "trust", "warnings", title=report.slug)
    for layer in report.layers:
        marks = "" if not layer.warnings else f"{len(layer.warnings):,}"
        table.add_row(layer.name, layer.outcome, f"{layer.row_count:,}", str(layer.version), layer.trust, marks)
    console.print(table)
    for layer in report.layers:
        _tell_of(layer)
    return not report.refused


def _use_city_of(pack: Path, *, boundary: str | None) -> None:
    """This process works on the database that the pack's city belongs into; see `datafolder.database_for`."""
    from gis.citypack import importer

    manifest = importer.read_pack(pack, boundary=boundary)
    noted, is_running = datafolder.noted_city(), datafolder.house_runs()
    database = datafolder.database_for(manifest.extends or manifest.slug, noted=noted, is_running=is_running)
    db.use(cluster.default_cluster().url(database))


def _tell_of(layer: LayerReport) -> None:
    """The layer's warnings and, where it was refused, why."""
    for mark, sentences in (("refused", layer.findings), ("warning", layer.warnings)):
        for sentence in sentences[:TOLD]:
            console.print(f"{mark}: {sentence}", markup=False, highlight=False, soft_wrap=True)
        if len(sentences) > TOLD:
            console.print(f"{mark}: … and {len(sentences) - TOLD:,} more of {layer.name}.", markup=False)


def list_kinds() -> None:
    """Every kind of layer with its geometry and columns is printed. For `faonam city kinds`."""
    from cli.rooms import load_layers
    from gis.citypack import layers, loaders

    load_layers()
    table = Table("kind", "geometry", "columns", title="* required, one value per row in bold", show_lines=True)
    order = [*(kind.kind for kind in loaders.OWN_KINDS), *layers.registered()]
    for name in dict.fromkeys(order):
        kind = layers.registered()[name]
        columns = (
            f"{f'[bold]{field}[/bold]' if column.unique else field}{'*' if column.required else ''}: "
            f"{TYPE_WORDS[column.type]}"
            for field, column in kind.columns.items()
        )
        table.add_row(name, kind.geometry or "none", ", ".join(columns))
    Console().print(table)


def _upgrade() -> None:
    """The database has the newest tables. Raises SetupError with what its owner has to do where we may not."""
    from migrations import upgrade

    try:
        upgrade.upgrade(db.engine())
    except sa.exc.DBAPIError as exc:
        if not isinstance(exc.orig, psycopg.errors.InsufficientPrivilege | psycopg.errors.FeatureNotSupported):
            raise
        raise SetupError(
            f"The tables could not be made: {_first_line(exc)}. Faonam needs a database of its own with PostGIS, whose "
            "user may create tables there; as the database's superuser run CREATE EXTENSION postgis."
        ) from exc


def _first_line(exc: sa.exc.DBAPIError) -> str:
    return str(exc.orig).strip().splitlines()[0]


def _base_database(city: Path | None) -> tuple[str, tuple[Path, ...]]:
    """A database that holds the imported city and nothing else, and its packs; made once per pack and code."""
    with (data_dir() / "base.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # Two first starts would each throw away what the other is making.
        pack = pack_of(city)
        name = f"base_{_digest(pack, *_city_code())}"
        note = data_dir() / "packs" / f"{name}.json"
        if not (cluster.default_cluster().has_database(name) and note.exists()):
            packs = _make_base_database(name, pack)
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(json.dumps({"packs": [str(folder) for folder in packs]}))
        return name, tuple(Path(folder) for folder in json.loads(note.read_text())["packs"])


def _make_base_database(name: str, pack: Path) -> tuple[Path, ...]:
    home = cluster.default_cluster()
    home.administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    home.administer(f"DROP DATABASE IF EXISTS {name}_new WITH (FORCE)")
    home.administer(f"CREATE DATABASE {name}_new")
    db.use(home.url(f"{name}_new"))
    with step("making the tables"):
        _upgrade()
    with step(f"importing the city from {pack.name}") as tell:
        packs = import_for_a_storm(pack, tell)
    db.engine().dispose()
    home.administer(f"ALTER DATABASE {name}_new RENAME TO {name}")
    return packs


def prepare(city: Path | None, *, name: str, is_fresh: bool) -> tuple[Path, ...]:
    """The city's database stands and this process uses it; `is_fresh` leaves nothing of earlier storms.

    Returns the packs that it came from, what was simulated first. In the private cluster the database is called after
    `name`, so that a storm to watch and one to count live apart.
    """
    configured = settings().database_url
    if configured is not None:
        return _prepare_configured(city, is_fresh=is_fresh)
    base, packs = _base_database(city)
    name, home = base.replace("base", name, 1), cluster.default_cluster()
    if is_fresh:
        home.administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    if is_fresh or not home.has_database(name):
        with step("laying out the city"):
            home.administer(f"CREATE DATABASE {name} TEMPLATE {base}")
    db.use(home.url(name))
    return packs


def _prepare_configured(city: Path | None, *, is_fresh: bool) -> tuple[Path, ...]:
    """The same in a database that the city runs itself: we never start, stop, empty or drop it."""
    from gis.citypack.importer import read_pack

    _upgrade()
    pack = pack_of(city)
    slug = read_pack(pack).slug
    with db.transaction() as session:
        known = session.scalar(sa.text("SELECT slug FROM city"))
        has_past = bool(session.scalar(sa.text("SELECT EXISTS (SELECT FROM reading) OR EXISTS (SELECT FROM alert)")))
    if known not in (None, slug):
        raise SetupError(
            f"The database at DATABASE_URL holds the city '{known}'; '{slug}' needs one of its own: {ANOTHER_DATABASE}."
        )
    if is_fresh and has_past:
        raise SetupError(
            "The database at DATABASE_URL holds readings or alerts already, and --once and --fresh want a city without "
            "a past: give them an empty database."
        )
    if known is not None:
        return (_overlay(slug), pack) if _overlay(slug).is_dir() else (pack,)
    with step(f"importing the city from {pack.name}") as tell:
        return import_for_a_storm(pack, tell)
