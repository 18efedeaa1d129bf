"""What residents read on LINE about their reports: the texts of the locale files as messages that LINE takes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.words import words
from incidents.conversation import Choice, Say
from incidents.rules import BUDDHIST_ERA_OFFSET, LOCAL_TIME
from line import messages as line_messages
from line import rules as line_rules

Slots = Mapping[str, str | int]


def say(key: str, language: str, **slots: str | int) -> str:
    """A text of this room in the resident's language, Thai where it has none."""
    return words("incidents", key, language=language, **slots)


def moment(at: datetime, language: str) -> str:
    """A point in time as people in Thailand write it: 21 พ.ย. 69 10:30 น., or 21 Nov 2026 10:30."""
    local = at.astimezone(LOCAL_TIME)
    year = (local.year + BUDDHIST_ERA_OFFSET) % 100 if language != "en" else local.year
    month = say(f"month-{local.month}", language)
    return say("moment", language, day=local.day, month=month, year=str(year), time=f"{local:%H:%M}")


def label(text: str) -> str:
    """The text as a button's label: 20 letters at most as readers count them."""
    cut = text
    while line_rules.graphemes(cut) > line_rules.LABEL_LIMIT_GRAPHEMES:
        cut = cut[:-1].rstrip()
    return cut


def _action(choice: Choice, language: str, category_names: Mapping[str, str]) -> dict[str, Any]:
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


def message(said: Say, *, language: str, slots: Slots, category_names: Mapping[str, str]) -> dict[str, Any]:
    """One thing said, as LINE takes it: with its quick replies, as an emergency card where it is one."""
    text = say(said.key, language, **slots)
    actions = [_action(choice, language, category_names) for choice in said.choices]
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


def told(*, number: str, category: str, to_state: str, note: str, incident_id: int, language: str) -> dict[str, Any]:
    """The one message about one change; a finished incident asks whether all is well."""
    text = say(f"told-{to_state}", language, number=number, category=category)
    if note.strip():
        text = say("told-reason", language, told=text, reason=line_messages.cut(note.strip(), limit_utf16=1000))
    if to_state != "done":
        return line_messages.text(text)
    good = line_messages.postback(label(say("label-close", language)), f"incident:close:{incident_id}")
    bad = line_messages.postback(label(say("label-reopen", language)), f"incident:reopen:{incident_id}")
    return line_messages.text(
        say("told-done-question", language, told=text), quick=line_messages.quick_reply(good, bad)
    )
