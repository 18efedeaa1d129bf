"""The categories and emergency words as the house ships them: read from `data/categories.toml`, checked once."""

from __future__ import annotations

import functools
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from incidents.classify import EmergencyWords

FILE = Path(__file__).parent / "data" / "categories.toml"


class _ShippedCategory(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: str
    name_th: str
    name_en: str
    agency_kind: str
    tier: int = Field(ge=1, le=4)
    promise_hours: int = Field(default=48, gt=0)
    promise_in: Literal["calendar", "working"] = "calendar"
    life_hours: float | None = Field(default=None, gt=0)
    group: str
    join_radius_m: float = Field(gt=0)
    needs: list[str]
    icon: str
    words: dict[str, float]

    @field_validator("words", mode="before")
    @classmethod
    def _each_with_its_weight(cls, by_weight: dict[str, list[str]]) -> dict[str, float]:
        words = [(word, float(weight)) for weight, group in by_weight.items() for word in group]
        twice = [word for word, times in Counter(word for word, _ in words).items() if times > 1]
        if twice:
            raise ValueError(f"words that stand twice: {', '.join(twice)}")
        return dict(words)


class _ShippedEmergency(BaseModel):
    model_config = ConfigDict(extra="forbid")

    unless: list[str]
    words: dict[str, list[str]]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    emergency: _ShippedEmergency
    category: list[_ShippedCategory]


@dataclass(frozen=True)
class Shipped:
    """The shipped file, checked."""

    file: _File

    @property
    def codes(self) -> frozenset[str]:
        """The codes of all categories."""
        return frozenset(category.code for category in self.file.category)

    @property
    def agency_kinds(self) -> frozenset[str]:
        """The kinds of agency that categories name."""
        return frozenset(category.agency_kind for category in self.file.category)

    @functools.cached_property
    def emergency(self) -> EmergencyWords:
        """The words that leave the conversation for help at once."""
        return EmergencyWords(words=self.file.emergency.words, unless=self.file.emergency.unless)

    def category_columns(self) -> list[dict[str, object]]:
        """Each category as a row of the table `category`, in the city's order, without its position."""
        return [
            {**category.model_dump(exclude={"group"}), "group_code": category.group} for category in self.file.category
        ]


@functools.cache
def shipped() -> Shipped:
    """The shipped categories; raises pydantic's ValidationError where the file is broken, which a test forbids."""
    return Shipped(_File.model_validate(tomllib.loads(FILE.read_text(encoding="utf-8"))))
