"""What is read about armed sending: which policy lets alerts send themselves, and which are due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from alerts.models import Alert, ArmedPolicy


def due_to_send_itself(session: Session, *, now: datetime) -> Sequence[Alert]:
    """The proposals that nobody stopped within their delay."""
    return session.scalars(
        sa.select(Alert).where(Alert.state == "proposed", Alert.sends_itself_at <= now).order_by(Alert.id)
    ).all()


def armed_policy(session: Session, level: int, *, now: datetime) -> ArmedPolicy | None:
    """The policy that lets alerts of this level send themselves now; None where none is armed."""
    return session.scalars(
        sa.select(ArmedPolicy).where(
            ArmedPolicy.level == level, ArmedPolicy.disarmed_at.is_(None), ArmedPolicy.expires_at > now
        )
    ).one_or_none()


def armed_policies(session: Session, *, limit: int) -> Sequence[ArmedPolicy]:
    """The newest first, those that ran out and were disarmed too."""
    return session.scalars(sa.select(ArmedPolicy).order_by(ArmedPolicy.id.desc()).limit(limit)).all()
