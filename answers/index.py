"""The city's articles in the memory of this process, ready to be asked; read anew when one of them has changed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from answers import actions, bm25, cutting, queries, rules
from answers.cutting import Cut
from answers.queries import FoundBy
from answers.rules import Candidate
from answers.wording import terms_of

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
        """The articles that hold any of the question's words, best first."""
        found = self._index.search(terms_of(question), most=most)
        hits = [(self._texts[one.place], one) for one in found]
        return [
            Hit(text.version_id, text.language, Candidate(code=text.code, score=one.score, share=one.share))
            for text, one in hits
        ]

    def in_language(self, hit: Hit, language: str) -> int:
        """The version that says the same in this language; the one that was found where there is none."""
        return self._by_language.get((hit.candidate.code, language), hit.version_id)


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
            if self._base is None or stamp != self._stamp:
                self._base, self._stamp = self._read(session, today=today), stamp
            return self._base

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
