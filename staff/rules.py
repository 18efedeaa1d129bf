"""Who may do what, what a password and a sign-in must be: decided over plain values."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.errors import InvalidInputError

ROLES = frozenset({"viewer", "officer", "approver", "dispatcher", "crew", "admin"})

# Twelve hours: one duty. An officer who looks at the map is never thrown out; a forgotten screen is, by the next shift.
SIGN_IN_LASTS = timedelta(hours=12)
# The expiry is moved on at most twice an hour, so that a screen's many requests do not each write a row.
SLIDES_AFTER = timedelta(minutes=30)

# Ten wrong passwords of one name in five minutes: more than tired fingers need, too few to guess with. Sixty at one
# address: a whole duty room's tired fingers, too few to try one password on every name.
FAILURES_ALLOWED = 10
FAILURES_ALLOWED_AT_ADDRESS = 60
FAILURES_WITHIN = timedelta(minutes=5)

# NIST SP 800-63B asks for 8 characters at least and no rules on their kind; an officer's account alarms a city, so 12.
PASSWORD_LENGTH_MIN = 12
PASSWORD_LENGTH_MAX = 256
USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}")


@dataclass(frozen=True)
class AccountRef:
    """Who acts: as much of an account as the other rooms need. `crew_code` names the crew of a crew account."""

    id: int
    username: str
    display_name: str
    roles: frozenset[str]
    crew_code: str | None = None

    def has_any(self, roles: Collection[str]) -> bool:
        """The account holds at least one of these roles."""
        return not self.roles.isdisjoint(roles)


def check_new_account(*, username: str, display_name: str, password: str, roles: Collection[str]) -> None:
    """The values can become an account; raises InvalidInputError with the sentence that says which cannot, and why."""
    if not USERNAME.fullmatch(username):
        raise InvalidInputError(
            f"The username '{username}' cannot be used: 2 to 63 small letters a-z, digits, dots, dashes or underscores."
        )
    if not display_name.strip():
        raise InvalidInputError(f"The account '{username}' needs a name that colleagues will see.")
    if not roles:
        raise InvalidInputError(f"The account '{username}' needs at least one role: {', '.join(sorted(ROLES))}.")
    unknown = sorted(set(roles) - ROLES)
    if unknown:
        raise InvalidInputError(f"There is no role '{unknown[0]}'; the roles are {', '.join(sorted(ROLES))}.")
    check_password(password)


def check_password(password: str) -> None:
    """The password is long enough, and short enough to be hashed; raises InvalidInputError where it is not."""
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        raise InvalidInputError(
            f"A password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters; this one has {len(password)}."
        )


def token_hash(token: str) -> bytes:
    """What the database keeps of a sign-in's token: SHA-256. The token has 256 random bits, so no salt is needed."""
    return hashlib.sha256(token.encode()).digest()


def csrf_token(token: str) -> str:
    """The token that a screen must send back with every change; derived from the sign-in's secret, so never stored."""
    return hmac.new(token.encode(), b"faonam csrf", hashlib.sha256).hexdigest()


def is_csrf_token(given: str | None, *, token: str) -> bool:
    """`given` belongs to the sign-in `token`; compared in constant time."""
    return given is not None and hmac.compare_digest(given.encode(), csrf_token(token).encode())


def next_expiry(*, expires_wall_at: datetime, now: datetime) -> datetime | None:
    """When a sign-in used `now` shall expire, or None where its expiry is fresh enough to stay. Real time."""
    fresh = now + SIGN_IN_LASTS
    return fresh if fresh - expires_wall_at > SLIDES_AFTER else None


@dataclass(frozen=True)
class Failure:
    """A wrong password at one address; real time."""

    username: str
    failed_wall_at: datetime


def wait_after_failures(failures: Collection[Failure], *, username: str, now: datetime) -> timedelta | None:
    """How long this username must wait at the address of these failures, or None where it may try now. Real time."""
    of_name = [one for one in failures if one.username == username]
    waits = (
        _wait(of_name, allowed=FAILURES_ALLOWED, now=now),
        _wait(failures, allowed=FAILURES_ALLOWED_AT_ADDRESS, now=now),
    )
    return max((wait for wait in waits if wait is not None), default=None)


def _wait(failures: Collection[Failure], *, allowed: int, now: datetime) -> timedelta | None:
    recent = sorted(one.failed_wall_at for one in failures if now - one.failed_wall_at < FAILURES_WITHIN)
    return recent[-allowed] + FAILURES_WITHIN - now if len(recent) >= allowed else None
