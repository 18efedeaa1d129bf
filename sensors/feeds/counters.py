"""Frame counters of LoRaWAN devices: which uplink is new, which came twice, and which is an old one played again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# LoRaWAN 1.0.3, MAX_FCNT_GAP: how far a 16-bit counter may run ahead unseen and still be taken as the next.
MAX_FCNT_GAP = 16_384
# A device that forgets its counter starts at 0; so many first frames may be lost on the way (our judgement).
RESET_FRAMES = 16


class Verdict(StrEnum):
    """What a frame counter says of its uplink."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    REPLAYED = "replayed"
    RESET = "reset"
    IMPOSSIBLE = "impossible"

    @property
    def is_new(self) -> bool:
        """The uplink may be stored, and its counter becomes the last one."""
        return self in (Verdict.ACCEPTED, Verdict.RESET)


@dataclass(frozen=True)
class CounterRule:
    """How a device counts: in 16 or 32 bits, and whether it is declared to start again at 0 without a join."""

    bits: int = 32
    may_reset: bool = False


DEFAULT_RULE = CounterRule()


def verdict_on(last: int | None, new: int, *, rule: CounterRule = DEFAULT_RULE) -> Verdict:
    """What to do with counter `new` after `last`; None where there was none yet, or the device joined since.

    Equal is the same frame again; lower is an old frame, refused, unless the device is declared to reset and starts
    near 0. A 16-bit counter rolls over: what lies up to MAX_FCNT_GAP ahead, modulo 65,536, is next; the rest is old.
    """
    period = 1 << rule.bits
    if not 0 <= new < period:
        return Verdict.IMPOSSIBLE
    if last is None:
        return Verdict.ACCEPTED
    if new == last:
        return Verdict.REPEATED
    if _is_ahead(last, new, bits=rule.bits):
        return Verdict.ACCEPTED
    if rule.may_reset and new < RESET_FRAMES:
        return Verdict.RESET
    return Verdict.REPLAYED


def _is_ahead(last: int, new: int, *, bits: int) -> bool:
    if bits == 16:
        return 0 < (new - last) % (1 << bits) <= MAX_FCNT_GAP
    return new > last
