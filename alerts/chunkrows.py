"""The rows of `alert_chunk` in PostgreSQL's binary COPY format, from an audience that was found in memory."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from alerts.headcount import NO_HOME, Found

TABLE = "alert_chunk (alert_id, number, language, suppressed, resident_ids, home_ids, reasons, priority, state)"
_HEADER, _END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_INT8, _INT2 = 20, 21  # PostgreSQL's numbers of the types.
_ELEMENT = {
    _INT8: np.dtype([("bytes", ">i4"), ("value", ">i8")]),
    _INT2: np.dtype([("bytes", ">i4"), ("value", ">i2")]),
}
_NULL = struct.pack(">i", -1)


def rows(
    alert_id: int,
    found: Found,
    *,
    languages: Sequence[str],
    suppressed: Sequence[str],
    priority: int,
    size: int,
) -> Iterator[bytes]:
    """Up to `size` residents of one language, or of one reason not to be told, a row, numbered as `freeze.sql` does."""
    yield _HEADER
    for number, (why, tongue, places) in enumerate(_pieces(found, suppressed=suppressed, size=size), start=1):
        yield b"".join(
            (
                struct.pack(">h", 9),
                _field(struct.pack(">q", alert_id)),
                _field(struct.pack(">i", number)),
                _field(languages[tongue - 1].encode()),
                _field(suppressed[why].encode()) if why else _NULL,
                _array(found.resident[places], _INT8),
                _homes(found.home[places]),
                _array(found.reasons[places], _INT2),
                _field(struct.pack(">h", priority)),
                _field(b"suppressed" if why else b"frozen"),
            )
        )
    yield _END


def _pieces(found: Found, *, suppressed: Sequence[str], size: int) -> list[tuple[int, int, NDArray[np.intp]]]:
    """(why not told, tongue, places): those who are told first, a piece of each language in turn; then by reason."""
    key = found.suppressed.astype(np.int16) * 16 + found.tongue
    order = np.argsort(key, kind="stable")  # Residents come in the order of their ids, and stay in it.
    begins = np.flatnonzero(np.diff(key[order], prepend=-1))
    pieces = []
    for group in np.split(order, begins[1:]):
        if not group.size:
            continue
        why, tongue = divmod(int(key[group[0]]), 16)
        pieces += [
            (suppressed[why], place, tongue, why, group[start : start + size])
            for place, start in enumerate(range(0, group.size, size))
        ]
    pieces.sort(key=lambda piece: piece[:3])
    return [(why, tongue, places) for _, _, tongue, why, places in pieces]


def _field(content: bytes) -> bytes:
    return struct.pack(">i", len(content)) + content


def _array_field(count: int, elements: bytes, *, oid: int, has_nulls: int) -> bytes:
    if count == 0:
        return _field(struct.pack(">iii", 0, 0, oid))
    return _field(struct.pack(">iiiii", 1, has_nulls, oid, count, 1) + elements)


def _array(values: NDArray[np.int64] | NDArray[np.int16], oid: int) -> bytes:
    element = _ELEMENT[oid]
    packed = np.empty(values.size, dtype=element)
    packed["bytes"], packed["value"] = element["value"].itemsize, values
    return _array_field(values.size, packed.tobytes(), oid=oid, has_nulls=0)


def _homes(homes: NDArray[np.int64]) -> bytes:
    if not (homes == NO_HOME).any():
        return _array(homes, _INT8)
    elements = b"".join(_NULL if home == NO_HOME else struct.pack(">iq", 8, home) for home in homes.tolist())
    return _array_field(homes.size, elements, oid=_INT8, has_nulls=1)
