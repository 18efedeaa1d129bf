"""The draft of a report as it lies in the database."""

from __future__ import annotations

from typing import Any

from incidents.conversation import Draft, Place
from incidents.handful import Handful


def read(stored: dict[str, Any]) -> Draft:
    """The draft that was kept so."""
    places = {name: Place(**stored[name]) for name in ("place", "seen_from", "far") if stored.get(name)}
    handful = Handful(**stored["handful"]) if stored.get("handful") else None
    whole = {**stored, "place": None, "seen_from": None, "far": None, **places, "handful": handful}
    return Draft(**{**whole, "photo_ids": tuple(stored["photo_ids"])})
