"""Files that take their place whole, where a person has said that they should lie."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from core.errors import InvalidInputError


@contextlib.contextmanager
def whole_file(out: Path) -> Iterator[Path]:
    """A path beside `out` to write to; when the block ends well it takes the place of `out`, else nothing is left.

    Raises InvalidInputError where `out` cannot be replaced by a file: it is a folder or a device, or its folder is not
    there or closed.
    """
    if out.is_dir():
        raise InvalidInputError(f"{out} is a folder; name a file.")
    if out.exists() and not out.is_file():
        raise InvalidInputError(f"{out} is no plain file, and is not replaced by one.")
    if not out.parent.is_dir():
        raise InvalidInputError(f"There is no folder {out.parent} to write {out.name} into.")
    if not os.access(out.parent, os.W_OK):
        raise InvalidInputError(f"This user may not write into {out.parent}.")
    fresh = out.with_name(f".{out.stem[:100]}.new{out.suffix}")
    try:
        fresh.touch()  # Root may do everything, and still makes no file in /proc.
    except OSError as exc:
        raise InvalidInputError(f"Nothing can be written into {out.parent}: {exc.strerror}.") from exc
    try:
        fresh.unlink(missing_ok=True)
        yield fresh
        fresh.replace(out)
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
