"""What can go wrong with reports and incidents, in sentences for an officer."""

from __future__ import annotations

from core.errors import ConflictError, InvalidInputError
from core.words import words


class WrongStateError(ConflictError):
    """The incident's state does not allow this step."""


class UnusablePhotoError(InvalidInputError):
    """This file cannot be kept as a photo."""


class _SaidError(ConflictError):
    """A refusal whose sentence stands in the locale files."""

    def __init__(self, key: str, **slots: str | int) -> None:
        super().__init__(
            words("incidents", key, language="en", **slots), detail_th=words("incidents", key, language="th", **slots)
        )


class HandingError(_SaidError):
    """The incident cannot be sent on to this agency."""


class WaitingError(_SaidError):
    """The clock of this promise cannot be stopped or started now."""
