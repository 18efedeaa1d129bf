"""The demo's accounts: made once, with passwords that no repository and no log knows."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from core.settings import settings
from demo import accounts
from staff import actions


@pytest.fixture
def own_data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder in which nothing was kept yet."""
    monkeypatch.setenv("FAONAM_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def _can_sign_in(session: Session, username: str, password: str) -> bool:
    return actions.sign_in(session, username=username, password=password, address="127.0.0.1") is not None


def test_every_demo_account_can_sign_in(session: Session, own_data_dir: Path) -> None:
    """One account a role and one a crew, each with a password of its own, kept readable to us only."""
    passwords = accounts.ensure_demo_accounts(session, ["B1"])
    assert set(passwords) == {"officer", "approver", "colleague", "dispatcher", "viewer", "admin", "crew-b1"}
    assert len(set(passwords.values())) == 7
    assert stat.S_IMODE(accounts.passwords_path().stat().st_mode) == 0o600
    signed_in = actions.sign_in(session, username="crew-b1", password=passwords["crew-b1"], address="127.0.0.1")
    assert signed_in is not None
    assert signed_in.account.crew_code == "B1"
    assert signed_in.account.roles == frozenset({"crew"})


def test_a_second_start_changes_nothing(session: Session, own_data_dir: Path) -> None:
    """The passwords that were printed at the first start go on working."""
    first = accounts.ensure_demo_accounts(session)
    assert accounts.ensure_demo_accounts(session) == first
    assert accounts.demo_passwords() == first


def test_a_lost_password_file_gives_new_passwords(session: Session, own_data_dir: Path) -> None:
    """Where the file is gone but the accounts are there, new passwords are set and the old ones end."""
    first = accounts.ensure_demo_accounts(session)
    accounts.passwords_path().unlink()
    second = accounts.ensure_demo_accounts(session)
    assert not _can_sign_in(session, "officer", first["officer"])
    assert _can_sign_in(session, "officer", second["officer"])
