"""GeoJSON, GeoPackage, Shapefile and FlatGeobuf into plain columns and shapes, by GDAL. Only the importer reads.

pyogrio is imported when the first such file is opened; the API process never gets here.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.citypack import encodings
from gis.citypack.findings import shown
from gis.citypack.manifest import DEFAULT_ENCODING, LayerEntry
from gis.citypack.rawlayers import RawFault, RawLayer, UnreadableFileError

# A file is opened as what its name says and as nothing else: GDAL also knows formats (VRT, GDALG) that read other files
# and addresses. The beginning of each, and the prefix that binds GDAL to its driver, where it has one.
_FORMATS: Mapping[str, tuple[str, re.Pattern[bytes], str]] = {
    ".geojson": ("GeoJSON", re.compile(rb"(\xef\xbb\xbf)?\s*\{"), "GeoJSON:"),
    ".json": ("GeoJSON", re.compile(rb"(\xef\xbb\xbf)?\s*\{"), "GeoJSON:"),
    ".gpkg": ("GeoPackage", re.compile(rb"SQLite format 3\x00"), "GPKG:"),
    ".shp": ("Shapefile", re.compile(rb"\x00\x00\x27\x0a"), ""),
    ".fgb": ("FlatGeobuf", re.compile(rb"fgb"), ""),
}
SUFFIXES = tuple(_FORMATS)
_CRS_REACH = 65_536  # A `crs` member stands before the features or behind them.
_SHX_HEAD, _SHX_ROW = 100, 8
_DBF_HEAD = (slice(4, 8), slice(8, 10), slice(10, 12))  # How many rows, how long the head is, and each row.


def read_vector(path: Path, entry: LayerEntry) -> RawLayer:
    """The file's rows. Raises UnreadableFileError with a sentence about the cause."""
    suffix = path.suffix.lower()
    name, begins, prefix = _FORMATS[suffix]
    with path.open("rb") as file:
        head = file.read(64)
    if not begins.match(head):
        raise UnreadableFileError(f"it is no {name}; it begins with {shown(head.decode('ascii', 'replace'), most=30)}.")
    is_shapefile = suffix == ".shp"
    if is_shapefile:
        _check_parts(path)
    notes: list[str] = []
    meta, wkb, fields = _opened(f"{prefix}{path.absolute()}", entry, is_shapefile=is_shapefile, notes=notes)
    count = len(wkb) if wkb is not None else len(fields[0]) if fields else 0
    geoms, faults = _shapes(wkb) if wkb is not None else (None, [])
    columns = {str(name): _plain(values) for name, values in zip(meta["fields"], fields, strict=True)}
    declared = (_said_in_geojson(path) if name == "GeoJSON" else None) or meta["crs"]
    return RawLayer(
        numbers=range(1, count + 1), columns=_in_letters(path, entry, columns) if is_shapefile else columns,
        geoms=geoms, declared_crs=declared, faults=faults, notes=notes,
    )


def _opened(
    name: str, entry: LayerEntry, *, is_shapefile: bool, notes: list[str]
) -> tuple[Mapping[str, Any], NDArray[np.object_] | None, Sequence[NDArray[Any]]]:
    """What GDAL finds in the file; what it complains of on the way is noted."""
    import pyogrio
    import pyogrio.raw

    # Latin 1 gives every byte back as it stands; what the bytes mean is decided below.
    encoding = "ISO-8859-1" if is_shapefile else None
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            layers = [str(layer) for layer, _ in pyogrio.list_layers(name)]
            if entry.sublayer is None and len(layers) > 1:
                raise UnreadableFileError(
                    f"it holds {len(layers)} layers ({', '.join(layers[:10])}): say in the manifest which is meant, "
                    f'sublayer = "{layers[0]}".'
                )
            if entry.sublayer is not None and entry.sublayer not in layers:
                raise UnreadableFileError(
                    f"it holds no layer '{entry.sublayer}', only {', '.join(layers[:10]) or 'none'}."
                )
            meta, _, wkb, fields = pyogrio.raw.read(name, layer=entry.sublayer, encoding=encoding)
        except UnicodeDecodeError as exc:
            raise UnreadableFileError("a text in it is not UTF-8, as this format wants it: save it as UTF-8.") from exc
        except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as exc:
            if "No such file" in str(exc):  # What GDAL says of a GeoPackage without tables; the file is there.
                raise UnreadableFileError("it holds no layer at all.") from exc
            raise UnreadableFileError(f"it cannot be read, it may be cut off: {_reason(exc)}") from exc
    notes.extend(dict.fromkeys(f"{_reason(warning.message)}." for warning in told))
    return meta, wkb, fields


def _reason(exc: Exception | Warning | str) -> str:
    """The first line of GDAL's complaint, without the paths of this machine and its advice to programmers."""
    text = (str(exc).strip().splitlines() or [type(exc).__name__])[0]
    text = re.sub(r"'?(?:[A-Za-z]+:)?/\S*/([^/\s']+)'?", r"\1", text.split("; It might help")[0])
    return shown(text, most=300).strip("'").rstrip(".;")


# --- shapes --------------------------------------------------------------------------------------------------------


def _shapes(wkb: NDArray[np.object_]) -> tuple[NDArray[np.object_], list[RawFault]]:
    """The shapes, None where there is none, and the fault of each that cannot be read."""
    with np.errstate(invalid="ignore"):
        geoms: NDArray[np.object_] = np.asarray(shapely.from_wkb(wkb, on_invalid="ignore"))
    is_written = np.array([one is not None for one in wkb], dtype=bool)
    unread = np.flatnonzero(is_written & shapely.is_missing(geoms)).tolist()
    return geoms, [RawFault(index + 1, f"its shape cannot be read: {_why(wkb[index])}.") for index in unread]


def _why(wkb: bytes) -> str:
    try:
        shapely.from_wkb(wkb)
    except shapely.errors.GEOSException as exc:
        return str(exc).removeprefix("IllegalArgumentException: ").removeprefix("ParseException: ").strip().rstrip(".")
    return "GEOS does not say why"


# --- coordinate system ---------------------------------------------------------------------------------------------


def _said_in_geojson(path: Path) -> str | None:
    """The system that a `crs` member names: GDAL takes one that it does not know for WGS 84, and says nothing."""
    with path.open("rb") as file:
        head = file.read(_CRS_REACH)
        file.seek(max(len(head), path.stat().st_size - _CRS_REACH))
        tail = file.read()
    for text in (head.decode("utf-8", "replace"), tail.decode("utf-8", "replace")):
        for member in _members(text):
            if isinstance(member, dict) and isinstance(member.get("properties"), dict):
                properties = member["properties"]
                return str(properties.get("name") or properties.get("href") or properties.get("code"))
    return None


def _members(text: str) -> Iterator[Any]:
    for found in re.finditer(r'"crs"\s*:\s*(?=\{)', text):
        try:
            yield json.JSONDecoder().raw_decode(text, found.end())[0]
        except ValueError:
            continue


# --- the table of a Shapefile --------------------------------------------------------------------------------------


def _check_parts(path: Path) -> None:
    """Index and table lie beside the shapes and tell of as many. Raises UnreadableFileError."""
    index, table = (_beside(path, suffix) for suffix in (".shx", ".dbf"))
    for part, suffix in ((index, ".shx"), (table, ".dbf")):
        if part is None:
            raise UnreadableFileError(
                f"its {suffix} is missing: a Shapefile is the .shp with its .shx and .dbf (and .prj), under one name."
            )
    assert index is not None and table is not None  # noqa: S101, PT018 - told above.
    shapes = (index.stat().st_size - _SHX_HEAD) // _SHX_ROW
    with table.open("rb") as file:
        head = file.read(32)
    rows, before, width = (int.from_bytes(head[part], "little") for part in _DBF_HEAD)
    if len(head) < 32 or table.stat().st_size < before + rows * width:
        raise UnreadableFileError("its .dbf is cut off.")
    if rows != shapes:
        raise UnreadableFileError(
            f"its .dbf has {rows:,} rows, its .shx {shapes:,} shapes: they do not belong together, or one is cut off."
        )


def _beside(path: Path, suffix: str) -> Path | None:
    return next((part for part in (path.with_suffix(suffix), path.with_suffix(suffix.upper())) if part.is_file()), None)


def _in_letters(path: Path, entry: LayerEntry, columns: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """A Shapefile's columns with their names and texts in the letters that they were written in."""
    stated = entry.encoding if entry.encoding != DEFAULT_ENCODING else None
    texts = _bytes_of(columns)
    try:
        encoding = stated or encodings.declared(path) or encodings.found(texts)
    except encodings.UnknownLettersError as exc:
        raise UnreadableFileError(str(exc)) from exc
    if encodings.is_contradicted(encoding, texts):
        by = "the manifest" if stated else "its .cpg or .dbf"
        raise UnreadableFileError(
            f"{by} says {encoding}, but its texts are UTF-8: say encoding = \"utf-8\" in the manifest."
        )
    read: dict[str, Sequence[Any]] = {}
    for name, values in columns.items():
        words = [_letters(value, encoding, name, row) for row, value in enumerate(values, start=1)]
        read[_letters(name, encoding, name, None)] = words
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
        where = f"row {row}, column {shown(column)}" if row else f"the column's name {shown(column)}"
        raise UnreadableFileError(
            f"{where}: it is not {encoding} text; say the table's encoding in the manifest: encoding = \"cp874\" or "
            "\"utf-8\"."
        ) from exc


def _plain(values: NDArray[Any]) -> list[Any]:
    """Python values; what GDAL marks as absent (None, NaN, NaT) is None."""
    plain = values.tolist()
    return [None if value is None or value != value else value for value in plain]
