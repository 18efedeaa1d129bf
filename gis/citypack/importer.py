"""A city pack into the database: every layer is read and checked first, then loaded, all or nothing.

A pack of which nothing is in the city yet comes in whole or not at all: half a city would be a wrong map. Later imports
are judged layer by layer: what is unchanged is left alone to the byte, what is faulty leaves the layer as it was, the
rest goes up one version. Everything happens in the caller's transaction. Only the command line and workers import this
module; it opens files with GDAL.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock
from core.errors import InvalidInputError
from core.logs import get_logger
from core.progress import Progress
from gis import crs
from gis.citypack import (
    cityrow,
    context,
    digests,
    layers,
    loaders,
    naming,
    osm,
    osm_pack,
    people,
    reading,
    terrain,
)
from gis.citypack.checks import CheckedLayer
from gis.citypack.findings import Findings, Frame
from gis.citypack.layers import LayerKind, LayerMeta, LayerRows
from gis.citypack.manifest import LayerEntry, Manifest, read_manifest
from gis.errors import CityPackError
from gis.models import City, Layer
from gis.points import LonLat

log = get_logger("gis")

CENTRE_REACH_M = 30_000.0
KEPT_WARNINGS = 20
IMPORT_LOCK = 0xC17  # One import at a time.
TAKEN, UNCHANGED, REFUSED, ABSENT = "taken", "unchanged", "refused", "absent"
LEANED_ON = ("boundary", "provinces", "subdistricts", "communities")
_FIRST = [kind.kind for kind in loaders.OWN_KINDS]


@dataclass(frozen=True)
class LayerReport:
    """What became of one layer: `outcome` is taken, unchanged, refused or absent (optional, and its file not there).

    `dropped` rows lay outside what its manifest asks to keep; `findings` say why it was refused, `warnings` what to
    know of it although it was taken.
    """

    name: str
    kind: str
    outcome: str
    row_count: int
    trust: str
    source: str
    version: int
    dropped: int = 0
    repaired: int = 0
    took_s: float = 0.0
    findings: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportReport:
    """What an import did."""

    slug: str
    layers: tuple[LayerReport, ...]
    took_s: float

    @property
    def has_changed(self) -> bool:
        """A layer was taken."""
        return any(layer.outcome == TAKEN for layer in self.layers)

    @property
    def refused(self) -> tuple[LayerReport, ...]:
        """The layers that stayed as they were because of their faults."""
        return tuple(layer for layer in self.layers if layer.outcome == REFUSED)


@dataclass(frozen=True)
class _Judged:
    """A layer of the manifest before it is loaded; `rows` are None unless it is to be loaded."""

    entry: LayerEntry
    outcome: str
    digest: str = ""
    kind: LayerKind | None = None
    rows: CheckedLayer | None = None
    findings: Findings = dataclasses.field(default_factory=Findings)


def import_city(
    session: Session, path: Path, progress: Progress | None = None, *, boundary: str | None = None
) -> ImportReport:
    """The pack at `path` (a folder, or an OpenStreetMap extract) is in the database; `progress` hears what is done.

    `boundary` says which boundary of an extract is the city. Raises CityPackError with every finding (file, row,
    column, cause) where the pack is new and not without fault; then nothing has been changed.
    """
    began_s = time.monotonic()
    tell = progress or (lambda sentence: None)
    manifest = read_pack(path, boundary=boundary)
    _wait_for_others(session, tell)
    city = session.get(City, 1)
    cityrow.check_belongs(manifest, city)
    known = {layer.name: layer for layer in session.scalars(sa.select(Layer))}
    is_new = not any(entry.name in known for entry in manifest.layers)
    judging = _Judging(session, manifest, known, tell)
    judged = judging.all(city)
    if is_new or judging.frame is None:
        _raise_faults(judged)
    with session.begin_nested():
        reports = _settled(session, manifest, judging, judged, known, is_new)
        _after(session, tell)
    slug = session.scalars(sa.select(City.slug)).one()
    took_s = time.monotonic() - began_s
    log.info(
        "city.imported", slug=slug, layers=len(reports), taken=sum(report.outcome == TAKEN for report in reports),
        rows=sum(report.row_count for report in reports), took_s=round(took_s, 2),
    )
    return ImportReport(slug=slug, layers=tuple(reports), took_s=took_s)


def _wait_for_others(session: Session, tell: Progress) -> None:
    """No other import into this database runs until this transaction ends: each is judged against what stands."""
    if session.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(IMPORT_LOCK))) is not True:
        tell("waiting for another import into this database")
        session.execute(sa.text("SET LOCAL lock_timeout = 0"))
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(IMPORT_LOCK)))


def read_pack(path: Path, *, boundary: str | None = None) -> Manifest:
    """The manifest of a folder, of a `city.toml`, or of an OpenStreetMap extract, alone or alone in its folder.

    Raises CityPackError that says what would have been a pack.
    """
    if path.is_dir() and not (path / "city.toml").exists():
        extracts = sorted(inner for inner in path.iterdir() if inner.is_file() and osm.is_extract(inner))
        if len(extracts) > 1:
            names = ", ".join(extract.name for extract in extracts)
            raise CityPackError([f"{path}: it has no city.toml, but {len(extracts)} extracts ({names}): name one."])
        path = extracts[0] if len(extracts) == 1 else path
    if path.is_file() and osm.is_extract(path):
        return osm_pack.manifest_of(path, boundary)
    if boundary is not None:
        raise CityPackError([f"{path.name}: only an OpenStreetMap extract lets its boundary be chosen."])
    if path.is_file() and path.name == "city.toml":
        path = path.parent
    if path.is_file():
        raise CityPackError(
            [f"{path.name}: a file alone does not say what it is, where it comes from and under which licence. Put it "
             "into a folder with a city.toml (see docs/city-pack.md); only an OpenStreetMap extract stands alone."]
        )
    return read_manifest(path)


def _raise_faults(judged: list[_Judged]) -> None:
    sentences = [sentence for layer in judged for sentence in layer.findings.sentences]
    if sentences:
        raise CityPackError(sentences)


# --- reading and checking ------------------------------------------------------------------------------------------


class _Judging:
    """One look at every layer of a pack: what is unchanged, what is faulty, what is ready to be loaded."""

    def __init__(self, session: Session, manifest: Manifest, known: dict[str, Layer], tell: Progress) -> None:
        self.session = session
        self.manifest = manifest
        self.known = known
        self.tell = tell
        self.frame: Frame | None = None
        self.ground = ""
        self.communities: list[str] = []
        self.brought = naming.Brought(session)

    def all(self, city: City | None) -> list[_Judged]:
        """Every layer, the boundary first, gis's others, those of the rooms above, last those that name these."""
        if city is not None:
            self.frame = context.frame_of(self.session, city)
            self.ground = "".join(sorted(row.digest for row in self.known.values() if row.kind == "boundary"))
            self.communities = sorted(row.digest for row in self.known.values() if row.kind == "communities")
        judged = []
        if self.manifest.extends is None and [e.kind for e in self.manifest.layers].count("boundary") != 1:
            raise CityPackError([f"{self.manifest.path.name}: a city needs exactly one layer of the kind 'boundary'."])
        for entry in sorted(self.manifest.layers, key=lambda entry: naming.turn(entry.kind, _FIRST)):
            layer = self._one(entry)
            judged.append(layer)
            if layer.outcome in {TAKEN, REFUSED}:
                self.brought.note(layer.kind, entry.name, layer.findings.codes, is_taken=layer.outcome == TAKEN)
            if layer.rows is not None:
                self._learn(layer)
        return judged

    def _one(self, entry: LayerEntry) -> _Judged:
        findings = Findings()
        kind = layers.registered().get(entry.kind)
        if kind is None:
            known = ", ".join(sorted(layers.registered()))
            findings.note(
                self.manifest.path.name,
                f"layer '{entry.name}': no part of Faonam knows the kind '{entry.kind}' ({known}).",
            )
            return _Judged(entry, REFUSED, findings=findings)
        stored = self.known.get(entry.name)
        if stored is not None and stored.kind != entry.kind:
            findings.note(entry.file, f"the city has a layer '{entry.name}' of the kind '{stored.kind}' already.")
            return _Judged(entry, REFUSED, kind=kind, findings=findings)
        if entry.is_optional and not (self.manifest.folder / entry.file).is_file():
            findings.warn(entry.file, "the file is not there; the layer may be missing, and is.")
            return _Judged(entry, ABSENT, kind=kind, findings=findings)
        fault = digests.fault_of(self.manifest.folder / entry.file)
        if fault is not None:
            findings.note(entry.file, fault)
            return _Judged(entry, REFUSED, kind=kind, findings=findings)
        digest = digests.of_layer(self.manifest, entry, leans_on=self._leans_on(entry)) or ""
        if stored is not None and digest and stored.digest == digest:
            return _Judged(entry, UNCHANGED, digest=digest, kind=kind)
        self.tell(f"reading {entry.file}")
        frame = self.brought.held_against(self.frame, kind)
        rows = reading.read_rows(self.manifest, entry, kind, frame, findings)
        if rows is not None and kind.kind == "boundary":
            self.frame = self._frame(entry, rows, findings)
        if findings.sentences or rows is None:
            return _Judged(entry, REFUSED, kind=kind, findings=findings)
        return _Judged(entry, TAKEN, digest=digest, kind=kind, rows=rows, findings=findings)

    def _leans_on(self, entry: LayerEntry) -> list[str]:
        """The digests of what the rows depend on besides their file: the boundary; above gis also the communities."""
        if entry.kind == "boundary":
            return [digests.of_head(self.manifest)]
        return [self.ground] if entry.kind in _FIRST else [self.ground, *self.communities]

    def _learn(self, layer: _Judged) -> None:
        """What later layers are held against: the boundary, the province, the sub-districts' outlines."""
        if layer.entry.kind == "boundary":
            self.ground = layer.digest
        elif layer.entry.kind == "communities":
            self.communities = [layer.digest]
        elif self.frame is not None and layer.rows is not None:
            self.frame = context.with_layer(self.frame, layer.entry.kind, layer.rows)

    def _frame(self, entry: LayerEntry, rows: CheckedLayer, findings: Findings) -> Frame | None:
        if rows.geoms is None or len(rows.geoms) != 1:
            cause = f"the boundary must be one polygon or multipolygon, not {len(rows.numbers)} rows."
            findings.note(entry.file, cause)
            return self.frame
        boundary = rows.geoms[0]
        centre = self.manifest.centre
        if centre is not None:
            apart_m = crs.distance_m(LonLat(lon=boundary.centroid.x, lat=boundary.centroid.y), centre)
            if apart_m > CENTRE_REACH_M:
                cause = f"the boundary lies {apart_m / 1000:,.0f} km from the centre that the manifest gives."
                findings.note(entry.file, cause, row=1)
                return self.frame
        fault = cityrow.size_fault(boundary)
        if fault is not None:
            findings.note(entry.file, fault, row=1)
            return self.frame
        frame = Frame(boundary=boundary, extent=cityrow.extent_of(boundary))
        return context.with_stored(self.session, frame)


# --- loading -------------------------------------------------------------------------------------------------------


def _settled(
    session: Session, manifest: Manifest, judging: _Judging, judged: list[_Judged], known: dict[str, Layer],
    is_new: bool,
) -> list[LayerReport]:
    """The report of each layer. Raises CityPackError with what every loader refused, where that refuses the pack."""
    reports: list[LayerReport] = []
    refusals: list[str] = []
    for layer in judged:
        try:
            reports.append(_settle(session, manifest, judging, layer, known, is_new))
        except CityPackError as exc:
            refusals += exc.findings
            if layer.entry.kind in LEANED_ON:
                break  # What leans on it would be refused for its lack.
    if refusals:
        raise CityPackError(refusals)
    return reports


def _settle(
    session: Session, manifest: Manifest, judging: _Judging, layer: _Judged, known: dict[str, Layer], is_new: bool
) -> LayerReport:
    """The layer is loaded if it is to be; its report. Raises CityPackError where a new pack's layer is refused."""
    entry, began_s = layer.entry, time.monotonic()
    stored = known.get(entry.name)
    report = LayerReport(
        name=entry.name, kind=entry.kind, outcome=layer.outcome, row_count=stored.row_count if stored else 0,
        trust=entry.trust, source=entry.source, version=stored.version if stored else 0,
        findings=tuple(layer.findings.sentences), warnings=tuple(layer.findings.warnings),
    )
    if layer.rows is None or layer.kind is None:
        return report
    judging.tell(f"loading {entry.name} ({len(layer.rows.numbers):,} rows)")
    try:
        with session.begin_nested():
            if entry.kind == "boundary" and judging.frame is not None:
                cityrow.put_city(session, manifest, judging.frame)
            loaded, warnings = _load(session, manifest, layer)
    except InvalidInputError as exc:
        names_it = isinstance(exc, CityPackError) or exc.detail.startswith(entry.file)
        finding = exc.detail if names_it else f"{entry.file}: {exc.detail}"
        if is_new:
            raise CityPackError([finding]) from exc
        if entry.kind in LEANED_ON:
            # The others have been held against what it would have been, not against what stands.
            raise CityPackError([f"{finding} Other layers lean on this one: nothing was changed."]) from exc
        return dataclasses.replace(report, outcome=REFUSED, findings=(finding,))
    return dataclasses.replace(
        report, row_count=loaded.row_count, version=loaded.version, warnings=tuple(warnings),
        dropped=layer.rows.dropped, repaired=layer.rows.repaired, took_s=time.monotonic() - began_s,
    )


def _load(session: Session, manifest: Manifest, ready: _Judged) -> tuple[Layer, list[str]]:
    assert ready.kind is not None  # noqa: S101 - what is loaded was read by its kind.
    entry = ready.entry
    layer = _put_layer(session, entry)
    meta = LayerMeta(
        id=layer.id, name=entry.name, kind=entry.kind, file=entry.file, source=entry.source, licence=entry.licence,
        dated=entry.dated, trust=entry.trust, version=layer.version,
    )
    rows = _rows(session, manifest, meta, ready)
    layer.row_count = ready.kind.load(session, rows)
    warnings = [*ready.findings.warnings, *rows.warnings]
    layer.digest, layer.accuracy = ready.digest, ready.findings.accuracy
    layer.warnings, layer.warning_count = warnings[:KEPT_WARNINGS], len(warnings)
    session.flush()
    return layer, warnings


def _rows(session: Session, manifest: Manifest, meta: LayerMeta, ready: _Judged) -> LayerRows:
    rows = ready.rows
    assert rows is not None  # noqa: S101 - what is loaded was read.
    columns = rows.columns
    if ready.entry.kind == "terrain":
        city = session.scalars(sa.select(City)).one()
        kept = terrain.keep_terrain(
            columns["path"][0], slug=city.slug, version=meta.version, metric_srid=city.metric_srid, entry=ready.entry
        )
        columns = {name: [value] for name, value in kept.items()}
    if ready.entry.kind == "boundary":
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
    layer.version += 1
    layer.source, layer.licence, layer.dated, layer.trust = entry.source, entry.licence, entry.dated, entry.trust
    layer.legend = dict(entry.legend)
    layer.row_count = 0
    layer.imported_at = clock.now()
    session.flush()
    return layer


def _after(session: Session, tell: Progress) -> None:
    """What follows from the layers as they are now: the city's mark as simulated, and where its people live."""
    # One simulated layer is enough: what is drawn from it (water, zones, exposure) is simulated too.
    is_simulated = session.scalar(sa.select(sa.exists().where(Layer.trust == "simulated")))
    session.get_one(City, 1).is_simulated = bool(is_simulated)
    session.flush()
    tell("spreading the people over houses and streets")
    people.spread_people(session)
