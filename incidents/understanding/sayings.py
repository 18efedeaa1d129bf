"""Texts that no resident wrote: sayings of `data/sayings.toml` joined by chance, with slips of the thumb. Pure."""

from __future__ import annotations

import functools
import random
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

FILE = Path(__file__).parent.parent / "data" / "sayings.toml"
SLIPS_IN_TEXTS = 0.25
SECOND_TOPIC = 0.15
_SLIPPING = "\u0e48\u0e49\u0e4a\u0e4b\u0e4c\u0e47\u0e30\u0e23\u0e25\u0e2b"


class _Around(BaseModel):
    model_config = ConfigDict(extra="forbid")

    places: list[str]
    times: list[str]
    after: list[str]
    polite: list[str]
    before: list[str]


class _Sayings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    things: list[str]
    states: list[str]
    whole: list[str]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    around: _Around
    category: dict[str, _Sayings]


@dataclass(frozen=True)
class Labelled:
    """A text and the categories that it is of, the chief one first."""

    text: str
    codes: tuple[str, ...]


@functools.cache
def shipped_sayings() -> _File:
    """The shipped sayings; raises pydantic's ValidationError where the file is broken, which a test forbids."""
    return _File.model_validate(tomllib.loads(FILE.read_text(encoding="utf-8")))


HALVES = (slice(0, None, 2), slice(1, None, 2))


def made_up(*, count: int, codes: Collection[str], seed: int, half: slice | None = None) -> list[Labelled]:
    """So many texts, of each of the categories that have sayings about as many, the same for the same seed.

    One in seven goes on to a second topic and is of both. Of a half (`HALVES`) only every other saying is used.
    """
    sayings = shipped_sayings() if half is None else _half_of(shipped_sayings(), half)
    chance = random.Random(seed)  # noqa: S311 - Sayings are no secret.
    known = sorted(set(codes) & set(sayings.category))
    texts = []
    for number in range(count if known else 0):
        code = known[number % len(known)]
        said = _said(sayings, code, chance)
        spoken: tuple[str, ...] = (code,)
        if chance.random() < SECOND_TOPIC:
            other = chance.choice(known)
            said, spoken = f"{said} {_said(sayings, other, chance)}", tuple(dict.fromkeys((code, other)))
        texts.append(Labelled(_slipped(_around(sayings.around, said, chance), chance), spoken))
    return texts


def _half_of(sayings: _File, half: slice) -> _File:
    own = {
        code: _Sayings(things=one.things[half], states=one.states[half], whole=one.whole[half])
        for code, one in sayings.category.items()
    }
    return _File(around=sayings.around, category=own)


def _said(sayings: _File, code: str, chance: random.Random) -> str:
    own = sayings.category[code]
    if chance.random() < 0.4:
        return chance.choice(own.whole)
    return chance.choice(own.things) + chance.choice(("", "", " ")) + chance.choice(own.states)


def _around(around: _Around, said: str, chance: random.Random) -> str:
    """The saying among what people say beside it."""
    place = chance.choice(around.places) if chance.random() < 0.6 else ""
    parts = [place, said] if chance.random() < 0.3 else [said, place]
    if chance.random() < 0.3:
        parts.insert(0, chance.choice(around.before))
    parts += [chance.choice(group) for group, often in ((around.times, 0.3), (around.after, 0.4), (around.polite, 0.5))
              if chance.random() < often]
    return chance.choice(("", " ", " ")).join(part for part in parts if part)


def _slipped(text: str, chance: random.Random) -> str:
    """In a quarter of the texts a mark or a silent letter is left out, or a letter struck twice."""
    if chance.random() >= SLIPS_IN_TEXTS:
        return text
    slips = [at for at, letter in enumerate(text) if letter in _SLIPPING]
    if slips and chance.random() < 0.7:
        at = chance.choice(slips)
        return text[:at] + text[at + 1 :]
    at = chance.randrange(len(text))
    return text[:at] + text[at] + text[at:]
