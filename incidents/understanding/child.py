"""A lesson in a process of its own, bounded in memory and time: `python -m incidents.understanding.child`.

scikit-learn is loaded here and by the bench, nowhere else in the room. What goes in and comes out is JSON: labelled
texts, words and the document of the model before; a new document and how both did on what neither had seen.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from core.aside import done_aside, give_way
from core.errors import InvalidInputError, UnavailableError
from incidents.classify import Lexicon
from incidents.understanding.features import Reader
from incidents.understanding.model import OFFERED, Weights
from incidents.understanding.sayings import HALVES, Labelled, made_up
from incidents.understanding.stored import as_json, from_json

WITHIN_S = 900.0
MEMORY_BYTES = 4 * 2**30  # Of addresses, most of them libraries that are only mapped.
MADE_UP = 1500
SEED = 2569


@dataclass(frozen=True)
class Lesson:
    """What is to be learnt: the categories with their words, labelled texts, and some more to judge by.

    `held_out` is kept from the candidate that is judged beside the document `before`; the model that comes out has
    learnt from all.
    """

    words: dict[str, dict[str, float]]
    labelled: list[Labelled]
    held_out: list[Labelled]
    before: str | None


@dataclass(frozen=True)
class Shares:
    """How often one of a text's labels was guessed first, and among the first three."""

    first: float
    in_three: float


@dataclass(frozen=True)
class Learnt:
    """The model as a document, and how the candidate and the one before did on the held-out texts, None where none."""

    document: str
    candidate: Shares | None
    before: Shares | None


_LESSON, _LEARNT = TypeAdapter(Lesson), TypeAdapter(Learnt)


def learn_aside(lesson: Lesson, *, within_s: float = WITHIN_S) -> Learnt:
    """What the lesson teaches, learnt by a process of its own. Raises UnavailableError where that fails or lasts."""
    given = _LESSON.dump_json(lesson)
    answer = done_aside("incidents.understanding.child", given, within_s=within_s, name="Learning categories")
    try:
        return _LEARNT.validate_json(answer)
    except ValidationError as exc:
        raise UnavailableError("Learning categories answered nothing that can be read.") from exc


def learnt(lesson: Lesson) -> Learnt:
    """What the lesson teaches, in this process."""
    from incidents.understanding.learning import learn, nothing_read, read

    codes = tuple(lesson.words)
    reader = Reader(codes, Lexicon(lesson.words))
    if not lesson.labelled and not lesson.held_out:
        return Learnt(as_json(first_weights(reader)), None, None)
    own = read(made_up(count=MADE_UP, codes=codes, seed=SEED), reader)
    kept = [*lesson.labelled, *lesson.held_out]
    candidate = before = None
    if lesson.before is not None and lesson.held_out:
        known = read(lesson.labelled, reader) if lesson.labelled else nothing_read(codes)
        candidate = _shares(learn(known, own, codes=codes), reader, lesson.held_out)
        before = _shares_before(lesson.before, lesson.words, lesson.held_out)
    return Learnt(as_json(learn(read(kept, reader), own, codes=codes)), candidate, before)


def first_weights(reader: Reader) -> Weights:
    """What a city begins with that has no labelled report."""
    from incidents.understanding.learning import learn_from_sayings, read

    one, other = (
        read(made_up(count=MADE_UP // 2, codes=reader.codes, seed=SEED, half=half), reader) for half in HALVES
    )
    return learn_from_sayings((one, other), codes=reader.codes)


def _shares_before(document: str, words: dict[str, dict[str, float]], texts: list[Labelled]) -> Shares | None:
    try:
        weights = from_json(document)
    except InvalidInputError:
        return None  # Of a version that nobody can read any more: nothing to be worse than.
    return _shares(weights, Reader(weights.codes, Lexicon(words)), texts)


def _shares(weights: Weights, reader: Reader, texts: list[Labelled]) -> Shares:
    guesses = [[one.category_code for one in weights.guesses(reader.features(text.text))] for text in texts]
    hits = [[code in text.codes for code in three] for three, text in zip(guesses, texts, strict=True)]
    return Shares(sum(hit[0] for hit in hits) / len(hits), sum(any(hit[:OFFERED]) for hit in hits) / len(hits))


def main() -> None:
    """What the lesson on the standard input teaches stands on the standard output."""
    give_way(memory_bytes=MEMORY_BYTES)
    sys.stdout.buffer.write(_LEARNT.dump_json(learnt(_LESSON.validate_json(sys.stdin.buffer.read()))))


if __name__ == "__main__":
    main()
