"""CAP 1.1 and 1.2 (OASIS): read from others (`read`), written and checked for others (`writing`, `checking`). Pure."""

from __future__ import annotations

from alerts.cap.messages import CapArea, CapInfo, CapMessage, CapReference, Circle, Finding, Named, Reading
from alerts.cap.reading import is_valid, read

__all__ = [
    "CapArea",
    "CapInfo",
    "CapMessage",
    "CapReference",
    "Circle",
    "Finding",
    "Named",
    "Reading",
    "is_valid",
    "read",
]
