"""Errors that an officer could read. The docstring of a class is its title; `detail` is the sentence of this case."""

from __future__ import annotations

import errno


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


def trouble_outside(exc: BaseException) -> str | None:
    """One sentence where the fault is the machine's (disk, rights, database), None where it is ours."""
    cause = getattr(exc, "orig", None) or exc
    reason = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
    if isinstance(cause, OSError):
        if cause.errno in {errno.ENOSPC, errno.EDQUOT}:
            name = cause.filename or cause.strerror
            return f"The disk is full: {name}. Nothing was half-written; make room and start again."
        if cause.errno in {errno.EACCES, errno.EROFS, errno.EPERM}:
            return f"No permission to write {cause.filename}. Set FAONAM_DATA_DIR to a folder that this user may write."
        if cause.errno in {errno.ENOTDIR, errno.EEXIST} and cause.filename:
            return f"{cause.filename} is no folder. Set FAONAM_DATA_DIR to a folder that this user may write."
    if type(cause).__name__ == "DiskFull":
        return f"The database's disk is full: {reason}. Nothing was half-written; make room."
    if type(exc).__name__ in {"OperationalError", "ConnectorException", "PoolTimeout"}:
        return f"The database does not answer: {reason}"
    return None
