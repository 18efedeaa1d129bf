"""Whatever stands in a cell of an uploaded file is a row, or a fault that says why it is none."""

from __future__ import annotations

from datetime import UTC

import pytest

from sensors.feeds.csv_upload import CsvLayout, rows_of_file
from sensors.feeds.row import FeedFault, FeedRow
from sensors.feeds.tables import TimeWay
from sensors.feeds.times import DateOrder

HUGE = "9" * 5000
FILE_WAY = TimeWay(UTC, DateOrder.DAY_FIRST)
FILES: dict[str, tuple[bytes, str | None]] = {
    cell: (f"time,level (m)\n2026-11-21 10:00,{cell}\n".encode(), reason)
    for cell, reason in {
        "1e309": "infinite", HUGE: "not_a_number", "Infinity": "not_a_number", "1\0": "not_a_number",
        "=1+1": "not_a_number", "'; DROP TABLE reading; --": "not_a_table", "NaN": None, '"1.2': "malformed",
    }.items()
} | {
    at: (f"time,level (m)\n{at},1.2\n".encode(), reason)
    for at, reason in {
        "0001-01-01 00:00": "no_time", "9999-12-31 23:59": "no_time", "2569-11-21 10:00": None,
        "21/11/2569 10:00": None, "2026-11-21 10:00:60": "bad_time", "2026-11-20 24:00": None, "2026-11-21": "bad_time",
        "2026-11-21 10:00 Asia/Bangkok": "bad_time", "1763694000000": "bad_time", "2026-11-21T10:00+99:00": "bad_time",
    }.items()
} | {
    "BOM": ("time,level (m)\n2026-11-21 10:00,1.2\n".encode("utf-8-sig"), None),
    "UTF-16": ("time,level (m)\n2026-11-21 10:00,1.2\n".encode("utf-16"), "unknown_letters"),
    "no unit": (b"time,level\n2026-11-21 10:00,1.2\n", "no_unit"),
    "HTML": (b"<html><body>Bad gateway</body></html>", "html"),
    "10 MB": (b"time,level (m)\n" + b"2026-11-21 10:00,1.2\n" * 500_000, "too_large"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES, ids=[name[:30] for name in FILES])
def test_a_file_says_of_each_cell_what_it_is_or_why_it_is_none(name: str) -> None:
    """An uploaded CSV gives one row or one fault with a sentence, whatever stands in a cell."""
    body, reason = FILES[name]
    (one,) = rows_of_file(body, layout=CsvLayout(times=FILE_WAY))
    assert isinstance(one, FeedRow) if reason is None else isinstance(one, FeedFault)
    if isinstance(one, FeedFault):
        assert (one.reason, one.detail[-1]) == (reason, ".")


def test_a_time_zone_that_no_file_and_no_heading_says_is_refused() -> None:
    """Without a declared zone a local time is nobody's: seven hours off is a false alarm."""
    layout = CsvLayout(times=TimeWay(None, DateOrder.DAY_FIRST))
    (one,) = rows_of_file(b"time,level (m)\n2026-11-21 10:00,1.2\n", layout=layout)
    assert isinstance(one, FeedFault)
    assert one.reason == "no_time_zone"
