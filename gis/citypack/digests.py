"""What a layer was made of, as one short text: the same text means that importing it again would change nothing."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

import shapely

from gis.citypack import osm, osm_pack
from gis.citypack.manifest import LayerEntry, Manifest
from gis.errors import CityPackError

# Counts up whenever the importer makes something else of the same file: every layer is then imported anew.
IMPORTER_VERSION = 3
SIDECARS = (".dbf", ".shx", ".prj", ".cpg")


def of_layer(manifest: Manifest, entry: LayerEntry, *, leans_on: Sequence[str]) -> str | None:
    """The digest of the layer's file, manifest entry and importer, and of the digests of what its rows depend on.

    Of an OpenStreetMap extract only the rows of the layer's kind count, so that a new bridge is no new building. None
    where the file cannot be read.
    """
    path = manifest.folder / entry.file
    if not path.is_file():
        return None
    if osm.is_extract(path):
        try:
            content = _of_rows(path, entry)
        except CityPackError:
            return None
        entry = dataclasses.replace(entry, dated=None, file="")
    else:
        content = _of_file(path)
    parts = [str(IMPORTER_VERSION), content, repr(entry), manifest.datum, *leans_on]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def fault_of(path: Path) -> str | None:
    """Why this user cannot read the layer's file or what belongs to it; None where all of it opens, or is missing."""
    for part in (path, *_sidecars(path)):
        try:
            if part.is_file():
                part.open("rb").close()
        except OSError as exc:
            return f"it cannot be read: {part.name}: {exc.strerror}."
    return None


def of_head(manifest: Manifest) -> str:
    """The digest of what the manifest says of the city itself."""
    head = (manifest.slug, manifest.name_th, manifest.name_en, manifest.centre, manifest.datum)
    return hashlib.sha256(repr(head).encode()).hexdigest()


def _of_file(path: Path) -> str:
    digest = hashlib.sha256()
    for part in [path, *(sidecar for sidecar in _sidecars(path) if sidecar.is_file())]:
        with part.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _sidecars(path: Path) -> list[Path]:
    return [path.with_suffix(suffix) for suffix in SIDECARS] if path.suffix.lower() == ".shp" else []


def _of_rows(path: Path, entry: LayerEntry) -> str:
    rows, _ = osm_pack.rows_of(path, entry)
    digest = hashlib.sha256(repr((rows.numbers, rows.columns)).encode())
    for shape in shapely.to_wkb(rows.geoms):
        digest.update(shape)
    return digest.hexdigest()
