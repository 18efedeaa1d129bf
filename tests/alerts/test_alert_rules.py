"""When residents are warned: decided over plain values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alerts import policy, rules
from alerts.rules import Proposal, Standing, decide

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
POLICY = policy.shipped()


def standing(alert_id: int, state: str, level: int, zones: set[int], **more: object) -> Standing:
    values: dict[str, object] = {"event_id": 1, "kind": "alert", "expires_at": None} | more
    return Standing(id=alert_id, state=state, level=level, zone_ids=frozenset(zones), **values)  # type: ignore[arg-type]  # built from a dict


def decided(
    severities: dict[int, int],
    *alerts: Standing,
    falling: dict[int, int] | None = None,
    is_water_known: bool = True,
) -> rules.Decision:
    return decide(
        severities, alerts, falling_by_zone=falling or {}, policy=POLICY, is_water_known=is_water_known, now=NOW
    )


def test_watch_is_shown_to_officers_only() -> None:
    """Severity 1 proposes nothing to residents; 2 and 3 propose a warning and a danger, one for all zones of each."""
    found = decided({1: 1, 2: 2, 3: 2, 4: 3, 5: 0})
    assert set(found.propose) == {Proposal(3, frozenset({4})), Proposal(2, frozenset({2, 3}))}
    assert found.revise == found.withdraw == found.all_clear == ()


def test_same_level_is_not_proposed_again_while_it_holds() -> None:
    """A zone told at level 2 hears nothing more at severity 2 or lower, however often the picture is drawn."""
    told = standing(1, "active", 2, {1}, expires_at=NOW + timedelta(hours=1))
    assert decided({1: 2}, told) == rules.Decision()
    assert decided({1: 1}, told) == rules.Decision()


def test_rise_is_proposed_at_once_at_the_top() -> None:
    """A jump to danger proposes danger alone, whatever was told before."""
    told = standing(1, "active", 2, {1, 2}, expires_at=NOW + timedelta(hours=1))
    assert decided({1: 3, 2: 2}, told).propose == (Proposal(3, frozenset({1})),)


def test_open_proposal_is_revised_not_doubled() -> None:
    """While a proposal waits, further zones of its level join it."""
    waiting = standing(7, "proposed", 2, {1})
    found = decided({1: 2, 2: 2}, waiting)
    assert found.revise == ((7, Proposal(2, frozenset({1, 2}))),)
    assert found.propose == ()


def test_zone_leaves_the_lower_proposal_when_it_rises() -> None:
    """A zone stands in one open proposal at a time; the lower one ends when nothing is left in it."""
    waiting = standing(7, "proposed", 2, {1})
    found = decided({1: 3}, waiting)
    assert found.propose == (Proposal(3, frozenset({1})),)
    assert found.withdraw == (7,)


def test_expired_alert_is_proposed_again() -> None:
    """An alert past its time holds no longer: while the water stays, a new one is proposed."""
    old = standing(1, "active", 2, {1}, expires_at=NOW)
    assert decided({1: 2}, old).propose == (Proposal(2, frozenset({1})),)


def test_declined_is_left_alone_for_a_while_but_not_a_rise() -> None:
    """What an officer declined is not proposed again for half an hour; a higher level is, at once."""
    declined = standing(1, "declined", 2, {1}, ended_at=NOW - timedelta(minutes=5))
    assert decided({1: 2}, declined).propose == ()
    assert decided({1: 3}, declined).propose == (Proposal(3, frozenset({1})),)
    long_ago = standing(1, "declined", 2, {1}, ended_at=NOW - timedelta(minutes=30))
    assert decided({1: 2}, long_ago).propose == (Proposal(2, frozenset({1})),)


def test_all_clear_when_every_zone_of_the_event_is_dry() -> None:
    """The all-clear of an event waits for its last zone, also one told by another alert of the event."""
    first, second = standing(1, "active", 2, {1, 2}), standing(2, "sending", 3, {1})
    assert decided({1: 0, 2: 1}, first, second).all_clear == ()
    assert decided({1: 0, 2: 0}, first, second).all_clear == (1,)


def test_missing_data_never_proposes_an_all_clear() -> None:
    """A zone that the picture does not know, or silent gauges, keep the alert as it is."""
    told = standing(1, "active", 3, {1, 2})
    assert decided({1: 0}, told).all_clear == ()
    assert decided({}, told).all_clear == ()
    assert decided({1: 0, 2: 0}, told, is_water_known=False).all_clear == ()


def test_missing_data_does_not_withdraw_a_proposal() -> None:
    """A zone that vanishes from the picture stays in the proposal that waits."""
    waiting = standing(7, "proposed", 3, {1, 2})
    assert decided({1: 3}, waiting).revise == ((7, Proposal(3, frozenset({1, 2}))),)


def test_falling_water_is_nothing_to_be_newly_warned_of() -> None:
    """What waits is withdrawn and nothing is proposed, while what was told holds until the severity itself is 0."""
    waiting = standing(7, "proposed", 2, {1})
    assert decided({1: 2}, waiting, falling={1: 0}).withdraw == (7,)
    assert decided({1: 2}, falling={1: 1}).propose == ()
    assert decided({1: 3}, falling={1: 2}).propose == (Proposal(2, frozenset({1})),)
    told = standing(1, "active", 2, {1}, expires_at=NOW + timedelta(hours=1))
    assert decided({1: 2}, told, falling={1: 0}) == rules.Decision()


def test_open_all_clear_is_withdrawn_when_the_water_comes_back() -> None:
    """A rule's all-clear that still waits ends with the next rise; it is not proposed twice while it waits."""
    told = standing(1, "active", 2, {1})
    waiting = standing(2, "proposed", 2, {1}, kind="all_clear")
    assert decided({1: 0}, told, waiting) == rules.Decision()
    assert decided({1: 1}, told, waiting).withdraw == (2,)


def test_expired_alert_still_gets_its_all_clear() -> None:
    """Who was told is told that it is over, even after the alert's time has run out."""
    told = standing(1, "active", 2, {1}, expires_at=NOW - timedelta(hours=1))
    assert decided({1: 0}, told).all_clear == (1,)


def test_only_whole_alerts_are_superseded() -> None:
    """An alert that still speaks for another zone stays in force."""
    narrow, wide = standing(1, "active", 2, {1}), standing(2, "active", 2, {1, 2})
    assert rules.superseded_by({1}, 3, [narrow, wide]) == (narrow,)
    assert rules.superseded_by({1, 2}, 2, [narrow, wide]) == (narrow, wide)


SEVERITIES = st.dictionaries(st.integers(1, 6), st.integers(0, 3), max_size=6)


@given(pictures=st.lists(SEVERITIES, min_size=1, max_size=8), approves=st.lists(st.booleans(), min_size=8, max_size=8))
def test_any_flood_keeps_the_rules(pictures: list[dict[int, int]], approves: list[bool]) -> None:
    """Over any series of pictures: a zone stands in one open proposal at most, at its level, above what it was told.

    Drawing the same picture again changes nothing.
    """
    alerts: list[Standing] = []
    for picture, is_approved in zip(pictures, approves, strict=False):
        alerts = _after(decided(picture, *alerts), alerts)
        open_zones = [z for a in alerts if a.state == "proposed" and a.is_warning for z in a.zone_ids]
        assert len(open_zones) == len(set(open_zones))
        for alert in (a for a in alerts if a.state == "proposed" and a.is_warning):
            for zone in alert.zone_ids & picture.keys():
                assert picture[zone] == alert.level > rules.told_level(zone, alerts, now=NOW)
        again = decided(picture, *alerts)
        assert again.propose == again.withdraw == again.all_clear == ()
        if is_approved:
            alerts = [_with_state(a, "active") if a.state == "proposed" and a.is_warning else a for a in alerts]


def _with_state(alert: Standing, state: str) -> Standing:
    return Standing(**{**alert.__dict__, "state": state})


def _after(decision: rules.Decision, alerts: list[Standing]) -> list[Standing]:
    revised = dict(decision.revise)
    kept = [
        Standing(**{**a.__dict__, "zone_ids": revised[a.id].zone_ids}) if a.id in revised else a
        for a in (_with_state(a, "withdrawn") if a.id in decision.withdraw else a for a in alerts)
    ]
    fresh = [standing(len(kept) + 1 + n, "proposed", p.level, set(p.zone_ids)) for n, p in enumerate(decision.propose)]
    clears = [
        standing(len(kept) + len(fresh) + 1 + n, "proposed", 2, set(), kind="all_clear", event_id=event)
        for n, event in enumerate(decision.all_clear)
    ]
    return kept + fresh + clears
