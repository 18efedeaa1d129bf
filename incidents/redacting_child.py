"""A picture made anew with black boxes, in a process of its own: `python -m incidents.redacting_child`.

What goes in is a line of JSON (boxes as shares of the upright picture) and the picture's bytes; what comes out are the
bytes of a new picture of the same kind. It is made from the pixels alone: no layer, thumbnail or trace of the old file
is in it, and under a box there is nothing any more.
"""

from __future__ import annotations

import json
import os
import sys

from core.aside import give_way

MEMORY_BYTES = 2 * 2**30  # Of addresses, most of them libraries that are only mapped.
MOST_PIXELS = 64_000_000
QUALITY = 88
INK = (24, 24, 24)


def redacted(raw: bytes, boxes: list[list[float]]) -> bytes:
    """The picture, upright, with these boxes filled. Raises ValueError where it cannot be read as one."""
    os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(MOST_PIXELS)  # Read when the library is loaded.
    import cv2
    import numpy as np

    picture = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError("the picture cannot be read")
    height_px, width_px = picture.shape[:2]
    for left, top, width, height in boxes:
        # Outwards to whole pixels: what was to be hidden is never cut.
        first = (int(left * width_px), int(top * height_px))
        last = (int((left + width) * width_px + 1), int((top + height) * height_px + 1))
        cv2.rectangle(picture, first, last, INK, thickness=cv2.FILLED)
    is_png = raw.startswith(b"\x89PNG")
    kind, how = (".png", []) if is_png else (".jpg", [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    is_made, made = cv2.imencode(kind, picture, how)
    if not is_made:
        raise ValueError("the picture cannot be made anew")
    return bytes(made.tobytes())


def main() -> None:
    """The picture on the standard input stands on the standard output, redacted."""
    give_way(memory_bytes=MEMORY_BYTES)
    boxes, _, raw = sys.stdin.buffer.read().partition(b"\n")
    sys.stdout.buffer.write(redacted(raw, json.loads(boxes)))


if __name__ == "__main__":
    main()
