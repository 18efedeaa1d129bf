"""A city pack into the database: read and checked as a whole first, then loaded, all or nothing.

Everything happens in the caller's transaction. Importing the same pack again replaces its layers and counts up their
versions. Only the command line and workers import this module; it opens files with GDAL.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import shapely
import sqlalchemy as sa
from geoalchemy2.shape import from_shape, to_shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from core import clock
from core.errors import InvalidInputError
from core.logs import get_logger
from core.progress import Progress
from gis import crs
from gis.citypack import checks, layers, loaders, reader, terrain, voronoi
from gis.citypack.checks import CheckedLayer
from gis.citypack.findings import Findings, Frame
from gis.citypack.layers import LayerKind, LayerMeta, LayerRows
from gis.citypack.manifest import LayerEntry, Manifest, read_manifest
from gis.errors import CityPackError
from gis.models import City, Layer
from gis.points import LonLat

log = get_logger("gis")

EXTENT_MARGIN_M = 500.0
CENTRE_REACH_M = 30_000.0
_FIRST = [kind.kind for kind in loaders.OWN_KINDS]


@dataclass(frozen=True)
class LayerReport:
    """What became of one layer; `dropped` rows lay outside what its manifest asks to keep."""

    name: str
    kind: str
    row_count: int
    trust: str
    source: str
    version: int
    dropped: int
    repaired: int
    took_s: float


@dataclass(frozen=True)
class ImportReport:
    """What an import did."""

    slug: str
    layers: tuple[LayerReport, ...]
    took_s: float


@dataclass(frozen=True)
class _Ready:
    entry: LayerEntry
    kind: LayerKind
    rows: CheckedLayer


def import_city(session: Session, path: Path, progress: Progress | None = None) -> ImportReport:
    """The pack in the folder `path` is in the database, whole; `progress` hears what is being done.

    Raises CityPackError with every finding (file, row, column, cause); then nothing has been changed.
    """
    began_s = time.monotonic()
    tell = progress or (lambda sentence: None)
    manifest = read_manifest(path)
    city = session.get(City, 1)
    _check_city(manifest, city)
    findings = Findings()
    frame, ready = _read_all(manifest, city, findings, tell)
    if findings.sentences or frame is None:
        raise CityPackError(findings.sentences)
    with session.begin_nested():
        if manifest.extends is None:
            _put_city(session, manifest, frame)
        reports = tuple(_load(session, manifest, layer, tell) for layer in ready)
        _mark_simulated(session)
    slug = session.scalars(sa.select(City.slug)).one()
    took_s = time.monotonic() - began_s
    rows = sum(report.row_count for report in reports)
    log.info("city.imported", slug=slug, layers=len(reports), rows=rows, took_s=round(took_s, 2))
    return ImportReport(slug=slug, layers=reports, took_s=took_s)


def _check_city(manifest: Manifest, city: City | None) -> None:
    name = manifest.path.name
    if manifest.extends is not None:
        if city is None or city.slug != manifest.extends:
            here = f"the database holds '{city.slug}'" if city else "the database holds no city yet"
            raise CityPackError([f"{name}, extends: it extends the city '{manifest.extends}', but {here}."])
    elif city is not None and city.slug != manifest.slug:
        raise CityPackError(
            [f"{name}, slug: the database holds the city '{city.slug}'; '{manifest.slug}' needs a database of its own."]
        )


# --- reading and checking ------------------------------------------------------------------------------------------


def _read_all(
    manifest: Manifest, city: City | None, findings: Findings, tell: Progress
) -> tuple[Frame | None, list[_Ready]]:
    ready: list[_Ready] = []
    frame = None
    if manifest.extends is not None and city is not None:
        frame = Frame(boundary=to_shape(city.boundary), extent=to_shape(city.extent))
    elif [entry.kind for entry in manifest.layers].count("boundary") != 1:
        findings.note(manifest.path.name, "a city needs exactly one layer of the kind 'boundary'.")
    for entry in _in_order(manifest):
        kind = layers.registered().get(entry.kind)
        if kind is None:
            known = ", ".join(sorted(layers.registered()))
            findings.note(
                manifest.path.name, f"layer '{entry.name}': no part of Faonam knows the kind '{entry.kind}' ({known})."
            )
            continue
        tell(f"reading {entry.file}")
        rows = _read(manifest, entry, kind, frame, findings)
        if rows is None:
            continue
        ready.append(_Ready(entry, kind, rows))
        if entry.kind == "boundary":
            frame = _frame(manifest, entry, rows, findings)
    return frame, ready


def _in_order(manifest: Manifest) -> list[LayerEntry]:
    """The boundary first, then gis's other layers, then those of the rooms above, as the manifest lists them."""
    return sorted(manifest.layers, key=lambda e: _FIRST.index(e.kind) if e.kind in _FIRST else len(_FIRST))


def _read(
    manifest: Manifest, entry: LayerEntry, kind: LayerKind, frame: Frame | None, findings: Findings
) -> CheckedLayer | None:
    path = manifest.folder / entry.file
    if kind.geometry == "Raster":
        before = len(findings.sentences)
        terrain.check_terrain(path, entry, frame, findings)
        has_faults = len(findings.sentences) > before
        return None if has_faults else CheckedLayer(numbers=[1], columns={"path": [path]}, geoms=None, extras=[])
    try:
        raw = reader.read_layer(path, entry)
    except reader.UnreadableFileError as exc:
        findings.note(entry.file, str(exc))
        return None
    rows = checks.check_layer(raw, entry, kind, frame=frame, findings=findings)
    if rows is None or entry.polygons is None or frame is None:
        return rows
    return voronoi.as_cells(rows, entry, frame.boundary, findings)


def _frame(manifest: Manifest, entry: LayerEntry, rows: CheckedLayer, findings: Findings) -> Frame | None:
    if rows.geoms is None or len(rows.geoms) != 1:
        findings.note(entry.file, f"the boundary must be one polygon or multipolygon, not {len(rows.numbers)} rows.")
        return None
    boundary = rows.geoms[0]
    if manifest.centre is not None:
        middle = LonLat(lon=boundary.centroid.x, lat=boundary.centroid.y)
        apart_m = crs.distance_m(middle, manifest.centre)
        if apart_m > CENTRE_REACH_M:
            cause = f"the boundary lies {apart_m / 1000:,.0f} km from the centre that the manifest gives."
            findings.note(entry.file, cause, row=1)
            return None
    return Frame(boundary=boundary, extent=_extent(boundary))


def _extent(boundary: BaseGeometry) -> BaseGeometry:
    """The boundary's box and a margin of 500 m, in degrees."""
    srid = crs.metric_srid(LonLat(lon=boundary.centroid.x, lat=boundary.centroid.y))
    box = shapely.box(*crs.to_metric(boundary, srid).bounds).buffer(EXTENT_MARGIN_M, join_style="mitre")
    return shapely.box(*crs.to_lonlat(box, srid).bounds)


# --- loading -------------------------------------------------------------------------------------------------------


def _put_city(session: Session, manifest: Manifest, frame: Frame) -> None:
    middle = frame.boundary.representative_point()
    centre = manifest.centre or LonLat(lon=middle.x, lat=middle.y)
    boundary = loaders.as_multipolygons(_one(frame.boundary))[0]
    session.merge(
        City(
            id=1, slug=manifest.slug, name_th=manifest.name_th, name_en=manifest.name_en, datum=manifest.datum,
            boundary=from_shape(boundary, srid=crs.STORED_SRID), extent=from_shape(frame.extent, srid=crs.STORED_SRID),
            centre=from_shape(shapely.Point(centre.lon, centre.lat), srid=crs.STORED_SRID),
            metric_srid=crs.metric_srid(centre), imported_at=clock.now(), is_simulated=False,
        )
    )
    session.flush()


def _one(geom: BaseGeometry) -> Any:
    import numpy as np

    return np.array([geom], dtype=object)


def _load(session: Session, manifest: Manifest, ready: _Ready, tell: Progress) -> LayerReport:
    began_s = time.monotonic()
    entry, kind = ready.entry, ready.kind
    tell(f"loading {entry.name} ({len(ready.rows.numbers):,} rows)")
    layer = _put_layer(session, entry)
    meta = LayerMeta(
        id=layer.id, name=entry.name, kind=entry.kind, file=entry.file, source=entry.source, licence=entry.licence,
        dated=entry.dated, trust=entry.trust, version=layer.version,
    )
    try:
        layer.row_count = kind.load(session, _rows(session, manifest, meta, ready))
    except InvalidInputError as exc:
        raise CityPackError([f"{entry.file}: {exc.detail}"]) from exc
    session.flush()
    return LayerReport(
        name=entry.name, kind=entry.kind, row_count=layer.row_count, trust=entry.trust, source=entry.source,
        version=layer.version, dropped=ready.rows.dropped, repaired=ready.rows.repaired,
        took_s=time.monotonic() - began_s,
    )


def _rows(session: Session, manifest: Manifest, meta: LayerMeta, ready: _Ready) -> LayerRows:
    rows = ready.rows
    columns = rows.columns
    if ready.kind.geometry == "Raster":
        city = session.get_one(City, 1)
        kept = terrain.keep_terrain(
            columns["path"][0], slug=city.slug, version=meta.version, metric_srid=city.metric_srid
        )
        columns = {name: [value] for name, value in kept.items()}
    if ready.kind.kind == "boundary":
        columns = {
            "code": [columns["code"][0] or manifest.slug], "name_th": [manifest.name_th], "name_en": [manifest.name_en]
        }
    return LayerRows(layer=meta, numbers=rows.numbers, columns=columns, geoms=rows.geoms, extras=rows.extras)


def _put_layer(session: Session, entry: LayerEntry) -> Layer:
    """The layer's row with its provenance, one version on."""
    layer = session.scalars(sa.select(Layer).where(Layer.name == entry.name)).one_or_none()
    if layer is None:
        layer = Layer(name=entry.name, kind=entry.kind, version=0)
        session.add(layer)
    elif layer.kind != entry.kind:
        raise CityPackError([f"{entry.file}: the city has a layer '{entry.name}' of the kind '{layer.kind}' already."])
    layer.version += 1
    layer.source, layer.licence, layer.dated, layer.trust = entry.source, entry.licence, entry.dated, entry.trust
    layer.legend = dict(entry.legend)
    layer.row_count = 0
    layer.imported_at = clock.now()
    session.flush()
    return layer


def _mark_simulated(session: Session) -> None:
    """A city whose very boundary is simulated is a simulated city."""
    boundary = session.scalars(sa.select(Layer).where(Layer.kind == "boundary")).first()
    session.get_one(City, 1).is_simulated = boundary is not None and boundary.trust == "simulated"
    session.flush()
