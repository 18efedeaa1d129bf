"""The log of a rain gauge: tips of its bucket or millimetres, in each interval or running since the last reset."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sensors.feeds.row import FeedFault, FeedRow, Parsed, Reason, fault_of
from sensors.feeds.tables import Column, Role, Table, TableRow, TimeWay, table_of, time_in
from sensors.feeds.units import converted
from sensors.feeds.values import value_of
from sensors.rules import Refused

_RAIN_UNITS = ("tips", "mm", "cm", "in")


class Counting(StrEnum):
    """Whether a row holds what fell since the row before, or all that fell since the counter was reset."""

    INTERVAL = "interval"
    RUNNING = "running"


@dataclass(frozen=True)
class RainLayout:
    """How a gauge logs: its station, how it counts, the rain of one tip, and where its counter rolls over.

    `rolls_over_at` is the first number that the counter cannot hold (65,536), None where it is only ever reset.
    `last_total` and `last_at` are the last row of the file before, so that its first interval is not lost.
    """

    station: str
    times: TimeWay
    counting: Counting
    mm_per_tip: float | None = None
    rolls_over_at: float | None = None
    last_total: float | None = None
    last_at: datetime | None = None
    decimal: str = "."


@dataclass(frozen=True)
class _Before:
    """The last total and the last time that were read."""

    total: float | None
    at: datetime | None


def rows_of_log(body: bytes, *, layout: RainLayout) -> Parsed:
    """A row for each line: the rain in mm that fell since the line before, as series "station/rain".

    A running total that falls was reset: what it shows has fallen since. What fell between the last line and the reset
    is in no file and is not made up. The first total of a gauge has no line before it: a row without value.
    """
    table = table_of(body)
    if isinstance(table, FeedFault):
        return [table]
    index = _amounts_in(table)
    if isinstance(index, FeedFault):
        return [index]
    if not table.rows:
        return [FeedFault(Reason.EMPTY, "The file has headings but no rows.", "")]
    unit = _unit_of(table.columns[index], layout)
    if isinstance(unit, FeedFault):
        return [unit]
    parsed: Parsed = []
    before = _Before(layout.last_total, layout.last_at)
    for row in table.rows:
        one, before = _step(table, row, index=index, unit=unit, layout=layout, before=before)
        parsed.append(one)
    return parsed


def _amounts_in(table: Table) -> int | FeedFault:
    """The one column in a unit of rain; where headings say no unit, the one column of values."""
    columns = [(i, one) for i, one in enumerate(table.columns) if one.role in (Role.VALUE, Role.SERIES)]
    in_units = [index for index, column in columns if column.unit in _RAIN_UNITS]
    found = in_units or [index for index, column in columns if not column.unit]
    if len(found) == 1:
        return found[0]
    raw = ", ".join(column.name for column in table.columns)
    return FeedFault(Reason.NOT_A_TABLE, f"The file has {len(found)} columns that may be rain; one is needed.", raw)


def _unit_of(column: Column, layout: RainLayout) -> str | FeedFault:
    """The unit of the amounts: of the heading, or tips where the heading says none and a tip is declared."""
    unit = column.unit or ("tips" if layout.mm_per_tip is not None else "")
    if not unit:
        return FeedFault(Reason.NO_UNIT, f"The column '{column.name}' says no unit.", column.name)
    if unit == "tips" and not (layout.mm_per_tip and math.isfinite(layout.mm_per_tip) and layout.mm_per_tip > 0):
        detail = f"The column '{column.name}' counts tips, and the rain of one tip is not declared."
        return FeedFault(Reason.NO_UNIT, detail, column.name)
    return unit


def _step(
    table: Table, row: TableRow | FeedFault, *, index: int, unit: str, layout: RainLayout, before: _Before
) -> tuple[FeedRow | FeedFault, _Before]:
    """What a line becomes, and what the next one is compared with."""
    if isinstance(row, FeedFault):
        return row, before
    at = time_in(table, row, way=layout.times)
    if isinstance(at, Refused):
        return fault_of(at, raw=row.raw), before
    if before.at is not None and at <= before.at:
        detail = f"The time in '{table.columns[index].name}' is not after the line before: no interval can be told."
        return FeedFault(Reason.OUT_OF_ORDER, detail, row.raw), before
    amount = value_of(row.cells[index], field=table.columns[index].name, decimal=layout.decimal)
    if isinstance(amount, float) and amount < 0:
        amount = Refused(Reason.NOT_A_NUMBER, f"The field '{table.columns[index].name}' is negative; rain never is.")
    if isinstance(amount, Refused):
        return fault_of(amount, raw=row.raw), before
    fallen = amount if layout.counting is Counting.INTERVAL else _since(before.total, amount, layout)
    total = before.total if math.isnan(amount) else amount
    rain_mm = _mm(fallen, unit=unit, layout=layout)
    if math.isinf(rain_mm):
        return FeedFault(Reason.INFINITE, "The amount of rain is too large for a number.", row.raw), before
    return FeedRow(f"{layout.station}/rain", at, rain_mm, "mm", row.raw), _Before(total, at)


def _since(last: float | None, total: float, layout: RainLayout) -> float:
    if last is None or math.isnan(total):
        return math.nan
    if total >= last:
        return total - last
    # It rolled over only where it stood near its end: from anywhere else it was reset.
    if layout.rolls_over_at is not None and layout.rolls_over_at * 0.9 <= last < layout.rolls_over_at:
        return layout.rolls_over_at - last + total
    return total


def _mm(amount: float, *, unit: str, layout: RainLayout) -> float:
    if unit == "tips":
        return round(amount * (layout.mm_per_tip or math.nan), 9)
    return converted(amount, unit=unit, to_unit="mm")
