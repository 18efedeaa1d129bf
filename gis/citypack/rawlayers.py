"""What a file's rows are before they are judged: their numbers, columns and shapes, as they stand there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray


class UnreadableFileError(Exception):
    """The file cannot be read; the text says why, and where."""


@dataclass(frozen=True)
class RawFault:
    """Why a row of a file cannot be read as it stands there, and in which column where it is one."""

    row: int
    cause: str
    column: str | None = None


@dataclass(frozen=True)
class RawLayer:
    """A file's rows as they stand there: numbers, columns by their own names, shapes, and the system the file declares.

    `faults` say which rows have no usable shape, or are none, and why; `notes` are worth a warning.
    """

    numbers: Sequence[int]
    columns: Mapping[str, Sequence[Any]]
    geoms: NDArray[np.object_] | None
    declared_crs: str | None
    faults: Sequence[RawFault] = ()
    notes: Sequence[str] = ()

    def those(self, mask: NDArray[np.bool_]) -> RawLayer:
        """The rows for which the mask is true."""
        kept = np.flatnonzero(mask).tolist()
        return replace(
            self, numbers=[self.numbers[index] for index in kept],
            columns={name: [values[index] for index in kept] for name, values in self.columns.items()},
            geoms=None if self.geoms is None else self.geoms[mask],
        )
