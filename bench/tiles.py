"""Vector tiles over HTTP, none of them cached, from one worker; peer: tipg's tiles of the same tables.

A million incidents, three fifths of them in 40 hot spots, and 39,200 pieces of street stand in the database. Tiles of
zoom 10 to 18 are drawn at places where there are incidents, each one once. Ours is a whole request through the API
process: sign-in, headers, tag. Both servers are one process each, asked over one connection, in turn.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import shapely
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from bench.measure import Result, Timing
from bench.places import own_database
from bench.servers import Server, free_port, our_api, process
from core import db
from core.progress import Progress, step
from gis import tiles
from gis.tiles import LARGEST_BYTES, Tile
from incidents import actions
from incidents.tiles import fold_tally

Floats = NDArray[np.float64]

INCIDENTS, HOT_SPOTS, HOT_SHARE = 1_000_000, 40, 0.6
LINES, BLOCK_DEG = 140, 0.0009
WEST, SOUTH = 99.90, 8.37
TILES, PEER_TILES, WARM_UP = 400, 45, 20
ZOOMS = range(10, 19)
MOST_P95_MS = 15.0
STATES = ("new", "accepted", "in_progress", "done", "closed", "closed", "closed", "rejected")
START_LIMIT_S = 60.0


def measure(*, seed: int) -> Result:
    """Base and incident tiles at 400 places of ours, 45 of them of tipg's too."""
    rng = np.random.default_rng(seed)
    with own_database("tiles"):
        places = _incident_places(rng)
        with step("laying out 39,200 pieces of street"), db.transaction() as session:
            _lay_streets(session, rng)
        with step("opening 1,000,000 incidents") as tell:
            _open_incidents(places, rng, tell)
        with step("preparing the map's shapes"), db.transaction() as session:
            tiles.ready_version(session)
        asked = _tiles_at(places[rng.permutation(len(places))[: 4 * TILES]], rng)
        with our_api() as ours, _tipg() as peer, step("asking for tiles") as tell:
            taken, sizes, peer_taken = _ask(asked, ours, peer, tell)
    pairs = len(peer_taken)
    facts = {
        "incidents": INCIDENTS, "streets": 2 * LINES * LINES, "tiles": len(taken), "zooms": "10-18", "seed": seed,
        "tipg_median_ms_same_tiles": round(1000 * float(np.median(peer_taken)), 1),
        "ours_median_ms_same_tiles": round(1000 * float(np.median(taken[:pairs])), 1),
    }
    figures = {
        "p95_ms": round(1000 * Timing(tuple(taken)).p95_s, 2),
        "largest_kb": round(max(sizes) / 1000, 1),
        "tipg_mean_ratio": float(f"{sum(taken[:pairs]) / sum(peer_taken):.3g}"),
    }
    most = {"p95_ms": MOST_P95_MS, "largest_kb": LARGEST_BYTES / 1000}
    peers = {"tipg": Timing(tuple(peer_taken))}
    return Result("tiles", facts, Timing(tuple(taken)), peers, {}, figures, most)


def _ask(
    asked: list[Tile], ours: Server, peer: Server, tell: Progress
) -> tuple[list[float], list[int], list[float]]:
    """Seconds and raw bytes of each of our tiles, base and incidents in turn, and seconds of tipg's same ones."""
    taken, sizes, peer_taken = [], [], []
    for number, tile in enumerate(asked[: WARM_UP + TILES]):
        here = f"{tile.z}/{tile.x}/{tile.y}"
        for our_path, table in ((f"tiles/{here}.mvt", "road"), (f"incidents/tiles/{here}.mvt", "incident")):
            took_s, size = ours.tile(f"/api/v1/{our_path}")
            their_path = f"/collections/public.{table}/tiles/WebMercatorQuad/{here}"
            is_shared = number < WARM_UP // 4 or WARM_UP <= number < WARM_UP + PEER_TILES
            their_s = peer.tile(their_path)[0] if is_shared else None
            if number >= WARM_UP:
                taken.append(took_s)
                sizes.append(size)
                if their_s is not None:
                    peer_taken.append(their_s)
        tell(f"{number + 1} of {WARM_UP + TILES}")
    return taken, sizes, peer_taken


def _tiles_at(places: Floats, rng: np.random.Generator) -> list[Tile]:
    """A tile of a drawn zoom at each place, each tile once."""
    zooms = rng.choice(np.array(ZOOMS), len(places))
    lon, lat = places.T
    x = (lon + 180) / 360 * 2.0**zooms
    y = (1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * 2.0**zooms
    drawn = zip(zooms.tolist(), x.astype(int).tolist(), y.astype(int).tolist(), strict=True)
    return [Tile(z=z, x=tile_x, y=tile_y) for z, tile_x, tile_y in dict.fromkeys(drawn)]


# --- the city ------------------------------------------------------------------------------------------------------


def _incident_places(rng: np.random.Generator) -> Floats:
    """Longitude and latitude of every incident, degrees: hot spots of 100 to 1,000 m, the rest all over the city."""
    side_deg = LINES * BLOCK_DEG
    centres = rng.uniform(0.1 * side_deg, 0.9 * side_deg, (HOT_SPOTS, 2))
    spread_deg = rng.uniform(0.001, 0.01, HOT_SPOTS)
    spot = rng.integers(0, HOT_SPOTS, int(INCIDENTS * HOT_SHARE))
    hot = centres[spot] + rng.normal(0.0, 1.0, (len(spot), 2)) * spread_deg[spot, None]
    places = np.concatenate([hot, rng.uniform(0.0, side_deg, (INCIDENTS - len(spot), 2))])
    return np.asarray(places + np.array([WEST, SOUTH]), dtype=np.float64)


def _lay_streets(session: Session, rng: np.random.Generator) -> None:
    """A grid of crooked streets with 100 m blocks: every 20th line is a main road with a name, every 5th a larger."""
    layer_id = session.scalar(
        sa.text(
            "INSERT INTO layer (name, kind, source, licence, trust, row_count, version, imported_at, legend) "
            "VALUES ('roads', 'roads', 'generated', 'CC0 1.0', 'simulated', 0, 1, now(), '{}') RETURNING id"
        )
    )
    connection = db.driver_connection(session)
    statement = "COPY road (layer_id, code, name_th, name_en, class, is_bridge, geom, length_m) FROM STDIN"
    with connection.cursor().copy(statement) as copy:
        for line in range(LINES):
            road_class = "primary" if line % 20 == 0 else "tertiary" if line % 5 == 0 else "residential"
            name = f"ถนนสายที่ {line}" if line % 5 == 0 else ""
            for across in (0, 1):
                for block in range(LINES):
                    shape = _street(line, block, across, rng)
                    copy.write_row((layer_id, f"{across}-{line}-{block}", name, "", road_class, False, shape, 100.0))


def _street(line: int, block: int, across: int, rng: np.random.Generator) -> str:
    along = np.linspace(block, block + 1, 5)
    aside = np.full(5, float(line))
    aside[1:-1] += rng.uniform(-0.15, 0.15, 3)
    points = np.column_stack([along, aside] if across else [aside, along]) * BLOCK_DEG + np.array([WEST, SOUTH])
    return str(shapely.to_wkb(shapely.set_srid(shapely.LineString(points), 4326), hex=True, include_srid=True))


def _open_incidents(places: Floats, rng: np.random.Generator, tell: Progress) -> None:
    """The incidents are there and counted, with categories and states as drawn; the tables are vacuumed."""
    with db.transaction() as session:
        actions.load_categories(session)
        codes = list(session.scalars(sa.text("SELECT code FROM category ORDER BY code")))
    shapes = shapely.to_wkb(shapely.set_srid(shapely.points(places), 4326), hex=True, include_srid=True)
    category = rng.integers(0, len(codes), len(places)).tolist()
    state = rng.integers(0, len(STATES), len(places)).tolist()
    at = "2026-11-20T00:00:00Z"
    with db.transaction() as session:  # Indexes are built faster at once than row by row.
        indexes = list(session.scalars(sa.text(
            "SELECT indexdef FROM pg_indexes WHERE tablename = 'incident' AND indexname LIKE 'ix%'"
        )))
        session.execute(sa.text("DROP INDEX ix_incident_place, ix_incident_map_key, ix_incident_state"))
    for start in range(0, len(places), 100_000):
        tell(f"{start:,}")
        rows = "".join(
            f"B{n:07d}\t{codes[category[n]]}\t{STATES[state[n]]}\t{shapes[n]}\tpin\t\t\t\t1\t{at}\t{at}\t{at}\n"
            for n in range(start, min(start + 100_000, len(places)))
        )
        with db.transaction() as session, db.driver_connection(session).cursor().copy(
            "COPY incident (number, category_code, state, place, place_source, place_label_th, place_label_en, "
            "summary, report_count, last_report_at, opened_at, promised_at) FROM STDIN"
        ) as copy:
            copy.write(rows)
    tell("indexes")
    with db.transaction() as session:
        for index in indexes:
            session.execute(sa.text(index))
        fold_tally(session)
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE incident, incident_tally, road"))


# --- the peer -----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _tipg() -> Iterator[Server]:
    with process(_serve_tipg, free_port()) as connection:
        yield Server(connection, {})


def _serve_tipg(port: int, database_url: str) -> None:
    """tipg as its own `tipg.main` sets it up, on the tables `incident` and `road`."""
    import asyncpg
    import uvicorn
    from fastapi import FastAPI
    from tipg.collections import register_collection_catalog
    from tipg.database import connection_factory
    from tipg.factory import OGCTilesFactory
    from tipg.settings import DatabaseSettings

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI):  # type: ignore[no-untyped-def]  # FastAPI's own protocol.
        app.state.pool = await asyncpg.create_pool(
            database_url, min_size=1, max_size=10, init=connection_factory(["public"], "pg_temp")
        )
        tables = DatabaseSettings(tables=["public.incident", "public.road"], functions=[])
        await register_collection_catalog(app, db_settings=tables)
        yield
        await app.state.pool.close()

    app = FastAPI(lifespan=lifespan)
    app.include_router(OGCTilesFactory(with_common=False, with_viewer=False).router)
    uvicorn.run(app, port=port, log_level="error", access_log=False, loop="uvloop", http="httptools")
