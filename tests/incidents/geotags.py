"""Photos that say where they were taken, written as a phone writes them (CIPA DC-008, TIFF 6.0)."""

from __future__ import annotations

import struct
from typing import Any

import sqlalchemy as sa

ASCII, LONG, RATIONAL = 2, 4, 5
SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x12\x34\xff\x00\x56\xff\xd9"
Entry = tuple[int, bytes, int]
# A city around the small town, for what asks whether a place lies in it.
CITY = sa.text(
    "INSERT INTO city (id, slug, name_th, name_en, boundary, extent, centre, metric_srid, datum, imported_at, "
    "is_simulated) VALUES (1, 't', 'เมือง', 'Town', ST_Multi(ST_MakeEnvelope(99.9, 8.4, 100, 8.5, 4326)), "
    "ST_MakeEnvelope(99.9, 8.4, 100, 8.5, 4326), ST_SetSRID(ST_MakePoint(99.96, 8.43), 4326), 32647, 'msl', now(), "
    "true)"
)


def rationals(*parts: tuple[int, int], order: str = "<") -> Entry:
    """So many fractions as an entry's kind, bytes and count."""
    return RATIONAL, b"".join(struct.pack(order + "II", *part) for part in parts), len(parts)


def degrees(value: float, *, order: str = "<") -> Entry:
    """Degrees, minutes and hundred-thousandths of seconds."""
    seconds = round(abs(value) * 3600 * 100_000)
    whole, seconds = divmod(seconds, 3600 * 100_000)
    minutes, seconds = divmod(seconds, 60 * 100_000)
    return rationals((whole, 1), (minutes, 1), (seconds, 100_000), order=order)


def text(value: str) -> Entry:
    """A text as an entry."""
    raw = value.encode() + b"\x00"
    return ASCII, raw, len(raw)


def tiff(lon: float, lat: float, *, order: str = "<", **more: Any) -> bytes:
    """The block of a place; `more` are further or other entries by `t` and the tag's number, None leaves one out."""
    entries = {
        1: text("N" if lat >= 0 else "S"), 2: degrees(lat, order=order), 3: text("E" if lon >= 0 else "W"),
        4: degrees(lon, order=order), **{int(name[1:]): entry for name, entry in more.items()},
    }
    kept = sorted((tag, entry) for tag, entry in entries.items() if entry is not None)
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    first = struct.pack(order + "HHHIII", 1, 0x8825, LONG, 1, 26, 0)
    values_at = 26 + 2 + 12 * len(kept) + 4
    directory, values = struct.pack(order + "H", len(kept)), b""
    for tag, (kind, raw, count) in kept:
        held = raw.ljust(4, b"\x00") if len(raw) <= 4 else struct.pack(order + "I", values_at + len(values))
        values += raw if len(raw) > 4 else b""
        directory += struct.pack(order + "HHI", tag, kind, count) + held
    return head + first + directory + struct.pack(order + "I", 0) + values


def photo(lon: float, lat: float, *, mark: bytes = b"", **more: Any) -> bytes:
    """A JPEG of few bytes that was taken there; `mark` makes it another one."""
    exif = b"Exif\x00\x00" + tiff(lon, lat, **more)
    table = b"\xff\xdb" + struct.pack(">H", 67 + len(mark)) + bytes(65) + mark
    return b"\xff\xd8\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + table + SCAN
