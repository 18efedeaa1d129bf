"""Real commits at the same time: neighbours who report in the same second become one incident with one number."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.db import transaction
from gis.points import LonLat
from incidents import actions
from incidents.models import Incident
from incidents.rules import NewReport

Fill = Callable[[Session], None]


def test_reports_of_the_same_second_become_one_incident(database: sa.Engine, frozen_clock: object, fill: Fill) -> None:
    """Eight reports from eight connections join; none is lost, none opens a second incident."""
    with transaction() as session:
        fill(session)

    def report(number: int) -> int:
        with transaction() as session:
            place = LonLat(lon=99.960 + number * 1e-5, lat=8.430)
            new = NewReport(text="น้ำท่วม", category_code="flooded_road", place=place, place_source="pin")
            return actions.receive_report(session, new)[1].id

    with ThreadPoolExecutor(8) as pool:
        incident_ids = set(pool.map(report, range(8)))
    assert len(incident_ids) == 1
    with transaction() as session:
        assert session.scalars(sa.select(Incident.report_count)).all() == [8]
