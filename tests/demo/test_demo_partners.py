"""The demo partner's key: made once, kept as the passwords are."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from core.settings import settings
from demo import partners
from incidents.exchange import keys


@pytest.fixture
def own_data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder in which nothing was kept yet."""
    monkeypatch.setenv("FAONAM_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def test_the_key_opens_and_a_second_start_keeps_it(session: Session, own_data_dir: Path) -> None:
    """Readable to us only; one that was lost is made anew, and the old one opens nothing."""
    key = partners.ensure_demo_key(session)
    assert partners.ensure_demo_key(session) == key
    assert keys.opened_by(session, key, scope="open311").name == "demo"
    assert stat.S_IMODE(partners.key_path().stat().st_mode) == 0o600
    assert json.loads(partners.key_path().read_text()) == {"name": "demo", "api_key": key}
    partners.key_path().unlink()
    assert partners.ensure_demo_key(session) != key
