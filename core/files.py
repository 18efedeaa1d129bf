"""Files that a person has named: read as text, or written so that they take their place whole."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from core.errors import InvalidInputError


def text_of(path: Path) -> str:
    """The text of a file that a person has named, without a byte order mark.

    Raises InvalidInputError that says why there is none: nothing is there, it is a folder, closed, or no UTF-8.
    """
    if path.is_dir():
        raise InvalidInputError(f"{path} is a folder; name a file.")
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InvalidInputError(f"There is no file {path}.") from None
    except OSError as exc:
        raise InvalidInputError(f"{path} cannot be read: {exc.strerror}.") from exc
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        row = raw[: exc.start].count(b"\n") + 1
        raise InvalidInputError(f"{path}, row {row}: it is no text in UTF-8; save the file as UTF-8.") from exc


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
