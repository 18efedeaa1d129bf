"""What makes two reports alike, as the house ships it: read from `data/likeness.toml`, checked once."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from incidents.wording import Vocabulary

FILE = Path(__file__).parent / "data" / "likeness.toml"
OTHER_GROUP = "other"


class KindScale(BaseModel):
    """How large a thing of a group is, and how long it lasts."""

    model_config = ConfigDict(extra="forbid")

    extent_share: float = Field(gt=0, le=1)
    lasts_h: float = Field(gt=0)


class Threshold(BaseModel):
    """From which likelihood a report of a tier is joined, and from which an officer is asked."""

    model_config = ConfigDict(extra="forbid")

    tier: int = Field(ge=1, le=4)
    sure: float = Field(gt=0, lt=1)
    doubtful: float = Field(gt=0, lt=1)


class _Words(BaseModel):
    model_config = ConfigDict(extra="forbid")

    another: list[str]
    again: list[str]
    common: list[str]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kinds: dict[str, KindScale]
    related: dict[str, dict[str, float]]
    thresholds: list[Threshold]
    words: _Words


@dataclass(frozen=True)
class Scales:
    """The shipped file, checked: what is large, what lasts, what is taken for what, and what phrases say."""

    kinds: Mapping[str, KindScale]
    costs: Mapping[frozenset[str], float]
    thresholds: Mapping[int, Threshold]
    vocabulary: Vocabulary

    def kind(self, group_code: str) -> KindScale:
        """The scales of a group; those of `other` for a group of a city's own."""
        return self.kinds.get(group_code, self.kinds[OTHER_GROUP])

    def related(self, group_code: str) -> frozenset[str]:
        """The groups whose incidents a report of this one may tell of, itself included."""
        near = {other for pair in self.costs if group_code in pair for other in pair}
        return frozenset({group_code, OTHER_GROUP, *near}) if group_code != OTHER_GROUP else frozenset(self.kinds)


@functools.cache
def shipped() -> Scales:
    """The scales as the house ships them; raises pydantic's ValidationError where the file is broken."""
    file = _File.model_validate(tomllib.loads(FILE.read_text(encoding="utf-8")))
    costs = {frozenset({one, other}): cost for one, row in file.related.items() for other, cost in row.items()}
    vocabulary = Vocabulary.of(another=file.words.another, again=file.words.again, common=file.words.common)
    return Scales(file.kinds, costs, {row.tier: row for row in file.thresholds}, vocabulary)
