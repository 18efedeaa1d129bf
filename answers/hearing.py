"""What a text is to the room of answers, and which article answers it. The same for the chat and for its bench."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from answers import rules, wording
from answers.index import Base, Hit
from answers.rules import Kind
from incidents import catalogue
from incidents.classify import Lexicon


@dataclass(frozen=True)
class Heard:
    """The articles that hold some of the words, best first; `answer` is the first one where it may be said."""

    kind: Kind
    hits: tuple[Hit, ...]
    answer: Hit | None


def kind_of(text: str) -> Kind:
    """What the words are, told without any look into the database: by the lexicon as the house ships it."""
    plain = wording.beginning(text)
    asks, is_broken = wording.asks(plain), wording.tells_of_something_broken(plain)
    speaks_of = () if is_broken else tuple(match.category_code for match in _lexicon().rank_plain(plain))
    return rules.kind_of(asks=asks, is_broken=is_broken, letters=len(plain), speaks_of=speaks_of)


def heard(base: Base, text: str, *, kind: Kind) -> Heard:
    """The words among the articles; nothing is looked for where they are a report."""
    hits = tuple(base.search(text)) if kind not in {"report", "long"} else ()
    is_answer = rules.is_answer([hit.candidate for hit in hits], kind=kind)
    return Heard(kind, hits, hits[0] if is_answer else None)


@functools.cache
def _lexicon() -> Lexicon:
    return Lexicon({category.code: category.words for category in catalogue.shipped().file.category})
