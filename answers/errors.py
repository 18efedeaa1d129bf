"""What can go wrong with articles and questions to officers."""

from __future__ import annotations

from core.errors import ConflictError, InvalidInputError, NotFoundError


class UnfitArticleError(InvalidInputError):
    """The article cannot be shown to residents as it is."""


class UnfitWordsError(InvalidInputError):
    """The words cannot be sent as they are."""


class NoSuchArticleError(NotFoundError):
    """There is no such article."""


class NoSuchQuestionError(NotFoundError):
    """There is no such question to an officer."""


class ChangedMeanwhileError(ConflictError):
    """Somebody else has written meanwhile."""


class QuestionClosedError(ConflictError):
    """The question to an officer is closed."""
