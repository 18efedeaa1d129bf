"""`faonam geocode`: the places in a file of texts, one line or row each, with nothing lost."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from rich.progress import Progress

from core import db
from core.errors import InvalidInputError
from core.files import whole_file
from core.progress import console, step
from gis.citypack import encodings
from gis.gazetteer import files, queries
from gis.gazetteer.geocode import TEXT_READ, Answer, geocode
from gis.gazetteer.index import Gazetteer, build

TEXT_COLUMNS = ("text", "address", "comment")
MOST_BYTES = 200_000_000
FORMS = ("", ".csv", ".geojsonl")
TOLD = 20  # Rows that cannot be read are told up to here, and counted beyond; all of them stand in the result.
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_COLUMNS = (
    "row", "text", "rank", "lon", "lat", "radius_m", "kind", "label", "label_en", "matched", "confidence", "code",
    "reason", "bearers",
)
Write = Callable[[int, str, Answer], None]


@dataclass(frozen=True)
class _Line:
    """A text by its number in the file; None where the row has none, with the cause."""

    number: int
    text: str | None
    fault: str = ""


def geocode_file(path: Path, *, column: str | None, out: Path | None, admin: Path | None) -> int:
    """Every text of the file stands in the result with its candidates; how many rows could not be read.

    A CSV has a column of texts (`column`, or text, address or comment), anything else a text on each line. The result
    is CSV, or GeoJSON lines where `out` ends in .geojsonl. Without `admin` the imported city's names are used, with it
    only the units in that folder's registers. The result is there whole or not at all, and never in the place of the
    texts. Raises InvalidInputError and SetupError.
    """
    _check_out(path, out)
    lines = list(_lines(path, column))
    gazetteer = _gazetteer(admin)
    faults = 0
    with _opened(out) as file, Progress(console=console, transient=True) as bar:
        write = _writer(file, is_geojson=out is not None and out.suffix == ".geojsonl")
        for line in bar.track(lines, description=f"reading {path.name}"):
            if line.text is None:
                faults += 1
                if faults <= TOLD:
                    console.print(f"[yellow]{path.name}, row {line.number}: {line.fault}[/yellow]")
                write(line.number, "", Answer((), line.fault))
            else:
                write(line.number, line.text, geocode(gazetteer, line.text))
    if faults > TOLD:
        console.print(f"[yellow]… and {faults - TOLD:,} more rows that cannot be read.[/yellow]")
    console.print(f"{len(lines):,} texts, {faults:,} of them not readable")
    return faults


def _gazetteer(admin: Path | None) -> Gazetteer:
    if admin is not None:
        with step(f"reading the registers in {admin}"):
            return build(files.with_places(files.admin_entries(admin)))
    from cli.city import city_while_needed

    with city_while_needed(), step("reading the city's names"), db.transaction() as session:
        return queries.load(session)


def _check_out(path: Path, out: Path | None) -> None:
    """The result can be written where it is asked for, and what was given stays. Raises InvalidInputError."""
    if out is None:
        return
    if out.suffix.lower() not in FORMS:
        raise InvalidInputError(f"{out.name}: name a file that ends in .csv or .geojsonl.")
    if out.exists() and path.exists() and os.path.samefile(out, path):
        raise InvalidInputError(f"{out} holds the texts themselves; write the result to another file.")


def _lines(path: Path, column: str | None) -> Iterator[_Line]:
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise InvalidInputError(
                f"{path.name} has {size:,} bytes; at most {MOST_BYTES:,} are read at once: split it (split --lines)."
            )
        raw = path.read_bytes()
    except OSError as exc:
        raise InvalidInputError(f"{path} cannot be read: {exc.strerror}.") from exc
    _check_text(path, raw)
    rows = raw.removeprefix(b"\xef\xbb\xbf").splitlines()
    if path.suffix.lower() != ".csv":
        yield from (_line(number, row) for number, row in enumerate(rows, start=1) if row.strip())
        return
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        number = raw[: exc.start].count(b"\n") + 1
        raise InvalidInputError(f"{path.name}, row {number}: it is not UTF-8; save the file as UTF-8.") from exc
    yield from _rows(path, text, column)


def _check_text(path: Path, raw: bytes) -> None:
    """The file is text of lines that can be read, but for some. Raises InvalidInputError that says what it is instead.

    Where most lines are not UTF-8 the file is another kind of file, and a fault for each would say nothing.
    """
    if raw.startswith(_UTF16):
        raise InvalidInputError(f"{path.name}: it is UTF-16; save the file as UTF-8.")
    if b"\x00" in raw:
        number = raw[: raw.index(b"\x00")].count(b"\n") + 1
        raise InvalidInputError(f"{path.name}: it is not text; there are NUL bytes in it, the first in row {number}.")
    rows = [row for row in raw.splitlines() if row.strip()]
    if sum(map(_is_utf8, rows)) * 2 >= len(rows):
        return
    try:
        encodings.found(rows)
    except encodings.UnknownLettersError as exc:
        raise InvalidInputError(f"{path.name}: it is not text; most of it is neither UTF-8 nor TIS-620.") from exc
    raise InvalidInputError(f"{path.name}: it is TIS-620, as older Thai files are; save the file as UTF-8.")


def _is_utf8(row: bytes) -> bool:
    try:
        row.decode()
    except UnicodeDecodeError:
        return False
    return True


def _line(number: int, raw: bytes) -> _Line:
    try:
        return _checked(number, raw.decode())
    except UnicodeDecodeError:
        return _Line(number, None, "the line is not UTF-8.")


def _rows(path: Path, text: str, column: str | None) -> Iterator[_Line]:
    # Strict, for a quote left open would swallow rows unseen.
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 1
    try:
        header = next(reader, [])
        at = _column_of(path, header, column)
        for number, row in enumerate(reader, start=2):
            if row:
                yield _checked(number, row[at] if at < len(row) else "")
    except csv.Error as exc:
        raise InvalidInputError(f"{path.name}, row {number + 1}: {exc}.") from exc


def _column_of(path: Path, header: Sequence[str], column: str | None) -> int:
    """Where the column of texts stands. Raises InvalidInputError where it is not there, or twice."""
    wanted = column or next((name for name in TEXT_COLUMNS if name in header), None)
    if wanted is None or wanted not in header:
        asked = f"no column '{column}'" if column else f"none of the columns {', '.join(TEXT_COLUMNS)}"
        raise InvalidInputError(f"{path.name}, row 1: there is {asked}, only {', '.join(header) or 'nothing'}.")
    if header.count(wanted) > 1:
        raise InvalidInputError(f"{path.name}, row 1: the column '{wanted}' is there twice.")
    return header.index(wanted)


def _checked(number: int, text: str) -> _Line:
    if not text.strip():
        return _Line(number, None, "there is no text.")
    if len(text) > TEXT_READ:
        console.print(f"[yellow]row {number}: only its first {TEXT_READ:,} letters are read[/yellow]")
    return _Line(number, text)


# --- writing -------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _opened(out: Path | None) -> Iterator[IO[str]]:
    """The file to write, which takes its name when the block has ended well; or standard output."""
    if out is None:
        yield sys.stdout
        return
    with whole_file(out) as fresh, fresh.open("w", encoding="utf-8", newline="") as file:
        yield file


def _writer(file: IO[str], *, is_geojson: bool) -> Write:
    return _geojson_writer(file) if is_geojson else _csv_writer(file)


def _csv_writer(file: IO[str]) -> Write:
    table = csv.DictWriter(file, _COLUMNS, restval="")
    table.writeheader()

    def write(number: int, text: str, answer: Answer) -> None:
        rows = _as_rows(number, text, answer)
        table.writerows(rows or [_without_place(number, text, answer)])

    return write


def _geojson_writer(file: IO[str]) -> Write:
    def write(number: int, text: str, answer: Answer) -> None:
        rows = _as_rows(number, text, answer) or [_without_place(number, text, answer)]
        for row in rows:
            place = {"type": "Point", "coordinates": [row.pop("lon"), row.pop("lat")]} if "lon" in row else None
            line = {"type": "Feature", "geometry": place, "properties": row}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    return write


def _without_place(number: int, text: str, answer: Answer) -> dict[str, Any]:
    """Why there is no place; of a name that many places bear, also how many do."""
    row = {"row": number, "text": text, "reason": answer.reason}
    return row if answer.shared is None else {**row, "matched": answer.shared.name, "bearers": answer.shared.bearers}


def _as_rows(number: int, text: str, answer: Answer) -> list[dict[str, Any]]:
    return [
        {
            "row": number, "text": text, "rank": rank, "lon": round(one.place.lon, 6), "lat": round(one.place.lat, 6),
            "radius_m": one.radius_m, "kind": one.kind, "label": one.label_th, "label_en": one.label_en,
            "matched": one.matched, "confidence": one.confidence, "code": one.code,
        }
        for rank, one in enumerate(answer.candidates, start=1)
    ]
