"""What can go wrong with jobs and crews, in sentences for a dispatcher."""

from __future__ import annotations

from core.errors import ConflictError, ForbiddenError


class JobTakenError(ConflictError):
    """The job's state does not allow this."""


class NotYourJobError(ForbiddenError):
    """Another crew has this job."""
