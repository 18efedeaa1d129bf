"""What can go wrong with reports and incidents, in sentences for an officer."""

from __future__ import annotations

from core.errors import ConflictError, InvalidInputError
from core.words import words


class WrongStateError(ConflictError):
    """The incident's state does not allow this step."""


class AlreadyMergedError(ConflictError):
    """This incident was merged into another: act there, or undo the merge."""


class UnusablePhotoError(InvalidInputError):
    """This file cannot be kept as a photo."""


class _SaidError(ConflictError):
    """A refusal whose sentence stands in the locale files; a slot may be a name by language."""

    def __init__(self, key: str, **slots: int | dict[str, str]) -> None:
        said = {
            tongue: words(
                "incidents", key, language=tongue,
                **{name: slot[tongue] if isinstance(slot, dict) else slot for name, slot in slots.items()},
            )
            for tongue in ("en", "th")
        }
        super().__init__(said["en"], detail_th=said["th"])


class HandingError(_SaidError):
    """The incident cannot be sent on to this agency."""


class CategoryError(_SaidError):
    """The incident is of this category already."""


class WaitingError(_SaidError):
    """The clock of this promise cannot be stopped or started now."""


class RedactionError(_SaidError):
    """A colleague has decided meanwhile what is hidden of it."""
