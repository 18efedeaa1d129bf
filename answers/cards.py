"""What residents read of answers and of their questions to officers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from answers.queries import ArticleRow
from core.words import words
from line import messages
from line import rules as line_rules

BUDDHIST_ERA_OFFSET = 543


def say(key: str, language: str, **slots: str | int) -> str:
    """A text of this room in the resident's language, Thai where it has none."""
    return words("answers", key, language=language, **slots)


def plain(key: str, language: str) -> dict[str, Any]:
    """A text without buttons."""
    return messages.text(say(key, language))


def _button(verb: str, number: int, language: str) -> dict[str, Any]:
    label = say(f"label-{verb}", language)
    return messages.postback(label, f"ask:{verb}:{number}", display_text=label)


def _asked(key: str, language: str, *verbs: str, number: int, **slots: str | int) -> dict[str, Any]:
    return asked_with(key, language, *verbs, number=number, first=(), **slots)


def asked_with(
    key: str, language: str, *verbs: str, number: int, first: Sequence[dict[str, Any]], **slots: str | int
) -> dict[str, Any]:
    """A text with these buttons first, then those of the question of this number."""
    quick = messages.quick_reply(*first, *(_button(verb, number, language) for verb in verbs))
    return messages.text(_fitting(say(key, language, **slots)), quick=quick)


def _fitting(text: str) -> str:
    return messages.cut(text, limit_utf16=line_rules.TEXT_LIMIT_UTF16)


def article(row: ArticleRow, question_id: int, language: str) -> dict[str, Any]:
    """The article's short answer with where it is from, and what to do where it was not what was meant.

    A phone shows two buttons and a half: the way to a report is among them.
    """
    more = ("more",) if row.version.body else ()
    return _asked(
        "answer", language, "yes", "report", "no", "officer", *more, number=question_id,
        title=row.version.title, answer=row.version.short_answer, source=source(row, language),
    )


def whole_article(row: ArticleRow, question_id: int, language: str) -> dict[str, Any]:
    """All that the article says."""
    return _asked(
        "answer-more", language, "yes", "report", "no", "officer", number=question_id,
        title=row.version.title, body=row.version.body, source=source(row, language),
    )


def source(row: ArticleRow, language: str) -> str:
    """Where an article is from: document, page, date, address; and that it is simulated where it is."""
    version = row.version
    parts = [version.source_title]
    if version.source_page:
        parts.append(say("source-page", language, page=version.source_page))
    parts.append(day(version.source_dated, language))
    lines = [say("source", language, source=" · ".join(parts))]
    if version.source_url:
        lines.append(version.source_url)
    if row.article.trust == "simulated":
        lines.append(say("source-simulated", language))
    return "\n".join(lines)


def day(at: date, language: str) -> str:
    """A day as people in Thailand write it, with the Buddhist year but in English."""
    year = at.year if language == "en" else at.year + BUDDHIST_ERA_OFFSET
    return say("day", language, day=at.day, month=say(f"month-{at.month}", language), year=str(year))


def unknown(question_id: int, language: str) -> dict[str, Any]:
    """No article answers: a person can, or it was meant as a report."""
    return _asked("unknown", language, "officer", "report", number=question_id)


def not_helped(question_id: int, language: str) -> dict[str, Any]:
    """The article was not what was meant: a person can help, or it is a report."""
    return _asked("not-helped", language, "officer", "report", number=question_id)


def handed_over(question_id: int, language: str) -> dict[str, Any]:
    """The question waits for an officer."""
    return _asked("handed-over", language, "report", "close", number=question_id)


def handed_over_meanwhile(language: str, draft_key: str) -> dict[str, Any]:
    """The wish for a person waits for an officer, and the report that is being told for its next word: one tap away."""
    label = say("label-go-on", language)
    go_on = messages.postback(label, f"report:{draft_key}:go-on", display_text=label)
    return messages.text(say("handed-over-meanwhile", language), quick=messages.quick_reply(go_on))


def added(question_id: int, language: str) -> dict[str, Any]:
    """The officer has these words as well; where they are a report, it is one tap away."""
    return _asked("added", language, "report", "close", number=question_id)


def officers_answer(text: str, hand_over_id: int, language: str) -> dict[str, Any]:
    """What an officer answered; who writes on, writes to the officer."""
    label = say("label-close", language)
    quick = messages.quick_reply(messages.postback(label, f"ask:end:{hand_over_id}", display_text=label))
    return messages.text(_fitting(say("officers-answer", language, text=text)), quick=quick)
