"""What is wrong with a pack, gathered; and where its city lies."""

from __future__ import annotations

from dataclasses import dataclass, field

from shapely.geometry.base import BaseGeometry

from gis.citypack.encodings import CONTROLS

MOST_SHOWN = 80


@dataclass
class Findings:
    """What is wrong so far, as sentences that begin with the file; `warnings` are of what is taken all the same,
    `rows` those with a fault of their own; `codes` are those of all rows, faulty or not.
    """

    sentences: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    accuracy: str = ""
    rows: set[int] = field(default_factory=set)
    codes: frozenset[str] = frozenset()

    def note(self, file: str, cause: str, *, row: int | None = None, column: str | None = None) -> None:
        """One more fault; it names the file, the row and the column where there is one."""
        self.sentences.append(_sentence(file, cause, row, column))
        if row is not None:
            self.rows.add(row)

    def warn(self, file: str, cause: str, *, row: int | None = None, column: str | None = None) -> None:
        """One more doubt, told with the layer; the layer is taken."""
        self.warnings.append(_sentence(file, cause, row, column))


def shown(value: object, *, most: int = MOST_SHOWN) -> str:
    """What stands in a file, in quotes as a sentence may say it: shortened, without what would steer a terminal."""
    text = CONTROLS.sub("\N{REPLACEMENT CHARACTER}", str(value)).replace("\n", " ")
    return f"'{text[:most]}…'" if len(text) > most else f"'{text}'"


def _sentence(file: str, cause: str, row: int | None, column: str | None) -> str:
    where = [file, *([f"row {row}"] if row is not None else []), *([f"column {column}"] if column else [])]
    return f"{', '.join(where)}: {cause}"


@dataclass(frozen=True)
class Frame:
    """Where the city lies, in degrees: its boundary, its extent (the boundary's box and a margin), its province.

    `subdistricts` are the outlines, simplified, against which names are held; both are absent where no layer has them.
    `known` are the codes that rows of the layer under judgement may name; None where that is not asked or not known.
    """

    boundary: BaseGeometry
    extent: BaseGeometry
    province: BaseGeometry | None = None
    subdistricts: tuple[tuple[str, BaseGeometry], ...] = ()
    known: frozenset[str] | None = None
