"""Photos of incidents: checked by their bytes, freed of what tells about the person, kept outside the web root.

What a phone writes into a picture (place, time, device, thumbnail) is cut out of the file as it is, without decoding
the picture; only the turning of the camera stays, so that it is shown upright.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.settings import data_dir
from incidents.errors import UnusablePhotoError

SIZE_LIMIT_BYTES = 10_000_000
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Chunks that a PNG needs to be shown; the others (eXIf, tEXt, iTXt, zTXt, tIME …) may tell about the person.
_PNG_KEPT = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"bKGD", b"pHYs", b"sBIT"}
_JPEG_DROPPED = {0xE1, *range(0xE3, 0xEE), 0xEF, 0xFE}  # All APPn but JFIF, ICC and Adobe, and comments.
# What may stand between two scans (ITU T.81, B.2.4): tables, restarts, the number of lines, the next scan.
_JPEG_BETWEEN = {0xC4, 0xDA, 0xDB, 0xDC, 0xDD}
_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)
_ORIENTATION_TAG = 0x0112


@dataclass(frozen=True)
class CleanPhoto:
    """A picture without the traces of who took it where; `sha256` is of these bytes, in hex."""

    content: bytes
    content_type: str
    sha256: str


def clean(raw: bytes) -> CleanPhoto:
    """The picture (JPEG or PNG, 10 MB at most) without EXIF, XMP, IPTC, comments and thumbnails.

    Raises UnusablePhotoError where it is too large, no such picture, or broken off.
    """
    if len(raw) > SIZE_LIMIT_BYTES:
        raise UnusablePhotoError(f"The picture has {len(raw):,} bytes; {SIZE_LIMIT_BYTES:,} at most are kept.")
    if raw.startswith(b"\xff\xd8\xff"):
        content, content_type = _clean_jpeg(raw), "image/jpeg"
    elif raw.startswith(PNG_SIGNATURE):
        content, content_type = _clean_png(raw), "image/png"
    else:
        raise UnusablePhotoError("The file is neither a JPEG nor a PNG picture.")
    return CleanPhoto(content, content_type, hashlib.sha256(content).hexdigest())


def fault_in(raw: bytes) -> str | None:
    """Why the file cannot be kept as a picture, None where it can."""
    try:
        clean(raw)
    except UnusablePhotoError as fault:
        return fault.detail
    return None


def exif_of(raw: bytes) -> bytes:
    """The TIFF block in which a phone writes place, time and device; empty where there is none or it is broken."""
    try:
        if raw.startswith(b"\xff\xd8\xff"):
            found = [segment[10:] for marker, segment in _head(raw)[0] if _is_exif(marker, segment)]
        elif raw.startswith(PNG_SIGNATURE):
            found = [chunk[8:-4] for name, chunk in _chunks(raw) if name == b"eXIf"]
        else:
            found = []
    except UnusablePhotoError:
        return b""
    return found[0] if found else b""


def _is_exif(marker: int, segment: bytes) -> bool:
    return marker == 0xE1 and segment[4:10] == b"Exif\x00\x00"


def _is_dropped(marker: int, segment: bytes) -> bool:
    return marker in _JPEG_DROPPED or (marker == 0xE2 and not segment[4:].startswith(b"ICC_PROFILE\x00"))


def _segment_at(raw: bytes, at: int) -> bytes:
    length = int.from_bytes(raw[at + 2 : at + 4], "big")
    segment = raw[at : at + 2 + length]
    if length < 2 or len(segment) < 2 + length:
        raise UnusablePhotoError("The JPEG picture is broken off inside its header.")
    return segment


def _head(raw: bytes) -> tuple[list[tuple[int, bytes]], int]:
    """The segments before the first line of the picture, by their markers, and where that begins."""
    at, found = 2, list[tuple[int, bytes]]()
    while True:
        while raw[at : at + 2] == b"\xff\xff":  # A marker may be led by fill bytes (ITU T.81, B.1.1.2).
            at += 1
        if len(raw) < at + 4 or raw[at] != 0xFF:
            raise UnusablePhotoError("The JPEG picture is broken off before its first line.")
        segment = _segment_at(raw, at)
        if raw[at + 1] == 0xDA:
            return found, at
        found.append((raw[at + 1], segment))
        at += len(segment)


def _clean_jpeg(raw: bytes) -> bytes:
    head, at = _head(raw)
    kept = bytearray(b"\xff\xd8")
    orientation = next((_orientation_of(segment[10:]) for one, segment in head if _is_exif(one, segment)), 1)
    if orientation != 1:
        kept += _exif_with(orientation)
    for marker, segment in head:
        if not _is_dropped(marker, segment):
            kept += segment
    return bytes(kept + _scans(raw, at))


def _scans(raw: bytes, at: int) -> bytes:
    """The picture's own lines, scan after scan, to its end: phones lay further pictures behind it, with their EXIF."""
    segment = _segment_at(raw, at)
    kept, at = bytearray(segment), at + len(segment)
    begun = at
    while (found := _MARKER.search(raw, at)) is not None:
        marker = raw[found.end() - 1]
        if marker == 0xD9:
            return bytes(kept) + raw[begun : found.start()] + b"\xff\xd9"
        at = found.end()
        if marker not in _JPEG_BETWEEN and marker not in range(0xE0, 0xF0) and marker != 0xFE:
            continue  # No marker that may stand there: a fault in the lines, which viewers pass over.
        segment = _segment_at(raw, at - 2)
        kept += raw[begun : found.start()]
        if marker in _JPEG_BETWEEN:
            kept += segment
        begun = at = at - 2 + len(segment)
    raise UnusablePhotoError("The JPEG picture is broken off before its end.")


def _orientation_of(tiff: bytes) -> int:
    """The turn (1..8) that a TIFF header's first directory names; 1 where it names none or is broken."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 10:
        return 1
    (directory_at,) = struct.unpack_from(order + "I", tiff, 4)
    if directory_at + 2 > len(tiff):
        return 1
    (count,) = struct.unpack_from(order + "H", tiff, directory_at)
    for entry_at in range(directory_at + 2, min(directory_at + 2 + 12 * count, len(tiff) - 11), 12):
        tag, _, _, value = struct.unpack_from(order + "HHIH", tiff, entry_at)
        if tag == _ORIENTATION_TAG and 1 <= value <= 8:
            return int(value)
    return 1


def _exif_with(orientation: int) -> bytes:
    tiff = b"MM\x00\x2a" + struct.pack(">IHHHIHHI", 8, 1, _ORIENTATION_TAG, 3, 1, orientation, 0, 0)
    body = b"Exif\x00\x00" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def _clean_png(raw: bytes) -> bytes:
    return PNG_SIGNATURE + b"".join(chunk for name, chunk in _chunks(raw) if name in _PNG_KEPT)


def _chunks(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks to the picture's end, by their names."""
    at, name = len(PNG_SIGNATURE), b""
    while name != b"IEND":
        length, name = int.from_bytes(raw[at : at + 4], "big"), raw[at + 4 : at + 8]
        chunk = raw[at : at + 12 + length]
        if len(chunk) < 12 + length or len(name) < 4:
            raise UnusablePhotoError("The PNG picture is broken off.")
        yield name, chunk
        at += 12 + length


def folder() -> Path:
    """Where photos lie: in the data folder, which no web server shows."""
    return data_dir() / "photos"


def keep(photo: CleanPhoto) -> str:
    """The picture is on disk, once per content, readable to us only; its path inside the photo folder."""
    ending = {"image/jpeg": "jpg", "image/png": "png"}[photo.content_type]
    path = folder() / photo.sha256[:2] / f"{photo.sha256}.{ending}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_suffix(f".{os.getpid()}.{os.urandom(4).hex()}")
        fresh.write_bytes(photo.content)
        fresh.chmod(0o600)
        fresh.rename(path)
    return str(path.relative_to(folder()))
