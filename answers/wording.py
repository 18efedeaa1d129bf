"""A resident's or an article's words as terms that can be looked for, and what words are: a question or not. Pure.

The words of `data/words.toml`, in the spelling of `incidents.classify.normalise`, cut by PyThaiNLP's newmm.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from incidents.classify import Lexicon, normalise
from incidents.understanding.segments import words_of

FILE = Path(__file__).parent / "data" / "words.toml"
# What is asked stands at the beginning; newmm's time grows with the length.
MOST_LETTERS = 600
LONGEST_PHRASE = 3
SHORT_LETTERS = 60
# No word begins with it.
LISTED = "="
LEAST_LISTED = 2
# Where it stands at the end, newmm cuts into it: "ไหนคะ" would be no word.
_AROUND_A_WISH = re.compile(r"^(?:ขอ|อยาก|ต้องการ|i want to |please )|(?:หน่อย|ได้ไหม| please)$")
_POLITE_END = re.compile(r"(?:นะ)?(?:ครับ|ค่ะ|คะ|จ้า|จ้ะ)$")
_SPOKEN = re.compile(r"[\w\u0e00-\u0e7f\u1000-\u109f]")


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    silent: list[str]
    same: list[list[str]]
    asking: list[str]
    asking_first: list[str]
    broken: list[str]
    not_broken: list[str]
    to_officer: list[str]
    thanks: list[str]
    water: list[str]
    water_comes: list[str]
    my_home: list[str]
    not_of_my_water: list[str]


@dataclass(frozen=True)
class Wording:
    """The shipped words, ready to be looked for."""

    silent: frozenset[str]
    same: dict[str, str]
    asking: Lexicon
    asking_latin: re.Pattern[str]
    broken: Lexicon
    to_officer: tuple[str, ...]
    thanks: frozenset[str]
    of_my_water: tuple[re.Pattern[str], ...]
    not_of_my_water: re.Pattern[str]


@functools.cache
def shipped() -> Wording:
    """The shipped words; raises pydantic's ValidationError where the file is broken, which a test forbids."""
    file = _File.model_validate(tomllib.loads(FILE.read_text(encoding="utf-8")))
    return Wording(
        silent=frozenset(map(normalise, file.silent)),
        same={normalise(word): normalise(line[0]) for line in file.same for word in line},
        asking=Lexicon({"asking": {word: 1.0 for word in file.asking if not word.isascii()}}),
        asking_latin=_whole_words([word for word in file.asking if word.isascii()], first=file.asking_first),
        broken=Lexicon(
            {"broken": dict.fromkeys(file.broken, 1.0), "none": dict.fromkeys(file.not_broken, 0.0)}
        ),
        to_officer=tuple(map(normalise, file.to_officer)),
        thanks=frozenset(map(normalise, file.thanks)),
        of_my_water=tuple(map(_any_of, (file.water, file.water_comes, file.my_home))),
        not_of_my_water=_any_of(file.not_of_my_water),
    )


def _whole_words(words: Sequence[str], *, first: Sequence[str]) -> re.Pattern[str]:
    anywhere = "|".join(re.escape(word) for word in words if word[0].isalnum())
    signs = "|".join(re.escape(word) for word in words if not word[0].isalnum())
    return re.compile(rf"(?<![a-z0-9])(?:{anywhere})(?![a-z0-9])|{signs}|^(?:{'|'.join(first)})(?![a-z0-9])")


def _any_of(words: Sequence[str]) -> re.Pattern[str]:
    """Any of the words; of Latin letters only as a whole word, for air (water in Malay) stands in repair."""
    latin = "|".join(re.escape(normalise(word)) for word in words if word.isascii())
    others = [re.escape(normalise(word)) for word in words if not word.isascii()]
    return re.compile("|".join([rf"(?<![a-z0-9])(?:{latin})(?![a-z0-9])", *others]))


def terms_of(text: str, *, most_letters: int = MOST_LETTERS) -> tuple[str, ...]:
    """The terms of the text's beginning in their order, repeats too, without words that say nothing."""
    wording = shipped()
    plain = _POLITE_END.sub("", beginning(text, most_letters=most_letters))
    spoken = [word for word in words_of(plain) if _SPOKEN.search(word)]
    terms: list[str] = []
    at = 0
    while at < len(spoken):
        taken, term = _next(spoken, at, wording)
        if term not in wording.silent:
            terms.append(_singular(term))
        at += taken
    return tuple(terms)


def as_listed(terms: Sequence[str]) -> str | None:
    """One term for all the terms of a question in any order, by which an article is found that lists it as asked so.

    None where one term or none is left: of น้ำท่วม alone nobody knows what is asked.
    """
    said = sorted(set(terms))
    return LISTED + " ".join(said) if len(said) >= LEAST_LISTED else None


def beginning(text: str, *, most_letters: int = MOST_LETTERS) -> str:
    """The beginning of the text in the lexicon's spelling, without invisible letters."""
    return normalise(text[: 2 * most_letters])[:most_letters]


def _next(spoken: Sequence[str], at: int, wording: Wording) -> tuple[int, str]:
    """How many words the next term takes, and what it is: the longest phrase that means the same as another."""
    for length in range(LONGEST_PHRASE, 0, -1):
        phrase = "".join(spoken[at : at + length])
        if phrase in wording.same:
            return min(length, len(spoken) - at), wording.same[phrase]
    return 1, spoken[at].strip()


def _singular(term: str) -> str:
    return term[:-1] if len(term) > 3 and term.isascii() and term.endswith("s") and not term.endswith("ss") else term


def asks(plain: str) -> bool:
    """The normalised text asks something."""
    wording = shipped()
    return bool(wording.asking_latin.search(plain) or wording.asking.rank_plain(plain))


def tells_of_something_broken(plain: str) -> bool:
    """The normalised text says that something is wrong somewhere."""
    return bool(shipped().broken.rank_plain(plain))


def wants_an_officer(plain: str) -> bool:
    """The normalised text, which is short, asks for a person."""
    return len(plain) <= SHORT_LETTERS and any(phrase in plain for phrase in shipped().to_officer)


def only_wants_an_officer(plain: str) -> bool:
    """The normalised text asks for a person and says nothing else, so that it is no word of a report."""
    wish = _POLITE_END.sub("", plain).strip(" .!")
    return _AROUND_A_WISH.sub("", wish) in shipped().to_officer or wish in shipped().to_officer


def asks_of_water_at_home(plain: str) -> bool:
    """The normalised question is whether, when or how high the water comes to the asker's home.

    What to do then, whom to call and what it costs is said by articles.
    """
    wording = shipped()
    is_of_it = all(words.search(plain) for words in wording.of_my_water)
    return is_of_it and asks(plain) and not wording.not_of_my_water.search(plain)


def only_thanks(text: str) -> bool:
    """The text thanks and says nothing else: nobody has to answer it."""
    return _POLITE_END.sub("", beginning(text)).strip(" .!") in shipped().thanks
