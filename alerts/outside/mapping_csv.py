"""The city's table as a CSV file, as an officer edits it in a spreadsheet. Pure; a fault names its row and column."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Mapping, Sequence

from alerts.outside.mapping import ALL, ANY, LEVELS, NONE, TOUCHED, ActsAs, Row, Where, grade_in
from core.errors import InvalidInputError

COLUMNS = ("source", "event", "severity", "where", "area", "share", "zones", "level", "acts_as", "note")
MOST_ROWS, MOST_CHARS = 2_000, 500


def written(rows: Sequence[Row]) -> str:
    """The table as CSV, with a row of names first."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(
            (row.source, row.event, row.min_grade or "", row.where.value, row.area, f"{row.share:g}",
             " ".join(row.zones), row.level, row.acts_as.value, row.note)
        )  # fmt: skip
    return out.getvalue()


def rows_of(text: str, *, sources: Collection[str], zones: Collection[str]) -> list[Row]:
    """The rows of a CSV file. Raises InvalidInputError that names the row and what is wrong with it.

    Each source and zone that is named has to be there: a table that means another zone than its author must not be
    taken in silence.
    """
    try:
        lines = list(csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True))
    except csv.Error as fault:
        raise InvalidInputError(f"The table is no CSV: {fault}.") from fault
    if not lines or tuple(name.strip() for name in lines[0]) != COLUMNS:
        raise InvalidInputError(f"The first row must name the columns: {','.join(COLUMNS)}.")
    if len(lines) > MOST_ROWS + 1:
        raise InvalidInputError(f"The table has {len(lines) - 1} rows; {MOST_ROWS} at most are read.")
    found = []
    for number, line in enumerate(lines[1:], 2):
        if not any(cell.strip() for cell in line):
            continue
        if len(line) != len(COLUMNS):
            raise InvalidInputError(f"Row {number} has {len(line)} cells; {len(COLUMNS)} are needed.")
        cells = {name: cell.strip() for name, cell in zip(COLUMNS, line, strict=True)}
        found.append(row_of(cells, number=number, sources=sources, zones=zones))
    return found


def row_of(cells: Mapping[str, str], *, number: int, sources: Collection[str], zones: Collection[str]) -> Row:
    """One row. Raises InvalidInputError as `rows_of` does."""

    def refuse(column: str, why: str) -> InvalidInputError:
        return InvalidInputError(f"Row {number}, '{column}': {why}")

    for column, cell in cells.items():
        if len(cell) > MOST_CHARS or any(ord(letter) < 0x20 for letter in cell):
            raise refuse(column, f"it is longer than {MOST_CHARS} characters, or holds control characters.")
    source = cells["source"] or ANY
    if source != ANY and source not in sources:
        raise refuse("source", f"there is no source '{source}' (there are {', '.join(sorted(sources)) or 'none'}).")
    try:
        grade = grade_in(cells["severity"])
    except ValueError:
        raise refuse("severity", "it is Minor, Moderate, Severe, Extreme, a number from 0 to 9, or empty.") from None
    try:
        where = Where(cells["where"] or ANY)
    except ValueError:
        raise refuse("where", f"it is one of {', '.join(Where)}.") from None
    has_area = where in (Where.STATION, Where.CODE, Where.NAME)
    if has_area != bool(cells["area"]):
        raise refuse("area", "a station, code or name is needed, and only there.")
    share = _share(cells["share"])
    if share is None:
        raise refuse("share", "it is a number from 0 to 1: how much of a zone an outline covers.")
    named = tuple(cells["zones"].split()) or (NONE,)
    unknown = [code for code in named if code not in zones]
    if named not in ((ALL,), (NONE,), (TOUCHED,)) and unknown:
        raise refuse("zones", f"there is no zone '{unknown[0]}'.")
    if named == (TOUCHED,) and where is not Where.POLYGON:
        raise refuse("zones", "only an outline touches zones.")
    if not cells["level"].isdecimal() or int(cells["level"]) not in LEVELS:
        raise refuse("level", "it is 0, 1, 2 or 3.")
    try:
        acts_as = ActsAs(cells["acts_as"] or "context")
    except ValueError:
        raise refuse("acts_as", "it is context or proposal.") from None
    if acts_as is ActsAs.PROPOSAL and int(cells["level"]) == 0:
        raise refuse("level", "a proposal has a level from 1 to 3.")
    return Row(
        source, cells["event"] or ANY, grade, where, cells["area"], share, named, int(cells["level"]), acts_as,
        cells["note"],
    )  # fmt: skip


def _share(text: str) -> float | None:
    if not text:
        return 0.0
    try:
        share = float(text)
    except ValueError:
        return None
    return share if math.isfinite(share) and 0 <= share <= 1 else None
