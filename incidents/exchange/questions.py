"""What a service asks besides words and place (Open311's attributes), and whether answers can be used. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

LISTS = frozenset({"singlevaluelist", "multivaluelist"})
STRING_LENGTH, TEXT_LENGTH = 500, 4_000
_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,9})?")


class Choice(BaseModel):
    """One answer of a list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    th: str
    en: str


class Question(BaseModel):
    """A question of a service; without a datatype it only tells something and takes no answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    datatype: Literal["string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"] | None = None
    required: bool = False
    th: str
    en: str
    hint_th: str = ""
    hint_en: str = ""
    values: tuple[Choice, ...] = ()

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Question:
        if (self.datatype in LISTS) != bool(self.values):
            raise ValueError(f"{self.code}: a list has values, and nothing else has")
        if len({value.key for value in self.values}) != len(self.values):
            raise ValueError(f"{self.code}: two values have the same key")
        if self.datatype is None and self.required:
            raise ValueError(f"{self.code}: what only tells cannot be required")
        return self


@dataclass(frozen=True)
class Answers:
    """Usable answers by code; `findings` are sentences about the others."""

    given: Mapping[str, list[str]]
    findings: tuple[str, ...]


def read_questions(stored: Iterable[Mapping[str, Any]]) -> tuple[Question, ...]:
    """The questions as the database holds them; raises ValueError for two of one code."""
    questions = tuple(Question.model_validate(dict(one)) for one in stored)
    if len({question.code for question in questions}) != len(questions):
        raise ValueError("two questions have the same code")
    return questions


def check_answers(questions: Sequence[Question], given: Mapping[str, Sequence[str]]) -> Answers:
    """Each answer is of its question's datatype and each required one is there, or a finding says what is not.

    Empty answers equal none; answers to what nobody asked are left out.
    """
    kept: dict[str, list[str]] = {}
    findings: list[str] = []
    for question in questions:
        if question.datatype is None:
            continue
        answers = [text.strip() for text in given.get(question.code, ()) if text.strip()]
        if not answers:
            if question.required:
                findings.append(f"attribute[{question.code}] is required for this service: {question.en}")
            continue
        faults = _faults(question, answers)
        findings += [f"attribute[{question.code}]: {fault}" for fault in faults]
        if not faults:
            kept[question.code] = list(dict.fromkeys(answers))
    return Answers(kept, tuple(findings))


def _faults(question: Question, answers: Sequence[str]) -> list[str]:
    if len(answers) > 1 and question.datatype != "multivaluelist":
        return ["it takes one value"]
    return [fault for answer in answers if (fault := _fault(question, answer)) is not None]


def _fault(question: Question, answer: str) -> str | None:
    match question.datatype:
        case "singlevaluelist" | "multivaluelist":
            keys = [value.key for value in question.values]
            return None if answer in keys else f"'{answer[:60]}' is none of {', '.join(keys)}"
        case "number":
            is_number = _NUMBER.fullmatch(answer) is not None and math.isfinite(float(answer))
            return None if is_number else f"'{answer[:60]}' is no number"
        case "datetime":
            told = f"'{answer[:60]}' is no ISO 8601 date, such as 2026-11-21T08:30:00Z"
            return None if _is_datetime(answer) else told
        case "string":
            if "\n" in answer or "\r" in answer:
                return "it takes one line"
            return None if len(answer) <= STRING_LENGTH else f"it takes {STRING_LENGTH} characters at most"
        case _:
            return None if len(answer) <= TEXT_LENGTH else f"it takes {TEXT_LENGTH:,} characters at most"


def _is_datetime(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def told(questions: Sequence[Question], given: Mapping[str, Sequence[str]]) -> str:
    """The answers as lines that an officer reads, in Thai."""
    lines = []
    for question in questions:
        if question.code in given:
            names = {value.key: value.th for value in question.values}
            lines.append(f"{question.th}: {', '.join(names.get(answer, answer) for answer in given[question.code])}")
    return "\n".join(lines)
