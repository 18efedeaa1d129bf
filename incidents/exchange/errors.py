"""What can go wrong at the open doors."""

from __future__ import annotations

from core.errors import FaonamError, ForbiddenError, InvalidInputError, NotFoundError


class KeyRefusedError(ForbiddenError):
    """The API key is missing, unknown or may not do this."""


class TooOftenError(FaonamError):
    """Too many requests within a minute."""


class UnusableReportError(InvalidInputError):
    """The report cannot be taken: `findings` says why, a sentence each."""

    def __init__(self, findings: tuple[str, ...]) -> None:
        super().__init__(" ".join(f"{finding}." for finding in findings))
        self.findings = findings


class NoSuchRequestError(NotFoundError):
    """There is no service request of this id."""


class TraffyRefusedError(FaonamError):
    """Traffy did not do what was asked."""


class TraffyQuotaError(TraffyRefusedError):
    """This month's quota of calls to Traffy is used up."""


class TraffyAwayError(FaonamError):
    """Traffy does not answer."""


class HookAwayError(FaonamError):
    """A partner does not take webhooks now."""


class HookRefusedError(FaonamError):
    """A partner does not want this webhook, or none any more."""

    def __init__(self, detail: str, *, is_for_good: bool) -> None:
        super().__init__(detail)
        self.is_for_good = is_for_good


class OwnNewsError(InvalidInputError):
    """A partner sent back what we had told it."""
