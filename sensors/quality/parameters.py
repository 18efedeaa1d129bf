"""What a datastream's readings are judged by: thresholds as data, with a version, in the datastream's unit.

A test whose parameters are None is not run. Formulas: `sensors.quality.stream`. Nonsense is refused with a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, TypeVar

from core.errors import InvalidInputError

OFF = 1e300  # The bound of a test that is not run: beyond every time and value, yet finite, so that infinity is caught.


@dataclass(frozen=True, slots=True)
class Range:
    """Beyond the range of failure no sensor of this kind reads, beyond that of suspicion what the site never saw."""

    fail_min: float | None = None
    fail_max: float | None = None
    suspect_min: float | None = None
    suspect_max: float | None = None

    def __post_init__(self) -> None:
        _numbers("range", self)
        low, high = _or(self.fail_min, -OFF), _or(self.fail_max, OFF)
        within = low <= _or(self.suspect_min, low) <= _or(self.suspect_max, high) <= high
        _require(within, "The range of suspicion lies within the range of failure, and each minimum below its maximum.")


@dataclass(frozen=True, slots=True)
class Rate:
    """Faster than this per second, up or down, a value is suspect, or fails."""

    suspect_per_s: float
    fail_per_s: float | None = None

    def __post_init__(self) -> None:
        _numbers("rate", self)
        _rising("rate", self.suspect_per_s, self.fail_per_s)


@dataclass(frozen=True, slots=True)
class Spike:
    """A value that stands out from both its neighbours by more than this is suspect, or fails."""

    suspect: float
    fail: float | None = None

    def __post_init__(self) -> None:
        _numbers("spike", self)
        _rising("spike", self.suspect, self.fail)


@dataclass(frozen=True, slots=True)
class FlatLine:
    """Values that span less than `tolerance` over this many seconds are suspect, or fail."""

    tolerance: float
    suspect_after_s: float
    fail_after_s: float | None = None

    def __post_init__(self) -> None:
        _numbers("flat_line", self)
        _require(self.tolerance > 0, "The tolerance of flat_line is greater than zero: below it nothing is a movement.")
        _rising("flat_line", self.suspect_after_s, self.fail_after_s)


@dataclass(frozen=True, slots=True)
class Clock:
    """How far a time of observation may lie ahead of the time of arrival or behind it, in seconds."""

    ahead_suspect_s: float | None = None
    ahead_fail_s: float | None = None
    too_old_s: float | None = None

    def __post_init__(self) -> None:
        _numbers("clock", self)
        for name in ("ahead_suspect_s", "ahead_fail_s", "too_old_s"):
            _require(_or(getattr(self, name), 1.0) > 0, f"clock.{name} is greater than zero.")
        _require(_or(self.ahead_suspect_s, 0.0) <= _or(self.ahead_fail_s, OFF), "A clock is suspect before it fails.")


@dataclass(frozen=True, slots=True)
class Datum:
    """A level further than `far` from the bank, or outside [bed - below_bed, bank + above_bank], has another datum.

    A datum mistake is a real false alarm: a Thai gauge was published at 20.47 with its bank at 2.54, "overflowing".
    """

    bank: float
    bed: float | None = None
    far: float = 10.0
    below_bed: float = 2.0
    above_bank: float = 5.0

    def __post_init__(self) -> None:
        _numbers("datum", self)
        for name in ("far", "below_bed", "above_bank"):
            _require(getattr(self, name) > 0, f"datum.{name} is greater than zero.")
        _require(self.bed is None or self.bed < self.bank, "The bed lies below the bank.")

    @property
    def low(self) -> float:
        """The lowest level that the site's datum allows."""
        nearest = self.bank - self.far
        return nearest if self.bed is None else max(nearest, self.bed - self.below_bed)

    @property
    def high(self) -> float:
        """The highest level that the site's datum allows."""
        return self.bank + min(self.far, self.above_bank)


class Limits(NamedTuple):
    """The same thresholds laid out for one comparison each; what is not run has bounds that nothing passes."""

    fine_min: float
    fine_max: float
    sentinels_within: frozenset[float]
    least_age_s: float
    most_age_s: float
    gap_s: float
    spike: float
    rate_per_s: float
    tolerance: float
    flat_after_s: float
    is_judging: bool


@dataclass(frozen=True)
class Parameters:
    """All thresholds of one datastream. `version` counts the changes and stands beside every flag that they gave."""

    version: int
    range: Range | None = None
    rate: Rate | None = None
    spike: Spike | None = None
    flat_line: FlatLine | None = None
    gap_s: float | None = None
    clock: Clock | None = None
    datum: Datum | None = None
    sentinels: frozenset[float] = frozenset()
    limits: Limits = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        is_count = isinstance(self.version, int) and not isinstance(self.version, bool) and self.version >= 1
        _require(is_count, "The version of quality parameters is a whole number from 1.")
        _numbers("parameters", self)
        _require(_or(self.gap_s, 1.0) > 0, "gap_s is greater than zero.")
        _require(all(_is_number(one) for one in self.sentinels), "Each sentinel is a finite number.")
        object.__setattr__(self, "limits", _limits(self))

    @property
    def window_s(self) -> float:
        """How far back the flat line test looks, in seconds; 0 where it is not run."""
        flat = self.flat_line
        return 0.0 if flat is None else _or(flat.fail_after_s, flat.suspect_after_s)

    def as_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` turns into the same parameters; tests that are not run are null."""
        document: dict[str, Any] = {"version": self.version}
        for name, kind in _GROUPS.items():
            group = getattr(self, name)
            document[name] = None if group is None else {one.name: getattr(group, one.name) for one in fields(kind)}
        return {**document, "gap_s": self.gap_s, "sentinels": sorted(self.sentinels)}

    @classmethod
    def from_json(cls, document: object) -> Parameters:
        """The parameters of a JSON object; what it leaves out is not run.

        Raises InvalidInputError with a sentence that names the field where it is nonsense.
        """
        given = _object("The quality parameters", document, allowed={"version", "gap_s", "sentinels", *_GROUPS})
        _require("version" in given, "The quality parameters have no version.")
        groups = {name: _group(name, kind, given.get(name)) for name, kind in _GROUPS.items()}
        sentinels = given.get("sentinels") or []
        is_list = isinstance(sentinels, list) and all(_is_number(one) for one in sentinels)
        _require(is_list, "The sentinels are a list of finite numbers.")
        return cls(
            version=given["version"],
            gap_s=given.get("gap_s"),
            sentinels=frozenset(float(one) for one in sentinels),
            **groups,
        )


_GROUPS: Mapping[str, type[Any]] = {
    "range": Range, "rate": Rate, "spike": Spike, "flat_line": FlatLine, "clock": Clock, "datum": Datum,
}  # fmt: skip
_Group = TypeVar("_Group")


def _group(name: str, kind: type[_Group], given: object) -> _Group | None:
    if given is None:
        return None
    known = {one.name for one in fields(kind)}  # type: ignore[arg-type]  # Every kind in _GROUPS is a dataclass.
    chosen = _object(name, given, allowed=known)
    try:
        return kind(**chosen)
    except TypeError:
        raise InvalidInputError(f"{name} lacks a field: it has {', '.join(sorted(chosen)) or 'none'}.") from None


def _object(name: str, given: object, *, allowed: set[str]) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise InvalidInputError(f"{name} must be a JSON object.")
    unknown = sorted(str(key) for key in set(given) - allowed)
    _require(not unknown, f"{name} has no field '{unknown[0] if unknown else ''}'.")
    return given


def _limits(chosen: Parameters) -> Limits:
    low, high = -OFF, OFF
    if chosen.range is not None:
        low = max(_or(chosen.range.fail_min, -OFF), _or(chosen.range.suspect_min, -OFF))
        high = min(_or(chosen.range.fail_max, OFF), _or(chosen.range.suspect_max, OFF))
    if chosen.datum is not None:
        low, high = max(low, chosen.datum.low), min(high, chosen.datum.high)
    clock, flat = chosen.clock or Clock(), chosen.flat_line
    judging = (chosen.range, chosen.rate, chosen.spike, flat, chosen.datum)
    return Limits(
        fine_min=low,
        fine_max=high,
        sentinels_within=frozenset(one for one in chosen.sentinels if low <= one <= high),
        least_age_s=-min(_or(clock.ahead_suspect_s, OFF), _or(clock.ahead_fail_s, OFF)),
        most_age_s=_or(clock.too_old_s, OFF),
        gap_s=_or(chosen.gap_s, OFF),
        spike=OFF if chosen.spike is None else chosen.spike.suspect,
        rate_per_s=OFF if chosen.rate is None else chosen.rate.suspect_per_s,
        tolerance=0.0 if flat is None else flat.tolerance,
        flat_after_s=OFF if flat is None else flat.suspect_after_s,
        is_judging=any(one is not None for one in judging),
    )


def _numbers(name: str, group: object) -> None:
    for one in fields(group):  # type: ignore[arg-type]  # Called by dataclasses alone.
        if one.type not in {"float", "float | None"}:
            continue
        value = getattr(group, one.name)
        is_left_out = value is None and one.type != "float"
        place = one.name if name == "parameters" else f"{name}.{one.name}"
        _require(is_left_out or _is_number(value), f"{place} must be a finite number, and is '{value}'.")


def _rising(name: str, suspect: float, fail: float | None) -> None:
    _require(suspect > 0, f"The first threshold of {name} is greater than zero.")
    _require(fail is None or fail >= suspect, f"What fails by {name} is suspect before: its thresholds are in order.")


def _is_number(value: object) -> bool:
    is_real = isinstance(value, int | float) and not isinstance(value, bool)
    return is_real and abs(value) < OFF  # type: ignore[arg-type]  # Checked; NaN is below nothing.


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _require(is_so: bool, sentence: str) -> None:
    if not is_so:
        raise InvalidInputError(sentence)
