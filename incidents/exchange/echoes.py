"""What a partner sends back of what it was told makes nothing here."""

from __future__ import annotations

from sqlalchemy.orm import Session

from incidents.exchange import hook_queries
from incidents.exchange.errors import OwnNewsError
from incidents.exchange.models import ApiKey


def check_is_no_echo(session: Session, key: ApiKey, *marks: str) -> None:
    """The partner tells of something new. Raises OwnNewsError where it was told what bears one of these marks."""
    if hook_queries.is_noted(session, marks, system=hook_queries.told_system(key)):
        raise OwnNewsError("This came from here: nothing was made | เรื่องนี้มาจากระบบนี้เอง จึงไม่มีการเปลี่ยนแปลง")
