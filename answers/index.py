"""The city's articles in the memory of this process, ready to be asked; read anew when one of them has changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from answers import actions, bm25, cutting, queries, rules
from answers.cutting import Cut
from answers.queries import FoundBy
from answers.rules import Candidate
from answers.wording import as_listed, terms_of

LOOKED_AT = 8


@dataclass(frozen=True)
class Text:
    """An article as the index knows it: no more than is needed to find it and to know whether it may be said."""

    version_id: int
    code: str
    language: str
    valid_until: date | None
    is_withdrawn: bool
    counted: bm25.Counted


@dataclass(frozen=True)
class Hit:
    """An article that holds some of the question, and how surely it answers it."""

    version_id: int
    language: str
    candidate: Candidate


class Base:
    """The articles that may be said on one day."""

    def __init__(self, vocabulary: bm25.Vocabulary, texts: Sequence[Text], *, today: date) -> None:
        self._texts = [
            text for text in texts
            if rules.is_current(valid_until=text.valid_until, is_withdrawn=text.is_withdrawn, today=today)
        ]
        self._index = bm25.Index(vocabulary, [text.counted for text in self._texts])
        self._by_language = {(text.code, text.language): text.version_id for text in self._texts}

    def __len__(self) -> int:
        """How many articles may be said."""
        return len(self._texts)

    def search(self, question: str, *, most: int = LOOKED_AT) -> list[Hit]:
        """The articles that hold any of the question's words: those that list it as asked first, then best first."""
        terms = terms_of(question)
        asked_so = as_listed(terms)
        listing = self._index.holding(asked_so) if asked_so else frozenset[int]()
        found = self._index.search(terms, most=most)
        return [self._hit(one, is_listed=one.place in listing) for one in sorted(found, key=_not_in(listing))]

    def _hit(self, one: bm25.Found, *, is_listed: bool) -> Hit:
        text = self._texts[one.place]
        candidate = Candidate(code=text.code, score=one.score, share=one.share, is_listed=is_listed)
        return Hit(text.version_id, text.language, candidate)

    def in_language(self, hit: Hit, language: str) -> int:
        """The version that says the same in this language; the one that was found where there is none."""
        return self._by_language.get((hit.candidate.code, language), hit.version_id)


def _not_in(listing: frozenset[int]) -> Callable[[bm25.Found], bool]:
    return lambda one: one.place not in listing


class Keeper:
    """Keeps the articles of one process: what was counted once is not counted again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._vocabulary = bm25.Vocabulary()
        self._texts: dict[int, Text] = {}
        self._stamp: tuple[int, date] | None = None
        self._base: Base | None = None

    def base(self, session: Session, *, today: date) -> Base:
        """The articles as they are now, on this day."""
        stamp = (queries.newest_version_id(session), today)
        with self._lock:
            if self._base is None or self._stamp is None or stamp != self._stamp:
                if self._stamp is not None and queries.has_erased_since(session, self._stamp[0]):
                    self._forget()
                self._base, self._stamp = self._read(session, today=today), stamp
            return self._base

    def _forget(self) -> None:
        """No term is left of what was counted: the vocabulary only grows, and a forgotten name stands in it."""
        self._vocabulary, self._texts = bm25.Vocabulary(), {}

    def _read(self, session: Session, *, today: date) -> Base:
        wanted = queries.newest_version_ids(session)
        missing = [version_id for version_id in wanted if version_id not in self._texts]
        fresh = {text.version_id: text for text in self._counted(session, missing)}
        self._texts = {
            version_id: self._texts.get(version_id) or fresh[version_id] for version_id in wanted
        }
        return Base(self._vocabulary, list(self._texts.values()), today=today)

    def _counted(self, session: Session, version_ids: Sequence[int]) -> list[Text]:
        """These versions, by the terms that are kept with them; cut here what nobody has cut as we would."""
        known = queries.found_by(session, version_ids, cut_by=cutting.cut_by())
        uncut = [one.version_id for one in known if one.kept is None]
        cut = {row.version.id: actions.cut_of(row.version) for row in queries.versions(session, uncut)}
        return [self._text(one, cutting.read(*one.kept) if one.kept else cut[one.version_id]) for one in known]

    def _text(self, one: FoundBy, cut: Cut) -> Text:
        counted = self._vocabulary.counted(cut.terms, cut.times)
        return Text(one.version_id, one.code, one.language, one.valid_until, one.is_withdrawn, counted)


_keeper = Keeper()


def base(session: Session, *, today: date) -> Base:
    """The articles that may be said today, in this process's memory."""
    return _keeper.base(session, today=today)
