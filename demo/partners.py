"""A partner of the demo city: one key with which other systems report, made here and kept readable to us only."""

from __future__ import annotations

import json
import os
from pathlib import Path

from sqlalchemy.orm import Session

from core.settings import data_dir
from incidents.exchange import keys, queries

NAME = "demo"
SCOPES = ("open311", "traffy-read", "traffy-write", "traffy-update")
PER_MINUTE = 600


def key_path() -> Path:
    """Where the demo partner's key lies: a JSON object with its name and the key, mode 0600."""
    return data_dir() / "secrets" / "demo-api-key.json"


def ensure_demo_key(session: Session) -> str:
    """The demo partner's key opens this city's doors; one that was lost, or was another city's, is made anew."""
    path = key_path()
    known = str(json.loads(path.read_text(encoding="utf-8"))["api_key"]) if path.exists() else ""
    found = queries.key_of_name(session, NAME)
    if found is not None and found.revoked_at is None and found.key_hash == keys.key_hash(known):
        return known
    if found is not None:
        session.delete(found)
        session.flush()
    key = keys.make_key(session, name=NAME, scopes=SCOPES, per_minute=PER_MINUTE)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_suffix(f".{os.getpid()}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump({"name": NAME, "api_key": key}, file, indent=1)
    fresh.replace(path)
    return key
