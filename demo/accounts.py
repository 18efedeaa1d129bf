"""Accounts for the demo, one a role and one a crew, with passwords made here and kept readable to us only."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy.orm import Session

from core.settings import data_dir
from staff import actions, queries

COLLEAGUE = "colleague"
PEOPLE = (
    ("officer", "เจ้าหน้าที่เวร (สาธิต)", ("officer",)),
    ("approver", "ผู้อนุมัติแจ้งเตือน (สาธิต)", ("officer", "approver")),
    # Nobody signs in as the colleague: a program is, who checks what the rules propose before somebody approves it.
    (COLLEAGUE, "เพื่อนร่วมเวร (จำลอง)", ("officer",)),
    ("dispatcher", "ผู้สั่งการทีม (สาธิต)", ("officer", "dispatcher")),
    ("viewer", "ผู้ชม (สาธิต)", ("viewer",)),
    ("admin", "ผู้ดูแลระบบ (สาธิต)", ("admin",)),
)


def passwords_path() -> Path:
    """Where the demo's passwords lie: a JSON object from username to password, mode 0600."""
    return data_dir() / "secrets" / "demo-accounts.json"


def demo_passwords() -> dict[str, str]:
    """The passwords of the demo accounts by username; empty before they were made."""
    path = passwords_path()
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _keep(passwords: Mapping[str, str]) -> None:
    path = passwords_path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_suffix(f".{os.getpid()}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(passwords, file, indent=1)
    fresh.replace(path)


def _new_password() -> str:
    return "-".join(secrets.token_hex(2) for _ in range(4))


def ensure_demo_accounts(session: Session, crew_codes: Sequence[str] = ()) -> dict[str, str]:
    """Every demo account exists and can sign in with the password returned for its username.

    The accounts are officer, approver, colleague, dispatcher, viewer, admin, and `crew-<code>` for each of
    `crew_codes`. Passwords are kept in `passwords_path()`; an account whose password was lost there gets a new one.
    """
    people = [*PEOPLE, *((f"crew-{code.lower()}", f"ทีม {code} (สาธิต)", ("crew",)) for code in crew_codes)]
    crew_of = {f"crew-{code.lower()}": code for code in crew_codes}
    kept = demo_passwords()
    passwords = {username: kept.get(username) or _new_password() for username, _, _ in people}
    if not passwords.items() <= kept.items():
        _keep({**kept, **passwords})
    for username, display_name, roles in people:
        if queries.account_by_username(session, username) is None:
            actions.create_account(
                session,
                username=username,
                display_name=display_name,
                password=passwords[username],
                roles=roles,
                crew_code=crew_of.get(username),
            )
        elif username not in kept:
            actions.set_password(session, username=username, password=passwords[username])
    return passwords
