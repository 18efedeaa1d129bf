"""The rules that count now, and where each stands: what is asked once a batch, and costs little where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import InvalidInputError
from core.logs import get_logger
from sensors.rulebook.models import WatchRule
from sensors.watch.documents import Kind, Rule, level_code, parse_rule

log = get_logger("sensors.rulebook")


@dataclass(frozen=True)
class Rulebook:
    """The active rules: those that take the place of a gauge's thresholds, the others, and who feeds the others."""

    level: Mapping[str, Rule] = field(default_factory=dict)
    others: Mapping[str, Rule] = field(default_factory=dict)
    fed_by: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)


def book_of(rules: list[Rule]) -> Rulebook:
    """The rulebook of these active rules, one a code."""
    level = {one.streams[0]: one for one in rules if one.code == level_code(one.streams[0])}
    others = {one.code: one for one in rules if one.code != level_code(one.streams[0])}
    fed_by: dict[str, tuple[Rule, ...]] = {}
    for rule in others.values():
        # Forecasts come by `following.follow_forecast`, never from readings.
        for stream in rule.streams if rule.kind is not Kind.FORECAST_CROSSING else ():
            fed_by[stream] = (*fed_by.get(stream, ()), rule)
    return Rulebook(level=level, others=others, fed_by=fed_by)


_CURRENT = "SELECT DISTINCT ON (code) code, key, document, is_active FROM watch_rule ORDER BY code, version DESC"
_NAME = sa.text(
    f"SELECT md5(string_agg(key::text, '' ORDER BY code)) FROM ({_CURRENT}) AS c WHERE is_active"  # noqa: S608  Our own words.
)
_RULES = sa.text(f"SELECT code, document FROM ({_CURRENT}) AS c WHERE is_active ORDER BY code")  # noqa: S608  As above.
_BOOKS_KEPT = 4
# Versions never change, so a book that is named by the keys of its versions cannot be stale.
_books: dict[str, Rulebook] = {}


def current_book(session: Session) -> Rulebook:
    """The rules that count for this transaction."""
    name = session.scalar(_NAME)
    if name is None:
        return Rulebook()
    book = _books.get(name)
    if book is None:
        book = book_of(_read(session))
        while len(_books) >= _BOOKS_KEPT:
            _books.pop(next(iter(_books)), None)
        _books[name] = book
    return book


def _read(session: Session) -> list[Rule]:
    rules = []
    for code, document in session.execute(_RULES):
        try:
            rules.append(parse_rule(document))
        except InvalidInputError as exc:
            # Readings must be stored all the same; the rule's page says that it is not followed.
            log.error("rule.unreadable", rule=code, detail=exc.detail)
    return rules


def newest_version(session: Session, code: str) -> WatchRule | None:
    """The newest version of the rule, active or not; None where there never was one."""
    versions = sa.select(WatchRule).where(WatchRule.code == code).order_by(WatchRule.version.desc())
    return session.scalars(versions.limit(1)).first()
