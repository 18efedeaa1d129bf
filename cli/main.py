"""`faonam`: start the whole system, or one of its processes, or import a city."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Literal

import pydantic
import typer

from cli import richmenu
from cli.bare import BareJson
from cli.categories_app import categories_app
from cli.events_app import events_app
from cli.hooks_app import hooks_app
from cli.keys_app import keys_app, traffy_app
from cli.readings_app import BIGGEST_ID, feeds_app, readings_app
from cli.subscribers_app import subscribers_app
from cli.warnings_app import warnings_app
from core.errors import FaonamError, SetupError, trouble_outside
from core.logs import configure_logs
from core.settings import settings

app = typer.Typer(
    help="Faonam (เฝ้าน้ำ): a flood and incident system for Thai municipalities.",
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
)
city_app = typer.Typer(help="Cities: import and look.", no_args_is_help=True)
app.add_typer(city_app, name="city")
flood_app = typer.Typer(help="The flood picture: how far it can be believed.", no_args_is_help=True)
app.add_typer(flood_app, name="flood")
terrain_app = typer.Typer(help="Terrain: where its water goes.", no_args_is_help=True)
app.add_typer(terrain_app, name="terrain")
app.add_typer(feeds_app, name="feeds")
app.add_typer(readings_app, name="readings")
app.add_typer(traffy_app, name="traffy")
app.add_typer(keys_app, name="keys")
app.add_typer(categories_app, name="categories")
app.add_typer(hooks_app, name="hooks")
app.add_typer(events_app, name="events")
app.add_typer(subscribers_app, name="subscribers")
app.add_typer(warnings_app, name="warnings")
richmenu.add_to(app)


RUN = typer.Option(help="Which picture of the flood; default: the newest.", min=1, max=BIGGEST_ID)


@app.callback()
def _prepare() -> None:
    configure_logs(settings().log_format)


@app.command()
def up(
    city: Annotated[Path | None, typer.Option(help="A city pack; default: the generated demo city.")] = None,
    once: Annotated[bool, typer.Option(help="Play the storm headless with scripted people, then end.")] = False,
    json: Annotated[Path | None, typer.Option(help="Also write the closing JSON line to this file.")] = None,
    fresh: Annotated[bool, typer.Option(help="Forget what earlier storms left in the city.")] = False,
    speed: Annotated[
        float | None,
        typer.Option(
            help="Storm seconds per real second, all the time; default: 120, and slower while an alert waits for you.",
            min=1, max=1200,
        ),
    ] = None,
) -> None:
    """Start everything under one supervisor: database, API, workers, gateway, cameras, LINE stand-in, and the storm."""
    from cli import house

    if once:
        raise typer.Exit(house.play_once(city=city, json_file=json, speed=speed or house.STORM_SPEED))
    if json is not None:
        raise SetupError("--json goes with --once: only a storm that ends has figures.")
    house.live(city=city, speed=speed, is_fresh=fresh)


@app.command()
def migrate() -> None:
    """Bring the database to the newest revision."""
    from core.db import engine
    from migrations import upgrade

    upgrade.upgrade(engine())


@app.command()
def api() -> None:
    """Serve the HTTP API and the screens."""
    import api

    api.run()


@app.command()
def rasters() -> None:
    """Serve terrain and depths as raster tiles, to the API alone."""
    import rasters

    rasters.run()


@app.command()
def worker(
    queues: Annotated[
        str,
        typer.Option(help="Of default, events, urgent, flood and dispatch some, as a comma list; nothing: every kind."),
    ] = "",
    concurrency: Annotated[int, typer.Option(min=1)] = 4,
) -> None:
    """Do waiting jobs and deliver events."""
    from cli.rooms import load_tasks, stay
    from core import events, jobs

    load_tasks()
    stay()
    wanted = [name.strip() for name in queues.split(",") if name.strip()]
    events.check_queues(wanted)
    asyncio.run(jobs.work(queues=wanted, concurrency=concurrency, name=f"worker {queues}".strip()))


@app.command()
def sender(
    exercise: Annotated[bool, typer.Option("--exercise", help="What exercises send, by LINE_EXERCISE_TOKEN.")] = False,
) -> None:
    """Send what waits for LINE."""
    import line.sender

    if exercise:
        line.sender.run_exercises()
    else:
        line.sender.run()


@app.command()
def receiver(at_once: Annotated[int, typer.Option(min=1, help="How many people are served side by side.")] = 2) -> None:
    """Hand on what residents said on LINE, each person's words in their order."""
    import line.receiver
    from cli.rooms import load_tasks, stay

    load_tasks()
    stay()
    line.receiver.run(at_once=at_once)


@app.command()
def gateway() -> None:
    """Take readings by MQTT, with an embedded broker unless MQTT_URL names one."""
    import sensors.gateway

    sensors.gateway.run()


@app.command()
def cameras() -> None:
    """Watch the cameras and read the water level on their staffs."""
    import cctv.watch

    cctv.watch.run()


@app.command("line-quota-raised")
def line_quota_raised() -> None:
    """Go on sending this month, after the LINE account's monthly quota has been raised."""
    from core.db import transaction
    from line import outbox

    with transaction() as session:
        outbox.reopen_quota(session)


@app.command("line-standin")
def line_standin() -> None:
    """Serve the local LINE platform for demo, tests and load."""
    import line.standin

    line.standin.run()


@app.command()
def storm(
    packs: Annotated[list[Path], typer.Argument(help="The packs that the city came from, what was simulated first.")],
    speed: Annotated[float, typer.Option(min=1, max=1200)] = 120.0,
    patient: Annotated[bool, typer.Option(help="Slow down while an alert waits for approval.")] = False,
) -> None:
    """Play the storm on the imported city; people decide on the screens."""
    from demo import storm

    storm.play(packs=packs, speed=speed, is_patient=patient)


@app.command()
def briefing(
    out: Annotated[Path, typer.Option(help="The HTML file to write.")],
    run: Annotated[int | None, RUN] = None,
) -> None:
    """Draw the officers' briefing map as one HTML file that needs no network."""
    from cli import maps

    maps.brief(out, run_id=run)


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="The file to write.")],
    form: Annotated[str, typer.Option("--format", help="gpkg or pmtiles.")] = "gpkg",
    layers: Annotated[str, typer.Option(help="Which layers, as a comma list; nothing: all of them.")] = "",
    run: Annotated[int | None, RUN] = None,
) -> None:
    """Write the open data as a GeoPackage or as PMTiles, with its provenance inside."""
    from cli import maps

    maps.export(out, form=form, layers=layers, run_id=run)


@app.command()
def bench(
    name: Annotated[str | None, typer.Argument(help="Which claim; all are named where it is absent.")] = None,
    is_list: Annotated[bool, typer.Option("--list", help="Name every claim.")] = False,
    seed: Annotated[int, typer.Option(help="What the input is drawn from.", min=0)] = 2569,
    data: Annotated[
        Path | None, typer.Option(help="For categories: a CSV of your own with columns text and labels (or types).")
    ] = None,
) -> None:
    """Measure a performance claim against its peer; ends with one JSON line, exits 1 where the bar does not hold."""
    from bench import catalogue
    from cli.rooms import load_layers

    if is_list or name is None:
        for claim, what in catalogue.CLAIMS.items():
            typer.echo(f"{claim:<10} {what}")
        return
    load_layers()
    result = catalogue.run(name, seed=seed, data=data)
    typer.echo(result.line())
    raise typer.Exit(0 if result.holds else 1)


@app.command()
def geocode(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Texts: one a line, or a CSV with a column of them.")],
    column: Annotated[str | None, typer.Option(help="The CSV's column; default: text, address or comment.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write here (.csv or .geojsonl), not to standard output.")] = None,
    admin: Annotated[Path | None, typer.Option(help="Use only the units in this folder's kongvut_*.csv.")] = None,
) -> None:
    """Find the places in a file of texts: candidates, radius, confidence. Exits 1 where a row could not be read."""
    from cli import places

    raise typer.Exit(1 if places.geocode_file(path, column=column, out=out, admin=admin) else 0)


@app.command(cls=BareJson)
def replay(
    path: Annotated[
        Path,
        typer.Argument(
            help="A past record, one file or a folder of them: Jakarta's gates (CSV: nama_pintu_air, tanggal, "
            "tinggi_air, status_siaga), UK Environment Agency hydrology (CSV: measure, dateTime, value, quality) or "
            "a staff gauge (JSON list: record_time, water_level_cm, status: green, yellow, orange or red). A row that "
            "cannot be read, such as one with another status, is left out and counted; the first ten are told with "
            "row, field and cause.",
        ),
    ],
    speed: Annotated[
        float, typer.Option(help="Record seconds per real second; 0: as fast as possible.", min=0, max=10**9)
    ] = 0.0,
    rules: Annotated[Path | None, typer.Option(help="Level rules (JSON) in place of those of official limits.")] = None,
    json: Annotated[
        Path | None,
        typer.Option(help="Also write the figures to this file; beside --alerts without a file: print them alone."),
    ] = None,
    others: Annotated[bool, typer.Option("--others", help="Also with other parameters: how it hangs on them.")] = False,
    alerts: Annotated[
        bool,
        typer.Option(
            "--alerts", help="Through the alert rules too: alerts per gate beside naive crossings; ends with one JSON "
            "line.",
        ),
    ] = False,
) -> None:
    """Play a past record through quality and rules, beside its official status; exits 1 where the bar fails."""
    from cli import alerts_replay
    from cli import replay as played

    if alerts and (others or speed):
        raise SetupError("--alerts says how often residents are told: it goes with neither --others nor --speed.")
    if alerts:
        own = played.read_rules(rules) if rules else []
        raise typer.Exit(0 if alerts_replay.replay_alerts(path, rules=own, json_file=json) else 1)
    does_hold = played.replay(path, speed=speed, rules_file=rules, json_file=json, others=others)
    raise typer.Exit(0 if does_hold else 1)


@city_app.command("import")
def import_city(
    path: Annotated[
        Path, typer.Argument(help="A folder with city.toml and its layers, or an OpenStreetMap extract (.osm.pbf).")
    ],
    boundary: Annotated[
        str | None,
        typer.Option(help="Of an extract: the city's boundary by relation id or name, or `extent` for the box."),
    ] = None,
) -> None:
    """Import a city; what has not changed is left alone, what is faulty is told and changes nothing."""
    from cli import city

    raise typer.Exit(0 if city.import_pack(path, boundary=boundary) else 1)


@city_app.command("kinds")
def list_kinds() -> None:
    """List the kinds of layers that a city pack may have, with their columns."""
    from cli import city

    city.list_kinds()


@flood_app.command("validate")
def validate_flood(
    city: Annotated[str, typer.Option(help="A city pack with high-water marks: a folder, or a city of open data.")],
) -> None:
    """Guess every surveyed high-water mark from the others; ends with one JSON line, exits 1 where a bar fails."""
    from cli import flood

    flood.validate(city)


@terrain_app.command("prepare")
def prepare_terrain(
    dem: Annotated[Path, typer.Argument(help="An elevation model: one band, metres, square cells in a metric system.")],
    out: Annotated[Path, typer.Option(help="The folder for the maps; it is made, or renewed.")],
    threshold: Annotated[
        int, typer.Option(help="A stream has so many cells upstream or more.", min=1, max=10**12)
    ] = 1000,
    tile: Annotated[
        int, typer.Option(help="Cells a side of the tiles; they bound the memory.", min=64, max=32768)
    ] = 1024,
    holes: Annotated[
        Literal["refuse", "drain"], typer.Option(help="Nodata inside the terrain: refuse it, or let water drain there.")
    ] = "refuse",
    dask: Annotated[
        str | None,
        typer.Option(help="A Dask scheduler, such as tcp://10.0.0.5:8786; its workers must see the folder of --out."),
    ] = None,
) -> None:
    """Make maps of a terrain's drainage: filled, directions, accumulation, streams, height above the nearest drain."""
    from cli import terrain

    terrain.prepare(dem, out=out, threshold=threshold, side=tile, holes=holes, dask=dask)


def run() -> None:
    """The command's entry: an error is one clear sentence, never a traceback."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as exc:
        sentence = _sentence(exc)
        if sentence is None:
            raise
        typer.secho(f"faonam: {sentence}", fg="red", err=True)
        sys.exit(1)


def _sentence(exc: Exception) -> str | None:
    """What to tell a person of this error; None for a fault of ours, which keeps its traceback."""
    if isinstance(exc, FaonamError):
        return exc.detail
    if isinstance(exc, pydantic.ValidationError) and exc.title == "Settings":
        wrong = exc.errors()[0]
        return f"FAONAM_{'_'.join(map(str, wrong['loc'])).upper()} is '{wrong['input']}': {wrong['msg']}."
    return trouble_outside(exc)
