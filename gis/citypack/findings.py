"""What is wrong with a pack, gathered; and where its city lies."""

from __future__ import annotations

from dataclasses import dataclass, field

from shapely.geometry.base import BaseGeometry


@dataclass
class Findings:
    """What is wrong so far, as sentences that begin with the file."""

    sentences: list[str] = field(default_factory=list)

    def note(self, file: str, cause: str, *, row: int | None = None, column: str | None = None) -> None:
        """One more fault; it names the file, the row and the column where there is one."""
        where = [file, *([f"row {row}"] if row is not None else []), *([f"column {column}"] if column else [])]
        self.sentences.append(f"{', '.join(where)}: {cause}")


@dataclass(frozen=True)
class Frame:
    """Where the city lies, in degrees: its boundary, and its extent (the boundary's box and a margin)."""

    boundary: BaseGeometry
    extent: BaseGeometry
