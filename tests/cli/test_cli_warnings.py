"""`faonam warnings`: sources from a file, asked, and the city's table out and in as CSV."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from cli.warnings_app import warnings_app
from core.db import transaction
from core.errors import FaonamError
from tests.api.ways.conftest import CITY

SOURCES = """
[[source]]
code = "weather"
name_th = "กรมอุตุนิยมวิทยา"
kind = "cap"
url = "http://127.0.0.1:9/index"
period_s = 600
options = {{ newest_by_title = true }}
{more}
[[source]]
code = "dam"
kind = "webhook"
period_s = 604800
"""


def run(*words: str) -> Any:
    return CliRunner().invoke(warnings_app, list(words))


@pytest.fixture
def city(database: sa.Engine) -> None:
    """A committed city without zones."""
    with transaction() as session:
        session.execute(sa.text(CITY))


def test_sources_are_declared_asked_and_told_of(city: None, tmp_path: Path) -> None:
    """A secret is shown once; declared again nothing is lost; one that cannot be had says so and exits 1."""
    path = tmp_path / "sources.toml"
    path.write_text(SOURCES.format(more=""), encoding="utf-8")
    first, second = run("add", str(path)), run("add", str(path))
    assert re.search(r"shown only now: whsec_\S{40,}", first.output)
    assert (second.exit_code, "whsec" in second.output) == (0, False)
    asked = run("poll", "weather")
    assert (asked.exit_code, "cannot be reached" in asked.output) == (1, True)
    told = run("sources").output
    assert "failing" in told
    assert "phone" in told
    assert "Nobody outside warns" in run("list").output


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ('colour = "red"', "no setting 'colour'"),
        ('secret_env = "DATABASE_URL"', "FAONAM_OUTSIDE_"),
        ('extra_ca_file = "nothing.pem"', "There is no file"),
        ("is_enabled = 1", "of the type bool"),
    ],
)
def test_a_faulty_file_declares_nothing(city: None, tmp_path: Path, more: str, why: str) -> None:
    """The fault is named, and not even the sound sources of the file are there."""
    path = tmp_path / "sources.toml"
    path.write_text(SOURCES.format(more=more), encoding="utf-8")
    done = run("add", str(path))
    assert isinstance(done.exception, FaonamError)
    assert why in done.exception.detail
    assert "dam" not in run("sources").output


def test_the_table_goes_out_and_comes_back(city: None, tmp_path: Path) -> None:
    """What is exported can be imported, and is the same version; a change is the next; a fault changes nothing."""
    path = tmp_path / "table.csv"
    assert "version 0, 0 rows" in run("export", str(path)).output
    path.write_text(path.read_text(encoding="utf-8-sig") + "phone,flood,,*,,,all,2,context,\n", encoding="utf-8")
    assert "version 1" in run("import", str(path), "--note", "first").output
    run("export", str(path))
    assert "version 1" in run("import", str(path)).output
    path.write_text(path.read_text(encoding="utf-8-sig").replace("all,2", "all,7"), encoding="utf-8")
    done = run("import", str(path))
    assert isinstance(done.exception, FaonamError)
    assert "Row 2, 'level'" in done.exception.detail
    assert "version 1, 1 rows" in run("export", str(path)).output
