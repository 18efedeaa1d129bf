"""Messages are measured as LINE measures them, before anything is stored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from line import messages, rules
from line.errors import UnfitMessageError


@pytest.mark.parametrize(
    ("text", "units", "letters"),
    [
        ("", 0, 0),
        ("abc", 3, 3),
        ("น้ำท่วม", 7, 4),
        ("ที่", 3, 1),
        ("🌊", 2, 1),
        ("👍🏽", 4, 1),
        ("👨‍👩‍👧", 8, 1),
        ("🇹🇭🇲🇲", 8, 2),
        ("မြန်မာ", 6, 3),
    ],
)
def test_two_ways_of_counting(text: str, units: int, letters: int) -> None:
    """Texts count UTF-16 units, labels count what a reader sees: Thai marks are free in the one, not in the other."""
    assert (rules.utf16_units(text), rules.graphemes(text)) == (units, letters)


def test_label_of_20_thai_clusters() -> None:
    """A Thai label of 20 letters passes although it has 40 code points; 21 do not."""
    assert messages.say("กี" * 20, "x")["label"] == "กี" * 20
    with pytest.raises(UnfitMessageError):
        messages.say("กี" * 21, "x")


def test_text_limit_is_5000_units() -> None:
    """5,000 UTF-16 units pass, 5,001 do not, and neither does an empty text."""
    assert messages.text("ก" * 5000)
    for unfit in ("ก" * 5001, "🌊" * 2501, "", "  "):
        with pytest.raises(UnfitMessageError):
            messages.text(unfit)


def test_other_limits() -> None:
    """altText 1,500, quick replies 13, messages 5, postback data 300, schemes LINE opens."""
    bubble = messages.alert_card(level=3, level_label="อันตราย", title="ก", body=["ข"])["contents"]
    tap = messages.say("ก", "ก")
    with pytest.raises(UnfitMessageError):
        messages.flex("ก" * 1501, bubble)
    with pytest.raises(UnfitMessageError):
        messages.quick_reply(*[tap] * 14)
    with pytest.raises(UnfitMessageError):
        messages.quick_reply()
    with pytest.raises(UnfitMessageError):
        messages.check([messages.text("ก")] * 6)
    with pytest.raises(UnfitMessageError):
        messages.check([])
    with pytest.raises(UnfitMessageError):
        messages.postback("ก", "x" * 301)
    with pytest.raises(UnfitMessageError):
        messages.open_uri("ก", "javascript:alert(1)")


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_level_is_more_than_a_colour(level: int) -> None:
    """Each level's card says its level by a symbol and a word too, in the card and in the notification."""
    card = messages.alert_card(level=level, level_label="เฝ้าระวัง", title="คลองท่าดี", body=["ระดับน้ำสูงขึ้น"])
    look = messages.LEVEL_LOOKS[level]
    assert card["altText"].startswith(f"{look.symbol} เฝ้าระวัง: คลองท่าดี")
    assert look.symbol in card["contents"]["header"]["contents"][0]["text"]
    assert contrast(look.header, look.on_header) >= 4.5


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (WCAG 2.2)."""

    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@given(st.text(), st.integers(min_value=1, max_value=60))
def test_cut_fits(text: str, limit: int) -> None:
    """A text that is cut fits its limit, and one that fits is left as it is."""
    shorter = messages.cut(text, limit_utf16=limit)
    assert len(shorter.encode("utf-16-le", "surrogatepass")) // 2 <= limit
    if rules.utf16_units(text) <= limit:
        assert shorter == text
