"""Bytes of a body to JSON, and JSON to names and to the raw text that is kept. Nothing here raises on bad input."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping

from sensors.feeds.row import FeedFault, Reason
from sensors.payloads import MAX_RAW_CHARS, SAID_TWICE, UNSTORABLE, SaidTwiceError, said_once
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


def json_of_body(body: bytes, *, limit_bytes: int) -> object:
    """The JSON value of a body, or the FeedFault that says why there is none (too large, no JSON, a field twice)."""
    raw = raw_of_bytes(body)
    if len(body) > limit_bytes:
        return FeedFault(Reason.TOO_LARGE, f"The body has {len(body)} bytes; at most {limit_bytes} are read.", raw)
    if body.lstrip()[:1] == b"<":
        return FeedFault(Reason.HTML, "The body is a web page or XML, where JSON was expected.", raw)
    try:
        content: object = json.loads(body, parse_int=_whole, object_pairs_hook=said_once)
    except RecursionError:
        return FeedFault(Reason.TOO_DEEP, "The body is nested too deeply to be read.", raw)
    except SaidTwiceError:
        return FeedFault(Reason.MALFORMED, SAID_TWICE, raw)
    except ValueError:
        return FeedFault(Reason.NOT_JSON, "The body is not JSON.", raw)
    return content


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
