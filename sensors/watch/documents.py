"""Rules as versioned data: one strict reader of the JSON document, and the rule it becomes.

A document is refused as a whole, with a sentence that names the field: a threshold that is silently left out is an
alarm that never comes. Levels are in the datastream's unit (Faonam's own streams: metres above mean sea level).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from core.errors import InvalidInputError
from sensors.rules import WaterState
from sensors.watch.signals import Limits
from sensors.watch.state import ASSUMED_PACE, Pace, Timing

# docs/decisions/0022: watch 1.5 m and warning 0.5 m below the bank, as at Hat Yai (X.44: bank 7.40, watch 5.90).
WATCH_BELOW_BANK_M = 1.5
WARNING_BELOW_BANK_M = 0.5
CANAL_DEAD_BAND_M = 0.10
ROAD_DEAD_BAND_M = 0.03
RAIN_HOURS = (1, 3, 24)
# Limits of what one rule may ask for: its readings are read again with every batch that feeds it.
LONGEST_WINDOW_S = 2 * 24 * 3600.0
LONGEST_TIMING_S = 30 * 24 * 3600.0
LONGEST_FORECAST_H = 7 * 24.0
MOST_STREAMS = 200
MOST_READINGS_COUNTED = 1000
LONGEST_TEXT = 100
THRESHOLDS_VERSION = 0  # Of the level rule that follows from a station's thresholds; an officer's begin with 1.
LEVEL_FIELDS = ("watch", "warning", "danger", "dead_band")
TIMING_FIELDS = (
    "readings_up", "up_after_s", "up_after_intervals", "readings_down", "hold_s", "merge_s", "repeat_s", "step_down_s",
    "untrusted_after", "silence_repeat_s", "interval_s", "late_after_s", "lost_after_s",
)


class Kind(StrEnum):
    """What a rule looks at."""

    LEVEL = "level"
    RATE_OF_RISE = "rate_of_rise"
    RAIN_SUM = "rain_sum"
    UPSTREAM = "upstream"
    QUORUM = "quorum"
    FORECAST_CROSSING = "forecast_crossing"
    SILENCE = "silence"


OWN_FIELDS: dict[Kind, tuple[str, ...]] = {
    Kind.LEVEL: (*LEVEL_FIELDS, "witnesses", "fresh_s"),
    Kind.RATE_OF_RISE: (*LEVEL_FIELDS, "within_s"),
    Kind.RAIN_SUM: ("sums", "interval_s"),
    Kind.UPSTREAM: (*LEVEL_FIELDS, "lag_s", "change_within_s", "about"),
    Kind.QUORUM: ("limits", "needed", "fresh_s"),
    Kind.FORECAST_CROSSING: (*LEVEL_FIELDS, "within_h", "least_confidence"),
    Kind.SILENCE: (),
}
COMMON_FIELDS = ("code", "version", "kind", "streams", "timing")


@dataclass(frozen=True)
class Rule:
    """One version of a rule. `limits` are its levels by stream (by the first stream where there is one set for all).

    `rain` has, for each sum, the seconds back and the limits in mm. Durations are seconds; what a kind does not use
    keeps its default. `witnesses` are other gauges of the same water with their own limits, which bear a level out
    where their newest good reading is not older than `fresh_s`. `about` is the datastream whose place a rule of
    upstream water speaks of.
    """

    code: str
    version: int
    kind: Kind
    streams: tuple[str, ...]
    timing: Timing = field(default_factory=Timing)
    limits: Mapping[str, Limits] = field(default_factory=dict)
    rain: tuple[tuple[float, Limits], ...] = ()
    interval_s: float = 900.0
    within_s: float = 3600.0
    lag_s: float = 0.0
    change_within_s: float | None = None
    needed: int = 1
    fresh_s: float = 3600.0
    within_h: float = 6.0
    least_confidence: float = 0.9
    witnesses: Mapping[str, Limits] = field(default_factory=dict)
    about: str | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every stream whose readings the rule looks at: those that drive it, then its witnesses."""
        return (*self.streams, *self.witnesses)

    @property
    def only_limits(self) -> Limits:
        """The limits of a rule that has one set of them."""
        return self.limits[self.streams[0]]

    @property
    def window_s(self) -> float:
        """How far back the readings are needed that its signal is made of."""
        back_s = {
            Kind.LEVEL: self.fresh_s if self.witnesses else 0.0,
            Kind.RATE_OF_RISE: self.within_s, Kind.UPSTREAM: self.lag_s + (self.change_within_s or 0.0),
            Kind.QUORUM: self.fresh_s, Kind.RAIN_SUM: max((back for back, _ in self.rain), default=0.0),
        }
        return back_s.get(self.kind, 0.0)


def bank_limits(bank: float, *, dead_band: float = CANAL_DEAD_BAND_M) -> Limits:
    """The levels that a bank gives where nobody set others: watch 1.5 m and warning 0.5 m below it, danger at it."""
    return Limits(
        watch=bank - WATCH_BELOW_BANK_M, warning=bank - WARNING_BELOW_BANK_M, danger=bank, dead_band=dead_band
    )


def level_code(stream: str) -> str:
    """The code of the rule of a gauge's level; an officer's rule of this code takes the place of the thresholds'."""
    return f"{Kind.LEVEL}/{stream}"


def level_rule(stream: str, limits: Limits, *, timing: Timing | None = None) -> Rule:
    """The level rule of one stream that follows from its thresholds."""
    timing = timing or Timing(top=_top([limits]))
    return Rule(
        code=level_code(stream), version=THRESHOLDS_VERSION, kind=Kind.LEVEL, streams=(stream,),
        limits={stream: limits}, timing=timing,
    )


def parse_rule(document: object) -> Rule:
    """The rule that a JSON document describes. Raises InvalidInputError with a sentence that names the field."""
    if not isinstance(document, dict):
        raise InvalidInputError("A rule must be an object.")
    kind = _kind(document)
    _only(document, (*COMMON_FIELDS, *OWN_FIELDS[kind]), of=f"a rule of the kind '{kind}'")
    streams = _streams(document)
    limits = _limits_by_stream(document, kind, streams)
    rain = _rain(document) if kind is Kind.RAIN_SUM else ()
    top = _top([*limits.values(), *(one for _, one in rain)])
    seconds = {
        name: _number(_needed_field(document, name), name, least=1.0, most=most)
        for name, most in _NEEDED_NUMBERS.items()
        if name in OWN_FIELDS[kind] and not (kind is Kind.LEVEL and document.get(name) is None)
    }
    more = {}
    if document.get("change_within_s") is not None:
        more["change_within_s"] = _number(
            document["change_within_s"], "change_within_s", least=1.0, most=LONGEST_WINDOW_S
        )
    if kind is Kind.FORECAST_CROSSING:
        given = _needed_field(document, "least_confidence")
        more["least_confidence"] = _number(given, "least_confidence", least=0.0, most=1.0)
    code = _code(document, kind, streams)
    return Rule(
        code=code, witnesses=_witnesses(document.get("witnesses", {}), streams), about=_about(document.get("about")),
        version=_whole(_needed_field(document, "version"), "version", least=1),
        kind=kind, streams=streams, timing=_timing(document.get("timing", {}), top), limits=limits, rain=rain,
        needed=_quorum_needed(document, streams) if kind is Kind.QUORUM else 1, **seconds, **more,
    )


_NEEDED_NUMBERS = {
    "interval_s": LONGEST_WINDOW_S, "within_s": LONGEST_WINDOW_S, "lag_s": LONGEST_WINDOW_S,
    "fresh_s": LONGEST_WINDOW_S, "within_h": LONGEST_FORECAST_H,
}


def parse_rules(document: object) -> list[Rule]:
    """The rules of a file `{"rules": [...]}`. Raises InvalidInputError that says which rule and which field."""
    if not isinstance(document, dict) or not isinstance(document.get("rules"), list):
        raise InvalidInputError("The field 'rules' must be a list of rules.")
    _only(document, ("rules",), of="a file of rules")
    rules = []
    for place, one in enumerate(document["rules"], start=1):
        try:
            rules.append(parse_rule(one))
        except InvalidInputError as exc:
            raise InvalidInputError(f"Rule {place}: {exc.detail}") from exc
    return rules


def _kind(document: dict[str, object]) -> Kind:
    given = _text(_needed_field(document, "kind"), "kind")
    if given not in set(Kind):
        raise InvalidInputError(f"The field 'kind' is '{given}'; there are {', '.join(Kind)}.")
    return Kind(given)


def _code(document: dict[str, object], kind: Kind, streams: tuple[str, ...]) -> str:
    code = _text(_needed_field(document, "code"), "code")
    if code.startswith(level_code("")) and (kind is not Kind.LEVEL or code != level_code(streams[0])):
        raise InvalidInputError(
            f"The field 'code' is '{code}', which belongs to the level of that gauge: give this rule another one."
        )
    return code


def _about(given: object) -> str | None:
    return None if given is None else _text(given, "about")


def _witnesses(given: object, streams: tuple[str, ...]) -> dict[str, Limits]:
    if not isinstance(given, dict):
        raise InvalidInputError("The field 'witnesses' must have the levels of each gauge that bears this one out.")
    if len(given) > MOST_STREAMS:
        raise InvalidInputError(f"The field 'witnesses' names more than {MOST_STREAMS} datastreams.")
    for stream in given:
        if _text(stream, "witnesses") in streams:
            raise InvalidInputError(f"The field 'witnesses' names '{stream}', which cannot bear itself out.")
    return {stream: _limits(one, f"witnesses.{stream}.") for stream, one in given.items()}


def _streams(document: dict[str, object]) -> tuple[str, ...]:
    given = _needed_field(document, "streams")
    if not isinstance(given, list) or not given:
        raise InvalidInputError("The field 'streams' must be a list of datastream codes, at least one.")
    streams = tuple(_text(one, "streams") for one in given)
    if len(streams) > MOST_STREAMS:
        raise InvalidInputError(f"The field 'streams' names more than {MOST_STREAMS} datastreams.")
    if len(set(streams)) != len(streams):
        raise InvalidInputError("The field 'streams' names a datastream twice.")
    return streams


def _limits_by_stream(document: dict[str, object], kind: Kind, streams: tuple[str, ...]) -> dict[str, Limits]:
    if kind is Kind.QUORUM:
        given = _needed_field(document, "limits")
        if not isinstance(given, dict) or set(given) != set(streams):
            raise InvalidInputError("The field 'limits' must have the levels of each of 'streams', and of no other.")
        return {stream: _limits(given[stream], f"limits.{stream}.") for stream in streams}
    if len(streams) != 1:
        raise InvalidInputError(f"The field 'streams' must name one datastream: a rule of the kind '{kind}' has one.")
    if "watch" not in OWN_FIELDS[kind]:
        return {}
    return {streams[0]: _limits({name: document[name] for name in LEVEL_FIELDS if name in document}, "")}


def _limits(given: object, path: str) -> Limits:
    if not isinstance(given, dict):
        raise InvalidInputError(f"The field '{path.rstrip('.')}' must be an object of levels.")
    _only(given, LEVEL_FIELDS, of=f"the levels '{path.rstrip('.') or 'of a rule'}'")
    levels = {
        name: _number(given[name], path + name)
        for name in ("watch", "warning", "danger")
        if given.get(name) is not None
    }
    if not levels:
        names = f"'{path}watch', '{path}warning' or '{path}danger'"
        raise InvalidInputError(f"The field {names} is missing: a rule needs one.")
    rising = list(levels.values())
    for (lower, name), value in zip(zip(rising, list(levels)[1:], strict=False), rising[1:], strict=True):
        if value <= lower:
            raise InvalidInputError(f"The field '{path}{name}' must be above the level before it ({lower:g}).")
    band = _number(given.get("dead_band", CANAL_DEAD_BAND_M), f"{path}dead_band", least=0.0)
    return Limits(**levels, dead_band=band)


def _rain(document: dict[str, object]) -> tuple[tuple[float, Limits], ...]:
    given = _needed_field(document, "sums")
    if not isinstance(given, dict) or not given:
        raise InvalidInputError("The field 'sums' must have levels in mm for the hours 1, 3 or 24.")
    sums = []
    for hours, levels in given.items():
        if hours not in map(str, RAIN_HOURS):
            raise InvalidInputError(f"The field 'sums.{hours}' is of no use: rain is summed over 1, 3 or 24 hours.")
        with_band = {"dead_band": 0.0, **levels} if isinstance(levels, dict) else levels
        sums.append((int(hours) * 3600.0, _limits(with_band, f"sums.{hours}.")))
    return tuple(sums)


def _quorum_needed(document: dict[str, object], streams: tuple[str, ...]) -> int:
    needed = _whole(_needed_field(document, "needed"), "needed", least=1)
    if needed > len(streams):
        raise InvalidInputError(f"The field 'needed' is {needed}, but there are only {len(streams)} streams.")
    return needed


def _timing(given: object, top: WaterState) -> Timing:
    if not isinstance(given, dict):
        raise InvalidInputError("The field 'timing' must be an object.")
    _only(given, TIMING_FIELDS, of="'timing'")
    default = Timing()
    spans = {
        name: _number(given.get(name, getattr(default, name)), f"timing.{name}", least=0.0, most=LONGEST_TIMING_S)
        for name in ("up_after_s", "up_after_intervals", "hold_s", "merge_s", "silence_repeat_s")
    }
    repeat = given.get("repeat_s", default.repeat_s)
    return Timing(
        readings_up=_count(given, "readings_up", default.readings_up),
        readings_down=_count(given, "readings_down", default.readings_down),
        untrusted_after=_count(given, "untrusted_after", default.untrusted_after),
        **spans, pace=_pace(given), top=top, step_down_s=_step_down(given.get("step_down_s")),
        repeat_s=None if repeat is None else _number(repeat, "timing.repeat_s", least=60.0, most=LONGEST_TIMING_S),
    )


def _pace(given: dict[str, object]) -> Pace | None:
    """The rule's own pace where it names any part of it: intervals as assumed for what it does not name."""
    if not {"interval_s", "late_after_s", "lost_after_s"} & set(given):
        return None
    pace = Pace(**{
        name: _number(given.get(name, getattr(ASSUMED_PACE, name)), f"timing.{name}", least=1.0, most=LONGEST_TIMING_S)
        for name in ("interval_s", "late_after_s", "lost_after_s")
    })
    if pace.lost_after_s < pace.late_after_s:
        raise InvalidInputError("The field 'timing.lost_after_s' must not be less than 'timing.late_after_s'.")
    return pace


def _count(given: dict[str, object], name: str, default: int) -> int:
    return _whole(given.get(name, default), f"timing.{name}", least=1, most=MOST_READINGS_COUNTED)


def _step_down(given: object) -> tuple[float, float] | None:
    if given is None:
        return None
    if not isinstance(given, list) or len(given) != 2:
        raise InvalidInputError("The field 'timing.step_down_s' must be two numbers: from danger, and from warning.")
    first, second = (_number(one, "timing.step_down_s", least=0.0, most=LONGEST_TIMING_S) for one in given)
    return first, second


def _top(limits: list[Limits]) -> WaterState:
    known = [
        level for one in limits
        for level, value in zip((WaterState.WATCH, WaterState.WARNING, WaterState.DANGER),
                                (one.watch, one.warning, one.danger), strict=True)
        if value is not None
    ]
    return max(known, default=WaterState.DANGER)


def _only(given: dict[str, object], allowed: tuple[str, ...], *, of: str) -> None:
    for name in given:
        if name not in allowed:
            raise InvalidInputError(f"The field '{name}' is unknown in {of}.")


def _needed_field(document: dict[str, object], name: str) -> object:
    if document.get(name) is None:
        raise InvalidInputError(f"The field '{name}' is missing.")
    return document[name]


def _text(given: object, name: str) -> str:
    if not isinstance(given, str) or not given.strip():
        raise InvalidInputError(f"The field '{name}' must be a text that is not empty.")
    if len(given) > LONGEST_TEXT or not given.isprintable():
        raise InvalidInputError(f"The field '{name}' must be a text of at most {LONGEST_TEXT} letters.")
    return given


def _whole(given: object, name: str, *, least: int, most: int = 2**31 - 1) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or not least <= given <= most:
        above = "" if most == 2**31 - 1 else f", at most {most}"
        raise InvalidInputError(f"The field '{name}' must be a whole number of {least} or more{above}.")
    return given


def _number(given: object, name: str, *, least: float = -math.inf, most: float = math.inf) -> float:
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    if not is_number or not math.isfinite(float(str(given))) or not least <= float(str(given)) <= most:
        above = "" if least == -math.inf else f" of {_bound(least, name)} or more"
        below = "" if most == math.inf else f", at most {_bound(most, name)}"
        raise InvalidInputError(f"The field '{name}' must be a number{above}{below}.")
    return float(str(given))


def _bound(value: float, name: str) -> str:
    """A bound in plain figures with the field's unit, and in days where that is easier to read."""
    figure = f"{value:,.0f}" if value == int(value) else f"{value:,}"
    unit, per_day = {"s": ("s", 86_400), "h": ("h", 24)}.get(name.rsplit("_", 1)[-1], ("", 0))
    if not unit:
        return figure
    is_of_days = value >= per_day and value % per_day == 0
    return f"{figure} {unit} ({value / per_day:.0f} days)" if is_of_days else f"{figure} {unit}"
