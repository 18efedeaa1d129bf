"""The look of the notebooks' charts: Altair in the house's letters and colours, drawn on this machine alone.

Altair only describes a chart; JupyterLab draws it with the Vega-Lite that it brings (docs/decisions/0020). Maps are
gis.maps.
"""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from core.errors import InvalidInputError

# The colours of the screens (web/src/shared/look/tokens.css).
INK, INK_SOFT, LINE, PANEL = "#0f1b2d", "#465468", "#d5dbe1", "#ffffff"
NORMAL, WARNING, DANGER, SILENT = "#1f8a70", "#c56f00", "#d7263d", "#737d8a"
ANKLE, KNEE, WAIST, ABOVE = "#a9cdec", "#5f9fd8", "#2f6bb0", "#143f7a"
FONT = "Sarabun, Garuda, 'Noto Sans Thai', sans-serif"

# What JupyterLab 4 draws. Altair 6 says "application/vnd.vegalite.v6.json", which it does not know and the notebook
# format refuses: only a type that ends in +json may hold an object.
DRAWN_AS = "application/vnd.vegalite.v5+json"
# Drawn as SVG, so that a screen reader meets each mark; without the button that would send a chart to a web page.
EMBEDDED = {"renderer": "svg", "actions": {"export": True, "source": False, "compiled": False, "editor": False}}

DASHED = (6, 4)


def use_house_look() -> None:
    """Every chart of this kernel has the house's look and is shown without any network."""
    alt.theme.register("faonam", enable=True)(_theme)
    alt.renderers.register("faonam", _shown)
    alt.renderers.enable("faonam")


def tips(form: str, *fields: str) -> list[alt.Tooltip]:
    """The figures that pointing at a mark shows, written as `form` says (Vega's, such as ".2f")."""
    return [alt.Tooltip(field, type="quantitative", format=form) for field in fields]


def one_to_one(low: float, high: float, *, name: str) -> alt.LayerChart:
    """The broken line on which both axes of a square chart say the same, with its name along it."""
    scale = alt.Scale(domain=[low, high], nice=False)
    ends = pd.DataFrame({"x": [low, high], "y": [low, high]})
    at = low + 0.15 * (high - low)
    line = alt.Chart(ends).mark_line(color=SILENT, strokeDash=DASHED, strokeWidth=1.5)
    told = alt.Chart(pd.DataFrame({"x": [at], "y": [at], "name": [name]})).mark_text(angle=315, dy=15, color=INK_SOFT)
    x, y = alt.X("x:Q", scale=scale), alt.Y("y:Q", scale=scale)
    return alt.LayerChart(layer=[line.encode(x=x, y=y), told.encode(x=x, y=y, text="name:N")])


def _shown(spec: dict[str, Any], **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
    """The chart for who can draw it, its description for who cannot; no address of a schema that nobody would fetch."""
    if not spec.get("description"):
        raise InvalidInputError("A chart says nothing to who cannot see it: give it a description.")
    drawn = {key: value for key, value in spec.items() if key != "$schema"}
    return {DRAWN_AS: drawn, "text/plain": spec["description"]}, {DRAWN_AS: {"embed_options": EMBEDDED}}


def _theme() -> alt.theme.ThemeConfig:
    """Ink on a white panel, marks that stand out, and no name cut short."""
    return {
        "background": PANEL,
        "padding": 12,
        "config": {
            "font": FONT,
            "view": {"continuousWidth": 560, "continuousHeight": 300, "discreteWidth": 560, "stroke": LINE},
            "title": {
                "anchor": "start", "color": INK, "fontSize": 15, "lineHeight": 23, "subtitleColor": INK_SOFT,
                "subtitleFontSize": 13, "subtitleLineHeight": 20, "subtitlePadding": 4, "offset": 12, "limit": 0,
            },
            "axis": {
                "labelFontSize": 12.5, "labelColor": INK, "labelLimit": 0, "labelFlush": False, "labelPadding": 6,
                "titleFontSize": 13, "titleFontWeight": "normal", "titleColor": INK, "titleLimit": 0,
                "titlePadding": 10, "gridColor": LINE, "domainColor": INK_SOFT, "tickColor": INK_SOFT,
            },
            "legend": {
                "orient": "top", "title": None, "labelFontSize": 12.5, "labelColor": INK, "labelLimit": 0,
                "symbolSize": 110, "symbolOpacity": 1,
            },
            "header": {"labelFontSize": 13, "labelColor": INK, "labelAnchor": "start"},
            "text": {"fontSize": 12.5, "color": INK},
            "point": {"filled": True, "size": 80, "opacity": 1},
        },
    }
