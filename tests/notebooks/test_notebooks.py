"""The notebooks run from the first cell to the last on the demo city, and their maps need no network."""

from __future__ import annotations

import os
import re
from pathlib import Path

import nbformat
import pytest
import sqlalchemy as sa
from nbclient import NotebookClient

from cli import city
from core.settings import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


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


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # Jupyter's own libraries warn; the rule here is about the notebook.
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_the_demo_city_without_a_network(path: Path, demo_city: sa.Engine) -> None:
    """Every cell runs, and no address outside this machine is in what it shows."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute(
        env={**os.environ}
    )
    shown = nbformat.writes(notebook)
    assert re.findall(r'(?:src|href)=\\*"https?://[^"\\]+', shown) == []
    assert "leaflet" in shown
