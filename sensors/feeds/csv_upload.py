"""A CSV file with readings, as a municipality keeps it: one column per series, or one row per value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sensors.feeds.bodies import name_of
from sensors.feeds.row import FeedFault, FeedRow, Parsed, Reason, fault_of
from sensors.feeds.tables import Column, Role, Table, TableRow, TimeWay, table_of, time_in
from sensors.feeds.units import canonical
from sensors.feeds.values import value_of
from sensors.rules import Refused


@dataclass(frozen=True)
class CsvLayout:
    """How a file is written: its times, its decimals, and what it leaves unsaid.

    `station` is whose values they are where no column says it; `unit` is of columns whose headings say none;
    `missing` are numbers that stand for "no value" besides the known sentinels; `delimiter` None is found.
    """

    times: TimeWay
    station: str = ""
    decimal: str = "."
    unit: str = ""
    missing: frozenset[float] = frozenset()
    delimiter: str | None = None


def rows_of_file(body: bytes, *, layout: CsvLayout) -> Parsed:
    """A row or a fault for each cell of a column of values; one fault for a row whose time or station cannot be read.

    Series are named "station/heading", or by the station alone where the column is just called value.
    """
    table = table_of(body, delimiter=layout.delimiter)
    if isinstance(table, FeedFault):
        return [table]
    wanted = [index for index, one in enumerate(table.columns) if one.role in (Role.VALUE, Role.SERIES)]
    if not wanted:
        raw = ", ".join(column.name for column in table.columns)
        return [FeedFault(Reason.NOT_A_TABLE, "The file has no column of values.", raw)]
    if not table.rows:
        return [FeedFault(Reason.EMPTY, "The file has headings but no rows.", "")]
    return [one for row in table.rows for one in _rows_of_line(table, row, wanted=wanted, layout=layout)]


def _rows_of_line(table: Table, row: TableRow | FeedFault, *, wanted: list[int], layout: CsvLayout) -> Parsed:
    if isinstance(row, FeedFault):
        return [row]
    at = time_in(table, row, way=layout.times)
    if isinstance(at, Refused):
        return [fault_of(at, raw=row.raw)]
    station = _station_of(table, row, layout)
    if isinstance(station, Refused):
        return [fault_of(station, raw=row.raw)]
    return [_cell(table, row, index=index, station=station, at=at, layout=layout) for index in wanted]


def _cell(
    table: Table, row: TableRow, *, index: int, station: str, at: datetime, layout: CsvLayout
) -> FeedRow | FeedFault:
    column = table.columns[index]
    unit = _unit_of(table, row, column=column, layout=layout)
    if isinstance(unit, Refused):
        return fault_of(unit, raw=row.raw)
    value = value_of(row.cells[index], field=column.name, decimal=layout.decimal, missing=layout.missing)
    if isinstance(value, Refused):
        return fault_of(value, raw=row.raw)
    stream = name_of(_stream(column, station), field=column.name)
    if isinstance(stream, Refused):
        return fault_of(stream, raw=row.raw)
    return FeedRow(stream=stream, at=at, value=value, unit=unit, raw=row.raw)


def _stream(column: Column, station: str) -> str:
    if column.role is Role.VALUE:
        return station
    return f"{station}/{column.name}" if station else column.name


def _station_of(table: Table, row: TableRow, layout: CsvLayout) -> str | Refused:
    index = table.index_of(Role.STATION)
    return layout.station if index is None else name_of(row.cells[index], field=table.columns[index].name)


def _unit_of(table: Table, row: TableRow, *, column: Column, layout: CsvLayout) -> str | Refused:
    """The unit in the row, else in the heading, else the declared one."""
    index = table.index_of(Role.UNIT)
    if index is not None and row.cells[index].strip():
        said = name_of(row.cells[index], field=table.columns[index].name)
        return said if isinstance(said, Refused) else canonical(said) or said
    unit = column.unit or layout.unit
    return unit or Refused(Reason.NO_UNIT, f"The column '{column.name}' says no unit, and none is declared.")
