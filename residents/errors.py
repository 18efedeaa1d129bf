"""What can go wrong between the city and those whom it knows."""

from __future__ import annotations

from core.errors import ConflictError, FaonamError, InvalidInputError


class TooManyTriesError(FaonamError):
    """Too many codes were wrong: wait before the next try."""


class WrongCodeError(InvalidInputError):
    """This code opens nothing."""


class LeadersCodeError(ConflictError):
    """This code is typed in the leaders' group."""
