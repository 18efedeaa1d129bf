"""The city's own people: accounts, roles, sign-ins, and the audit log of who did what."""

from __future__ import annotations

from staff.rules import AccountRef

__all__ = ["AccountRef"]
