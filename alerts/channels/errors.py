"""What can go wrong with those who are told beside residents."""

from __future__ import annotations

from core.errors import InvalidInputError


class AddressError(InvalidInputError):
    """A subscriber's address cannot be used."""
