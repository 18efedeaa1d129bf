"""What a file's rows are before they are judged: their numbers, columns and shapes, as they stand there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


class UnreadableFileError(Exception):
    """The file cannot be read; the text says why, and where."""


@dataclass(frozen=True)
class RawLayer:
    """A file's rows as they stand there: numbers, columns by their own names, shapes, and the system the file declares.

    `faults` say which rows have no usable shape, and why; `notes` are worth a warning.
    """

    numbers: Sequence[int]
    columns: Mapping[str, Sequence[Any]]
    geoms: NDArray[np.object_] | None
    declared_crs: str | None
    faults: Sequence[str] = ()
    notes: Sequence[str] = ()
