"""Bytes of a body to JSON, and JSON to names and to the raw text that is kept. Nothing here raises on bad input."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence

from sensors.feeds.row import FeedFault, Reason
from sensors.payloads import MAX_RAW_CHARS, SAID_TWICE, UNSTORABLE, Twice
from sensors.rules import Refused

# What devices and their network servers push, as `POST /readings` allows it.
PUSHED_LIMIT_BYTES = 1_000_000
# What we fetch: the national list of ThaiWater and all latest readings of England are a few MB (our judgement).
PULLED_LIMIT_BYTES = 8_000_000
NAME_LIMIT_CHARS = 200
# No whole number that a sensor sends is longer; Python refuses to read integers beyond 4,300 digits.
_INT_DIGITS = 30
_CONTROLS = re.compile("[\x00-\x1f\x7f]")
_TOO_DEEP = "(nested too deeply)"


class TwiceInRow(dict[str, object]):
    """A row of a list that says a name twice, itself or an object in it; it stands in the row's place."""

    def __init__(self, said: object) -> None:
        super().__init__(said if isinstance(said, dict) else {})
        self.said = said

    def fault(self, *, hidden: Collection[str] = ()) -> FeedFault:
        """Why it is no row, with all that it says, also twice, but without the hidden fields."""
        try:
            text = _written(self.said, hidden)
        except RecursionError:
            text = _TOO_DEEP
        return FeedFault(Reason.MALFORMED, SAID_TWICE, raw_of_text(text))


def json_of_body(body: bytes, *, limit_bytes: int, rows_at: Sequence[tuple[str, ...]] = ()) -> object:
    """The JSON value of a body, or the FeedFault that says why there is none (too large, no JSON, a field twice).

    `rows_at` are the keys that may lead to the list of rows, the first that does counting. Where nothing but rows of
    it say a name twice, each of these is a `TwiceInRow` in the list, and the others are as they were sent.
    """
    raw = raw_of_bytes(body)
    if len(body) > limit_bytes:
        return FeedFault(Reason.TOO_LARGE, f"The body has {len(body)} bytes; at most {limit_bytes} are read.", raw)
    if body.lstrip()[:1] == b"<":
        return FeedFault(Reason.HTML, "The body is a web page or XML, where JSON was expected.", raw)
    try:
        content, twice = _read(body)
    except RecursionError:
        return FeedFault(Reason.TOO_DEEP, "The body is nested too deeply to be read.", raw)
    except ValueError:
        return FeedFault(Reason.NOT_JSON, "The body is not JSON.", raw)
    if twice and not _are_parted(_rows_in(content, rows_at), twice):
        return FeedFault(Reason.MALFORMED, SAID_TWICE, raw)
    return content


def _read(body: bytes) -> tuple[object, int]:
    """The JSON value, and how many of its objects say a name twice; these are `Twice`."""
    twice: list[Twice] = []

    def object_of_pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
        content = dict(pairs)
        if len(content) == len(pairs):
            return content
        twice.append(Twice(pairs))
        return twice[-1]

    content: object = json.loads(body, parse_int=_whole, object_pairs_hook=object_of_pairs)
    return content, len(twice)


def _rows_in(content: object, rows_at: Sequence[tuple[str, ...]]) -> list[object]:
    for keys in rows_at:
        found = content
        for key in keys:
            found = object_of(found).get(key)
        if isinstance(found, list):
            return found
    return []


def _are_parted(rows: list[object], twice: int) -> bool:
    """Rows that hold some of the `twice` objects are `TwiceInRow` now; True where these were all there are."""
    for index, row in enumerate(rows):
        inside = _count_twice(row)
        if inside:
            rows[index] = TwiceInRow(row)
            twice -= inside
    return twice == 0


def _count_twice(row: object) -> int:
    count, waiting = 0, [row]  # Not by calling itself: JSON that could just be read may be too deep for that.
    while waiting:
        one = waiting.pop()
        if isinstance(one, Twice):
            count += 1
            waiting += [value for _, value in one.pairs]
        elif isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return count


def _written(said: object, hidden: Collection[str] = ()) -> str:
    if isinstance(said, dict):
        pairs = said.pairs if isinstance(said, Twice) else said.items()
        shown = ((json.dumps(key, ensure_ascii=False), value) for key, value in pairs if key not in hidden)
        return f"{{{', '.join(f'{key}: {_written(value)}' for key, value in shown)}}}"
    if isinstance(said, list):
        return f"[{', '.join(_written(one) for one in said)}]"
    return json.dumps(said, ensure_ascii=False)


def raw_of(content: object) -> str:
    """The JSON text of a value as it is kept: at most 2,000 characters, all of which a database can store."""
    try:
        text = json.dumps(content, ensure_ascii=False)
    except RecursionError:
        text = _TOO_DEEP
    return UNSTORABLE.sub("\ufffd", text[:MAX_RAW_CHARS])


def raw_of_bytes(body: bytes) -> str:
    """The beginning of a body as text, in characters that a database can store."""
    return raw_of_text(body[: 4 * MAX_RAW_CHARS].decode("utf-8", "replace"))


def raw_of_text(text: str) -> str:
    """The beginning of a text, in characters that a database can store."""
    return UNSTORABLE.sub("\ufffd", text[:MAX_RAW_CHARS])


def name_of(content: object, *, field: str) -> str | Refused:
    """A name of a station, device or series: a text or a whole number, trimmed, without control characters."""
    if isinstance(content, int) and not isinstance(content, bool):
        return str(content)
    if content is None or content == "":
        return Refused(Reason.MALFORMED, f"The field '{field}' is missing.")
    if not isinstance(content, str):
        return Refused(Reason.MALFORMED, f"The field '{field}' is not a name.")
    name = content.strip()
    if not name:
        return Refused(Reason.MALFORMED, f"The field '{field}' is empty.")
    if len(name) > NAME_LIMIT_CHARS or UNSTORABLE.search(name) or _CONTROLS.search(name):
        return Refused(Reason.MALFORMED, f"The field '{field}' is too long or holds characters that no name has.")
    return name


def object_of(content: object) -> Mapping[str, object]:
    """The content where it is an object, else an empty one: what is inside is then missing and said to be."""
    return content if isinstance(content, dict) else {}


def counter_of(content: object, *, field: str, highest: int) -> int | Refused:
    """A whole number from 0 to `highest`; a field that was left out is 0, as The Things Stack leaves out zeros."""
    if content is None:
        return 0
    if isinstance(content, float) and math.isfinite(content) and content.is_integer():
        content = int(content)
    if isinstance(content, bool) or not isinstance(content, int) or not 0 <= content <= highest:
        return Refused(Reason.MALFORMED, f"The field '{field}' is not a whole number from 0 to {highest}.")
    return content


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= _INT_DIGITS else float(digits)
