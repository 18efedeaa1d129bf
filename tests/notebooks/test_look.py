"""The look of the notebooks' charts: the house's own, readable without seeing, shown without a network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import altair as alt
import pandas as pd
import pytest

from core.errors import InvalidInputError
from core.settings import ROOT
from notebooks import look

DEPTHS = pd.DataFrame({"name": ["แห้ง", "ข้อเท้า"], "depth_m": [0.0, 0.1]})


@pytest.fixture(autouse=True)
def house_look() -> Iterator[None]:
    """Charts look like the house's, and as before afterwards."""
    with alt.renderers.enable(), alt.theme.enable():
        look.use_house_look()
        yield


def bars(**properties: str) -> alt.Chart:
    return alt.Chart(DEPTHS).mark_bar().encode(x="name:N", y="depth_m:Q").properties(**properties)


def test_a_chart_is_shown_in_a_type_that_holds_json_and_without_any_address() -> None:
    """JupyterLab 4 draws Vega-Lite 5; the notebook format lets only types in +json hold an object."""
    shown, how = bars(description="Two depths.")._repr_mimebundle_()
    assert set(shown) == {"application/vnd.vegalite.v5+json", "text/plain"}
    assert "://" not in json.dumps([shown, how])
    assert how["application/vnd.vegalite.v5+json"]["embed_options"]["actions"]["editor"] is False
    assert [row["name"] for rows in shown[look.DRAWN_AS]["datasets"].values() for row in rows] == ["แห้ง", "ข้อเท้า"]


def test_who_cannot_see_a_chart_reads_it() -> None:
    """Its description stands in for it, and without one it is not shown."""
    shown, _ = bars(description="Two depths.")._repr_mimebundle_()
    assert shown["text/plain"] == "Two depths."
    with pytest.raises(InvalidInputError, match="description"):
        bars()._repr_mimebundle_()


def test_letters_and_colours_are_those_of_the_screens() -> None:
    """One house: each colour is a token of the screens, and the letters are Sarabun's or a Thai font instead."""
    tokens = (ROOT / "web" / "src" / "shared" / "look" / "tokens.css").read_text(encoding="utf-8")
    colours = [value for value in vars(look).values() if isinstance(value, str) and value.startswith("#")]
    assert len(colours) == 12
    assert [colour for colour in colours if f" {colour};" not in tokens] == []
    config = bars(description="Two depths.").to_dict()["config"]
    assert config["font"] == re.search(r"--font: (.+);", tokens)[1].replace("'Sarabun', 'Garuda'", "Sarabun, Garuda")


def test_the_one_to_one_line_says_the_same_on_both_axes() -> None:
    """From the low end to the high one, x is y, and both axes have these ends."""
    drawn = look.one_to_one(1.0, 2.6, name="as seen").to_dict()
    rows = [row for rows in drawn["datasets"].values() for row in rows]
    assert all(row["x"] == row["y"] for row in rows)
    assert {1.0, 2.6} <= {row["x"] for row in rows}
    assert {row.get("name") for row in rows} == {None, "as seen"}
    assert all(
        layer["encoding"][axis]["scale"]["domain"] == [1.0, 2.6] for layer in drawn["layer"] for axis in ("x", "y")
    )
