"""The kinds of layer a city pack may hold. Each room registers its own kinds with what their rows must look like."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from gis.citypack.findings import Findings
from gis.errors import CityPackError

# Levels above the sea that ground and water of Thailand may have, metres; feet, centimetres and slips lie outside.
LOWEST_M_MSL, HIGHEST_M_MSL = -100.0, 3000.0
GEOMETRIES = ("Point", "LineString", "Polygon", "Any", "Raster", None)


@dataclass(frozen=True)
class Column:
    """A field of a layer's rows. `type` is str, int, float, bool or date; a required field may not be empty.

    A number lies between `least` and `most`; a whole one also within what the database keeps.
    """

    required: bool = False
    type: type = str
    unique: bool = False
    least: float | None = None
    most: float | None = None


def level_column(*, required: bool = False) -> Column:
    """A field that holds metres above mean sea level."""
    return Column(required=required, type=float, least=LOWEST_M_MSL, most=HIGHEST_M_MSL)


def count_column(*, required: bool = False) -> Column:
    """A field that holds how many there are."""
    return Column(required=required, type=int, least=0)


@dataclass(frozen=True)
class LayerMeta:
    """What the manifest says about a layer, with the number of its row in table `layer` and its version."""

    id: int
    name: str
    kind: str
    file: str
    source: str
    licence: str
    dated: date | None
    trust: str
    version: int


@dataclass(frozen=True)
class Row:
    """One row of a layer: its number as a person would find it in the file, its fields, its shape in EPSG:4326."""

    number: int
    fields: dict[str, Any]
    geom: BaseGeometry | None


@dataclass(frozen=True)
class RowFault:
    """Why a row cannot be used, and the field that says so, where it is one."""

    cause: str
    column: str | None = None


def rows_of(
    numbers: Sequence[int], columns: Mapping[str, Sequence[Any]], geoms: NDArray[np.object_] | None
) -> list[Row]:
    """Rows with their fields from columns; an absent field is None."""
    names = list(columns)
    values = zip(*columns.values(), strict=True) if names else (() for _ in numbers)
    shapes = geoms if geoms is not None else [None] * len(numbers)
    return [
        Row(number=number, fields=dict(zip(names, row, strict=True)), geom=geom)
        for number, row, geom in zip(numbers, values, shapes, strict=True)
    ]


@dataclass(frozen=True)
class LayerRows:
    """A layer's checked rows, held by column so that 44,000 of them cost little; its loader may add `warnings`."""

    layer: LayerMeta
    numbers: Sequence[int]
    columns: Mapping[str, Sequence[Any]]
    geoms: NDArray[np.object_] | None
    extras: Sequence[Mapping[str, Any]] = field(default=())
    warnings: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.numbers)

    @property
    def rows(self) -> list[Row]:
        """Every row with its fields; an absent field is None."""
        return rows_of(self.numbers, self.columns, self.geoms)

    def column(self, name: str) -> Sequence[Any]:
        """One field of all rows, in their order; None where a row has none."""
        return self.columns[name] if name in self.columns else [None] * len(self.numbers)

    def lonlats(self) -> NDArray[np.float64]:
        """Rows x 2: longitude and latitude of a layer of points, degrees."""
        coordinates: NDArray[np.float64] = shapely.get_coordinates(self.geoms)
        return coordinates


def refuse_faulty(rows: LayerRows, judge: Callable[[Row], Iterable[RowFault]]) -> None:
    """Raises CityPackError with every fault that `judge` finds in the rows, each with file, row and column."""
    findings = Findings()
    for row in rows.rows:
        for fault in judge(row):
            findings.note(rows.layer.file, fault.cause, row=row.number, column=fault.column)
    if findings.sentences:
        raise CityPackError(findings.sentences)


@dataclass(frozen=True)
class Names:
    """Rows name things by codes that other layers bring: `what` they are, as `LayerKind.brings` says it.

    `stored(session, without)` are the codes that are there, but for those that the layers of these names brought;
    `judge(row, known)` tells what the row names that is not among the known codes.
    """

    what: str
    stored: Callable[[Session, Collection[str]], set[str]]
    judge: Callable[[Row, Collection[str]], Iterable[RowFault]]


@dataclass(frozen=True)
class LayerKind:
    """A kind of layer: its fields, its shape (`Point`, `LineString`, `Polygon`, `Raster` or None) and its loader.

    `judge(row)` tells every fault of a row by itself, which needs no database; only rows without one are loaded.
    `load(session, rows)` puts the rows in place of those of earlier imports and returns how many there are now. It
    raises InvalidInputError with a sentence that names the row where one cannot be used beside what is stored. Rows of
    a kind that is of the country may lie far from the city. What a row `brings` under its code, rows of kinds with
    `names` may name; these are judged and loaded after all others.
    """

    kind: str
    columns: Mapping[str, Column]
    geometry: str | None
    load: Callable[[Session, LayerRows], int]
    is_of_country: bool = False
    judge: Callable[[Row], Iterable[RowFault]] | None = None
    brings: str | None = None
    names: Names | None = None

    def __post_init__(self) -> None:
        """The shape is one that can be checked."""
        if self.geometry not in GEOMETRIES:
            raise ValueError(f"layer kind {self.kind}: no such geometry: {self.geometry}")


_kinds: dict[str, LayerKind] = {}


def register(kind: LayerKind) -> LayerKind:
    """City packs may hold layers of this kind from now on; registering again replaces."""
    _kinds[kind.kind] = kind
    return kind


def registered() -> Mapping[str, LayerKind]:
    """Every registered kind by name."""
    return _kinds
