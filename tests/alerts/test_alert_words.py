"""The words of alerts: every level and language can be filled, and nothing unfit can be used."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from alerts import cards, templates
from alerts.errors import TemplateError
from alerts.templates import LANGUAGES, LEVELS, Facts, Named
from line import messages as line_messages
from line import rules as line_rules

AT = datetime(2026, 11, 21, 3, 5, tzinfo=UTC)
LATER = datetime(2026, 11, 21, 5, 30, tzinfo=UTC)
LONG = tuple(Named(th=f"ชุมชนริมคลองท่าใหญ่ฝั่งตะวันออกที่ {n}", en=f"East bank community number {n}") for n in range(30))


def facts(zones: tuple[Named, ...], shelter: Named | None = None) -> Facts:
    return Facts(Named("เทศบาลนคร", "City"), zones, 2, AT, shelter)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("zones", [LONG[:1], LONG[:2], LONG])
def test_every_level_and_language_is_filled_and_fits_line(level: int, zones: tuple[Named, ...]) -> None:
    """No slot stays open in any language; the card passes LINE's limits; its altText names the place."""
    words = templates.shipped()
    texts = templates.rendered(level, facts(zones, Named("โรงเรียนวัด", "Temple School")), words)
    assert set(texts) == set(LANGUAGES)
    for language, text in texts.items():
        assert not any(mark in text.body + text.title + text.alt for mark in "{}")
        vocabulary = words.vocabularies[language]
        card = cards.messages(text, level=level, alert_id=7, words=vocabulary, is_simulated=True)
        line_messages.check(card)
        assert line_rules.utf16_units(card[0]["altText"]) <= 1500
        assert zones[0].in_language(language if language == "th" else "en") in card[0]["altText"]


@pytest.mark.parametrize("hazard", templates.HAZARDS)
@pytest.mark.parametrize("level", [2, 3])
def test_what_nobody_has_seen_is_only_expected(hazard: str, level: int) -> None:
    """Where the water is expected, no language says that it is there; each says until when, or soon."""
    seen = templates.rendered(level, facts(LONG[:1]), templates.shipped(), hazard=hazard)
    ahead = dataclasses.replace(facts(LONG[:1]), is_observed=False, expected_at=LATER)
    coming = templates.rendered(level, ahead, templates.shipped(), hazard=hazard)
    some_time = templates.rendered(
        level, dataclasses.replace(ahead, expected_at=None), templates.shipped(), hazard=hazard
    )
    for language in LANGUAGES:
        assert coming[language].situation != seen[language].situation
        assert templates.moment(LATER, language) in coming[language].situation
        assert templates.shipped().vocabularies[language].soon in some_time[language].situation
        assert coming[language].action == seen[language].action
    assert "คาดว่า" in coming["th"].situation
    assert "กำลัง" not in coming["th"].situation
    assert "expected" in coming["en"].situation


def test_hazard_without_templates_is_refused() -> None:
    """News has words of its own; nothing is made up for it."""
    with pytest.raises(TemplateError, match="no templates for the hazard 'info'"):
        templates.rendered(1, facts(LONG[:1]), templates.shipped(), hazard="info")


def test_thai_time_has_the_buddhist_year() -> None:
    """Thai readers see 2569, all others 2026; both see Thai time."""
    assert templates.moment(AT, "th") == "21 พ.ย. 2569 10:05 น."
    assert templates.moment(AT, "en") == "21 Nov 2026 10:05"


@pytest.mark.parametrize(
    ("part", "text", "cause"),
    [
        ("title", "", "empty"),
        ("title", "น้ำท่วม", "lacks the slot {place}"),
        ("action", "โทร {phone} {colour}", "unknown slot {colour}"),
        ("action", "โทร {phone}", "lacks the slot {shelter}"),
        ("situation", "{municipality} {zones} {time", "braces"),
        ("alt", "{place}", "lacks the slot {municipality}"),
        ("expected", "{municipality} {zones} {time}", "lacks the slot {by}"),
    ],
)
def test_unfit_template_cannot_be_used(part: str, text: str, cause: str) -> None:
    """An empty text, a missing or unknown slot, or a text too long is refused, and named."""
    sound = templates.shipped().templates["flood", 3, "th"]
    with pytest.raises(TemplateError, match=cause.replace("{", r"\{").replace("}", r"\}")):
        templates.check_template(dataclasses.replace(sound, **{part: text}))


def test_missing_language_or_level_cannot_be_used() -> None:
    """Every language is needed at every hazard and level, with its words."""
    words = templates.shipped()
    rows = list(words.templates.values())
    vocabularies = {language: dataclasses.asdict(v) for language, v in words.vocabularies.items()}
    with pytest.raises(TemplateError, match="tide level 0 in my"):
        templates.wording(version=2, templates=[r for r in rows if r.key != ("tide", 0, "my")], words=vocabularies)
    with pytest.raises(TemplateError, match="no words in ms"):
        templates.wording(version=2, templates=rows, words={k: v for k, v in vocabularies.items() if k != "ms"})
    with pytest.raises(TemplateError, match="lack 'can_help'"):
        templates.wording(
            version=2, templates=rows, words={**vocabularies, "en": {**vocabularies["en"], "can_help": ""}}
        )


def test_slot_without_value_is_refused() -> None:
    """A zone without a name cannot become a message with a hole in it."""
    with pytest.raises(TemplateError, match="nothing to put"):
        templates.rendered(3, facts((Named("", ""),)), templates.shipped())
