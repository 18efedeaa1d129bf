"""What can go wrong with an alert."""

from __future__ import annotations

from core.errors import ConflictError, InvalidInputError


class ProposalChangedError(ConflictError):
    """The proposal is no longer what was shown."""


class AlertStateError(ConflictError):
    """The alert's state does not allow this."""


class SamePersonError(ConflictError):
    """Whoever proposed an alert cannot approve it."""


class SecondPersonMissingError(ConflictError):
    """This level needs two people."""


class NameNotTypedError(InvalidInputError):
    """Danger is approved by typing a zone's name."""


class TemplateError(InvalidInputError):
    """A text template cannot be used."""


class CapRefusedError(InvalidInputError):
    """A CAP document cannot be read."""


class QuotaTooSmallError(ConflictError):
    """LINE's allowance of this month is too small."""
