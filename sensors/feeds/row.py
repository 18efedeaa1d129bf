"""What every feed gives: rows and faults, in the order of the source. Nothing that a source sent is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from sensors.rules import Refused


class Reason(StrEnum):
    """Why something that a source sent is no row; each has words in sensors/locales (`feed-error-…`)."""

    TOO_LARGE = "too_large"
    HTML = "html"
    NOT_JSON = "not_json"
    TOO_DEEP = "too_deep"
    NOT_AN_OBJECT = "not_an_object"
    MALFORMED = "malformed"
    NOT_A_NUMBER = "not_a_number"
    INFINITE = "infinite"
    AMBIGUOUS_VALUE = "ambiguous_value"
    BAD_TIME = "bad_time"
    NO_TIME = "no_time"
    NO_TIME_ZONE = "no_time_zone"
    AMBIGUOUS_DATE = "ambiguous_date"
    OUT_OF_ORDER = "out_of_order"
    NO_UNIT = "no_unit"
    WRONG_UNIT = "wrong_unit"
    UNKNOWN_STREAM = "unknown_stream"
    NO_READING = "no_reading"
    NO_DECODER = "no_decoder"
    UNDECODABLE = "undecodable"
    NOT_AN_UPLINK = "not_an_uplink"
    SIMULATED = "simulated"
    REFUSED_BY_SOURCE = "refused_by_source"
    EMPTY = "empty"
    UNKNOWN_LETTERS = "unknown_letters"
    NOT_A_TABLE = "not_a_table"


@dataclass(frozen=True)
class FeedRow:
    """One value of one series at one time, as the source means it.

    `stream` is the source's own name of the series ("dev_eui/field", a station's id); `at` is aware UTC; `value` is
    finite, or NaN where the source has none; `unit` is the source's, "" where it says none; `raw` is what was read.
    `dedup` is equal for the same message delivered twice; `battery` is in percent.
    """

    stream: str
    at: datetime
    value: float
    unit: str
    raw: str
    dedup: str | None = None
    frame_counter: int | None = None
    battery: float | None = None


@dataclass(frozen=True)
class FeedFault:
    """Something that is no row: the code of the reason, a sentence that names field and cause, and what was read."""

    reason: str
    detail: str
    raw: str


Parsed: TypeAlias = list[FeedRow | FeedFault]


def fault_of(refused: Refused, *, raw: str) -> FeedFault:
    """The fault of a field that could not be read."""
    return FeedFault(reason=str(refused.reason), detail=refused.detail, raw=raw)


def rows_in(parsed: Sequence[FeedRow | FeedFault]) -> list[FeedRow]:
    """The rows among what was parsed."""
    return [one for one in parsed if isinstance(one, FeedRow)]


def faults_in(parsed: Sequence[FeedRow | FeedFault]) -> list[FeedFault]:
    """The faults among what was parsed."""
    return [one for one in parsed if isinstance(one, FeedFault)]
