"""Text for people: Fluent files, one folder `locales/<language>/` per room, Thai first."""

from __future__ import annotations

import functools
from pathlib import Path

from fluent.runtime import FluentBundle, FluentResource

from core.errors import FaonamError
from core.settings import ROOT

LANGUAGES = ("th", "en")


class MissingWordsError(FaonamError):
    """A text for people is missing from the locale files."""


@functools.cache
def _bundle(room: str, language: str) -> FluentBundle:
    bundle = FluentBundle([language], use_isolating=False)
    for path in sorted((ROOT / room / "locales" / language).glob("*.ftl")):
        bundle.add_resource(FluentResource(Path(path).read_text(encoding="utf-8")))
    return bundle


def words(room: str, key: str, *, language: str = "th", **slots: str | int | float) -> str:
    """The text `key` of `room/locales/<language>/*.ftl` with its slots filled; Thai where the language has none.

    Raises MissingWordsError where even Thai lacks the key or a slot stays empty.
    """
    for tongue in (language, "th"):
        bundle = _bundle(room, tongue)
        if bundle.has_message(key):
            value = bundle.get_message(key).value
            if value is None:
                break
            text, faults = bundle.format_pattern(value, slots)
            if faults:
                raise MissingWordsError(f"{room}: text '{key}' ({tongue}) cannot be filled: {faults[0]}")
            return str(text)
    raise MissingWordsError(f"{room}: there is no text '{key}' in {language} or Thai")
