"""What can go wrong between the city and LINE."""

from __future__ import annotations

from core.errors import (
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    SetupError,
    UnauthenticatedError,
    UnavailableError,
)


class UnfitMessageError(InvalidInputError):
    """LINE would not take this message."""


class NotLiveError(SetupError):
    """Messages go to real people only when LINE_LIVE=1 says so."""


class LineUnavailableError(UnavailableError):
    """LINE does not answer now."""


class LineRefusedError(ForbiddenError):
    """LINE refused what was asked."""


class ContentGoneError(NotFoundError):
    """LINE no longer keeps this picture."""


class IdTokenError(UnauthenticatedError):
    """LINE does not say who this is."""
