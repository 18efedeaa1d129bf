"""What residents read agrees with what is known: water that is seen, or water that is on its way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from alerts import actions, templates
from alerts.models import Alert
from core import clock


def consider(session: Session, town: Any, *, depth_class: int, ahead: int | None = None) -> Alert:
    run_id = town.picture({"A": 2}, depth_class=depth_class)
    if ahead is not None:
        later = town.picture({"A": 2}, depth_class=2)
        session.execute(
            sa.text("UPDATE flood_run SET basis_run_id = :b, horizon_min = :h, valid_at = :at WHERE id = :id"),
            {"b": run_id, "h": ahead, "at": clock.now() + timedelta(minutes=ahead), "id": later},
        )
    actions.consider(
        session,
        run_id=run_id,
        severity_by_code={"A": 2},
        falling_by_code={},
        trigger_received_wall_at=None,
        is_without_data=False,
    )
    return session.scalars(sa.select(Alert)).one()


def exposure(alert: Alert) -> dict[str, str]:
    (piece,) = [piece for piece in alert.evidence if piece["kind"] == "exposure"]
    return dict(piece["text"])


def test_water_in_the_picture_is_said_to_enter(session: Session, town: Any, frozen_clock: Any) -> None:
    """Where the picture of now has water in the zone, the words say that it is there, with its depth."""
    town.zone("A")
    alert = consider(session, town, depth_class=2)
    assert "น้ำกำลังเข้าท่วม" in alert.texts["th"]["situation"]
    assert "water is entering" in alert.texts["en"]["situation"]
    assert "120" in exposure(alert)["en"]


def test_water_of_the_pictures_ahead_is_said_to_be_expected(session: Session, town: Any, frozen_clock: Any) -> None:
    """Where only the pictures ahead have water, the words say by when, in half hours so that a look stays good."""
    town.zone("A")
    alert = consider(session, town, depth_class=0, ahead=75)
    by = (clock.now() + timedelta(minutes=75)).replace(second=0, microsecond=0)
    by = by.replace(minute=by.minute // 30 * 30)
    for language in templates.LANGUAGES:
        assert templates.moment(by, language) in alert.texts[language]["situation"]
    assert "คาดว่า" in alert.texts["th"]["situation"]
    assert "กำลังเข้าท่วม" not in alert.texts["th"]["situation"]


def test_rise_without_a_time_is_said_to_come_soon(session: Session, town: Any, frozen_clock: Any) -> None:
    """A level that rests on gauges alone names no time that nobody knows."""
    town.zone("A")
    alert = consider(session, town, depth_class=0)
    assert "water is expected to enter Community A soon" in alert.texts["en"]["situation"]


def test_nobody_in_the_water_is_said_in_words(session: Session, town: Any, frozen_clock: Any) -> None:
    """ "About 0 people" beside a warning would read as a mistake: the evidence says what the level rests on."""
    town.zone("A")
    alert = consider(session, town, depth_class=0)
    session.execute(
        sa.text("UPDATE zone_state SET people = 0, homes = 0, vulnerable_homes = 0, roads_km = 0, facilities = '{}'")
    )
    actions.revise(session, alert.id)
    assert "rests on gauges" in exposure(alert)["en"]
    assert "0 คน" not in exposure(alert)["th"]
