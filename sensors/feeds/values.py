"""Numbers as sources write them: as texts, with a decimal comma, in Thai digits, or as a code for "no value"."""

from __future__ import annotations

import math
import re
from collections.abc import Collection

from sensors.feeds.row import Reason
from sensors.rules import SENTINELS, Refused

# What people and data services write where there is no value.
NO_VALUE_WORDS = frozenset({"", "-", "--", "n/a", "na", "nan", "null", "none", "missing", "ไม่มีข้อมูล"})
# \d is any decimal digit on purpose: float() reads ๑๒.๕ as 12.5.
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_SHOWN_CHARS, _LONGEST_CHARS = 40, 64


def value_of(
    content: object, *, field: str, decimal: str = ".", missing: Collection[float] = frozenset()
) -> float | Refused:
    """The number, or NaN where the source has none: null, an empty text, a word for it, a sentinel, one of `missing`.

    Sentinels (`sensors.rules.SENTINELS`) are taken out here, before any unit is converted: -999 cm would pass for
    -9.99 m. What is no number, or infinite (JSON can write 1e309), is refused with a sentence.
    """
    number = _number(content, decimal=decimal)
    if number is None:
        shown = re.sub(r"[\x00-\x1f\ud800-\udfff]", "\ufffd", _shown(content))
        said = f"; its decimals follow '{decimal}'" if isinstance(content, str) else ""
        return Refused(Reason.NOT_A_NUMBER, f"The field '{field}' is not a number: {shown}{said}.")
    if math.isinf(number):
        return Refused(Reason.INFINITE, f"The field '{field}' is infinite or too large for a number.")
    return math.nan if number in SENTINELS or number in missing else number


def _number(content: object, *, decimal: str) -> float | None:
    if content is None:
        return math.nan
    if isinstance(content, str):
        return _number_of_text(content, decimal=decimal)
    if isinstance(content, bool) or not isinstance(content, int | float):
        return None
    try:
        return float(content)
    except OverflowError:
        return math.inf


def _number_of_text(text: str, *, decimal: str) -> float | None:
    plain = text.strip().replace("\u2212", "-")
    if len(plain) > _LONGEST_CHARS:
        return None
    if plain.lower() in NO_VALUE_WORDS:
        return math.nan
    if decimal != ".":
        # A point in a text with decimal commas may group thousands: nothing is guessed.
        plain = plain.replace(".", "x").replace(decimal, ".")
    return float(plain) if _NUMBER.fullmatch(plain) else None


def _shown(content: object) -> str:
    return f"'{content[:_SHOWN_CHARS]}'" if isinstance(content, str) else f"a {type(content).__name__}"
