"""What devices send, row by row: a reading, or the reason why it is none. Pure; nothing here raises on bad input."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sensors.rules import BUDDHIST_ERA_OFFSET, BUDDHIST_YEARS, IncomingReading, Refused

MAX_PAYLOAD_BYTES = 64 * 1024
MAX_RAW_CHARS = 2000  # Of a source's file or list, which can be asked again.
MAX_KEPT_CHARS = 64 * 1024  # Of what a device sent, which cannot: all of every message that is read at all.
# NUL and halves of surrogate pairs: JSON can write them, a database and an answer cannot.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
SAID_TWICE = "A field is there twice; one of them is meant."
_INT_DIGITS = 30
_TOO_DEEP = "(nested too deep to be written)"
_KEY = re.compile(r'("key"\s*:\s*)"(?:[^"\\]|\\.)*"?')


@dataclass(frozen=True)
class DeviceRow:
    """One row as a device sent it: the reading or the refusal, the key it came with, and the raw text (without key).

    `topic_code` is the datastream that its address named, where its text does not say it.
    """

    reading: IncomingReading | Refused
    device_key: str | None
    raw: str
    topic_code: str | None = None
    received_wall_at: datetime | None = None


def rows_of_message(topic_code: str | None, payload: bytes, *, received_wall_at: datetime) -> list[DeviceRow]:
    """The rows of one MQTT message on `faonam/v1/{topic_code}/readings`: one object, or a list of them."""

    def refused(reason: str, detail: str) -> list[DeviceRow]:
        return [DeviceRow(Refused(reason, detail), None, text_of(payload), topic_code, received_wall_at)]

    if len(payload) > MAX_PAYLOAD_BYTES:
        return refused("too_large", "The message is larger than 64 kB.")
    try:
        content = json_of(payload)
    except ValueError as fault:
        return refused("not_json", f"The message {fault}.")
    contents = content if isinstance(content, list) else [content]
    rows = [row_of(one, topic_code=topic_code, device_key=None, received_wall_at=received_wall_at) for one in contents]
    return [replace(row, raw=text_of(payload)) if row.raw == _TOO_DEEP else row for row in rows]


class Twice(dict[str, object]):
    """A JSON object that says a name more than once, which of its values is meant nobody knows; `pairs` are all."""

    def __init__(self, pairs: Sequence[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


class SaidTwiceError(ValueError):
    """A JSON object says this name twice; which of its values is meant nobody knows."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def said_once(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """The object of these pairs, for `json.loads`. Raises SaidTwiceError where a name is there twice."""
    content: dict[str, object] = {}
    for name, value in pairs:
        if name in content:
            raise SaidTwiceError(name)
        content[name] = value
    return content


def json_of(payload: bytes) -> object:
    """The JSON value of what a device sent, in UTF-8 or UTF-16; objects with a name twice are `Twice`.

    Raises ValueError with the end of a sentence that begins with what was sent.
    """
    try:
        content: object = json.loads(payload, parse_int=_whole, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("is nested too deep to be read") from None
    except ValueError:
        is_page = payload.lstrip()[:1] == b"<"
        raise ValueError("is a web page, not JSON" if is_page else "is not JSON") from None
    return content


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content = dict(pairs)
    return content if len(content) == len(pairs) else Twice(pairs)


def _whole(digits: str) -> int | float:
    """Python reads no whole number of more than 4,300 digits; as a float it is as infinite as it should be."""
    return int(digits) if len(digits) <= _INT_DIGITS else float(digits)


def text_of(payload: bytes) -> str:
    """The message as a text that can be kept: no byte of it is lost, and no device's key is in it."""
    text = payload[:MAX_KEPT_CHARS].decode("utf-8", "backslashreplace")
    return _KEY.sub(r'\1"…"', text)[:MAX_KEPT_CHARS]


def message_text_of(payload: bytes) -> str:
    """A message that is no row of a gauge as a text that can be kept, without any device's key; see `whole_payload`."""
    text = payload[:MAX_KEPT_CHARS].decode(json.detect_encoding(payload), "replace")
    cut = "" if len(payload) <= MAX_KEPT_CHARS else "\N{REPLACEMENT CHARACTER}"
    return UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", _KEY.sub(r'\1"…"', text) + cut)


def whole_payload(text: str) -> bytes | None:
    """The message, in UTF-8, of which `message_text_of` made the text; None where it may not be all that came.

    That is where it was cut, a key was taken out, or it holds the character that stands for what cannot be read.
    """
    is_doubtful = len(text) >= MAX_KEPT_CHARS or "\N{REPLACEMENT CHARACTER}" in text or _KEY.search(text) is not None
    return None if is_doubtful else text.encode()


def row_of(content: object, *, topic_code: str | None, device_key: str | None, received_wall_at: datetime) -> DeviceRow:
    """One row from its JSON value. `topic_code` names its datastream, else a field; its `key` beats `device_key`."""
    if not isinstance(content, dict):
        refused = Refused("not_an_object", "A reading is an object with observed_at, value and unit.")
        return DeviceRow(refused, device_key, _raw(content), topic_code, received_wall_at)
    fields = {str(name): value for name, value in content.items()}
    key = fields.pop("key", None)
    if isinstance(content, Twice):
        raw = _raw_of_pairs(content.pairs)
        reading: IncomingReading | Refused = Refused("malformed", SAID_TWICE)
    else:
        raw = _raw(fields)
        code = topic_code if topic_code is not None else fields.get("datastream")
        reading = _reading(fields, code=code, received_wall_at=received_wall_at)
    return DeviceRow(reading, key if isinstance(key, str) else device_key, raw, topic_code, received_wall_at)


def _reading(fields: dict[str, object], *, code: object, received_wall_at: datetime) -> IncomingReading | Refused:
    unit, observed_at = fields.get("unit"), fields.get("observed_at")
    if not isinstance(code, str) or not code:
        return Refused("malformed", "The field 'datastream' is missing.")
    if not isinstance(unit, str):
        return Refused("malformed", "The field 'unit' is missing.")
    if UNSTORABLE.search(code + unit):
        return Refused("malformed", "The field 'datastream' or 'unit' holds characters that no name has.")
    at = _time(observed_at)
    if isinstance(at, Refused):
        return at
    if "value" not in fields:
        return Refused("malformed", "The field 'value' is missing.")
    value = _number(fields["value"])
    if value is None:
        return Refused("malformed", "The field 'value' is not a number.")
    return IncomingReading(
        datastream_code=code, observed_at=at, value=value, unit=unit, received_wall_at=received_wall_at
    )


def _time(text: object) -> datetime | Refused:
    if text is None:
        return Refused("malformed", "The field 'observed_at' is missing.")
    wrong = Refused("malformed", "The field 'observed_at' is not a time such as 2026-11-21T03:00:00Z.")
    if not isinstance(text, str):
        return wrong
    try:
        at = datetime.fromisoformat(_in_common_era(text))
        if at.tzinfo is None:
            return Refused("no_time_zone", "The time of observation has no time zone.")
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        return wrong


def _in_common_era(text: str) -> str:
    """2569 is 2026: the years 2400 to 2700 are the Buddhist era's, for no device sends what is four centuries ahead."""
    year = text[:4]
    is_buddhist = year.isascii() and year.isdecimal() and int(year) in BUDDHIST_YEARS
    return f"{int(year) - BUDDHIST_ERA_OFFSET}{text[4:]}" if is_buddhist else text


def _number(value: object) -> float | None:
    """The value as a float; null is "no value" (NaN); None where it is no number at all."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _raw_of_pairs(pairs: Sequence[tuple[str, object]]) -> str:
    said = (f"{_raw(str(name))}: {_raw(value)}" for name, value in pairs if name != "key")
    return f"{{{', '.join(said)}}}"[:MAX_KEPT_CHARS]


def _raw(content: object) -> str:
    try:
        return json.dumps(content, ensure_ascii=False, default=str)[:MAX_KEPT_CHARS]
    except RecursionError:  # JSON that could just be read may be nested too deep to be written.
        return _TOO_DEEP
