"""A past record replayed: what is counted, what is found, and that it is honest about what is missed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import main as commands
from cli import replay as command
from core.errors import InvalidInputError
from core.settings import ROOT
from sensors.quality.state import State
from sensors.quality.stream import judge
from sensors.records.rangsit import COLOURS
from sensors.records.read import read_record
from sensors.records.rows import Record, Row
from sensors.replay.compare import Compared, compare, holds
from sensors.replay.plan import Gate, gates, level_m, official_limits, quality_of
from sensors.replay.run import played
from sensors.rules import Flag, WaterState
from sensors.watch.documents import parse_rule
from sensors.watch.state import Change, ChangeKind, Timing
from tests.sensors.watch.water import START

JAKARTA = ROOT.parent / "shared" / "data" / "sensors" / "jakarta_bpbd"
NORMAL, WATCH, WARNING, DANGER = WaterState


def _official(level_mm: float) -> WaterState:
    return WaterState(sum(level_mm >= limit for limit in (2000, 3000, 4000)))


def _record(levels_mm: list[float], *, official: list[WaterState] | None = None) -> Record:
    labels = official or [_official(level) for level in levels_mm]
    rows = tuple(
        Row(station="gate", at=START + timedelta(minutes=10 * step), value=level, unit="mm", official=labels[step])
        for step, level in enumerate(levels_mm)
    )
    return Record(rows=rows, bad=(), lines=len(rows), repeats=0, conflicts=())


def _compared(record: Record, *, timing: Timing | None = None) -> tuple[Compared, list[Change]]:
    (gate,) = gates(record, [], timing=timing or Timing())
    changes = [change for moment in played([gate]) for change in moment.changes]
    return compare(gate, changes), changes


def test_noise_at_a_limit_is_many_naive_crossings_and_one_of_ours() -> None:
    """An hour of 1.99 and 2.01 m."""
    found, _ = _compared(_record([1500.0] * 8 + [1990.0, 2010.0] * 10 + [1500.0] * 12))
    assert (found.naive_first, found.our_first, found.naive_all, found.our_all) == (10, 1, 20, 2)


def test_an_episode_is_raised_standing_unconfirmed_or_missed() -> None:
    """Two readings at warning are raised, a dip within the dead band stands, a lone spike is told as unconfirmed."""
    low, high = [1000.0] * 12, [3100.0, 3100.0, 2950.0, 3100.0]
    found, _ = _compared(_record([*low, 1900.0, 2700.0, *high, 2300.0, 1500.0, *low, 3500.0, *low]))
    first, second, spike = found.grave()
    assert (first.is_raised, first.is_standing, first.up_min) == (True, False, 10.0)
    assert (second.is_raised, second.is_standing) == (True, True)
    assert (spike.is_raised, spike.is_unconfirmed, spike.is_missed) == (False, True, False)
    assert (found.naive_first, found.our_first, holds([found])) == (2, 1, True)


def test_a_missed_grave_episode_breaks_the_bar() -> None:
    """However few alarms there are, an official warning of which we said nothing is a failure."""
    official = [NORMAL] * 12 + [WATCH, NORMAL] * 6 + [WARNING] + [NORMAL] * 12
    levels = [1000.0] * 12 + [2000.0, 1990.0] * 6 + [1995.0] + [1000.0] * 12
    rows = _record(levels, official=official)
    (gate,) = gates(rows, [], timing=Timing())
    assert compare(gate, []).grave()[0].is_missed
    assert not holds([compare(gate, [])])


def test_limits_are_the_published_ones_or_those_of_the_labels() -> None:
    """Manggarai is 7.51, 8.51 and 9.51 m, never 75.1; a gate without published limits has its lowest labelled level."""
    published = official_limits("PA. Manggarai", [])
    assert published is not None
    assert (published.watch, published.warning, published.danger) == (7.51, 8.51, 9.51)
    labelled = official_limits("gate", _record([1990.0, 2000.0, 3010.0]).rows)
    assert labelled is not None
    assert (labelled.watch, labelled.warning, labelled.danger) == (2.0, 3.01, None)
    assert official_limits("gate", _record([100.0]).rows) is None


def test_millimetres_centimetres_and_metres_are_told_apart_and_rain_is_no_level() -> None:
    """1510 mm, 151 cm and 1.51 m are one level; a unit that is no length is refused."""
    row = _record([1510.0]).rows[0]
    written = ((1510, "mm"), (151, "cm"), (1.51, "m"))
    same = [Row(station="g", at=row.at, value=value, unit=unit) for value, unit in written]
    assert {level_m(one) for one in same} == {1.51}
    with pytest.raises(InvalidInputError, match="no unit of a level"):
        level_m(Row(station="g", at=row.at, value=1.0, unit="unknown"))


@pytest.mark.parametrize(("value_mm", "flag"), [(-999_000.0, Flag.MISSING), (20_470.0, Flag.FAIL), (1500.0, Flag.GOOD)])
def test_a_sentinel_or_a_wrong_datum_never_becomes_a_level(value_mm: float, flag: Flag) -> None:
    """-999 is no value, and 20.47 m at limits of 2 to 4 m (Na Thawi: bank 2.54) is a configuration fault, no flood."""
    record = _record([1500.0, 2500.0, 3500.0, 4500.0, value_mm, value_mm, value_mm])
    (gate,) = gates(record, [], timing=Timing())
    newest = gate.rows[4]
    at_s = newest.at.timestamp()
    assert judge(State(), at_s, level_m(newest), at_s, quality_of(gate)).flag is flag
    (calm,) = gates(_record([1500.0] * 8 + [2000.0] + [1500.0] * 8), [], timing=Timing())
    wrong = [Row(station="gate", at=row.at, value=value_mm, unit="mm", official=row.official) for row in calm.rows[9:]]
    moments = played([Gate(name="gate", official=gate.official, rule=gate.rule, rows=(*calm.rows[:9], *wrong))])
    assert not [one for moment in moments for one in moment.changes if one.to_state > WATCH]


def test_a_rule_that_is_no_level_or_has_no_station_is_refused() -> None:
    """The replay compares levels at stations of the record."""
    record = _record([2000.0])
    silence = parse_rule({"code": "s", "version": 1, "kind": "silence", "streams": ["gate"]})
    with pytest.raises(InvalidInputError, match="compares levels"):
        gates(record, [silence], timing=Timing())
    elsewhere = parse_rule({"code": "s", "version": 1, "kind": "level", "streams": ["other"], "watch": 1.0})
    with pytest.raises(InvalidInputError, match="'other'"):
        gates(record, [elsewhere], timing=Timing())


def _files(folder: Path, levels: list[float]) -> Path:
    rows = [
        {"water_level_cm": level, "status": "green" if level < 200 else "orange",
         "record_time": (START + timedelta(minutes=10 * step)).isoformat()}
        for step, level in enumerate(levels)
    ]
    (folder / "record.json").write_text(json.dumps(rows), encoding="utf-8")
    return folder / "record.json"


def test_the_command_prints_a_verdict_writes_figures_and_fails_where_the_bar_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One crossing and one alarm spare nothing: the bar does not hold, and the figures say so."""
    record, figures = _files(tmp_path, [100.0] * 6 + [210.0] * 6 + [100.0] * 6), tmp_path / "figures.out"
    assert command.replay(record, speed=0, rules_file=None, json_file=figures, others=False) is False
    assert "the bar does not hold" in capsys.readouterr().out
    written = json.loads(figures.read_text(encoding="utf-8"))
    assert (written["holds"], written["gates"][0]["naive_first"], written["gates"][0]["our_first"]) == (False, 1, 1)


def test_the_command_plays_in_time_and_takes_rules_from_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At a speed what is announced is printed as it happens; a rule of the file stands in for the limits."""
    record = _files(tmp_path, [100.0] * 6 + [210.0] * 6)
    rules = tmp_path / "rules"
    rules.write_text(
        '{"rules": [{"code": "r", "version": 1, "kind": "level", "streams": ["Rangsit"], "danger": 2.05}]}',
        encoding="utf-8",
    )
    command.replay(record, speed=1e8, rules_file=rules, json_file=None, others=False)
    assert "Rangsit: raised (normal → danger)" in capsys.readouterr().out
    rules.write_text('{"rules": [{"code": "r"}]}', encoding="utf-8")
    with pytest.raises(InvalidInputError, match="'kind' is missing"):
        command.read_rules(rules)


@pytest.mark.skipif(not JAKARTA.is_dir(), reason="The open data lie beside the project, not in it.")
def test_the_replay_of_jakarta_holds_its_bar() -> None:
    """238 naive first crossings become at most 132 alarms, and of no Siaga 2 or 1 is nothing said."""
    found_gates = gates(read_record(JAKARTA), [], timing=Timing())
    changes: dict[str, list[Change]] = {gate.name: [] for gate in found_gates}
    for moment in played(found_gates):
        changes[moment.gate].extend(moment.changes)
    found = [compare(gate, changes[gate.name]) for gate in found_gates]
    for gate in found_gates:
        assert all(gate.official.reached(level_m(row)) is row.official for row in gate.rows)
    assert sum(one.naive_first for one in found) == 238
    assert sum(one.our_first for one in found) <= 132
    assert len([one for one in found if one.naive_first]) == 14
    assert not any(answer.is_missed for one in found for answer in one.grave())
    assert holds(found)
    spikes = [one.at for one in changes["Pompa Yos Sudarso 1"] if one.kind is ChangeKind.UNCONFIRMED]
    assert len(spikes) == 1


def test_a_gate_whose_record_has_not_begun_is_not_lost() -> None:
    """Another gate's record begins a day earlier: that day is no silence of this one."""
    one = _record([2000.0] * 144).rows
    early = [replace(row, station="a") for row in one]
    late = [replace(row, station="b", at=row.at + timedelta(days=1)) for row in one[:9]]
    record = Record(rows=(*early, *late), bad=(), lines=153, repeats=0, conflicts=())
    moments = played(gates(record, [], timing=Timing()))
    lost = [moment.gate for moment in moments for one in moment.changes if one.kind is ChangeKind.LOST]
    assert lost == ["a"]


def test_a_record_without_a_reading_is_none(tmp_path: Path) -> None:
    """Nothing but bad rows says nothing of the rules: the first fault is told, and what is expected."""
    file = tmp_path / "levels.json"
    file.write_text('[{"level": 1}, {"level": 2}]', encoding="utf-8")
    with pytest.raises(InvalidInputError) as refused:
        command.replay(file, speed=0, rules_file=None, json_file=None, others=False)
    assert refused.value.detail.startswith(
        "None of the 2 rows of levels.json is a reading. Its first one: levels.json, row 1, status: it is missing, "
        "but must be one of green, yellow, orange, red."
    )
    assert "nama_pintu_air" in refused.value.detail


def test_the_help_says_which_statuses_a_staff_gauge_may_have() -> None:
    """Who writes a list for a staff gauge reads its statuses in the help, and what becomes of a row with another."""
    told = CliRunner().invoke(commands.app, ["replay", "--help"]).output
    said = " ".join(told.replace("│", " ").split())
    assert f"status: {', '.join([*COLOURS][:-1])} or {[*COLOURS][-1]}" in said
    assert "with another status, is left out and counted; the first ten are told with row, field and cause" in said


def test_a_row_with_an_unknown_status_is_left_out_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The row, the field, what it says and what it may say are printed; the other rows are played."""
    file = tmp_path / "levels.json"
    rows = [
        {"water_level_cm": 132, "status": "yellow", "record_time": "2021-09-27T08:00:00+07:00"},
        {"water_level_cm": 140, "status": "blue", "record_time": "2021-09-27T20:00:00+07:00"},
        {"water_level_cm": 140, "status": ["red"], "record_time": "2021-09-28T08:00:00+07:00"},
    ]
    file.write_text(json.dumps(rows), encoding="utf-8")
    command.replay(file, speed=0, rules_file=None, json_file=None, others=False)
    said = " ".join(capsys.readouterr().out.split())
    assert "3 lines: 1 readings" in said
    assert "levels.json, row 2, status: it is 'blue', but must be one of green, yellow, orange, red" in said
    assert "row 3, status: it is '['red']', but must be" in said


def test_figures_that_cannot_be_written_are_told_in_a_sentence(tmp_path: Path) -> None:
    """A folder that is not there is no failure of ours, and is told before the record is played."""
    file = tmp_path / "levels.json"
    file.write_text(
        '[{"water_level_cm": 132, "status": "yellow", "record_time": "2021-09-27T08:00:00+07:00"}]', encoding="utf-8"
    )
    with pytest.raises(InvalidInputError, match="There is no folder"):
        command.replay(file, speed=0, rules_file=None, json_file=tmp_path / "no" / "figures.json", others=False)
