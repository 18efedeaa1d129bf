"""Charts for notebooks: plain SVG that says what the values say."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axis, Boxes, Chart, Dots, Frame, Line, Spans, bars

SVG = "{http://www.w3.org/2000/svg}"
UNIT = Axis("x", 0.0, 1.0)


def drawn(*series: Dots | Line | Spans | Boxes) -> ElementTree.Element:
    return ElementTree.fromstring(Chart("t", UNIT, UNIT, series)._repr_svg_())  # noqa: S314 - our own picture


def test_an_axis_ends_where_the_frame_does() -> None:
    """The low end stands left and at the bottom, the high end right and at the top."""
    frame = Frame(Axis("", 2.0, 4.0), Axis("", -1.0, 1.0))
    assert (frame.right(2.0), frame.right(4.0)) == (LEFT, WIDTH - RIGHT)
    assert (frame.down(-1.0), frame.down(1.0)) == (HEIGHT - BOTTOM, TOP)
    assert frame.right(3.0) == pytest.approx((LEFT + WIDTH - RIGHT) / 2)


@given(st.floats(-1e5, 1e5), st.floats(1e-3, 1e5))
def test_ticks_are_round_few_and_inside(low: float, width: float) -> None:
    """An axis has at most ten ticks, evenly apart by 1, 2 or 5 times a power of ten, none beyond its ends."""
    axis = Axis("", low, low + width)
    at = np.array([value for value, _ in axis.ticks()])
    assert 1 <= len(at) <= 10
    assert at.min() >= low - 1e-6 * width
    assert at.max() <= low + width * (1 + 1e-6)
    if len(at) > 1:
        steps = np.diff(at)
        assert np.allclose(steps, steps[0])
        assert min(abs(np.log10(steps[0] / lead) % 1.0 - whole) for lead in (1, 2, 5) for whole in (0, 1)) < 1e-3


def test_ticks_say_no_more_digits_than_they_need() -> None:
    """0.05 apart needs two digits, 20 apart none; named things have their names."""
    assert [told for _, told in Axis("", 0.0, 0.2).ticks()][:3] == ["0.00", "0.05", "0.10"]
    assert [told for _, told in Axis("", -40.0, 100.0).ticks()][:3] == ["-40", "-20", "0"]
    assert Axis("", 0.0, 1.0, names=("วัด", "ตลาด")).ticks() == [(0.0, "วัด"), (1.0, "ตลาด")]


def test_what_is_unknown_is_not_drawn() -> None:
    """A dot, an interval or a box with NaN is left out, and a line breaks there; the known ones stay."""
    known, gap = np.array([0.1, 0.5, 0.9]), np.array([0.1, np.nan, 0.9])
    picture = drawn(
        Dots(known, gap, "red", symbol="◆"), Line(known, gap, "blue"), Spans(known, gap, gap, "green"),
        Boxes(gap, gap, gap, gap, "black"),
    )
    assert sum(text.text == "◆" for text in picture.iter(f"{SVG}text")) == 2
    assert len(list(picture.iter(f"{SVG}polyline"))) == 2
    assert sum(line.get("stroke") == "green" for line in picture.iter(f"{SVG}line")) == 2
    assert sum(box.get("fill") == "black" for box in picture.iter(f"{SVG}rect")) == 2


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=30))
def test_words_stay_words(text: str) -> None:
    """Whatever a title, a name or a tip says, the picture stays well-formed and says it."""
    one = Dots(np.array([0.5]), np.array([0.5]), "red", name=f"a{text}", tips=(f"b{text}",))
    page = Chart(text, UNIT, UNIT, (one,))._repr_svg_()
    if "\ufffe" not in text and "\uffff" not in text:
        picture = ElementTree.fromstring(page)  # noqa: S314 - our own picture
        assert f"b{text}" in [tip.text for tip in picture.iter(f"{SVG}title")]
    assert "<script" not in page


def test_a_series_is_told_by_symbol_and_name() -> None:
    """Two series of one colour are told apart in the legend; one without a name is not in it."""
    at = np.array([0.5])
    seen, guessed = Dots(at, at, "red", name="seen"), Line(at, at, "red", name="guessed", dash="4 3")
    picture = drawn(seen, guessed, Dots(at, at, "red"))
    legend = ["".join(text.itertext()) for text in picture.iter(f"{SVG}text") if text.get("y") == "38"]
    assert legend == ["● seen", "╌ guessed"]


def test_a_bar_reaches_from_zero_to_its_value() -> None:
    """Also a value below zero; bars stand in the order of the values."""
    made = bars(np.array([2.0, -1.0]), colour="red", width=0.5)
    assert made.low.tolist() == [0.0, -1.0]
    assert made.high.tolist() == [2.0, 0.0]
    assert made.left.tolist() == [-0.25, 0.75]
