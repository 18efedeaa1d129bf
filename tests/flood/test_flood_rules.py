"""What the water means, decided without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flood import rules
from flood.errors import MixedDatumsError
from flood.rules import GaugeSite, Settled, ZoneEvidence

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
SHARES = st.floats(0, 1)


def gauge(code: str, datum: str) -> GaugeSite:
    return GaugeSite(1, code, 0.0, 0.0, None, None, datum)


def test_one_datum_in_many_spellings_is_one() -> None:
    """The spellings of mean sea level agree with each other and with the terrain's."""
    rules.check_datums(
        [gauge("A", "msl"), gauge("B", "ร.ท.ก."), gauge("C", "m above mean sea level")], terrain_datum="MSL"
    )


def test_the_terrain_must_share_the_datum() -> None:
    """A gauge below its bank over a terrain above the sea is refused, naming the gauge."""
    with pytest.raises(MixedDatumsError, match=r"Gauge A .*below bank.*terrain"):
        rules.check_datums([gauge("A", "below bank")], terrain_datum="msl")


@pytest.mark.parametrize(
    ("depth_m", "depth_class"), [(0, 0), (0.01, 1), (0.2, 2), (0.49, 2), (0.5, 3), (0.99, 3), (1.0, 4), (7, 4)]
)
def test_depth_classes(depth_m: float, depth_class: int) -> None:
    """Ankle below 0.2 m, knee below 0.5, waist below 1.0, above from there."""
    assert rules.depth_class_of(depth_m) == depth_class


@pytest.mark.parametrize(
    ("evidence", "severity"),
    [
        (ZoneEvidence(wet_share=0, knee_share=0, likely_share=0, gauge_state=0), 0),
        (ZoneEvidence(wet_share=0, knee_share=0, likely_share=0.03, gauge_state=0), 1),
        (ZoneEvidence(wet_share=0, knee_share=0, likely_share=0, gauge_state=1), 1),
        (ZoneEvidence(wet_share=0.06, knee_share=0, likely_share=0.1, gauge_state=0), 2),
        (ZoneEvidence(wet_share=0, knee_share=0, likely_share=0, gauge_state=2), 2),
        (ZoneEvidence(wet_share=0, knee_share=0, likely_share=0, gauge_state=3), 2),
        (ZoneEvidence(wet_share=0.03, knee_share=0, likely_share=0.1, gauge_state=3), 3),
        (ZoneEvidence(wet_share=0.06, knee_share=0.05, likely_share=0.1, gauge_state=0), 3),
    ],
)
def test_severity_thresholds(evidence: ZoneEvidence, severity: int) -> None:
    """Watch, warning and danger by the shares of homes and the gauges near; danger never on a gauge alone."""
    assert rules.severity_of(evidence) == severity


@given(wet=SHARES, knee=SHARES, likely=SHARES, state=st.integers(0, 3), more=SHARES)
def test_more_water_is_never_less_severe(wet: float, knee: float, likely: float, state: int, more: float) -> None:
    """When any share or the gauge's state grows, severity does not fall."""
    before = rules.severity_of(ZoneEvidence(wet, knee, likely, state))
    after = rules.severity_of(
        ZoneEvidence(min(wet + more, 1), min(knee + more, 1), min(likely + more, 1), min(state + 1, 3))
    )
    assert after >= before


@given(steps=st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(1, 40)), max_size=30))
def test_severity_never_falls_early_or_blindly(steps: list[tuple[int, bool, int]]) -> None:
    """It is never below the picture's, falls only with data and after three lower pictures over half an hour."""
    at, settled, lower = NOW, None, []
    for severity, has_data, minutes in steps:
        at += timedelta(minutes=minutes)
        before = settled
        settled = rules.settle(before, severity, now=at, has_data=has_data)
        assert settled.severity >= severity
        if before is None or severity >= before.severity:
            lower = []
        elif not has_data:
            lower = []
            assert settled.severity == before.severity
        else:
            lower.append((at, severity))
            if settled.severity < before.severity:
                assert len(lower) >= rules.FALL_AFTER_RUNS
                assert at - lower[0][0] >= rules.FALL_AFTER
                assert settled.severity == max(seen for _, seen in lower)
                lower = []


def test_a_flicker_begins_the_wait_anew() -> None:
    """A zone that rises again in between waits the whole time once more."""
    settled = Settled(severity=3)
    for minutes, severity in ((0, 0), (20, 0), (25, 3), (40, 0), (60, 0), (65, 0)):
        settled = rules.settle(settled, severity, now=NOW + timedelta(minutes=minutes), has_data=True)
    assert settled.severity == 3
    assert settled.lower_runs == 3


def test_water_counts_as_falling_after_two_lower_pictures() -> None:
    """One lower picture is a flicker; two say that it falls, and to the higher of what the last two call for."""
    settled = Settled(severity=3, calls_for=3)
    assert settled.falling_to is None
    settled = rules.settle(settled, 0, now=NOW, has_data=True)
    assert settled.falling_to is None
    settled = rules.settle(settled, 1, now=NOW + timedelta(minutes=2), has_data=True)
    assert (settled.severity, settled.falling_to) == (3, 1)
    settled = rules.settle(settled, 0, now=NOW + timedelta(minutes=4), has_data=True)
    assert (settled.severity, settled.falling_to) == (3, 1)
    settled = rules.settle(settled, 0, now=NOW + timedelta(minutes=6), has_data=True)
    assert (settled.severity, settled.falling_to) == (3, 0)


def test_silence_neither_ends_nor_begins_a_fall() -> None:
    """A gauge that goes silent while the water falls brings no new warning; one that is silent at the top ends none."""
    falling = rules.settle(rules.settle(Settled(3, calls_for=3), 0, now=NOW, has_data=True), 0, now=NOW, has_data=True)
    assert rules.settle(falling, 0, now=NOW, has_data=False).falling_to == 0
    assert rules.settle(Settled(3, calls_for=3), 0, now=NOW, has_data=False).falling_to is None
    assert rules.settle(falling, 3, now=NOW, has_data=True).falling_to is None


def test_people_by_census_where_known() -> None:
    """A member home stands for its share of the community's people, or for 2.3 where nobody has counted."""
    assert rules.people_per_home(900, 200) == 4.5
    assert rules.people_per_home(None, 200) == 2.3
    assert rules.people_per_home(900, 0) == 2.3
