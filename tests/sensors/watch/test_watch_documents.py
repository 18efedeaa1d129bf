"""Rules as data: read strictly, refused in a sentence that names the field."""

from __future__ import annotations

import copy

import pytest

from core.errors import InvalidInputError
from sensors.rules import WaterState
from sensors.watch.documents import Kind, bank_limits, parse_rule, parse_rules
from sensors.watch.signals import Limits
from sensors.watch.state import Timing

LEVEL = {"code": "khlong", "version": 1, "kind": "level", "streams": ["g"], "watch": 5.9, "warning": 6.9, "danger": 7.4}
OF_KIND: dict[str, dict[str, object]] = {
    "level": LEVEL,
    "rate_of_rise": {**LEVEL, "kind": "rate_of_rise", "watch": 0.3, "warning": 0.6, "danger": 1.0, "within_s": 3600},
    "rain_sum": {
        "code": "rain", "version": 2, "kind": "rain_sum", "streams": ["r"], "interval_s": 300,
        "sums": {"1": {"watch": 30.0}, "24": {"watch": 35.1, "warning": 90.1}},
    },
    "upstream": {**LEVEL, "kind": "upstream", "lag_s": 21600, "change_within_s": 3600},
    "quorum": {
        "code": "zone", "version": 1, "kind": "quorum", "streams": ["a", "b"], "needed": 2, "fresh_s": 1800,
        "limits": {"a": {"watch": 1.0}, "b": {"watch": 2.0}},
    },
    "forecast_crossing": {**LEVEL, "kind": "forecast_crossing", "within_h": 3, "least_confidence": 0.9},
    "silence": {"code": "silence", "version": 1, "kind": "silence", "streams": ["g"]},
}


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_rule_is_read(kind: Kind) -> None:
    """Each kind has a document that becomes a rule with its code, version and streams."""
    rule = parse_rule(OF_KIND[kind])
    assert (rule.kind, rule.code, rule.version) == (kind, OF_KIND[kind]["code"], OF_KIND[kind]["version"])
    assert list(rule.streams) == OF_KIND[kind]["streams"]


def test_a_level_rule_gets_the_documented_defaults() -> None:
    """Dead band 0.10 m, up by two readings, hold 30 min, merge 60 min; the top is the highest level it has."""
    rule = parse_rule(LEVEL)
    assert rule.only_limits == Limits(watch=5.9, warning=6.9, danger=7.4, dead_band=0.10)
    assert rule.timing == Timing(readings_up=2, hold_s=1800.0, merge_s=3600.0)
    only_watch = {name: value for name, value in LEVEL.items() if name not in {"warning", "danger"}}
    assert parse_rule(only_watch).timing.top is WaterState.WATCH


def test_a_bank_gives_the_levels_of_hat_yai() -> None:
    """X.44: bank 7.40 m, watch 1.5 m and warning 0.5 m below it."""
    limits = bank_limits(7.40)
    assert (limits.reached(5.90), limits.reached(6.90), limits.reached(7.40)) == (
        WaterState.WATCH, WaterState.WARNING, WaterState.DANGER
    )
    assert limits.reached(5.89) is WaterState.NORMAL


@pytest.mark.parametrize(
    ("kind", "field", "value", "named"),
    [
        ("level", "kind", "levle", "'kind'"),
        ("level", "watch", "5.9", "'watch'"),
        ("level", "watch", True, "'watch'"),
        ("level", "watch", float("nan"), "'watch'"),
        ("level", "danger", float("inf"), "'danger'"),
        ("level", "warning", 5.0, "'warning' must be above"),
        ("level", "dead_band", -0.1, "'dead_band'"),
        ("level", "version", 0, "'version'"),
        ("level", "version", 1.5, "'version'"),
        ("level", "code", " ", "'code'"),
        ("level", "streams", [], "'streams'"),
        ("level", "streams", ["g", "h"], "'streams'"),
        ("level", "streams", ["g", "g"], "'streams'"),
        ("level", "within_s", 3600, "'within_s' is unknown"),
        ("level", "watchh", 1.0, "'watchh' is unknown"),
        ("level", "timing", {"hold": 3}, "'hold' is unknown"),
        ("level", "timing", {"hold_s": "30"}, "'timing.hold_s'"),
        ("level", "timing", {"readings_up": 0}, "'timing.readings_up'"),
        ("level", "timing", {"step_down_s": [60]}, "'timing.step_down_s'"),
        ("level", "timing", {"late_after_s": 90, "lost_after_s": 60}, "'timing.lost_after_s'"),
        ("rate_of_rise", "within_s", None, "'within_s' is missing"),
        ("rain_sum", "sums", {"2": {"watch": 1.0}}, "'sums.2'"),
        ("rain_sum", "sums", {"1": {}}, "'sums.1.watch'"),
        ("upstream", "lag_s", None, "'lag_s' is missing"),
        ("quorum", "needed", 3, "'needed'"),
        ("quorum", "limits", {"a": {"watch": 1.0}}, "'limits'"),
        ("quorum", "limits", {"a": {"watch": 1.0}, "b": {"watch": None}}, "'limits.b.watch'"),
        ("forecast_crossing", "least_confidence", 1.5, "'least_confidence'"),
        ("level", "code", "level/other", "'code'"),
        ("silence", "code", "level/g", "'code'"),
        ("level", "code", "a" * 101, "'code'"),
        ("level", "witnesses", ["w"], "'witnesses'"),
        ("level", "witnesses", {"g": {"watch": 1.0}}, "'witnesses'"),
        ("level", "witnesses", {"w": {}}, "'witnesses.w.watch'"),
        ("silence", "streams", ["a", "b"], "'streams'"),
        ("silence", "about", "g", "'about' is unknown"),
        ("rate_of_rise", "within_s", 1e9, "'within_s'"),
        ("level", "timing", {"merge_s": 1e300}, "'timing.merge_s'"),
        ("quorum", "streams", [f"s{place}" for place in range(201)], "'streams'"),
    ],
)
def test_a_faulty_rule_is_refused_with_the_field_named(kind: str, field: str, value: object, named: str) -> None:
    """What is missing, unknown, of the wrong type or out of order is never guessed."""
    document = copy.deepcopy(OF_KIND[kind])
    document[field] = value
    with pytest.raises(InvalidInputError, match=named):
        parse_rule(document)


def test_a_level_rule_without_any_level_is_refused() -> None:
    """A rule that can never speak is a mistake."""
    with pytest.raises(InvalidInputError, match="'watch', 'warning' or 'danger' is missing"):
        parse_rule({"code": "x", "version": 1, "kind": "level", "streams": ["g"]})


def test_a_file_of_rules_says_which_rule_is_faulty() -> None:
    """The second of two is named, with its field."""
    with pytest.raises(InvalidInputError, match=r"Rule 2: The field 'version'"):
        parse_rules({"rules": [LEVEL, {**LEVEL, "version": "1"}]})
    with pytest.raises(InvalidInputError, match="'rules'"):
        parse_rules([LEVEL])
