"""`faonam replay PATH --alerts`: a table for people, one line of JSON for machines, the same answer twice."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import main as commands
from cli.bare import with_named_json

BEGIN_AT = datetime.fromisoformat("2021-09-27T08:00:00+07:00")
# Two floods over the limit of a watch, the first with the water to and fro about it.
LEVELS_CM = [100.0] * 12 + [149.0, 151.0] * 9 + [100.0] * 30 + [160.0] * 6 + [100.0] * 30


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A staff gauge that is looked at every 10 min, and is yellow from 1.5 m."""
    file = tmp_path_factory.mktemp("record") / "levels.json"
    rows = [
        {
            "water_level_cm": level + 0.2 * (n % 4), "status": "yellow" if level > 150 else "green",
            "record_time": (BEGIN_AT + timedelta(minutes=10 * n)).isoformat(),
        }
        for n, level in enumerate(LEVELS_CM)
    ]
    file.write_text(json.dumps(rows), encoding="utf-8")
    return file


def _printed(*arguments: str) -> str:
    result = CliRunner().invoke(commands.app, ["replay", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_alerts_stand_beside_naive_crossings_twice_the_same(record: Path) -> None:
    """Ten crossings are two alerts and two all-clears; the JSON line comes alone where it is asked for alone."""
    line = _printed(str(record), "--alerts", "--json")
    assert line == _printed(str(record), "--alerts", "--json")
    figures = json.loads(line)
    (gate,) = figures["gates"]
    assert (figures["naive_total"], figures["alerts_total"], figures["all_clears_total"]) == (10, 2, 2)
    assert (gate["naive_crossings"], gate["alerts"], gate["proposals"], gate["withdrawn"]) == (10, 2, 4, 0)
    assert gate["alerts_by_level"] == {"1": 2, "2": 0, "3": 0}


def test_the_table_comes_before_the_line_and_the_line_goes_into_a_file(record: Path, tmp_path: Path) -> None:
    """People read the table; the last line and the file are the same JSON."""
    file = tmp_path / "figures.json"
    *table, line = _printed(str(record), "--alerts", "--json", str(file)).splitlines()
    assert json.loads(line) == json.loads(file.read_text(encoding="utf-8"))
    assert "all-clears" in "\n".join(table)


@pytest.mark.parametrize("more", [["--others"], ["--speed", "60"]])
def test_what_alerts_cannot_follow_is_refused(record: Path, more: list[str]) -> None:
    """Nothing that was asked for is left out without a word."""
    assert CliRunner().invoke(commands.app, ["replay", str(record), "--alerts", *more]).exit_code != 0


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (["P", "--alerts", "--json"], ["P", "--alerts", "--json", "-"]),
        (["P", "--json", "--alerts"], ["P", "--json", "-", "--alerts"]),
        (["P", "--json", "F", "--alerts"], ["P", "--json", "F", "--alerts"]),
    ],
)
def test_json_without_a_file_is_named_as_such(given: list[str], named: list[str]) -> None:
    """`--json` keeps its file where one is named."""
    assert with_named_json(given) == named
