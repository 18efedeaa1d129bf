"""The open data as one file: GeoPackage for desks, PMTiles for maps. Written by GDAL, all of it or nothing.

What goes out is what schema `gis_public` shows: no residents, homes, reports, crews or accounts.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import InvalidInputError, NotFoundError
from core.files import whole_file
from core.progress import Progress
from gis import queries

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

LAYERS = (
    "layers", "areas", "roads", "waterways", "buildings", "facilities", "gauges", "zones", "flood_polygons",
)
SUFFIXES = {"gpkg": ".gpkg", "pmtiles": ".pmtiles"}
_NEWEST = "SELECT max(id) FROM flood_run WHERE horizon_min = 0"
_HAS_RUN = "SELECT EXISTS (SELECT FROM flood_run WHERE id = :run_id)"
# The public view holds the picture of now; this is any other one, with the same columns.
_PICTURE = (
    "SELECT p.id, p.run_id, r.computed_at, r.valid_at, r.horizon_min, r.method, r.confidence, p.depth_class, "
    "p.run_id = (SELECT max(id) FROM flood_run WHERE horizon_min = 0) AS is_current, "
    "(SELECT is_simulated FROM city) AS is_simulated, p.geom "
    "FROM flood_polygon p JOIN flood_run r ON r.id = p.run_id WHERE p.run_id = :run_id"
)
LOWEST_ZOOM, HIGHEST_ZOOM = 8, 15


def write_geopackage(
    session: Session, out: Path, *, layers: Sequence[str], run_id: int | None, tell: Progress
) -> dict[str, int]:
    """The layers are tables of the GeoPackage, with their provenance in its metadata; how many rows each has.

    Of the flood the picture `run_id`, or the newest. Raises InvalidInputError for an unknown layer, another ending or a
    folder that is not there, NotFoundError for an unknown picture; the file is only there when it is whole.
    """
    _check(session, out, layers, suffix=SUFFIXES["gpkg"], run_id=run_id)
    counts: dict[str, int] = {}
    with whole_file(out) as fresh:
        for name in layers:
            tell(name)
            rows = _rows(session, name, run_id=run_id)
            rows.to_file(fresh, layer=name, driver="GPKG", engine="pyogrio", mode="a" if counts else "w")
            counts[name] = len(rows)
        _note_provenance(fresh, provenance(session, run_id=run_id))
    return counts


def write_pmtiles(
    session: Session, out: Path, *, layers: Sequence[str], run_id: int | None, tell: Progress
) -> dict[str, int]:
    """The layers are one layer `faonam` of vector tiles, zoom 8 to 15; each feature's `layer` says which it is of.

    GDAL writes PMTiles in one go, hence the one layer. The provenance is the file's description. Raises as
    `write_geopackage` does, and where nothing is there to be drawn.
    """
    import geopandas
    import pandas as pd

    _check(session, out, layers, suffix=SUFFIXES["pmtiles"], run_id=run_id)
    frames = []
    for name in layers:
        tell(name)
        frames.append(_rows(session, name, run_id=run_id).assign(layer=name))
    counts = {name: len(frame) for name, frame in zip(layers, frames, strict=True)}
    if not any(counts.values()):
        raise InvalidInputError("These layers hold nothing yet, so that there are no tiles to write.")
    together = pd.concat([frame for frame in frames if len(frame)], ignore_index=True)
    tell("drawing the tiles")
    with whole_file(out) as fresh:
        geopandas.GeoDataFrame(together, geometry="geom", crs="EPSG:4326").to_file(
            fresh, layer="faonam", driver="PMTiles", engine="pyogrio", NAME="Faonam", TYPE="overlay",
            DESCRIPTION=json.dumps(provenance(session, run_id=run_id), ensure_ascii=False),
            MINZOOM=str(LOWEST_ZOOM), MAXZOOM=str(HIGHEST_ZOOM),
        )
    return counts


def provenance(session: Session, *, run_id: int | None) -> dict[str, Any]:
    """The city, the picture of the flood, and of each of its layers the source, licence, date and trust."""
    card = queries.city_card(session)
    return {
        "city": card.slug,
        "name_th": card.name_th,
        "is_simulated": card.is_simulated,
        "flood_run": run_id if run_id is not None else session.scalar(sa.text(_NEWEST)),
        "layers": [
            {
                "name": layer.name, "source": layer.source, "licence": layer.licence,
                "dated": layer.dated.isoformat() if layer.dated else None, "trust": layer.trust,
            }
            for layer in queries.layers(session)
        ],
    }


def _check(session: Session, out: Path, layers: Sequence[str], *, suffix: str, run_id: int | None) -> None:
    """The layers and the picture are there, and the file's name says what it will be."""
    unknown = [name for name in layers if name not in LAYERS]
    if unknown or not layers:
        raise InvalidInputError(f"There is no layer '{', '.join(unknown)}' to export; there are {', '.join(LAYERS)}.")
    if out.suffix.lower() != suffix and not out.is_dir():
        raise InvalidInputError(f"{out.name}: name a file that ends in {suffix}, for that is what it will be.")
    if run_id is not None and session.scalar(sa.text(_HAS_RUN), {"run_id": run_id}) is not True:
        # An unknown picture has no water, which would look like a dry city.
        raise NotFoundError(f"There is no picture of the flood {run_id}.")


def _rows(session: Session, name: str, *, run_id: int | None) -> GeoDataFrame:
    import geopandas

    is_of_a_run = name == "flood_polygons" and run_id is not None
    chosen = _PICTURE if is_of_a_run else f"SELECT * FROM gis_public.{name}"  # noqa: S608 - one of LAYERS.
    statement = sa.text(f"{chosen} ORDER BY id")
    parameters = {"run_id": run_id} if is_of_a_run else None
    rows = geopandas.read_postgis(statement, session.connection(), geom_col="geom", crs="EPSG:4326", params=parameters)
    if "dated" in rows:
        rows["dated"] = [None if at is None else str(at) for at in rows["dated"]]
    return rows


def _note_provenance(path: Path, told: dict[str, Any]) -> None:
    """The GeoPackage's own metadata tables (OGC 12-128r18, extension `gpkg_metadata`) hold the provenance as JSON."""
    text = json.dumps(told, ensure_ascii=False)
    connection = sqlite3.connect(path)
    try:
        connection.executescript(
            """
            CREATE TABLE IF NOT EXISTS gpkg_metadata (
                id INTEGER CONSTRAINT m_pk PRIMARY KEY ASC NOT NULL, md_scope TEXT NOT NULL DEFAULT 'dataset',
                md_standard_uri TEXT NOT NULL, mime_type TEXT NOT NULL DEFAULT 'text/xml',
                metadata TEXT NOT NULL DEFAULT ''
            );
            CREATE TABLE IF NOT EXISTS gpkg_metadata_reference (
                reference_scope TEXT NOT NULL, table_name TEXT, column_name TEXT, row_id_value INTEGER,
                timestamp DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
                md_file_id INTEGER NOT NULL, md_parent_id INTEGER
            );
            """
        )
        noted = connection.execute(
            "INSERT INTO gpkg_metadata (md_standard_uri, mime_type, metadata) "
            "VALUES ('https://www.w3.org/TR/prov-o/', 'application/json', ?)",
            (text,),
        )
        connection.execute(
            "INSERT INTO gpkg_metadata_reference (reference_scope, md_file_id) VALUES ('geopackage', ?)",
            (noted.lastrowid,),
        )
        connection.commit()
    finally:
        connection.close()
