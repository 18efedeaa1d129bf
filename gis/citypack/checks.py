"""Is a layer's file what the manifest says, and does it lie where the city lies? Every fault becomes a sentence."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from gis.citypack import numbers as numbers_of
from gis.citypack import osm, shapes
from gis.citypack.encodings import UNSTORABLE
from gis.citypack.findings import Findings, Frame, shown
from gis.citypack.layers import Column, LayerKind, rows_of
from gis.citypack.manifest import LayerEntry
from gis.citypack.rawlayers import RawLayer
from gis.citypack.shapes import Geoms

_TRUE = {"1", "1.0", "true", "yes", "y", "t"}
_FALSE = {"0", "0.0", "false", "no", "n", "f", ""}
MOST_WHOLE = 2**31 - 1  # What an integer column of the database holds.


@dataclass(frozen=True)
class CheckedLayer:
    """A layer's rows with their types, in EPSG:4326; `dropped` rows lay outside what the manifest asks to keep."""

    numbers: Sequence[int]
    columns: dict[str, list[Any]]
    geoms: Geoms | None
    extras: list[dict[str, Any]]
    dropped: int = 0
    repaired: int = 0


def check_layer(
    raw: RawLayer, entry: LayerEntry, kind: LayerKind, *, frame: Frame | None, findings: Findings
) -> CheckedLayer | None:
    """The layer's rows, ready to load, or None where something is wrong and noted in `findings`."""
    before = len(findings.sentences)
    for fault in raw.faults:
        findings.note(entry.file, fault.cause, row=fault.row, column=fault.column)
    for doubt in raw.notes:
        findings.warn(entry.file, doubt)
    if not raw.numbers and osm.is_extract(Path(entry.file)):
        findings.warn(entry.file, f"it holds nothing of the kind {kind.kind}.")
    elif not raw.numbers:
        if not raw.faults:
            findings.note(entry.file, "it holds no rows; where there are none, leave the layer out of the manifest.")
        return None
    sources = _column_sources(raw, entry, kind, findings)
    geoms, repaired = None, 0
    if kind.geometry:
        geoms, repaired = shapes.in_place(raw, entry, kind, frame, findings)
    keep = np.ones(len(raw.numbers), dtype=bool) if geoms is None else shapes.kept(geoms, entry, frame)
    if geoms is not None and len(geoms) and not keep.any() and len(findings.sentences) == before:
        # An extract is cut as its maker liked; a file that was made for this city should hold some of it.
        tell = findings.warn if osm.is_extract(Path(entry.file)) else findings.note
        tell(entry.file, f"none of its {len(geoms):,} rows lies within the city's {entry.keep}.")
    kept = np.flatnonzero(keep).tolist()
    layer = CheckedLayer(
        numbers=[raw.numbers[i] for i in kept],
        columns=_columns(raw, entry, kind, sources, kept, findings),
        geoms=None if geoms is None else geoms[keep],
        extras=_extras(raw, entry, kept, findings),
        dropped=len(keep) - len(kept),
        repaired=repaired,
    )
    _check_unique(layer, entry, kind, findings)
    _judge(layer, entry, kind, findings)
    _judge_names(layer, entry, kind, None if frame is None else frame.known, findings)
    findings.codes = frozenset(str(code) for code in layer.columns.get("code", ()) if code is not None)
    return layer if len(findings.sentences) == before else None


# --- columns -------------------------------------------------------------------------------------------------------


def _column_sources(
    raw: RawLayer, entry: LayerEntry, kind: LayerKind, findings: Findings
) -> dict[str, tuple[str, ...]]:
    """Our field -> their columns, of which the first that is filled counts."""
    has = ", ".join(raw.columns) or "none"
    sources: dict[str, tuple[str, ...]] = {}
    axes = {"lon", "lat"} if kind.geometry in ("Point", "Polygon", "Any") else set()
    for ours, theirs in entry.columns.items():
        if ours not in kind.columns and ours not in axes:
            known = ", ".join(kind.columns)
            findings.note(entry.file, f"the manifest maps '{ours}', which is no field of {kind.kind} ({known}).")
        for name in theirs:
            if name not in raw.columns:
                findings.note(entry.file, f"the manifest names it for '{ours}', but the file has: {has}.", column=name)
        sources[ours] = tuple(theirs)
    for ours, column in kind.columns.items():
        if ours in sources:
            continue
        if ours in raw.columns:
            sources[ours] = (ours,)
        elif column.required:
            findings.note(entry.file, f"this required column is missing; the file has: {has}.", column=ours)
    for name in entry.attributes:
        if name not in raw.columns:
            findings.note(entry.file, f"the manifest names it as an attribute, but the file has: {has}.", column=name)
    if not entry.columns:
        _refuse_unknown(raw, entry, kind, axes, findings)
    return sources


def _refuse_unknown(raw: RawLayer, entry: LayerEntry, kind: LayerKind, axes: set[str], findings: Findings) -> None:
    """Where the manifest maps no columns the file speaks our language, and a word that is not of it is a slip."""
    fields = ", ".join([*kind.columns, *sorted(axes)])
    for name in raw.columns:
        if name not in {*kind.columns, *axes, *entry.attributes}:
            findings.note(
                entry.file, f"there is no such field of {kind.kind} ({fields}); name it under `attributes` to keep it "
                "as it is, or map it under `columns`.", column=name,
            )


def _columns(
    raw: RawLayer, entry: LayerEntry, kind: LayerKind, sources: Mapping[str, Sequence[str]], kept: Sequence[int],
    findings: Findings,
) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {}
    for ours, column in kind.columns.items():
        theirs = [raw.columns[name] for name in sources.get(ours, ()) if name in raw.columns]
        if not theirs:
            columns[ours] = [None] * len(kept)
            continue
        if len(theirs) == 1:
            values = [theirs[0][index] for index in kept]
        else:
            values = [_first_filled(theirs, index) for index in kept]
        words = entry.values.get(ours)
        if words is not None:
            values = [words.get(str(value), value) for value in values]
        name = "/".join(sources.get(ours, (ours,)))
        numbers = [raw.numbers[index] for index in kept]
        columns[ours] = _typed(values, column, numbers, lambda row, cause, name=name: findings.note(  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            entry.file, cause, row=row, column=name
        ))
    return columns


def _first_filled(columns: Sequence[Sequence[Any]], index: int) -> Any:
    for column in columns:
        value = column[index]
        if value is not None and value != "":
            return value
    return None


def _typed(
    values: Sequence[Any], column: Column, numbers: Sequence[int], note: Callable[[int, str], None]
) -> list[Any]:
    convert = _CONVERT[column.type]
    typed: list[Any] = []
    for number, value in zip(numbers, values, strict=True):
        if value is None or (isinstance(value, str) and not value.strip()):
            if column.required:
                note(number, "it is empty, but required.")
            typed.append(None)
            continue
        try:
            found = convert(value)
        except (ValueError, TypeError, OverflowError):
            note(number, f"{shown(value)} is not {_NAMES[column.type]}.")
            typed.append(None)
            continue
        fault = _fault(found, column)
        if fault is not None:
            note(number, f"{shown(value)} {fault}")
        typed.append(found)
    return typed


def _fault(value: Any, column: Column) -> str | None:
    """Why the database or the field does not take the value."""
    if column.type is str:
        return "holds a character that cannot be stored (NUL, or half of one)." if UNSTORABLE.search(value) else None
    if column.type not in (int, float):
        return None
    if column.least is not None and column.most is not None and not column.least <= value <= column.most:
        return f"is not between {column.least:g} and {column.most:g}."
    if column.least is not None and value < column.least:
        return f"is less than {column.least:g}."
    return "is larger than any number that is kept." if column.type is int and abs(value) > MOST_WHOLE else None


def _text(value: Any) -> str:
    return str(value).strip()


def _truth(value: Any) -> bool:
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(value)


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value).strip()[:10])


_CONVERT: dict[type, Callable[[Any], Any]] = {
    str: _text, int: numbers_of.whole, float: numbers_of.real, bool: _truth, date: _day,
}
_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "0 or 1", date: "a date like 2026-01-31"}


def _extras(
    raw: RawLayer, entry: LayerEntry, kept: Sequence[int], findings: Findings
) -> list[dict[str, Any]]:
    if not entry.attributes:
        return []
    there = [name for name in entry.attributes if name in raw.columns]
    for name in there:
        for index in kept:
            if UNSTORABLE.search(str(raw.columns[name][index])):
                cause = "it holds a character that cannot be stored (NUL, or half of one)."
                findings.note(entry.file, cause, row=raw.numbers[index], column=name)
    return [{name: raw.columns[name][index] for name in there} for index in kept]


def _check_unique(layer: CheckedLayer, entry: LayerEntry, kind: LayerKind, findings: Findings) -> None:
    for name, column in kind.columns.items():
        if not (column.unique or name == "code"):
            continue
        first: dict[Any, int] = {}
        for number, value in zip(layer.numbers, layer.columns[name], strict=True):
            if value is not None and value in first:
                cause = f"{shown(value)} is there twice: row {first[value]} has it already."
                findings.note(entry.file, cause, row=number, column=name)
            first.setdefault(value, number)


def _judge(layer: CheckedLayer, entry: LayerEntry, kind: LayerKind, findings: Findings) -> None:
    """What the kind's own rules say of the rows that are sound so far."""
    if kind.judge is None:
        return
    for row in rows_of(layer.numbers, layer.columns, layer.geoms):
        if row.number not in findings.rows:
            for fault in kind.judge(row):
                findings.note(entry.file, fault.cause, row=row.number, column=fault.column)


def _judge_names(
    layer: CheckedLayer, entry: LayerEntry, kind: LayerKind, known: Collection[str] | None, findings: Findings
) -> None:
    """What rows that are sound by themselves name, and is not among the known codes."""
    if kind.names is None or known is None:
        return
    for row in rows_of(layer.numbers, layer.columns, layer.geoms):
        if row.number not in findings.rows:
            for fault in kind.names.judge(row, known):
                findings.note(entry.file, fault.cause, row=row.number, column=fault.column)
