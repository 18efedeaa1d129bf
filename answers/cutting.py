"""An article's words as terms with their worth: cut when a version is written, and kept with it. Pure."""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path

import numpy as np
import numpy.typing as npt

from answers import wording
from answers.wording import as_listed, terms_of
from incidents import classify
from incidents.understanding import segments

# How much a term counts where it stands: what an article is called and asked by says more than what it goes on to say.
TITLE_WORTH, ASKED_WORTH, TEXT_WORTH = 3.0, 2.0, 1.0
TEXT_LETTERS = 4000


@dataclass(frozen=True)
class Cut:
    """Terms, each once, and how much each counts."""

    terms: tuple[str, ...]
    times: npt.NDArray[np.float32]


def cut(*, title: str, asked_as: Sequence[str], short_answer: str, body: str) -> Cut:
    """The article's terms, each with how often it stands there, by its worth (BM25F's simple form, 3.6 in `bm25`)."""
    asked = [term for words in asked_as for term in terms_of(words)]
    said = terms_of(f"{short_answer}\n{body}", most_letters=TEXT_LETTERS)
    times: Counter[str] = Counter()
    for terms, worth in ((terms_of(title), TITLE_WORTH), (asked, ASKED_WORTH), (said, TEXT_WORTH)):
        for term in terms:
            times[term] += worth  # type: ignore[assignment]  # a Counter adds floats as well
    # What marks a question as listed has no worth of its own: it is looked up, and changes no score.
    for listed in filter(None, (as_listed(terms_of(words)) for words in asked_as)):
        times[listed] += 0
    return Cut(tuple(times), np.fromiter(times.values(), dtype=np.float32, count=len(times)))


def kept(one: Cut) -> tuple[str, bytes]:
    """The terms a line each, and their times as 32-bit floats, the low byte first. No term holds a line's end."""
    return "\n".join(one.terms), one.times.astype("<f4").tobytes()


def read(terms: str, times: bytes) -> Cut:
    """What was `kept`."""
    return Cut(tuple(terms.split("\n")) if terms else (), np.frombuffer(times, dtype="<f4"))


@functools.cache
def cut_by() -> str:
    """What cuts here and now: words, code and dictionary. What something else has cut is cut again."""
    made = hashlib.sha256(version_of("pythainlp").encode())
    files = [wording.FILE, *(Path(str(part.__file__)) for part in (wording, classify, segments))]
    for file in [*files, Path(__file__)]:
        made.update(file.read_bytes())
    return made.hexdigest()[:16]
