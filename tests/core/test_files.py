"""A file takes its place whole, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.errors import InvalidInputError
from core.files import whole_file


def test_what_fails_half_way_leaves_what_was_there(tmp_path: Path) -> None:
    """An old map is better than half a new one."""
    out = tmp_path / "map.html"
    out.write_text("yesterday")

    def write_half(fresh: Path) -> None:
        fresh.write_text("half")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"), whole_file(out) as fresh:
        write_half(fresh)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"map.html": "yesterday"}


def test_a_whole_file_takes_the_name(tmp_path: Path) -> None:
    """Nothing else is left beside it."""
    out = tmp_path / "map.html"
    with whole_file(out) as fresh:
        fresh.write_text("today")
        assert not out.exists()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"map.html": "today"}


def test_a_place_where_nothing_can_be_written_is_named_before_the_work() -> None:
    """Also to root, whose rights allow everything: the kernel's own folders take no file from anybody."""
    said = "Nothing can be written into /proc" if os.geteuid() == 0 else "may not write into /proc"
    with pytest.raises(InvalidInputError, match=said), whole_file(Path("/proc/map.html")):
        pytest.fail("nothing may be written")


def test_folders_devices_and_pipes_are_never_replaced(tmp_path: Path) -> None:
    """As root, a file moved to /dev/null would take the device's place for everybody."""
    os.mkfifo(tmp_path / "pipe")
    for out, said in (
        (tmp_path, "is a folder"), (tmp_path / "pipe", "is no plain file"), (Path(os.devnull), "is no plain file"),
        (tmp_path / "no" / "map.html", "There is no folder"),
    ):
        with pytest.raises(InvalidInputError, match=said), whole_file(out):
            pytest.fail("nothing may be written")
