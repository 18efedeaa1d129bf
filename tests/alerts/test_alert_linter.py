"""The linter: every rule refuses what it is there for, and the words that come with Faonam pass them all."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from alerts import linter, templates
from alerts.errors import TemplateError
from alerts.templates import Facts, Named, Template

AT = datetime(2026, 11, 21, 3, 5, tzinfo=UTC)
LATER = datetime(2026, 11, 21, 5, 30, tzinfo=UTC)
CITY = Named("เทศบาลนครตัวอย่าง", "Example City Municipality")
LONG = tuple(Named(f"ชุมชนริมคลองท่าใหญ่ฝั่งตะวันออกที่ {n}", f"East bank community number {n}") for n in range(2))
FACTS = Facts(CITY, LONG, 2, AT, Named("โรงเรียนเทศบาล 1 (วัดตัวอย่าง)", "Municipal School 1 (Wat Tuayang)"), True, LATER)
WORDS = templates.shipped()


def rules_of(findings: list[linter.Finding]) -> set[str]:
    return {finding.rule for finding in findings}


def with_part(part: str, text: str, *, language: str = "th", level: int = 3) -> Template:
    return dataclasses.replace(WORDS.templates["flood", level, language], **{part: text})


def test_shipped_words_pass_every_rule() -> None:
    """Every hazard, level and language that comes with Faonam is there, can be filled, and has nothing wrong."""
    assert len(WORDS.templates) == len(templates.HAZARDS) * len(templates.LEVELS) * len(templates.LANGUAGES)
    found = linter.of_wording(WORDS, FACTS)
    assert [(one.where, one.language, one.sentence("en")) for one in found] == []


@pytest.mark.parametrize(
    ("part", "text", "rule"),
    [
        ("title", " ", "empty"),
        ("title", "อันตราย น้ำท่วมสูง", "no-place"),
        ("title", "น้ำมาแล้ว {place}", "no-level"),
        ("alt", "อันตราย น้ำท่วมสูง {place} ออกเดี๋ยวนี้ โทร {phone}", "no-municipality"),
        ("alt", "อันตราย น้ำท่วมสูงถึงหลังคาบ้านหลายหลังในคืนนี้ {place} ออกเดี๋ยวนี้ {municipality}", "city-first"),
        ("alt", "{municipality}: อันตราย น้ำท่วมสูง {place}", "no-action"),
        ("situation", "{municipality} น้ำท่วมที่ {zones}", "no-time"),
        ("expected", "{municipality} แจ้งเมื่อ {time} น้ำจะท่วมที่ {zones}", "no-by"),
        ("action", "ออกเดี๋ยวนี้ ไปที่ {shelter}", "no-phone"),
        ("action", "ออกเดี๋ยวนี้ โทร {phone}", "no-shelter"),
        ("action", "ออกเดี๋ยวนี้ {shelter} {phone} {colour}", "unknown-slot"),
        ("action", "ออกเดี๋ยวนี้ {shelter} {phone", "braces"),
        ("action", "https://example.org/a ออกเดี๋ยวนี้ {shelter} {phone}", "link-alone"),
        ("action", "ออกเดี๋ยวนี้ {shelter} https://example.org/a โทร {phone}", "link-not-last"),
        ("action", "ออกเดี๋ยวนี้ {shelter} โทร {phone} ก่อนปี 2026", "gregorian-year"),
        ("action", "ออกเดี๋ยวนี้ {shelter} โทร {phone} ชั้น ๒", "digits"),
        ("action", "ออกเดี๋ยวนี้ {shelter} โทร {phone} leave your home now", "mixed-languages"),
        ("action", "ออกเดี๋ยวนี้ {shelter} โทร {phone} ထွက်ပါ", "mixed-languages"),
        ("action", "ออกเดี๋ยวนี้ {shelter} โทร {phone} DANGER", "shouting"),
        ("action", "ออกเดี๋ยวนี้ {shelter} โทร {phone}!!", "exclamations"),
        ("action", "ออกเดี๋ยวนี้ {shelter} โทร {phone} " + "น้ำ" * 700, "too-long"),
        ("title", "อันตราย น้ำท่วมสูง {place}" + "ก" * 90, "too-long"),
    ],
)
def test_each_rule_finds_its_fault(part: str, text: str, rule: str) -> None:
    """A Thai template with one fault is found out by the rule that is about it, in words that officers read."""
    found = linter.of_template(with_part(part, text), WORDS.vocabularies["th"], FACTS)
    named = [one for one in found if one.rule == rule and one.part == part]
    assert named, rules_of(found)
    assert all(one.sentence("th") and one.sentence("en") for one in found)


@pytest.mark.parametrize(
    ("language", "action", "rule"),
    [
        ("en", "Leave now, go to {shelter}, call {phone} before 2569.", "buddhist-year"),
        ("en", "Leave now. Jangan memandu dengan anda. Go to {shelter}, call {phone}.", "mixed-languages"),
        ("ms", "Keluar sekarang with your family and the children. {shelter} {phone}", "mixed-languages"),
        ("my", "ယခုပဲ ထွက်ပါ။ {shelter} {phone} ชั้นบน", "mixed-languages"),
        ("my", "ယခုပဲ ထွက်ပါ။ {shelter} {phone} ၁၉၉", "digits"),
        ("en", "LEAVE NOW. Go to {shelter}, call {phone}.", "shouting"),
    ],
)
def test_other_languages_have_rules_of_their_own(language: str, action: str, rule: str) -> None:
    """Years, digits, capitals and mixtures are looked at in every language."""
    changed = with_part("action", action, language=language)
    assert rule in rules_of(linter.of_template(changed, WORDS.vocabularies[language], FACTS))


def test_thai_letters_are_counted_as_readers_see_them() -> None:
    """Marks above and below a consonant are no letters of their own: 80 of น้ำ's syllables fit 80 letters."""
    assert linter.of_text("น้ำ" * 39, "th", "title", limit=80) == []
    assert rules_of(linter.of_text("น้ำ" * 81, "th", "title", limit=80)) == {"too-long"}


def test_link_may_stand_last_after_words_of_what_to_do() -> None:
    """A link may add to an action in words, at the end."""
    assert linter.of_text("ออกเดี๋ยวนี้ ดูแผนที่ https://example.org/a", "th", "body", limit=500) == []


def test_missing_language_and_twin_are_found() -> None:
    """Each hazard and level is there in every language, and no language has another's words."""
    rows = [one for key, one in WORDS.templates.items() if key != ("tide", 2, "my")]
    ms = WORDS.templates["storm", 1, "ms"]
    rows = [dataclasses.replace(one, action=ms.action) if one.key == ("storm", 1, "en") else one for one in rows]
    found = linter.of_templates(rows, WORDS.vocabularies, FACTS)
    assert ("tide/2", "my", "no-language") in {(one.where, one.language, one.rule) for one in found}
    assert ("storm/1", "same-text") in {(one.where, one.rule) for one in found}


def test_button_longer_than_line_takes_is_found() -> None:
    """A label that LINE would refuse is refused here."""
    words = dataclasses.replace(
        WORDS.vocabularies["en"], safe="I am safe and so is everybody else", phones=(("19x", "Call"),)
    )
    assert rules_of(linter.of_vocabulary("en", words)) == {"label-too-long", "phone-number", "phone-unsaid"}


def test_errors_refuse_with_their_sentences() -> None:
    """Words with an error cannot be used, and every sentence is told."""
    found = linter.of_template(with_part("action", "น้ำ"), WORDS.vocabularies["th"], FACTS)
    with pytest.raises(TemplateError, match="flood/3 th") as refused:
        linter.refuse_errors(found)
    assert len(refused.value.facts["findings"]) >= 2  # type: ignore[arg-type]  # facts are plain objects.
    linter.refuse_errors([one for one in found if not one.is_error])


def test_news_in_an_officers_own_words() -> None:
    """Thai is needed; other languages, the city, an action, a time and a number are missed with a warning each."""
    sound = {
        "title": f"{CITY.th} งดจ่ายน้ำประปา",
        "body": "งดจ่ายน้ำ 21 พ.ย. 2569 เวลา 09:00 น. เก็บน้ำไว้ใช้ สอบถามโทร 074 200 000",
    }
    found = linter.of_news({"th": sound}, CITY)
    assert {(one.rule, one.is_error) for one in found} == {("no-language", False)}
    bare = linter.of_news({"th": {"title": "แจ้งให้ทราบ", "body": "น้ำไม่ไหล"}}, CITY)
    assert {"city-first", "no-action", "no-time", "no-phone"} <= rules_of(bare)
    assert not linter.errors(bare)
    english = linter.of_news({"en": {"title": "Water off", "body": "No water."}, "xx": sound}, CITY)
    assert {(one.rule, one.language) for one in linter.errors(english)} == {
        ("no-language", "th"),
        ("unknown-language", "xx"),
    }
    twins = linter.of_news({"th": sound, "en": sound}, CITY)
    assert {"mixed-languages", "same-text"} <= rules_of(linter.errors(twins))
