"""Numbers as people write them in tables: plain ones, in Arabic or Thai digits; nothing that could mean two things."""

from __future__ import annotations

import math
from typing import Any


def real(value: Any) -> float:
    """The finite number; raises ValueError for any other text, `1_000` and `1,000` among them."""
    if isinstance(value, str) and "_" in value:
        raise ValueError(value)
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def whole(value: Any) -> int:
    """The whole number, also from `12.0`; raises ValueError."""
    number = real(value)
    if number != int(number):
        raise ValueError(value)
    return int(number)
