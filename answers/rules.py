"""What becomes of a resident's words and of a question to an officer: decided over plain values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from answers.errors import UnfitArticleError, UnfitWordsError

LOCAL_TIME = ZoneInfo("Asia/Bangkok")
LANGUAGES = ("th", "en", "ms", "my")

# How much of a question an article must hold, so that it is answered without a person. Chosen on the half of
# bench/questions.toml that is for tuning, as the least share at which none of its questions that no article answers
# was answered: the greatest share among those is 0.61. A wrong answer costs more than a hand-over.
LEAST_SHARE = 0.65
# Words that tell of something broken, or that ask nothing, are a report unless nearly all of them stand in an article.
LEAST_SHARE_IF_NO_PLAIN_QUESTION = 0.9
# Two matters that fit about as well: who chooses between them is a person.
LEAST_LEAD = 1.1
# Who asks the city something does it in a line or two (the longest of our questions has 50 letters); who tells at
# length, tells of something that happened.
LONGEST_QUESTION_LETTERS = 120
# After the last word of an officer; a question that nobody has answered is never closed by time.
CLOSES_AFTER = timedelta(hours=24)
# Words that were asked are needed to judge the articles; after that only the counts are.
WORDS_KEPT = timedelta(days=90)
ANSWER_LIMIT = 2000
WORDS_LIMIT = 2000
# How long a pin answers our question where.
PIN_ANSWERS_FOR = timedelta(minutes=30)
SHORT_ANSWER_LIMIT = 600

Kind = Literal["report", "question", "topic", "broken", "long"]
HAS_MARKUP = re.compile(r"</?[a-zA-Z!][^>]*>")


def kind_of(*, asks: bool, is_broken: bool, letters: int, speaks_of: Sequence[str]) -> Kind:
    """What words are that begin no emergency: `speaks_of` are the categories of reports that the lexicon finds.

    `other` among them is what the city is asked, not what it mends. A report that asks ("when will you come?") is
    `broken`; words that ask nothing and name nothing that is reported are a `topic`, many such words are `long`.
    """
    is_long = letters > LONGEST_QUESTION_LETTERS
    names_trouble = is_broken or (any(code != "other" for code in speaks_of) and (is_long or not asks))
    if names_trouble:
        return "broken" if asks else "report"
    if is_long:
        return "long"
    return "question" if asks else "topic"


@dataclass(frozen=True)
class Candidate:
    """An article that holds some of the question, best first among several: its matter, score and share.

    `is_listed` where the article itself names the question among those that it answers.
    """

    code: str
    score: float
    share: float
    is_listed: bool = False


def is_answer(candidates: Sequence[Candidate], *, kind: Kind) -> bool:
    """The first candidate answers the words surely enough to be said without a person."""
    if not candidates or kind in {"report", "long"}:
        return False
    best = candidates[0]
    least = LEAST_SHARE if kind == "question" else LEAST_SHARE_IF_NO_PLAIN_QUESTION
    if best.share < least:
        return False
    if best.is_listed and kind != "broken":
        # Who wrote the article has said that it answers this; another lists it too, or comes near by its words alone.
        return all(one.code == best.code for one in candidates if one.is_listed)
    other = next((one.score for one in candidates if one.code != best.code), 0.0)
    return best.score >= LEAST_LEAD * other


def is_current(*, valid_until: date | None, is_withdrawn: bool, today: date) -> bool:
    """The article may be said: the city has not withdrawn it, and its last day is not over."""
    return not is_withdrawn and (valid_until is None or today <= valid_until)


def today(now: datetime) -> date:
    """The day in Thailand."""
    return now.astimezone(LOCAL_TIME).date()


def state_of(*, valid_until: date | None, review_on: date, is_withdrawn: bool, today: date) -> str:
    """`withdrawn`, `expired`, `review` where its agency should read it again, else `current`."""
    if is_withdrawn:
        return "withdrawn"
    if valid_until is not None and today > valid_until:
        return "expired"
    return "review" if today >= review_on else "current"


def closes_at(*, state: str, moved_at: datetime) -> datetime | None:
    """When a hand-over closes by itself; None where somebody still waits for an officer."""
    return moved_at + CLOSES_AFTER if state == "answered" else None


@dataclass(frozen=True)
class Draft:
    """An article as somebody writes it, before it has been checked."""

    title: str
    short_answer: str
    body: str
    asked_as: tuple[str, ...]
    agency_code: str | None
    source_title: str
    source_page: str | None
    source_url: str | None
    source_dated: date
    valid_until: date | None
    review_on: date


def checked(draft: Draft) -> Draft:
    """The article as it is kept: visible letters, no markup, a source that can be looked up.

    Raises UnfitArticleError with the sentence that says what cannot be used.
    """
    url = seen(draft.source_url or "").strip() or None
    if url is not None:
        check_url(url)
    return Draft(
        title=_plain(draft.title, most=160, what="The title"),
        short_answer=_plain(draft.short_answer, most=SHORT_ANSWER_LIMIT, what="The short answer"),
        body=_plain(draft.body, most=8000, what="The body") if draft.body.strip() else "",
        asked_as=tuple(_plain(asked, most=300, what="Another way to ask") for asked in draft.asked_as if asked.strip()),
        agency_code=draft.agency_code or None,
        source_title=_plain(draft.source_title, most=300, what="The source"),
        source_page=_plain(draft.source_page, most=60, what="The page") if (draft.source_page or "").strip() else None,
        source_url=url,
        source_dated=draft.source_dated,
        valid_until=draft.valid_until,
        review_on=draft.review_on,
    )


def check_url(url: str) -> None:
    """The address can be opened by a resident; raises UnfitArticleError where it is no http or https address."""
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"\s", url)
    except ValueError:
        is_address = False
    if not is_address or len(url) > 900:
        raise UnfitArticleError(f"'{url[:80]}' is no address that a resident can open: it must begin with https://.")


def seen(text: str) -> str:
    """The text as a reader sees it: without marks that are invisible or turn the writing round."""
    kept = (c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c) not in {"Cf", "Co", "Cs", "Cn"})
    return "".join(c if c == "\n" or unicodedata.category(c) not in {"Cc", "Zl", "Zp"} else " " for c in kept)


def checked_words(text: str, *, most: int, what: str) -> str:
    """The words as a reader sees them; raises UnfitWordsError where none can be seen, or more than `most` letters."""
    words = seen(text[: most * 20]).strip()
    if not words:
        raise UnfitWordsError(f"{what} has no letter that can be seen.")
    if len(words) > most:
        raise UnfitWordsError(f"{what} has {len(words)} letters; {most} are the most.")
    return words


def _plain(text: str | None, *, most: int, what: str) -> str:
    try:
        plain = checked_words(text or "", most=most, what=what)
    except UnfitWordsError as unfit:
        raise UnfitArticleError(unfit.detail) from None
    if HAS_MARKUP.search(plain):
        raise UnfitArticleError(f"{what} holds HTML; residents read plain words.")
    return plain
