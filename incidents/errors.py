"""What can go wrong with reports and incidents, in sentences for an officer."""

from __future__ import annotations

from core.errors import ConflictError, InvalidInputError


class WrongStateError(ConflictError):
    """The incident's state does not allow this step."""


class UnusablePhotoError(InvalidInputError):
    """This file cannot be kept as a photo."""
