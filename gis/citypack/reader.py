"""Files into plain columns and shapes: GeoJSON, GeoPackage, Shapefile, FlatGeobuf and CSV. Only the importer reads."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.citypack import encodings, numbers, osm, osm_pack, vectors
from gis.citypack.findings import shown
from gis.citypack.manifest import DEFAULT_ENCODING, LayerEntry
from gis.citypack.rawlayers import RawFault, RawLayer, UnreadableFileError
from gis.errors import CityPackError

FIRST_CSV_ROW = 2  # As a spreadsheet counts: the header is row 1.
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_layer(path: Path, entry: LayerEntry) -> RawLayer:
    """The rows of a layer's file; raises UnreadableFileError with a sentence about the cause."""
    if not path.is_file():
        raise UnreadableFileError("the file is missing from the pack.")
    if osm.is_extract(path):
        return _read_extract(path, entry)
    suffix = path.suffix.lower()
    if suffix not in (".csv", *vectors.SUFFIXES):
        known = ", ".join([*vectors.SUFFIXES, ".csv", *osm.SUFFIXES])
        raise UnreadableFileError(f"files of the type '{suffix}' are not known (known: {known}).")
    return _read_csv(path, entry) if suffix == ".csv" else vectors.read_vector(path, entry)


def _read_extract(path: Path, entry: LayerEntry) -> RawLayer:
    try:
        rows, notes = osm_pack.rows_of(path, entry)
    except CityPackError as exc:
        raise UnreadableFileError(exc.detail.removeprefix(f"{path.name}: ")) from exc
    return RawLayer(
        numbers=rows.numbers, columns=rows.columns, geoms=rows.geoms, declared_crs="EPSG:4326", notes=notes
    )


# --- CSV -----------------------------------------------------------------------------------------------------------


def _read_csv(path: Path, entry: LayerEntry) -> RawLayer:
    header, rows = _table(_text_of(path.read_bytes(), entry))
    filled = [(number, row) for number, row in enumerate(rows, start=FIRST_CSV_ROW) if any(row)]
    ragged = [
        RawFault(number, f"it has {len(row)} columns, the header has {len(header)}.")
        for number, row in filled
        if len(row) != len(header)
    ]
    row_numbers = [number for number, row in filled if len(row) == len(header)]
    rows = [row for _, row in filled if len(row) == len(header)]
    values = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    columns: dict[str, Sequence[Any]] = dict(zip(header, values, strict=True))
    geoms, faults = _points(entry, row_numbers, columns)
    return RawLayer(numbers=row_numbers, columns=columns, geoms=geoms, declared_crs=None, faults=[*ragged, *faults])


def _text_of(raw: bytes, entry: LayerEntry) -> str:
    """The file's letters. Raises UnreadableFileError where they are not of the encoding that is said, or expected."""
    name = "UTF-8" if entry.encoding == DEFAULT_ENCODING else entry.encoding
    if encodings.is_contradicted(entry.encoding, [raw]):
        raise UnreadableFileError(f"the manifest says {name}, but it is UTF-8: leave out `encoding`.")
    try:
        return raw.decode(entry.encoding)
    except UnicodeDecodeError as exc:
        row = raw[: exc.start].count(b"\n") + 1
        advice = (
            "it is UTF-16: save it as UTF-8." if raw.startswith(_UTF16)
            else f"it is not {name} text; save it as UTF-8, or say encoding = \"cp874\" if it is an older Thai file."
        )
        raise UnreadableFileError(f"row {row}: {advice}") from exc


def _table(text: str) -> tuple[list[str], list[list[str]]]:
    """The names of the columns, and the rows. Raises UnreadableFileError."""
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)  # Else a quote left open would swallow rows unseen.
    try:
        first, *rows = list(lines)
    except ValueError:
        raise UnreadableFileError("it is empty: not even a header.") from None
    except csv.Error as exc:
        raise UnreadableFileError(f"line {lines.line_num}: {exc}.") from exc
    header = [name.strip() for name in first]
    other = next((sign for sign in (";", "\t", "|") if len(header) == 1 and sign in header[0]), None)
    if other is not None:
        raise UnreadableFileError(f"its columns are parted by {other!r}: save it with commas between them.")
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise UnreadableFileError(f"row 1: the column {shown(twice[0])} is there twice.")
    return header, rows


def _points(
    entry: LayerEntry, row_numbers: Sequence[int], columns: Mapping[str, Sequence[Any]]
) -> tuple[NDArray[np.object_] | None, list[RawFault]]:
    names = [entry.columns.get(axis, (axis,))[0] for axis in ("lon", "lat")]
    if not all(name in columns for name in names):
        return None, []
    faults: list[RawFault] = []
    axes = [_numbers(name, row_numbers, columns[name], faults) for name in names]
    is_place = ~np.isnan(axes[0]) & ~np.isnan(axes[1])
    geoms = np.full(len(row_numbers), None, dtype=object)
    geoms[is_place] = shapely.points(axes[0][is_place], axes[1][is_place])
    return geoms, faults


def _numbers(
    name: str, row_numbers: Sequence[int], values: Sequence[str], faults: list[RawFault]
) -> NDArray[np.float64]:
    found = np.full(len(values), np.nan)
    for index, value in enumerate(values):
        try:
            found[index] = numbers.real(value) if value.strip() else np.nan
        except ValueError:
            faults.append(RawFault(row_numbers[index], f"{shown(value)} is not a number.", name))
    return found
