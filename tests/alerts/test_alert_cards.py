"""The card of an alert: what residents see of every hazard, level and language passes what LINE takes."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from alerts import cards, templates
from alerts.templates import Facts, Named
from line import messages as line_messages
from line.errors import UnfitMessageError
from line.messages import CardPicture
from line.standin import checks

WORDS = templates.shipped()
ZONES = tuple(Named(f"ชุมชนริมคลองท่าใหญ่ฝั่งตะวันออกที่ {n}", f"East bank community number {n}") for n in range(30))
FACTS = Facts(
    Named("เทศบาลนครตัวอย่าง", "Example City Municipality"),
    ZONES,
    2,
    datetime(2026, 11, 21, 3, 5, tzinfo=UTC),
    Named("โรงเรียนวัด", "Temple School"),
)
PICTURE = CardPicture("https://city.example/pictures/zone/" + "a" * 43 + ".png", 720, 480, "แผนที่ ทิศเหนืออยู่ด้านบน")


def nodes(node: Any) -> Any:
    """Every object of a card."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from nodes(value)


@pytest.mark.parametrize("hazard", templates.HAZARDS)
@pytest.mark.parametrize("level", templates.LEVELS)
def test_every_card_passes_the_stand_in(hazard: str, level: int) -> None:
    """In each language, with a picture and 30 zones: LINE takes it, far below 30 KB, the same bytes for everybody."""
    texts = templates.rendered(level, FACTS, WORDS, hazard=hazard)
    for language, text in texts.items():
        vocabulary = WORDS.vocabularies[language]
        sent = [
            cards.messages(
                text, level=level, alert_id=7, words=vocabulary, is_simulated=True, hazard=hazard, picture=PICTURE
            )
            for _ in range(2)
        ]
        assert sent[0] == sent[1]
        body = {"to": ["U" + "0" * 32], "messages": sent[0]}
        assert list(checks.faults("multicast", body)) == []
        assert len(json.dumps(sent[0][0]["contents"], ensure_ascii=False).encode()) <= 15_000
        assert WORDS.label(hazard, level, language) in sent[0][0]["contents"]["header"]["contents"][1]["text"]


def test_card_has_city_level_picture_words_time_and_numbers() -> None:
    """City and level in the header, the picture below, then words, when, numbers to tap, and three answers."""
    text = templates.rendered(3, FACTS, WORDS)["en"]
    (card,) = cards.messages(
        text, level=3, alert_id=7, words=WORDS.vocabularies["en"], is_simulated=False, picture=PICTURE
    )
    bubble = card["contents"]
    assert [one["text"] for one in bubble["header"]["contents"]] == ["Example City Municipality", "▲▲▲ Flood danger"]
    assert bubble["hero"]["contents"][0]["url"] == PICTURE.url
    said = [one["text"] for one in bubble["body"]["contents"] if one["type"] == "text"]
    assert said == [text.title, text.situation, text.action, "21 Nov 2026 10:05"]
    uris = [node["uri"] for node in nodes(bubble["body"]) if "uri" in node]
    assert uris == ["tel:199", "tel:1669"]
    assert [one["action"]["data"] for one in bubble["footer"]["contents"]] == ["safe:7", "help:7", "canhelp:7"]
    assert card["altText"] == text.alt


def test_card_goes_without_a_picture() -> None:
    """No picture, no hero, all else the same; an address that LINE would refuse is refused here."""
    text = templates.rendered(2, FACTS, WORDS)["th"]
    bare, shown = (
        cards.messages(text, level=2, alert_id=7, words=WORDS.vocabularies["th"], is_simulated=True, picture=picture)[0]
        for picture in (None, PICTURE)
    )
    assert "hero" not in bare["contents"]
    assert {key: value for key, value in shown["contents"].items() if key != "hero"} == bare["contents"]
    with pytest.raises(UnfitMessageError):
        line_messages.alert_card(
            level=1, level_label="a", title="b", body=["c"], picture=CardPicture("http://x.example/p.png", 3, 2, "c")
        )


def test_labels_of_a_hazard_differ_by_level() -> None:
    """No two levels of a hazard have the same word in any language."""
    for hazard, language in itertools.product(templates.HAZARDS, templates.LANGUAGES):
        labels = {WORDS.label(hazard, level, language) for level in templates.LEVELS}
        assert len(labels) == len(templates.LEVELS)
