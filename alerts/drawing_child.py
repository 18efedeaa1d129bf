"""A scene drawn as a PNG, in a process of its own: `python -m alerts.drawing_child`; a scene's JSON in, the PNG out.

The library's own letters know no Thai: labels take the first Thai font that the machine has, and are English without
one. The card says the same in the reader's language.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from core.aside import give_way

MEMORY_BYTES = 2 * 2**30  # Of addresses, most of them libraries that are only mapped.
FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts")
FONT_NAMES = ("Sarabun-Regular.ttf", "Garuda.ttf", "NotoSansThai-Regular.ttf", "Loma.ttf", "Waree.ttf")
# OpenCV's order is blue, green, red. Levels as on the screens; a level's corner triangles say it without colour.
PAPER, INK, STREET, CASING, WATER = (245, 247, 246), (43, 27, 15), (255, 255, 255), (205, 200, 196), (230, 190, 150)
LEVELS = {0: (112, 138, 31), 1: (0, 137, 181), 2: (0, 111, 197), 3: (61, 38, 215)}
ZONE_OPACITY = 0.38
OUTLINE_PX = 3
LETTERS_PX, SMALL_LETTERS_PX = 22, 17


def thai_font() -> str | None:
    """The machine's Thai font, None where it has none that we know."""
    for folder in FONT_FOLDERS:
        for name in FONT_NAMES:
            found = next(iter(sorted(Path(folder).rglob(name))), None)
            if found is not None:
                return str(found)
    return None


class _Sheet:
    """The picture while it is drawn."""

    def __init__(self, scene: dict[str, Any]) -> None:
        import cv2
        import numpy as np

        self.cv2, self.np, self.scene = cv2, np, scene
        self.picture = np.full((scene["height_px"], scene["width_px"], 3), PAPER, np.uint8)
        font = thai_font()
        self.thai = cv2.FontFace(font) if font else None
        self.plain = cv2.FontFace("sans")

    def lines(self, found: list[dict[str, Any]], colour: tuple[int, int, int], *, wider_px: int = 0) -> None:
        """Lines in one colour, each as wide as it says and a little more."""
        for line in found:
            points = self.np.array(line["points"], self.np.int32)
            self.cv2.polylines(self.picture, [points], False, colour, line["width_px"] + wider_px, self.cv2.LINE_AA)

    def zones(self) -> None:
        """Zones let the streets through; their outlines, those of holes too, are drawn on top."""
        colour = LEVELS[self.scene["level"]]
        filled = self.picture.copy()
        rings = []
        for zone in self.scene["zones"]:
            own = [self.np.array(ring, self.np.int32) for ring in (zone["outside"], *zone["holes"])]
            self.cv2.fillPoly(filled, own, colour, self.cv2.LINE_AA)
            rings += own
        self.picture = self.cv2.addWeighted(filled, ZONE_OPACITY, self.picture, 1 - ZONE_OPACITY, 0)
        self.cv2.polylines(self.picture, rings, True, colour, OUTLINE_PX, self.cv2.LINE_AA)

    def _box(self, left: int, top: int, right: int, bottom: int) -> None:
        self.cv2.rectangle(self.picture, (left, top), (right, bottom), (255, 255, 255), self.cv2.FILLED)
        self.cv2.rectangle(self.picture, (left, top), (right, bottom), CASING, 1)

    def text(self, words: str, *, left: int, baseline: int, size_px: int, face: Any) -> None:
        """The words stand there."""
        self.cv2.putText(self.picture, words, (left, baseline), INK, face, size_px)

    def named(self, name: str, *, left: int, baseline: int, size_px: int) -> None:
        """A text of the scene in Thai, in English on a machine without a Thai font."""
        words = self.scene[name]["th" if self.thai else "en"]
        self.text(words, left=left, baseline=baseline, size_px=size_px, face=self.thai or self.plain)

    def names(self) -> None:
        """Each zone's name stands in its middle, with a rim of paper so that it can be read on streets."""
        language, face = ("th", self.thai) if self.thai else ("en", self.plain)
        for name in self.scene["names"]:
            (column, row), words = name["at"], name["words"][language]
            box = self.cv2.getTextSize((0, 0), words, (0, 0), face, SMALL_LETTERS_PX)
            left = min(max(column - box[2] // 2, 4), self.scene["width_px"] - box[2] - 4)
            for right, down in ((-2, 0), (2, 0), (0, -2), (0, 2), (-1, -1), (1, 1), (-1, 1), (1, -1)):
                at = (left + right, row + down)
                self.cv2.putText(self.picture, words, at, PAPER, face, SMALL_LETTERS_PX)
            self.text(words, left=left, baseline=row, size_px=SMALL_LETTERS_PX, face=face)

    def frame(self) -> None:
        """The label at the top, north and scale at the bottom, the level's triangles, the mark of simulated data."""
        scene, height, width = self.scene, self.scene["height_px"], self.scene["width_px"]
        self._box(0, 0, width, 38)
        for n in range(scene["level"]):
            tip = self.np.array([[20 + 22 * n, 10], [11 + 22 * n, 28], [29 + 22 * n, 28]], self.np.int32)
            self.cv2.fillPoly(self.picture, [tip], LEVELS[scene["level"]], self.cv2.LINE_AA)
        self.named("label", left=22 + 22 * scene["level"], baseline=27, size_px=LETTERS_PX)
        bar = scene["scale_px"]
        self._box(10, height - 44, 30 + bar + 8, height - 8)
        self.cv2.line(self.picture, (20, height - 16), (20 + bar, height - 16), INK, 3)
        self.text(scene["scale"], left=20, baseline=height - 23, size_px=SMALL_LETTERS_PX, face=self.plain)
        self._box(width - 44, height - 62, width - 10, height - 8)
        arrow = self.np.array([[width - 27, height - 58], [width - 35, height - 38], [width - 19, height - 38]])
        self.cv2.fillPoly(self.picture, [arrow.astype(self.np.int32)], INK, self.cv2.LINE_AA)
        self.text("N", left=width - 33, baseline=height - 16, size_px=SMALL_LETTERS_PX, face=self.plain)
        if scene["mark"]:
            self._box(width - 140, 46, width - 10, 76)
            self.named("mark", left=width - 130, baseline=67, size_px=SMALL_LETTERS_PX)


def drawn(scene: dict[str, Any]) -> bytes:
    """The scene as a PNG."""
    sheet = _Sheet(scene)
    sheet.lines(scene["water"], WATER)
    sheet.lines(scene["streets"], CASING, wider_px=2)
    sheet.lines(scene["streets"], STREET)
    sheet.zones()
    sheet.names()
    sheet.frame()
    is_made, made = sheet.cv2.imencode(".png", sheet.picture, [sheet.cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not is_made:
        raise ValueError("the picture cannot be written")
    return bytes(made.tobytes())


def main() -> None:
    """The scene on the standard input stands on the standard output, drawn."""
    give_way(memory_bytes=MEMORY_BYTES)
    sys.stdout.buffer.write(drawn(json.loads(sys.stdin.buffer.read())))


if __name__ == "__main__":
    main()
