"""Errors that an officer could read. The docstring of a class is its title; `detail` is the sentence of this case."""

from __future__ import annotations


class FaonamError(Exception):
    """Something in Faonam could not be done."""

    def __init__(self, detail: str, **facts: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts

    @property
    def title(self) -> str:
        """The first line of the class's docstring."""
        return (type(self).__doc__ or "").strip().splitlines()[0]


class NotFoundError(FaonamError):
    """There is no such thing."""


class InvalidInputError(FaonamError):
    """What was sent cannot be used."""


class ConflictError(FaonamError):
    """It has changed since it was read, or its state does not allow this."""


class ForbiddenError(FaonamError):
    """This account may not do that."""


class UnauthenticatedError(FaonamError):
    """Sign in first."""


class UnavailableError(FaonamError):
    """A part that this needs does not answer now."""


class SetupError(FaonamError):
    """The machine or its configuration does not allow Faonam to start."""
