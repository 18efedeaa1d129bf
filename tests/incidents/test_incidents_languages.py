"""Who reads Malay or Burmese is answered in it, from the first question to the last, and above all in danger."""

from __future__ import annotations

import json
import re

import pytest
from sqlalchemy.orm import Session

from core.settings import ROOT
from incidents import cards, catalogue
from incidents.cards import TRANSLATED
from line import rules as line_rules
from tests.incidents.conftest import Talker

# What only officers and the public pages read stands in Thai and English.
OFFICERS_FILES = ("exchange.ftl", "public.ftl", "report.ftl")
OFFICERS_KEYS = (
    "reason-", "wrong-step", "changed-meanwhile", "handing-", "waiting-", "keeping-", "category-same",
    "assigning-begun", "group-call-ended", "hidden-meanwhile",
)  # fmt: skip
FOLLOW = "follow"  # The one line of the public page's texts that goes to LINE.
THAI_LETTER = re.compile(r"[\u0e00-\u0e7f]")
_KEY = re.compile(r"^([a-z0-9_-]+) =", re.MULTILINE)
_SLOT = re.compile(r"\{ \$(\w+) \}")


def _texts(language: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in (ROOT / "incidents" / "locales" / language).glob("*.ftl"):
        parts = _KEY.split(re.sub(r"^#.*", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE))
        texts = dict(zip(parts[1::2], parts[2::2], strict=True))
        found |= {key: text for key, text in texts.items() if path.name not in OFFICERS_FILES or key == FOLLOW}
    return {key: text for key, text in found.items() if not key.startswith(OFFICERS_KEYS)}


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_for_residents_is_there_with_its_slots(language: str) -> None:
    """A resident is told the same in every language; only the names of categories stand in the city's tables too."""
    texts = _texts(language)
    said = {key: set(_SLOT.findall(text)) for key, text in texts.items() if not key.startswith("category-")}
    assert said == {key: set(_SLOT.findall(text)) for key, text in _texts("en").items()}
    codes = {f"category-{category.code}" for category in catalogue.shipped().file.category}
    assert {key for key in texts if key.startswith("category-")} == codes


@pytest.mark.parametrize("language", TRANSLATED)
def test_labels_are_short_enough_to_be_whole(language: str) -> None:
    """LINE shows 20 letters of a button, as readers count them."""
    short = {key: text.strip() for key, text in _texts(language).items() if key.startswith(("label-", "call-"))}
    assert [text for text in short.values() if line_rules.graphemes(text) > line_rules.LABEL_LIMIT_GRAPHEMES] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_report_is_told_in_the_language(town: Session, malee: Talker, language: str) -> None:
    """From the first question to the card of what was reported, no Thai letter stands among the words."""
    malee.resident.language = language
    said = malee.say("buat laporan" if language == "ms" else "တိုင်ကြားမည်")
    said += malee.say("pothole")
    said += malee.tap_label(said[-1], cards.say("label-other", language))
    said += malee.tap_label(said[-1], cards.say("category-road", language))
    said += malee.pin(99.960, 8.430)
    said += malee.tap_label(said[-1], cards.say("label-confirm", language))
    said += malee.say("status")
    said += malee.tap_label(said[-1], cards.say("label-mine-add", language))
    told = json.dumps(said, ensure_ascii=False)
    assert len(said) == 8
    assert cards.say("category-road", language) in told
    assert THAI_LETTER.findall(told) == []


@pytest.mark.parametrize(("language", "cry"), [("ms", "tolong saya"), ("my", "ကယ်ပါ")])
def test_a_cry_for_help_is_answered_in_the_language(malee: Talker, language: str, cry: str) -> None:
    """Whom to call is read at a glance by who has water at the breast."""
    malee.resident.language = language
    (card,) = malee.say(cry)
    told = json.dumps(card, ensure_ascii=False)
    assert cards.say("emergency-title", language) in told
    assert THAI_LETTER.findall(told) == []


def test_a_category_of_the_citys_own_is_named_in_english() -> None:
    """Nobody has translated it; who reads no Thai may read English."""
    assert cards.category_name("parrots", thai="นกแก้ว", english="Parrots", language="my") == "Parrots"
    assert cards.category_name("road", thai="ถนน", english="Road", language="th") == "ถนน"
