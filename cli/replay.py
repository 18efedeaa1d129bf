"""A past record replayed at the command line: what would have been told, beside what officials said."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from core.errors import InvalidInputError
from core.files import text_of, whole_file
from sensors.records.read import EXPECTED, read_record
from sensors.records.rows import BadRow, Record
from sensors.replay.compare import LEAST_FEWER, Compared, compare, fewer, holds, median_min
from sensors.replay.plan import Gate, gates
from sensors.replay.run import Moment, played
from sensors.watch.documents import CANAL_DEAD_BAND_M, Rule, parse_rules
from sensors.watch.state import Change, Timing

SHOWN_BAD = 10
OTHERS = (
    ("up by 1 reading", replace(Timing(), readings_up=1), CANAL_DEAD_BAND_M),
    ("up by 3 readings", replace(Timing(), readings_up=3), CANAL_DEAD_BAND_M),
    ("down by 2 readings", replace(Timing(), readings_down=2), CANAL_DEAD_BAND_M),
    ("hold 10 min", replace(Timing(), hold_s=600.0), CANAL_DEAD_BAND_M),
    ("hold 60 min", replace(Timing(), hold_s=3600.0), CANAL_DEAD_BAND_M),
    ("dead band 0.05 m", Timing(), 0.05),
    ("dead band 0.20 m", Timing(), 0.20),
)


def replay(path: Path, *, speed: float, rules_file: Path | None, json_file: Path | None, others: bool) -> bool:
    """The record has been played and compared; tables printed, the figures written; True where the bar holds.

    Raises InvalidInputError where the record holds no reading, or where the figures could not be written.
    """
    record = read_record(path)
    if not record.rows:
        first = f" Its first one: {_where(record.bad[0])}." if record.bad else ""
        raise InvalidInputError(f"None of the {record.lines} rows of {path.name} is a reading.{first} {EXPECTED}")
    rules = read_rules(rules_file) if rules_file else []
    with contextlib.ExitStack() as stack:
        figures = stack.enter_context(whole_file(json_file)) if json_file else None
        console = Console(width=None if Console().is_terminal else 150)
        _tell_record(console, record)
        found = _compared(gates(record, rules, timing=Timing()), speed=speed)
        _tell_found(console, found)
        if others and found:
            console.print(_others_table(record, rules, found))
        if figures is not None:
            figures.write_text(json.dumps(_as_json(path, found), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if found:
        console.print(_verdict(found))
    return _does_hold(found)


def _tell_found(console: Console, found: Sequence[Compared]) -> None:
    if not found:
        console.print("No station of this record has limits, so there is nothing to cross. Give some with --rules.")
        return
    console.print(_changes_table(found))
    console.print(_episodes_table(found))
    for line in _unconfirmed(found):
        console.print(line)


def _does_hold(found: Sequence[Compared]) -> bool:
    """The bar holds, also where there is nothing to hold it against."""
    return not found or holds(found)


def read_rules(file: Path) -> list[Rule]:
    """The rules of a JSON file. Raises InvalidInputError that names the file and what is wrong."""
    try:
        document = json.loads(text_of(file))
    except ValueError as exc:
        raise InvalidInputError(f"{file} is no JSON: {exc}.") from exc
    try:
        return parse_rules(document)
    except InvalidInputError as exc:
        raise InvalidInputError(f"{file}: {exc.detail}") from exc


def _compared(gates_: Sequence[Gate], *, speed: float) -> list[Compared]:
    moments: Iterable[Moment] = played(gates_)
    if speed > 0:
        moments = _in_time(moments, speed=speed)
    changes: dict[str, list[Change]] = {gate.name: [] for gate in gates_}
    for moment in moments:
        changes[moment.gate].extend(moment.changes)
    return [compare(gate, changes[gate.name]) for gate in gates_]


def _in_time(moments: Iterable[Moment], *, speed: float) -> Iterator[Moment]:
    """The moments, each not before its time at `speed` record seconds a second; what is announced is printed."""
    begun, first_at = time.monotonic(), None
    for moment in moments:
        first_at = first_at or moment.at
        due_s = (moment.at - first_at).total_seconds() / speed - (time.monotonic() - begun)
        if due_s > 0:
            time.sleep(due_s)
        for change in moment.changes:
            if change.is_announced:
                states = f"{change.from_state.name.lower()} → {change.to_state.name.lower()}"
                typer.echo(f"{change.at:%Y-%m-%d %H:%M}Z  {moment.gate}: {change.kind} ({states})")
        yield moment


def _tell_record(console: Console, record: Record) -> None:
    console.print(
        f"{record.lines} lines: {len(record.rows)} readings of {len(record.stations())} stations, "
        f"{record.repeats} repeats, {len(record.conflicts)} of them with another value, {len(record.bad)} bad rows."
    )
    for title, rows in (("bad", record.bad), ("another value", record.conflicts)):
        for row in rows[:SHOWN_BAD]:
            console.print(f"  {title}: {_where(row)}")


def _where(row: BadRow) -> str:
    return f"{row.file}, row {row.row}, {row.field}: {row.cause}"


def _changes_table(found: Sequence[Compared]) -> Table:
    table = Table(
        title="State changes beside naive crossings of the official limits", title_justify="left",
        caption="first: from normal to any level; all: every step up or down; told: what anybody is told of the "
        "water (with repeats, ends and unconfirmed readings) and of the gauge (silence, every 6 h while it lasts, and "
        "return).",
        caption_justify="left",
    )
    for name in (
        "gate", "readings", "naive first", "ours first", "fewer", "naive all", "ours all", "told: water", "told: gauge",
    ):
        table.add_column(name, justify="left" if name == "gate" else "right")
    for one in found:
        table.add_row(
            one.gate, *map(str, (one.readings, one.naive_first, one.our_first)),
            _share(fewer(one.naive_first, one.our_first)),
            *map(str, (one.naive_all, one.our_all, one.told_water, one.told_gauge)),
        )
    naive, ours = sum(one.naive_first for one in found), sum(one.our_first for one in found)
    table.add_section()
    table.add_row(
        "total", str(sum(one.readings for one in found)), str(naive), str(ours), _share(fewer(naive, ours)),
        str(sum(one.naive_all for one in found)), str(sum(one.our_all for one in found)),
        str(sum(one.told_water for one in found)), str(sum(one.told_gauge for one in found)),
    )
    return table


def _episodes_table(found: Sequence[Compared]) -> Table:
    table = Table(
        title="Official episodes of Siaga 2 and 1, and how far our changes come after the official label's",
        title_justify="left", caption_justify="left",
        caption="unconfirmed: one reading that nothing else bore out, told as such and not raised. standing: raised "
        "before and not yet down. up, down: median minutes from the label of any level (Siaga 3, 2, 1) going up or "
        "down to ours; a negative one would be a lead. One of ours spans many of theirs, so down is long.",
    )
    for name in ("gate", "episodes", "raised", "standing", "unconfirmed", "missed", "up min", "down min"):
        table.add_column(name, justify="left" if name == "gate" else "right")
    for one in found:
        if one.answers:
            _add_episodes(table, one.gate, [one])
    table.add_section()
    _add_episodes(table, "total", found)
    return table


def _add_episodes(table: Table, name: str, found: Sequence[Compared]) -> None:
    grave = [answer for one in found for answer in one.grave()]
    answers = [answer for one in found for answer in one.answers]
    table.add_row(
        name, str(len(grave)), str(sum(answer.is_raised and not answer.is_standing for answer in grave)),
        str(sum(answer.is_standing for answer in grave)),
        str(sum(answer.is_unconfirmed and not answer.is_raised for answer in grave)),
        str(sum(answer.is_missed for answer in grave)),
        _minutes(median_min([answer.up_min for answer in answers])),
        _minutes(median_min([answer.down_min for answer in answers])),
    )


def _unconfirmed(found: Sequence[Compared]) -> Iterator[str]:
    for one in found:
        for answer in one.grave():
            if not answer.is_raised:
                said = "missed" if answer.is_missed else "told as unconfirmed"
                start = f"{answer.episode.start_at:%Y-%m-%d %H:%M}Z"
                yield f"  {one.gate}, {start}, official {answer.episode.level.name.lower()}: {said}"


def _others_table(record: Record, rules: Sequence[Rule], found: Sequence[Compared]) -> Table:
    table = Table(title="The same record with other parameters", title_justify="left")
    for name in ("parameters", "ours first", "fewer", "ours all", "raised", "unconfirmed", "missed"):
        table.add_column(name, justify="left" if name == "parameters" else "right")
    _add_other(table, "as above", found)
    for name, timing, dead_band_m in OTHERS:
        _add_other(table, name, _compared(gates(record, rules, timing=timing, dead_band_m=dead_band_m), speed=0))
    return table


def _add_other(table: Table, name: str, found: Sequence[Compared]) -> None:
    grave = [answer for one in found for answer in one.grave()]
    naive, ours = sum(one.naive_first for one in found), sum(one.our_first for one in found)
    table.add_row(
        name, str(ours), _share(fewer(naive, ours)), str(sum(one.our_all for one in found)),
        str(sum(answer.is_raised for answer in grave)),
        str(sum(answer.is_unconfirmed and not answer.is_raised for answer in grave)),
        str(sum(answer.is_missed for answer in grave)),
    )


def _verdict(found: Sequence[Compared]) -> str:
    naive, ours = sum(one.naive_first for one in found), sum(one.our_first for one in found)
    missed = sum(answer.is_missed for one in found for answer in one.grave())
    return (
        f"Total: {ours} first alarms instead of {naive} ({_share(fewer(naive, ours))} fewer; the bar is "
        f"{LEAST_FEWER:.0%}), {missed} episodes of Siaga 2 or 1 missed: "
        f"{'the bar holds' if holds(found) else 'the bar does not hold'}."
    )


def _as_json(path: Path, found: Sequence[Compared]) -> dict[str, object]:
    return {"record": path.name, "holds": _does_hold(found), "gates": [_gate_json(one) for one in found]}


def _gate_json(one: Compared) -> dict[str, object]:
    grave = one.grave()
    return {
        "gate": one.gate, "readings": one.readings, "naive_first": one.naive_first, "our_first": one.our_first,
        "told_first": one.told_first, "naive_all": one.naive_all, "our_all": one.our_all, 
        "told_water": one.told_water, "told_gauge": one.told_gauge,
        "episodes": len(grave), "raised": sum(answer.is_raised for answer in grave),
        "standing": sum(answer.is_standing for answer in grave),
        "unconfirmed": sum(answer.is_unconfirmed and not answer.is_raised for answer in grave),
        "missed": sum(answer.is_missed for answer in grave),
        "up_min": median_min([answer.up_min for answer in one.answers]),
        "down_min": median_min([answer.down_min for answer in one.answers]),
    }


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _minutes(value: float | None) -> str:
    return "–" if value is None else f"{value:+.0f}"
