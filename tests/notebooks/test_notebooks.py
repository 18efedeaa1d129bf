"""The notebooks run from the first cell to the last on the demo city; their maps and charts need no network."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
import sqlalchemy as sa
from nbclient import NotebookClient

from cli import city
from core.settings import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
HAS_OPEN_DATA = (ROOT.parent / "shared" / "data" / "cities").is_dir()
# How many charts each shows; the first part of the second notebook needs the open data beside the project.
CHARTS = {
    "01": 0, "02": 9 if HAS_OPEN_DATA else 3, "03": 6, "04": 3 if HAS_OPEN_DATA else 1, "05": 2 if HAS_OPEN_DATA else 1,
}


def _no_progress(detail: str) -> None:
    """Nobody watches."""


@pytest.fixture(scope="module")
def demo_city(module_database: sa.Engine) -> sa.Engine:
    """A database that holds the demo city; notebooks only read it."""
    city.import_for_a_storm(city.pack_of(None), _no_progress)
    return module_database


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    """What a notebook shows may be somebody's words or a city's data: nothing of it is in the project."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert [(cell.outputs, cell.execution_count) for cell in cells] == [([], None)] * len(cells)


@pytest.mark.filterwarnings("default")  # Jupyter's own libraries warn; the rule here is about the notebook.
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_the_demo_city_without_a_network(path: Path, demo_city: sa.Engine) -> None:
    """Every cell runs, nothing shown lies elsewhere, and who cannot see a chart or its colours can read it."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute(
        env={**os.environ}
    )
    shown = nbformat.writes(notebook)
    assert re.findall(r'(?:src|href)=\\*"https?://[^"\\]+', shown) == []
    assert "leaflet" in shown
    charts = list(_charts(notebook))
    assert len(charts) == CHARTS[path.stem[:2]]
    for chart, instead in charts:
        assert "://" not in json.dumps(chart)
        assert chart["description"] == instead
        assert re.search(r"[A-Za-zก-๛]{3}.*\d", instead), f"no sentence with a figure: {instead}"
        assert chart.get("title"), "a chart says what it shows"
        assert _data_elsewhere(chart) == []
        assert all(chart["datasets"].values())
        assert _told_by_colour_alone(chart) == set()


# --- what a chart says of itself -----------------------------------------------------------------------------------


def _charts(notebook: nbformat.NotebookNode) -> Iterator[tuple[dict[str, Any], str]]:
    """Each chart that the notebook shows, and the words that stand in for it."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            for media_type, shown in output.get("data", {}).items():
                if media_type.startswith("application/vnd.vegalite."):
                    yield shown, output.data["text/plain"]


def _parts(chart: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a chart, but for its data."""
    if isinstance(chart, dict):
        yield chart
        for name, part in chart.items():
            if name != "datasets":
                yield from _parts(part)
    elif isinstance(chart, list):
        for part in chart:
            yield from _parts(part)


def _data_elsewhere(chart: dict[str, Any]) -> list[Any]:
    """Data that is not in the chart itself."""
    named = [part["data"] for part in _parts(chart) if "data" in part]
    return [data for data in named if "values" not in data and data.get("name") not in chart["datasets"]]


def _told_by_colour_alone(chart: dict[str, Any]) -> set[str]:
    """What is told by colour and by no shape, dash, place or word beside it."""
    told: dict[str, set[str]] = {}
    for part in _parts(chart):
        for channel, how in part.get("encoding", {}).items():
            if isinstance(how, dict) and "field" in how:
                told.setdefault(how["field"], set()).add(channel)
    return {field for field, channels in told.items() if "color" in channels and channels <= {"color", "tooltip"}}
