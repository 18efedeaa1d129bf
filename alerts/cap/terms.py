"""Our alerts in CAP's terms: hazards as categories and events, levels as urgency, severity and certainty."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CAP_LANGUAGES: Mapping[str, str] = {"th": "th-TH", "en": "en-US", "ms": "ms-MY", "my": "my-MM"}
ALL_CLEAR = 0
_SCRIPTS: Mapping[str, re.Pattern[str]] = {
    "Thai": re.compile("[\u0e01-\u0e4e]"),
    "Burmese": re.compile("[\u1000-\u109f]"),
    "Latin": re.compile("[A-Za-z]"),
}
_SCRIPT_OF = {"th": "Thai", "my": "Burmese"}


@dataclass(frozen=True)
class Grade:
    """How bad, how soon, how sure, and what to do, in CAP's words."""

    response: str
    urgency: str
    severity: str
    certainty: str


@dataclass(frozen=True)
class Hazard:
    """A hazard's categories, and what CAP's `event` calls it in each of our languages."""

    categories: tuple[str, ...]
    event: Mapping[str, str]


@dataclass(frozen=True)
class Cancellation:
    """How a cancelled message reads in one language, with the slots {headline} and {sender}."""

    headline: str
    description: str
    instruction: str


# Levels to CAP: assumed, to be settled with the city. 0 is the all-clear: an Update with AllClear and urgency Past.
_EXPECTED = {
    ALL_CLEAR: Grade("AllClear", "Past", "Minor", "Observed"),
    1: Grade("Prepare", "Expected", "Moderate", "Possible"),
    2: Grade("Execute", "Expected", "Severe", "Likely"),
    3: Grade("Evacuate", "Immediate", "Extreme", "Likely"),
}
_OBSERVED = {
    **_EXPECTED,
    2: Grade("Execute", "Immediate", "Severe", "Likely"),
    3: Grade("Evacuate", "Immediate", "Extreme", "Observed"),
}
# A Cancel is for what should not have gone out.
CANCELLED = Grade("None", "Past", "Minor", "Unlikely")


def expected(level: int) -> Grade:
    """The grade of an alert that rests on a forecast or a rise; `level` 0 is the all-clear."""
    return _EXPECTED[level]


def observed(level: int) -> Grade:
    """The grade of an alert whose water stands there already; `level` 0 is the all-clear."""
    return _OBSERVED[level]


@functools.cache
def _shipped() -> dict[str, dict[str, dict[str, object]]]:
    return tomllib.loads((Path(__file__).parents[1] / "data" / "cap.toml").read_text(encoding="utf-8"))


def hazards() -> dict[str, Hazard]:
    """Every hazard that Faonam warns of, by its word."""
    return {
        word: Hazard(categories=tuple(row["categories"]), event=dict(row["event"]))  # type: ignore[arg-type, call-overload]  # the file's own form
        for word, row in _shipped()["hazard"].items()
    }


def hazard(word: str) -> Hazard:
    """The hazard of this word; one that CAP has no terms for yet is told as a flood."""
    return hazards().get(word, hazards()["flood"])


def cancellation(language: str) -> Cancellation:
    """How a cancelled message reads in `th`, `en`, `ms` or `my`."""
    row = _shipped()["cancelled"][language]
    return Cancellation(**{name: str(value) for name, value in row.items()})


def is_written_in(language: str, text: str) -> bool:
    """Whether most letters of the text are of the language's script: an English text for Burmese readers is English."""
    letters = {script: len(pattern.findall(text)) for script, pattern in _SCRIPTS.items()}
    return letters[_SCRIPT_OF.get(language, "Latin")] == max(letters.values())
