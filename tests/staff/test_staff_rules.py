"""The rules of sign-ins over plain values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from staff import rules

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def test_the_csrf_token_belongs_to_one_sign_in() -> None:
    """A token of another sign-in, or none, changes nothing."""
    assert rules.is_csrf_token(rules.csrf_token("one"), token="one")
    assert not rules.is_csrf_token(rules.csrf_token("two"), token="one")
    assert not rules.is_csrf_token(None, token="one")
    assert not rules.is_csrf_token("ไม่ใช่", token="one")


def test_old_failures_are_forgiven() -> None:
    """Only failures within five minutes count, and the wait ends when the oldest of the ten leaves them."""
    old = [rules.Failure("malee", NOW - timedelta(minutes=6))] * 50
    assert rules.wait_after_failures(old, username="malee", now=NOW) is None
    recent = [rules.Failure("malee", NOW - timedelta(seconds=s)) for s in range(10, 110, 10)]
    expected = timedelta(minutes=5) - timedelta(seconds=100)
    assert rules.wait_after_failures(recent, username="malee", now=NOW) == expected
    assert rules.wait_after_failures(recent[1:], username="malee", now=NOW) is None
    assert rules.wait_after_failures(recent, username="somchai", now=NOW) is None


def test_one_password_cannot_be_tried_on_every_name() -> None:
    """Sixty failures of any names close the address for everybody at it, for a while."""
    spray = [rules.Failure(f"name{n}", NOW - timedelta(seconds=n)) for n in range(60)]
    assert rules.wait_after_failures(spray, username="malee", now=NOW) == timedelta(minutes=5) - timedelta(seconds=59)
    assert rules.wait_after_failures(spray[1:], username="malee", now=NOW) is None


def test_the_expiry_is_written_at_most_twice_an_hour() -> None:
    """Many requests of one screen do not each write a row."""
    fresh = NOW + rules.SIGN_IN_LASTS
    assert rules.next_expiry(expires_wall_at=fresh - timedelta(minutes=20), now=NOW) is None
    assert rules.next_expiry(expires_wall_at=fresh - timedelta(minutes=31), now=NOW) == fresh
