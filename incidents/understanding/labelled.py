"""Labelled texts in a CSV: read whole, rows that cannot be used named by file, row, field and cause, and kept out."""

from __future__ import annotations

import csv
import functools
import io
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.errors import InvalidInputError
from incidents.classify import normalise
from incidents.understanding.sayings import Labelled

FILE = Path(__file__).parent.parent / "data" / "labels.toml"
TEXT_COLUMNS = ("text", "comment", "description")
LABEL_COLUMNS = ("labels", "types", "type", "label", "category")  # Traffy itself writes {ถนน,ทางเท้า} into type.
TIME_COLUMN = "created_at"
MOST_BYTES = 200_000_000
MOST_LETTERS = 10_000
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BETWEEN_LABELS = re.compile(r"[,;|]")


@dataclass(frozen=True)
class Row:
    """A text with its categories, and when it was written where the file says so."""

    labelled: Labelled
    created_at: datetime | None
    lon: float | None = None


@dataclass(frozen=True)
class Fault:
    """Why a row is kept out; rows are counted as a spreadsheet shows them, the heading is row 1."""

    file: str
    row: int
    field: str
    cause: str

    def __str__(self) -> str:
        return f"{self.file}, row {self.row}, {self.field}: {self.cause}"


@dataclass(frozen=True)
class LabelledFile:
    """The usable rows, the faults, how often a text came again, and the labels that are none of ours."""

    rows: tuple[Row, ...]
    faults: tuple[Fault, ...]
    repeats: int
    unknown_labels: Mapping[str, int]


@functools.cache
def labels_of_others() -> Mapping[str, tuple[str, ...]]:
    """Our categories for each label of other systems."""
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {_key(label): tuple(codes) for table in tables.values() for label, codes in table.items()}


def read_labelled(path: Path, *, names: Mapping[str, str]) -> LabelledFile:
    """The rows of a CSV with a column of texts (text) and one of labels (labels or types, by commas).

    `names` gives the category of a code or a name; labels of other systems are known by `data/labels.toml`. A text that
    comes again adds its labels to the first. A row of which no label is known is kept out. Raises InvalidInputError for
    a file that is no such table.
    """
    known = {**labels_of_others(), **{_key(name): (code,) for name, code in names.items()}}
    faults: list[Fault] = []
    unknown: Counter[str] = Counter()
    found: dict[str, Row] = {}
    repeats = 0
    for number, fields, text_column, label_column in _fields(path):
        text = (fields.get(text_column) or "").strip()
        labels = [part for part in map(_key, _BETWEEN_LABELS.split(fields.get(label_column) or "")) if part]
        unknown.update(label for label in labels if label not in known)
        codes = tuple(dict.fromkeys(code for label in labels for code in known.get(label, ())))
        fault = _fault(text, labels, codes, text_column=text_column, label_column=label_column)
        if fault is not None:
            faults.append(Fault(path.name, number, *fault))
            continue
        plain = normalise(text)
        before = found.get(plain)
        repeats += before is not None
        if before is not None:
            codes = tuple(dict.fromkeys((*before.labelled.codes, *codes)))
        found[plain] = Row(
            Labelled(before.labelled.text if before else text, codes),
            before.created_at if before else _time(fields.get(TIME_COLUMN)), _number(fields.get("lon")),
        )
    return LabelledFile(tuple(found.values()), tuple(faults), repeats, dict(unknown))


def _fault(
    text: str, labels: list[str], codes: tuple[str, ...], *, text_column: str, label_column: str
) -> tuple[str, str] | None:
    if not text:
        return text_column, "there is no text."
    if len(text) > MOST_LETTERS:
        return text_column, f"the text has {len(text)} letters, more than {MOST_LETTERS}."
    if not labels:
        return label_column, "there is no label."
    if not codes:
        return label_column, f"'{labels[0][:40]}' is no category here."
    return None


def _fields(path: Path) -> Iterator[tuple[int, dict[str, str | None], str, str]]:
    content = _content(path)
    heading = content.partition("\n")[0]
    between = "\t" if "\t" in heading and "," not in heading else ","
    table = csv.DictReader(io.StringIO(content, newline=""), strict=True, delimiter=between)
    try:
        header = [name.strip().casefold() for name in table.fieldnames or ()]
        table.fieldnames = header
        text_column, label_column = _column(path, header, TEXT_COLUMNS), _column(path, header, LABEL_COLUMNS)
        for number, fields in enumerate(table, start=2):
            yield number, fields, text_column, label_column
    except csv.Error as exc:
        raise InvalidInputError(f"{path.name}, near line {table.line_num}, is no CSV: {exc}.") from exc


def _content(path: Path) -> str:
    if not path.is_file():
        raise InvalidInputError(f"{path} is no file.")
    if path.stat().st_size > MOST_BYTES:
        raise InvalidInputError(f"{path.name} has more than {MOST_BYTES // 1_000_000} MB.")
    raw = path.read_bytes()
    for encoding in ("utf-16",) if raw[:2] in _UTF16 else ("utf-8-sig", "cp874"):
        try:
            return raw.decode(encoding).replace("\0", "")
        except UnicodeDecodeError:
            continue
    raise InvalidInputError(f"{path.name} is neither in UTF-8 nor in code page 874: save it as UTF-8.")


def _column(path: Path, header: list[str], names: tuple[str, ...]) -> str:
    for name in names:
        if name in header:
            return name
    raise InvalidInputError(f"{path.name} has no column {' or '.join(names)}; it has {', '.join(header)[:200]}.")


def _key(label: str) -> str:
    return " ".join(label.strip("{}[]'\" ").split()).casefold()


def _time(value: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(value or "")
    except ValueError:
        return None
    return found if found.tzinfo else None


def _number(value: str | None) -> float | None:
    try:
        return float(value or "")
    except ValueError:
        return None
