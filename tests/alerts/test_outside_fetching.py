"""Sources that drip or flood: within seconds and megabytes, over HTTP and TLS."""

from __future__ import annotations

import resource
import time
from pathlib import Path

from sensors.feeds_store.fetching import Answer, Asked, Failure, fetch
from tests.alerts.outside_house import XML, Server, make_chain


def test_who_drips_or_floods_is_cut_off() -> None:
    """A header sent a letter at a time never meets a time-out; 50 MB are not read to the end: seconds and megabytes."""
    with Server() as answers:
        answers.by_path["/big"] = (200, XML, b" " * 50_000_000)
        before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began_s = time.monotonic()
        big = fetch(Asked(url=f"{answers.url}/big", headers={}, limit_bytes=5_000_000))
        assert isinstance(big, Failure)
        assert big.trouble == "too_large"
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 60_000
        answers.drip_s = 0.05
        slow = fetch(Asked(url=f"{answers.url}/slow", headers={}, whole_s=0.8))
        assert isinstance(slow, Failure)
        assert slow.trouble == "timeout"
        assert time.monotonic() - began_s < 8


def test_who_drips_under_tls_is_cut_off(tmp_path: Path) -> None:
    """Under TLS as well, and the connection is really closed."""
    chain = make_chain(tmp_path)
    with Server(chain.leaf) as answers:
        answers.drip_s = 0.05
        began_s = time.monotonic()
        asked = Asked(
            url=f"{answers.url}/x", headers={}, whole_s=0.8, extra_ca_pem=chain.root_pem + chain.between_pem
        )
        slow = fetch(asked)
        assert isinstance(slow, Failure)
        assert slow.trouble == "timeout"
        assert time.monotonic() - began_s < 5
        answers.drip_s, answers.by_path["/x"] = 0.0, (200, XML, b"well")
        assert fetch(asked) == Answer(b"well", None, None)
