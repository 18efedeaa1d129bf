"""From where levels count: the one zero that is understood, in the many ways in which it is written."""

from __future__ import annotations

import re

SEA_LEVEL = "m above mean sea level"
_ZEROS = {
    "mean sea level", "meansealevel", "msl", "amsl", "รทก", "ร ท ก", "ระดับทะเลปานกลาง", "ระดับน้ำทะเลปานกลาง",
}
# What may stand around the zero and changes nothing; a number, another unit or a "below" would.
_METRES_ABOVE = re.compile(
    r"(?:\b(?:m|metres?|meters?|above|over|from|the)\b|เมตร|เหนือ|จาก|(?<![\u0e00-\u0e7f])ม(?![\u0e00-\u0e7f]))"
)
_SIGNS = re.compile(r"[\s.()\[\],;:/_-]+")


def is_sea_level(text: str) -> bool:
    """The text says metres above mean sea level (ร.ท.ก.) and nothing else: no other unit, zero or direction."""
    plain = _SIGNS.sub(" ", text.lower())
    return " ".join(_METRES_ABOVE.sub(" ", plain).split()) in _ZEROS
