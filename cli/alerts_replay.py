"""A past record as residents would have heard of it: alerts by gate beside naive crossings, at the command line."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from alerts import policy
from alerts.replaying import Replayed, every_level, replayed
from cli.bare import NO_FILE
from core.errors import InvalidInputError
from core.files import whole_file
from sensors.records.read import EXPECTED, read_record
from sensors.replay.plan import Gate, gates
from sensors.replay.run import played
from sensors.watch.documents import Rule
from sensors.watch.state import LEVELS, Change, Timing

CAPTION = (
    "Each gate is a zone of its own, as bad as the state of its water. Every proposal is approved at once; an alert "
    "whose time runs out while the water holds its level is extended, which tells nobody anew. naive: a raw reading at "
    "a limit or above it after one below. Every level is proposed here; as the policy comes, residents would have had "
    "{shipped} alerts of {naive} naive crossings."
)


def replay_alerts(path: Path, *, rules: Sequence[Rule], json_file: Path | None) -> bool:
    """The record has been played through watch and alert rules; a table is printed, then one line of JSON.

    The line is also written to `json_file`; with `NO_FILE` it is printed alone. True where residents hear less often
    than of every naive crossing. Raises InvalidInputError where the record holds no reading.
    """
    record = read_record(path)
    if not record.rows:
        raise InvalidInputError(f"None of the {record.lines} rows of {path.name} is a reading. {EXPECTED}")
    with contextlib.ExitStack() as stack:
        figures = stack.enter_context(whole_file(json_file)) if json_file not in (None, NO_FILE) else None
        found = _replayed(gates(record, rules, timing=Timing()))
        line = json.dumps(as_json(path.name, found), ensure_ascii=False)
        if figures is not None:
            figures.write_text(line + "\n", encoding="utf-8")
    if json_file != NO_FILE:
        Console(width=None if Console().is_terminal else 150).print(_table(found))
    typer.echo(line)
    return does_hold(found)


def _replayed(gates_: Sequence[Gate]) -> list[Replayed]:
    changes: dict[str, list[Change]] = {gate.name: [] for gate in gates_}
    for moment in played(gates_):
        changes[moment.gate].extend(moment.changes)
    every = every_level(policy.shipped())
    return [replayed(gate, changes[gate.name], policy=every) for gate in gates_]


def does_hold(found: Sequence[Replayed]) -> bool:
    """Residents hear less often than of every naive crossing, or there was none."""
    naive = sum(one.naive for one in found)
    return naive == 0 or sum(one.warnings() for one in found) < naive


def as_json(record: str, found: Sequence[Replayed]) -> dict[str, object]:
    """The figures of the table, for machines."""
    return {
        "record": record, "policy_version": policy.shipped().version, "levels_proposed": [int(one) for one in LEVELS],
        "holds": does_hold(found), "gates": [_gate_json(one) for one in found],
        "naive_total": sum(one.naive for one in found), "alerts_total": sum(one.warnings() for one in found),
        "all_clears_total": sum(one.count("all_clear") for one in found),
    }


def _gate_json(one: Replayed) -> dict[str, object]:
    return {
        "gate": one.gate, "readings": one.readings, "naive_crossings": one.naive, "alerts": one.warnings(),
        "naive_by_level": {str(level): count for level, count in one.naive_by_level.items()},
        "alerts_by_level": {str(int(level)): one.warnings(level) for level in LEVELS},
        "first_alerts": one.count("alert"), "updates": one.count("update"), "all_clears": one.count("all_clear"),
        "proposals": one.proposed, "withdrawn": one.withdrawn, "extended": one.extended,
    }


def _table(found: Sequence[Replayed]) -> Table:
    proposed = [rule.level for rule in policy.shipped().levels if rule.is_proposed]
    caption = CAPTION.format(
        shipped=sum(one.warnings(level) for one in found for level in proposed),
        naive=sum(one.naive_by_level[level] for one in found for level in proposed),
    )
    table = Table(
        title="What residents would have been told, beside naive crossings", title_justify="left", caption=caption,
        caption_justify="left",
    )
    columns = (
        "gate", "readings", "naive", "alerts", "naive 1/2/3", "alerts 1/2/3", "updates", "all-clears", "proposals",
        "extended",
    )
    for name in columns:
        table.add_column(name, justify="left" if name == "gate" else "right")
    for one in found:
        table.add_row(one.gate, *_row([one]))
    table.add_section()
    table.add_row("total", *_row(found))
    return table


def _row(found: Sequence[Replayed]) -> list[str]:
    naive = [sum(one.naive_by_level[level] for one in found) for level in LEVELS]
    told = [sum(one.warnings(level) for one in found) for level in LEVELS]
    return [
        str(sum(one.readings for one in found)), str(sum(naive)), str(sum(told)), "/".join(map(str, naive)),
        "/".join(map(str, told)), str(sum(one.count("update") for one in found)),
        str(sum(one.count("all_clear") for one in found)), str(sum(one.proposed for one in found)),
        str(sum(one.extended for one in found)),
    ]
