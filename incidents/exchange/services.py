"""How the categories stand open, as the house ships it: read from `data/services.toml`, stored once a category."""

from __future__ import annotations

import functools
import hashlib
import tomllib
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock
from incidents.exchange import queries
from incidents.exchange.models import OpenService, ServicesChange
from incidents.exchange.questions import Question
from incidents.models import Category

FILE = Path(__file__).parent / "data" / "services.toml"


class _Service(BaseModel):
    model_config = ConfigDict(extra="forbid")

    category: str
    type: Literal["realtime", "batch", "blackbox"] = "realtime"
    exposure: Literal["open", "coarse", "hidden"] = "open"
    question: list[Question] = Field(default_factory=list)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    service: list[_Service]


@functools.cache
def shipped() -> _File:
    """The shipped file; raises pydantic's ValidationError where it is broken, which a test forbids."""
    return _File.model_validate(tomllib.loads(FILE.read_text(encoding="utf-8")))


def load_shipped(session: Session) -> int:
    """The categories stand open as shipped, those that did already as the city made them; how many were new."""
    known = set(session.scalars(sa.select(Category.code)))
    rows = [
        {
            "category_code": one.category,
            "service_type": one.type,
            "exposure": one.exposure,
            "questions": [question.model_dump(mode="json") for question in one.question],
        }
        for one in shipped().service
        if one.category in known
    ]
    if not rows:
        return 0
    added = session.execute(
        insert(OpenService)
        .values(rows)
        .on_conflict_do_nothing(index_elements=["category_code"])
        .returning(OpenService.category_code)
    )
    return len(added.all())


def note_services(session: Session) -> ServicesChange:
    """Since when the services are as they are now; noted anew where they differ from what was noted."""
    digest = hashlib.sha256(repr(queries.services(session)).encode()).hexdigest()
    noted = session.get(ServicesChange, 1)
    if noted is None or noted.digest != digest:
        fresh = {"digest": digest, "changed_at": clock.now()}
        session.execute(
            insert(ServicesChange)
            .values(id=1, **fresh)
            .on_conflict_do_update(index_elements=["id"], set_=fresh, where=ServicesChange.digest != digest)
        )
        session.expire_all()
        noted = session.get_one(ServicesChange, 1)
    return noted
