"""What residents read on LINE about their reports: the texts of the locale files as messages that LINE takes."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from core.settings import settings
from core.words import words
from incidents import catalogue
from incidents.conversation import Choice, Say
from incidents.models import Category
from incidents.promise_queries import NewsRow
from incidents.rules import BUDDHIST_ERA_OFFSET, LOCAL_TIME
from line import messages as line_messages
from line import rules as line_rules

Slots = Mapping[str, str | int]
# The languages beside those of the city's own names.
TRANSLATED = ("ms", "my")


def say(key: str, language: str, **slots: str | int) -> str:
    """A text of this room in the resident's language, Thai where it has none."""
    return words("incidents", key, language=language, **slots)


def category_name(code: str, *, thai: str, english: str, language: str) -> str:
    """The category in the resident's language; one of the city's own has but its Thai and its English name."""
    if language in TRANSLATED and code in _shipped_codes():
        return say(f"category-{code}", language)
    return thai if language == "th" else english


def category_names(categories: Sequence[Category], language: str) -> dict[str, str]:
    """The categories' names in the resident's language, by code."""
    return {
        one.code: category_name(one.code, thai=one.name_th, english=one.name_en, language=language)
        for one in categories
    }


@functools.cache
def _shipped_codes() -> frozenset[str]:
    return frozenset(category.code for category in catalogue.shipped().file.category)


def moment(at: datetime, language: str) -> str:
    """A point in time as people in Thailand write it: 21 พ.ย. 69 10:30 น., or 21 Nov 2026 10:30."""
    local = at.astimezone(LOCAL_TIME)
    year = (local.year + BUDDHIST_ERA_OFFSET) % 100 if language == "th" else local.year
    month = say(f"month-{local.month}", language)
    return say("moment", language, day=local.day, month=month, year=str(year), time=f"{local:%H:%M}")


def label(text: str) -> str:
    """The text as a button's label: 20 letters at most as readers count them."""
    cut = text
    while line_rules.graphemes(cut) > line_rules.LABEL_LIMIT_GRAPHEMES:
        cut = cut[:-1].rstrip()
    return cut


def action(choice: Choice, language: str, category_names: Mapping[str, str]) -> dict[str, Any]:
    """The button as LINE takes it."""
    if choice.label.startswith("category:"):
        name = category_names[choice.label.removeprefix("category:")]
        return line_messages.postback(label(name), choice.data, display_text=name)
    text = label(say(choice.label, language))
    if choice.kind == "location":
        return line_messages.ask_location(text)
    if choice.kind == "camera":
        return line_messages.ask_camera(text)
    if choice.kind == "camera_roll":
        return line_messages.ask_camera_roll(text)
    return line_messages.postback(text, choice.data, display_text=text)


# The answers after which a resident wants to know how it goes on.
FOLLOWED = ("submitted", "submitted-joined", "submitted-again", "status")


def follow(number: str, language: str) -> str:
    """The line with the link to the public page of the number; only for what everybody may see."""
    return say("follow", language, url=follow_link(number, language))


def follow_link(number: str, language: str) -> str:
    """The public page of the number."""
    tongue = "" if language == "th" else "?lang=en"
    return f"{settings().residents_url}/t/{number}{tongue}"


def message(said: Say, *, language: str, slots: Slots, category_names: Mapping[str, str]) -> dict[str, Any]:
    """One thing said, as LINE takes it: with its quick replies, as an emergency card where it is one."""
    text = say(said.key, language, **slots)
    if said.key in FOLLOWED and slots.get("is_public"):
        text = f"{text}\n{follow(str(slots['number']), language)}"
    actions = [action(choice, language, category_names) for choice in said.choices]
    quick = line_messages.quick_reply(*actions) if actions else None
    if said.is_emergency:
        return emergency_card(text, language=language, quick=quick)
    return line_messages.text(text, quick=quick)


def emergency_card(text: str, *, language: str, quick: dict[str, Any] | None) -> dict[str, Any]:
    """The card with Thailand's emergency numbers: 1669 medical, 191 police, 199 fire and rescue."""
    numbers = ("1669", "191", "199")
    return line_messages.alert_card(
        level=3,
        level_label=say("emergency-label", language),
        title=say("emergency-title", language),
        body=[text],
        footnote=say("emergency-numbers", language),
        actions=[line_messages.open_uri(say(f"call-{number}", language), f"tel:{number}") for number in numbers],
        quick=quick,
    )


# What two incidents have to do with each other is said in a sentence of its own, which names both.
TOLD_BY_NOTE = ("merged", "parted")


def news(rows: Sequence[NewsRow], language: str) -> dict[str, Any]:
    """One message with all that a reporter has not heard of yet, incident by incident, with the buttons it asks for."""
    by_incident: dict[int, list[NewsRow]] = {}
    for row in rows:
        by_incident.setdefault(row.incident_id, []).append(row)
    texts = [_news_of_one(list(changes), language) for changes in by_incident.values()]
    of_several = len(by_incident) > 1
    buttons = [b for changes in by_incident.values() for b in _buttons(changes, language, names_it=of_several)]
    text = line_messages.cut("\n\n".join(texts), limit_utf16=line_rules.TEXT_LIMIT_UTF16)
    most = buttons[: line_rules.QUICK_REPLY_LIMIT]
    return line_messages.text(text, quick=line_messages.quick_reply(*most) if most else None)


def _news_of_one(changes: Sequence[NewsRow], language: str) -> str:
    """What happened to one incident: where it stands, by which states it came there, and what the city says to it."""
    states = [row for row in changes if row.kind == "state"]
    lines = [_told(states[-1], language)] if states else []
    if len(states) > 1:
        way = " → ".join(say(f"state-{row.to_state}", language) for row in states)
        lines.append(say("told-way", language, way=way))
    lines += [_told(row, language) for row in changes if row.kind not in {"state", *TOLD_BY_NOTE}]
    lines += [_note(row, language) for row in changes if row.kind in TOLD_BY_NOTE]
    text = "\n".join(lines)
    notes = dict.fromkeys(_note(row, language) for row in changes if row.kind not in TOLD_BY_NOTE)
    for note in filter(None, notes):
        text = say("told-reason", language, told=text, reason=line_messages.cut(note, limit_utf16=1000))
    if changes[-1].is_public:
        text = f"{text}\n{follow(changes[-1].number, language)}"
    is_done = bool(states) and states[-1].to_state == "done"
    return say("told-done-question", language, told=text) if is_done else text


def _note(row: NewsRow, language: str) -> str:
    return (row.note_th if language == "th" else row.note_en).strip()


def _told(row: NewsRow, language: str) -> str:
    slots: dict[str, str | int] = {
        "number": row.number,
        "category": category_name(
            row.category_code, thai=row.category_th, english=row.category_en, language=language
        ),
        "agency": row.agency_th if language == "th" else row.agency_en,
    }
    return say(f"told-{row.to_state if row.kind == 'state' else row.kind}", language, **slots)


def _buttons(changes: Sequence[NewsRow], language: str, *, names_it: bool) -> list[dict[str, Any]]:
    """What a reporter is asked: whether a finished incident is well, the answer to a question, whether it is still so.

    Where a message tells of several incidents, each button names its own by the end of the number.
    """
    states = [row for row in changes if row.kind == "state"]
    verbs = ["close", "reopen"] if states and states[-1].to_state == "done" else []
    verbs += ["answer"] if any(row.kind == "waiting" for row in changes) else []
    which = f"{changes[0].number[-6:]} " if names_it else ""
    return [
        line_messages.postback(
            label(which + say(f"label-{verb}", language)), f"incident:{verb}:{changes[0].incident_id}"
        )
        for verb in verbs
    ]


def still(*, number: str, category: str, place: str, incident_id: int, language: str) -> dict[str, Any]:
    """The question whether what was reported is still so, with its three answers."""
    buttons = [
        line_messages.postback(label(say(f"label-{verb}", language)), f"incident:{verb}:{incident_id}")
        for verb in ("still", "worse", "gone")
    ]
    text = say("still-question", language, number=number, category=category, place=place)
    return line_messages.text(text, quick=line_messages.quick_reply(*buttons))
