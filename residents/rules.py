"""Decisions about the city's friends on LINE."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

LANGUAGES = ("th", "en", "ms", "my")
CONSENT_VERSION = "2026-1"
HOME_PIN_LIFE = timedelta(minutes=10)
LINE_USER_ID = re.compile(r"U[0-9a-f]{32}")


def language_of(profile_language: object) -> str:
    """The language we write in, from LINE's profile language (BCP 47); Thai where it is none of ours."""
    if not isinstance(profile_language, str):
        return "th"
    tongue = profile_language.lower().replace("_", "-").split("-")[0]
    return tongue if tongue in LANGUAGES else "th"


def is_news(happened_at: datetime, *, last_change_at: datetime | None) -> bool:
    """A follow or unfollow that happened after the last one known; LINE does not keep the order."""
    return last_change_at is None or happened_at >= last_change_at


def is_home_pin(*, asked_at: datetime | None, answered_at: datetime | None, happened_at: datetime) -> bool:
    """A place sent at `happened_at` answers our question for the home.

    True also for the pin that has answered it already, so that every room judges it alike, whoever hears it first.
    """
    if asked_at is None or not asked_at <= happened_at < asked_at + HOME_PIN_LIFE:
        return False
    return answered_at is None or answered_at == happened_at
