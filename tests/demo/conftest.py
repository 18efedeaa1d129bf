"""The demo city's pack, for tests that read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.city import generate


@pytest.fixture(scope="session")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo city's pack, drawn once; what wants to change it takes a copy."""
    return generate.write_pack(tmp_path_factory.mktemp("packs") / "demo")
