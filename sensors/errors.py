"""What can go wrong when a device speaks, in sentences for who set it up."""

from __future__ import annotations

from core.errors import UnauthenticatedError


class DeviceKeyMissingError(UnauthenticatedError):
    """A device signs in with its key."""


class DeviceKeyUnknownError(UnauthenticatedError):
    """This device key is not known."""
