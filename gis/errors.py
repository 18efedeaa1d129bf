"""What can be wrong with places and with a city's data."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import InvalidInputError, NotFoundError

LISTED_FINDINGS = 20


class InvalidPlaceError(InvalidInputError):
    """These coordinates are not a place."""


class UnreadableTextError(InvalidInputError):
    """This text cannot be looked for."""


class NoCityError(NotFoundError):
    """No city has been imported yet."""


class NoSuchTileError(NotFoundError):
    """There is no such tile."""


class CityPackError(InvalidInputError):
    """The city pack cannot be imported."""

    def __init__(self, findings: Sequence[str]) -> None:
        """Every finding names the file, the row, the column and the cause; the first 20 make up the text."""
        self.findings = tuple(findings)
        super().__init__("\n".join(_listed(self.findings)), findings=len(self.findings))


def _listed(findings: Sequence[str]) -> list[str]:
    more = len(findings) - LISTED_FINDINGS
    listed = list(findings[:LISTED_FINDINGS])
    return [*listed, f"… and {more:,} more."] if more > 0 else listed
