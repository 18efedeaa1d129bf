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
    old = [NOW - timedelta(minutes=6)] * 50
    assert rules.wait_after_failures(old, now=NOW) is None
    recent = [NOW - timedelta(seconds=s) for s in range(10, 110, 10)]
    assert rules.wait_after_failures(recent, now=NOW) == timedelta(minutes=5) - timedelta(seconds=100)
    assert rules.wait_after_failures(recent[1:], now=NOW) is None


def test_the_expiry_is_written_at_most_twice_an_hour() -> None:
    """Many requests of one screen do not each write a row."""
    fresh = NOW + rules.SIGN_IN_LASTS
    assert rules.next_expiry(expires_wall_at=fresh - timedelta(minutes=20), now=NOW) is None
    assert rules.next_expiry(expires_wall_at=fresh - timedelta(minutes=31), now=NOW) == fresh
