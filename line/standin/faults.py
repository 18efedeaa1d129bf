"""What can be made to go wrong, for the next requests."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal[
    "accept_then_timeout",
    "error_500_before",
    "error_500_after",
    "slow_ms",
    "reset",
    "reset_after",
    "rate_429",
    "quota_429",
    "concurrency_429",
    "forbidden_403",
]


@dataclass
class Fault:
    """A fault for the next `count` requests to `endpoint` (any where None); `ms` is how long slow ones take.

    An endpoint is the contract's operation (`pushMessage`) or the last part of its path (`push`).
    """

    kind: Kind
    count: int = 1
    ms: float = 2000.0
    endpoint: str | None = None


class Faults:
    """The faults that wait, the oldest first."""

    def __init__(self) -> None:
        """Nothing goes wrong yet."""
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """The fault befalls requests once those before it are used up."""
        self._waiting.append(fault)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._waiting.clear()

    def next_for(self, endpoint: str, *, also: str) -> Fault | None:
        """The fault that befalls this request, counted off; None where none does."""
        for fault in self._waiting:
            if fault.endpoint in {None, endpoint, also}:
                fault.count -= 1
                if fault.count <= 0:
                    self._waiting.remove(fault)
                return fault
        return None

    def as_json(self) -> list[dict[str, Any]]:
        """The faults that wait."""
        return [asdict(fault) for fault in self._waiting]
