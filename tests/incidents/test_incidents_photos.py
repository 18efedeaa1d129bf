"""What a phone writes into a picture does not reach us; what is no picture is refused with a sentence."""

from __future__ import annotations

import contextlib
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents import photos
from incidents.errors import UnusablePhotoError

SECRET = b"SECRET-PLACE-AND-DEVICE"
SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + b"\x12\x34\xff\x00\x56" + b"\xff\xd9"


def _segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def _exif(orientation: int) -> bytes:
    tiff = b"II\x2a\x00" + struct.pack("<IHHHIHH", 8, 1, 0x0112, 3, 1, orientation, 0) + b"\x00\x00\x00\x00" + SECRET
    return _segment(0xE1, b"Exif\x00\x00" + tiff)


def _jpeg(*segments: bytes, tail: bytes = b"") -> bytes:
    jfif = _segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
    return b"\xff\xd8" + jfif + b"".join(segments) + _segment(0xDB, bytes(65)) + SCAN + tail


def test_exif_xmp_iptc_comments_and_trailers_are_cut_out() -> None:
    """Nothing of who, where and with what remains; the picture's own data stay byte for byte."""
    raw = _jpeg(
        _exif(1),
        _segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + SECRET),
        _segment(0xED, SECRET),
        _segment(0xFE, SECRET),
        tail=SECRET,
    )
    kept = photos.clean(raw)
    assert SECRET not in kept.content
    assert kept.content.endswith(SCAN)
    assert kept.content.startswith(b"\xff\xd8\xff\xe0")
    assert kept.content_type == "image/jpeg"
    assert len(kept.sha256) == 64


def test_the_turn_of_the_camera_is_kept() -> None:
    """A picture taken sideways is still shown upright: the orientation is the one thing that stays."""
    kept = photos.clean(_jpeg(_exif(6))).content
    assert SECRET not in kept
    again = photos.clean(kept)
    assert kept == again.content
    assert photos._orientation_of(kept[12:]) == 6


def test_png_text_and_exif_are_cut_out() -> None:
    """A screenshot loses its comments and keeps its picture."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    picture = chunk(b"IHDR", bytes(13)) + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")
    raw = photos.PNG_SIGNATURE + chunk(b"IHDR", bytes(13)) + chunk(b"tEXt", SECRET) + chunk(b"IDAT", b"x")
    raw += chunk(b"IEND", b"") + SECRET
    assert photos.PNG_SIGNATURE + picture == photos.clean(raw).content


@given(cut_at=st.integers(0, 130))
def test_a_picture_that_breaks_off_is_refused(cut_at: int) -> None:
    """Half a picture is refused with a sentence, never with a traceback."""
    whole = _jpeg(_exif(3))
    with pytest.raises(UnusablePhotoError):
        photos.clean(whole[: min(cut_at, len(whole) - 1)])


@given(noise=st.binary(max_size=200))
def test_noise_is_refused_or_cleaned_but_never_crashes(noise: bytes) -> None:
    """Whatever comes behind a JPEG's first bytes ends in a picture or in a sentence."""
    for start in (b"", b"\xff\xd8\xff", photos.PNG_SIGNATURE):
        with contextlib.suppress(UnusablePhotoError):
            photos.clean(start + noise)


def test_too_large_a_picture_is_refused() -> None:
    """Ten million bytes are the limit."""
    with pytest.raises(UnusablePhotoError, match="at most"):
        photos.clean(b"\xff\xd8\xff" + bytes(photos.SIZE_LIMIT_BYTES))
