"""What can be wrong with a question or a body of SensorThings, each with the sentence of its case."""

from __future__ import annotations

from core.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError


class QueryError(InvalidInputError):
    """The question does not follow the standard."""


class BodyError(InvalidInputError):
    """The body does not follow the standard."""


class TooLargeError(BodyError):
    """This is larger than a message may be."""


class NotJsonError(BodyError):
    """This cannot be read as JSON."""


class NotAnObjectError(BodyError):
    """An entity is a JSON object."""


class UnknownPropertyError(BodyError):
    """The entity has no such property."""


class NoSuchEntityError(BodyError):
    """The body names an entity that is not there."""


class NowhereError(BodyError):
    """Nothing says what the observation is about."""


class OutOfRangeError(BodyError):
    """A value is out of the range of what can be kept."""


class TopicError(QueryError):
    """No observations can be published on this topic."""


class ReadingRefusedError(BodyError):
    """The reading of a device was refused, and is kept as such."""


class NoSuchResourceError(NotFoundError):
    """The address leads to nothing."""


class OwnedError(ForbiddenError):
    """This belongs to a city's pack and is changed there."""


class CopiesExhaustedError(ConflictError):
    """There are too many observations of one datastream at one time."""


class MethodError(InvalidInputError):
    """This method cannot be used here."""


class NotBuiltError(QueryError):
    """This part of the standard is not built."""
