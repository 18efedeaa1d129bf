"""Pictures that residents send, taken from LINE while it keeps them."""

from __future__ import annotations

from line import client
from line.errors import LineRefusedError

# First bytes of the picture formats that a phone sends through LINE.
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")


def fetch_photo(message_id: str) -> bytes:
    """The picture's bytes (JPEG or PNG).

    Raises ContentGoneError where LINE has deleted it, LineUnavailableError where LINE does not answer, and
    LineRefusedError where it is no picture or no message id.
    """
    if not message_id.isalnum() or not message_id.isascii():
        raise LineRefusedError("This is no message id of LINE.")
    picture, _ = client.content(message_id)
    if not picture.startswith(_SIGNATURES):
        raise LineRefusedError("What was sent is no JPEG or PNG picture.")
    return picture
