"""LINE's rate limits: a bucket for each method and path of the channel, whatever the caller's address."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """So many requests in so many seconds."""

    count: float
    seconds: float


PER_SECOND_2000 = Rate(2000, 1)
PER_SECOND_370 = Rate(370, 1)
PER_SECOND_200 = Rate(200, 1)
PER_SECOND_100 = Rate(100, 1)
PER_SECOND_10 = Rate(10, 1)
PER_MINUTE_1000 = Rate(1000, 60)
PER_MINUTE_60 = Rate(60, 60)
PER_HOUR_100 = Rate(100, 3600)
PER_HOUR_60 = Rate(60, 3600)
PER_HOUR_3 = Rate(3, 3600)


@dataclass
class _Bucket:
    rate: Rate
    tokens: float
    filled_s: float

    def take(self, now_s: float) -> bool:
        refill = max(0.0, now_s - self.filled_s) * self.rate.count / self.rate.seconds
        self.tokens = min(self.rate.count, self.tokens + refill)
        self.filled_s = now_s
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Buckets:
    """All buckets; each is full when first asked."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def take(self, key: tuple[str, str], rate: Rate, *, now_s: float) -> bool:
        """The bucket had a token for this request."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(rate, rate.count, now_s)
        return bucket.take(now_s)

    def fill(self) -> None:
        """Every bucket is full."""
        self._buckets.clear()
