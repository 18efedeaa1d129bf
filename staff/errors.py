"""What can go wrong with accounts and sign-ins."""

from __future__ import annotations

from core.errors import FaonamError


class TooManyAttemptsError(FaonamError):
    """Too many wrong passwords: wait before the next try."""
