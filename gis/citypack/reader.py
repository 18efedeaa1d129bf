"""Files into plain columns and shapes: GeoJSON, GeoPackage, Shapefile, FlatGeobuf and CSV. Only the importer reads.

pyogrio (GDAL) is imported when the first such file is opened; the API process never gets here.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.citypack import encodings, osm, osm_pack
from gis.citypack.manifest import DEFAULT_ENCODING, LayerEntry
from gis.errors import CityPackError

VECTOR_SUFFIXES = (".geojson", ".json", ".gpkg", ".shp", ".fgb", ".csv")
FIRST_CSV_ROW = 2  # As a spreadsheet counts: the header is row 1.


class UnreadableFileError(Exception):
    """The file cannot be read; the text says why, and where."""


@dataclass(frozen=True)
class RawLayer:
    """A file's rows as they stand there: numbers, columns by their own names, shapes, and the system the file declares.

    A CSV has its shapes made of its longitude and latitude columns; where those are not numbers, `faults` says so.
    `notes` are worth a warning.
    """

    numbers: Sequence[int]
    columns: Mapping[str, Sequence[Any]]
    geoms: NDArray[np.object_] | None
    declared_crs: str | None
    faults: Sequence[str] = ()
    notes: Sequence[str] = ()


def read_layer(path: Path, entry: LayerEntry) -> RawLayer:
    """The rows of a layer's file; raises UnreadableFileError with a sentence about the cause."""
    if not path.is_file():
        raise UnreadableFileError("the file is missing from the pack.")
    if osm.is_extract(path):
        return _read_extract(path, entry)
    suffix = path.suffix.lower()
    if suffix not in VECTOR_SUFFIXES:
        known = ", ".join([*VECTOR_SUFFIXES, *osm.SUFFIXES])
        raise UnreadableFileError(f"files of the type '{suffix}' are not known (known: {known}).")
    return _read_csv(path, entry) if suffix == ".csv" else _read_vector(path, entry)


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
    try:
        text = path.read_bytes().decode(entry.encoding)
    except (UnicodeDecodeError, LookupError) as exc:
        raise UnreadableFileError(
            f"it is not {entry.encoding} text ({exc}); say encoding = \"cp874\" if it is an older Thai file."
        ) from exc
    lines = csv.reader(io.StringIO(text, newline=""))
    try:
        header, *rows = list(lines)
    except ValueError:
        raise UnreadableFileError("it is empty: not even a header.") from None
    except csv.Error as exc:
        raise UnreadableFileError(f"row {lines.line_num}: {exc}.") from exc
    numbers = [number for number, row in enumerate(rows, start=FIRST_CSV_ROW) if row]
    rows = [row for row in rows if row]
    for number, row in zip(numbers, rows, strict=True):
        if len(row) != len(header):
            raise UnreadableFileError(f"row {number}: it has {len(row)} columns, the header has {len(header)}.")
    values = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    columns: dict[str, Sequence[Any]] = {name.strip(): column for name, column in zip(header, values, strict=True)}
    geoms, faults = _points(entry, numbers, columns)
    return RawLayer(numbers=numbers, columns=columns, geoms=geoms, declared_crs=None, faults=faults)


def _points(
    entry: LayerEntry, numbers: Sequence[int], columns: Mapping[str, Sequence[Any]]
) -> tuple[NDArray[np.object_] | None, list[str]]:
    names = [entry.columns.get(axis, (axis,))[0] for axis in ("lon", "lat")]
    if not all(name in columns for name in names):
        return None, []
    faults: list[str] = []
    axes = [_numbers(name, numbers, columns[name], faults) for name in names]
    is_place = ~np.isnan(axes[0]) & ~np.isnan(axes[1])
    geoms = np.full(len(numbers), None, dtype=object)
    geoms[is_place] = shapely.points(axes[0][is_place], axes[1][is_place])
    return geoms, faults


def _numbers(name: str, numbers: Sequence[int], values: Sequence[str], faults: list[str]) -> NDArray[np.float64]:
    try:
        return np.array(values, dtype=np.float64)
    except ValueError:
        pass
    found = np.full(len(values), np.nan)
    for index, value in enumerate(values):
        try:
            found[index] = float(value)
        except ValueError:
            if value.strip():
                faults.append(f"row {numbers[index]}, column {name}: '{value}' is not a number.")
    return found


# --- everything that GDAL reads ------------------------------------------------------------------------------------


def _read_vector(path: Path, entry: LayerEntry) -> RawLayer:
    import pyogrio
    import pyogrio.raw

    is_shapefile = path.suffix.lower() == ".shp"
    # Latin 1 gives every byte back as it stands; what the bytes mean is decided below.
    encoding = "ISO-8859-1" if is_shapefile else None
    try:
        meta, _, wkb, fields = pyogrio.raw.read(path, layer=entry.sublayer, encoding=encoding)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as exc:
        raise UnreadableFileError(f"it cannot be read: {_first_line(exc)}") from exc
    count = len(wkb) if wkb is not None else len(fields[0]) if fields else 0
    try:
        geoms = shapely.from_wkb(wkb) if wkb is not None else None
    except shapely.errors.GEOSException as exc:
        raise UnreadableFileError(f"a shape in it cannot be read: {_first_line(exc)}") from exc
    columns = {str(name): _plain(values) for name, values in zip(meta["fields"], fields, strict=True)}
    return RawLayer(
        numbers=range(1, count + 1), columns=_in_letters(path, entry, columns) if is_shapefile else columns,
        geoms=geoms, declared_crs=meta["crs"],
    )


def _in_letters(path: Path, entry: LayerEntry, columns: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """A Shapefile's columns with their names and texts in the letters that they were written in."""
    stated = entry.encoding if entry.encoding != DEFAULT_ENCODING else None
    try:
        encoding = stated or encodings.declared(path) or encodings.found(_bytes_of(columns))
    except encodings.UnknownLettersError as exc:
        raise UnreadableFileError(str(exc)) from exc
    read: dict[str, Sequence[Any]] = {}
    for name, values in columns.items():
        texts = [_letters(value, encoding, name, row) for row, value in enumerate(values, start=1)]
        read[_letters(name, encoding, name, None)] = texts
    return read


def _bytes_of(columns: Mapping[str, Sequence[Any]]) -> list[bytes]:
    texts = [*columns, *(value for values in columns.values() for value in values if isinstance(value, str))]
    return [text.encode("latin-1") for text in texts]


def _letters(value: Any, encoding: str, column: str, row: int | None) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return encodings.read(value.encode("latin-1"), encoding)
    except UnicodeDecodeError as exc:
        where = f"row {row}, column {column}" if row else f"the column's name {column!r}"
        raise UnreadableFileError(
            f"{where}: it is not {encoding} text; say the table's encoding in the manifest: encoding = \"cp874\" or "
            "\"utf-8\"."
        ) from exc


def _plain(values: NDArray[Any]) -> list[Any]:
    """Python values; what GDAL marks as absent (None, NaN, NaT) is None."""
    plain = values.tolist()
    return [None if value is None or value != value else value for value in plain]


def _first_line(exc: Exception) -> str:
    text = str(exc).strip()
    return (text.splitlines()[0] if text else type(exc).__name__)[:300]
