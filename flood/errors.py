"""What can go wrong in the flood room."""

from __future__ import annotations

from core.errors import InvalidInputError, NotFoundError, UnavailableError


class MixedDatumsError(InvalidInputError):
    """Water levels with different zeros cannot make one surface."""


class NoTerrainError(UnavailableError):
    """The city has no terrain, so no depth can be drawn."""


class NoSuchRunError(NotFoundError):
    """There is no flood picture of this number."""


class InvalidAreaError(InvalidInputError):
    """This outline is not an area of the city."""
