"""What became of a zone: every case of the definition, over plain values."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.after.outcome import Facts, Judged, Outcome, Span, Stretch, Word, judged, score, stretches_of

BEGIN = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def at(minute: float) -> datetime:
    """So many minutes after the beginning."""
    return BEGIN + timedelta(minutes=minute)


WARNED = (Span(level=2, from_at=at(60), until_at=at(600)),)
DRY = Stretch(at(0), at(700), 0)


def wet(minute: float, *, depth_class: int = 2) -> tuple[Stretch, ...]:
    """Dry until then, wet for an hour, dry again."""
    return (Stretch(at(0), at(minute - 1), 0), Stretch(at(minute), at(minute + 60), depth_class),
            Stretch(at(minute + 61), at(900), 0))


def of(**facts: object) -> Judged:
    """What these facts make of the zone; it is something."""
    found = judged(Facts(**facts))  # type: ignore[arg-type]  # the fields of Facts
    assert found is not None
    return found


def test_water_within_the_warning_is_a_hit_with_its_lead() -> None:
    """The lead is from the warning to the first water, in minutes."""
    found = of(spans=WARNED, stretches=wet(95))
    assert (found.outcome, found.lead_min, found.by, found.witnesses) == (Outcome.HIT, 35.0, "witnesses", ("picture",))


@pytest.mark.parametrize(
    ("spans", "minute"), [((), 95), (WARNED, 30), (WARNED, 650)], ids=["not warned", "warned after", "run out"]
)
def test_water_outside_every_warning_is_a_miss(spans: tuple[Span, ...], minute: float) -> None:
    """A zone that was not warned, warned afterwards, or whose warning had run out: missed, and without a lead."""
    found = of(spans=spans, stretches=wet(minute))
    assert (found.outcome, found.lead_min) == (Outcome.MISS, None)


def test_a_warning_without_water_is_false_only_where_somebody_looked() -> None:
    """Dry pictures make it a false alarm; without any picture while it held nobody knows."""
    assert of(spans=WARNED, stretches=(DRY,)).outcome is Outcome.FALSE_ALARM
    assert of(spans=WARNED).outcome is Outcome.UNKNOWN
    assert of(spans=WARNED, stretches=(Stretch(at(0), at(30), 0),)).outcome is Outcome.UNKNOWN


def test_a_confirmed_report_is_a_witness() -> None:
    """Where pictures saw nothing, people may have; the earlier of both is when the water came."""
    found = of(spans=WARNED, stretches=(DRY,), reported_at=(at(80),))
    assert (found.outcome, found.lead_min, found.witnesses) == (Outcome.HIT, 20.0, ("report",))
    assert of(spans=WARNED, stretches=wet(95), reported_at=(at(80),)).water_at == at(80)


def test_a_quiet_zone_is_not_spoken_of() -> None:
    """Neither warned nor wet: no row."""
    assert judged(Facts(stretches=(DRY,))) is None


@pytest.mark.parametrize(
    ("word", "facts", "outcome"),
    [
        (Word.NOT_FLOODED, {"spans": WARNED, "stretches": wet(95)}, Outcome.FALSE_ALARM),
        (Word.NOT_FLOODED, {"stretches": wet(95)}, Outcome.QUIET),
        (Word.FLOODED, {"spans": WARNED, "stretches": (DRY,)}, Outcome.HIT),
        (Word.FLOODED, {"spans": WARNED, "stretches": (DRY,), "flooded_at": at(30)}, Outcome.MISS),
        (Word.FLOODED, {"stretches": (DRY,)}, Outcome.MISS),
        (Word.UNKNOWN, {"spans": WARNED, "stretches": wet(95)}, Outcome.UNKNOWN),
    ],
)
def test_the_officers_word_goes_before_all_witnesses(word: Word, facts: dict[str, object], outcome: Outcome) -> None:
    """Whoever stood in the street knows better than a picture."""
    found = of(word=word, **facts)
    assert (found.outcome, found.by) == (outcome, "officer")


def test_zones_are_counted_and_shares_of_nothing_are_not_made_up() -> None:
    """Two hits, one miss, one false alarm, one unknown; without any zone there is no share."""
    zones = [
        of(spans=WARNED, stretches=wet(95)), of(spans=WARNED, stretches=wet(75)), of(stretches=wet(95)),
        of(spans=WARNED, stretches=(DRY,)), of(spans=WARNED),
    ]
    found = score(zones)
    assert (found.hits, found.misses, found.false_alarms, found.unknown) == (2, 1, 1, 1)
    assert (found.detected_share, found.false_share, found.median_lead_min) == (0.667, 0.333, 25.0)
    assert score([]).detected_share is score([]).false_share is score([]).median_lead_min is None


@given(st.lists(st.integers(0, 4), max_size=30))
def test_stretches_tell_wet_from_dry_and_lose_no_moment(depth_classes: list[int]) -> None:
    """Each picture lies in one stretch that is as wet as it; neighbours differ; the deepest is kept."""
    pictures = [(at(10 * n), depth_class) for n, depth_class in enumerate(depth_classes)]
    found = stretches_of(pictures)
    for moment, depth_class in pictures:
        (one,) = [stretch for stretch in found if stretch.from_at <= moment <= stretch.until_at]
        assert one.is_wet == (depth_class > 0)
        assert one.depth_class >= depth_class
    assert all(a.is_wet != b.is_wet for a, b in itertools.pairwise(found))
