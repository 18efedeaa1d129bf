"""A small town with two ways from the depot to the east, crews of four kinds, and incidents to send them to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import clock
from dispatch import actions
from dispatch.models import Crew, Job
from flood.models import FloodRoad, FloodRun
from gis.models import Layer, Road
from gis.points import LonLat
from incidents import actions as incident_actions
from incidents.models import Incident
from incidents.rules import NewReport
from residents import actions as residents_actions

DEPOT = LonLat(lon=100.000, lat=8.000)
EAST = LonLat(lon=100.020, lat=8.000)
STREETS = {
    1: "100.00 8.00, 100.01 8.00",
    2: "100.01 8.00, 100.02 8.00",
    3: "100.00 8.00, 100.00 8.01, 100.02 8.01, 100.02 8.00",
}
CREWS = (
    ("pump-1", "pump", ["pump", "drain"], "truck", 0.6),
    ("pump-2", "pump", ["pump"], "car", 0.3),
    ("boat-1", "boat", ["boat", "rescue"], "boat", 0.4),
    ("elec-1", "electricity", ["electricity"], "truck", 0.5),
)


@dataclass
class Town:
    """The town, and what happens in it."""

    session: Session
    now: datetime = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)

    def incident(self, *, category: str = "flooded_road", place: LonLat = EAST, by: int | None = None) -> Incident:
        """A report has opened an incident."""
        new = NewReport(text="น้ำท่วม", category_code=category, place=place, place_source="pin", resident_id=by)
        return incident_actions.receive_report(self.session, new)[1]

    def job(self, *, category: str = "flooded_road", place: LonLat = EAST, by: int | None = None) -> Job:
        """An incident and its job."""
        job = actions.open_job(self.session, self.incident(category=category, place=place, by=by).id)
        assert job is not None
        return job

    def resident(self, number: int = 1) -> int:
        """The id of a friend on LINE."""
        return residents_actions.resident_of(self.session, f"U{number:032x}").id

    def flood(self, **depth_by_street: float) -> None:
        """The newest picture has these streets under water: `s2=0.8`."""
        run = FloodRun(
            computed_at=clock.now(),
            valid_at=clock.now(),
            computed_wall_at=clock.now(),
            method="canal-network",
            levels={},
            wall_s=0.1,
            confidence=0.9,
        )
        self.session.add(run)
        self.session.flush()
        for name, depth_m in depth_by_street.items():
            self.session.add(FloodRoad(run_id=run.id, road_id=self.street_id(int(name[1:])), max_depth_m=depth_m))
        self.session.flush()

    def street_id(self, number: int) -> int:
        """The id of a street by its number in STREETS."""
        return self.session.scalars(sa.select(Road.id).where(Road.code == f"r{number}")).one()


def fill_town(session: Session) -> Town:
    """The town is there."""
    incident_actions.load_categories(session)
    layer = Layer(
        name="roads",
        kind="roads",
        source="test",
        licence="test",
        trust="simulated",
        row_count=3,
        version=1,
        imported_at=datetime(2026, 1, 1, tzinfo=UTC),
        legend={},
    )
    session.add(layer)
    session.flush()
    for number, line in STREETS.items():
        session.add(
            Road(
                layer_id=layer.id,
                code=f"r{number}",
                name_th="ถนน",
                name_en="Road",
                road_class="residential",
                is_bridge=False,
                geom=f"SRID=4326;LINESTRING({line})",
                length_m=1.0,
            )
        )
    for code, kind, capabilities, vehicle, limit_m in CREWS:
        session.add(
            Crew(
                code=code,
                name_th=f"ชุด {code}",
                name_en=f"Crew {code}",
                kind=kind,
                capabilities=capabilities,
                vehicle=vehicle,
                ford_limit_m=limit_m,
                position=f"SRID=4326;POINT({DEPOT.lon} {DEPOT.lat})",
                position_at=clock.now(),
                is_on_duty=True,
                trust="simulated",
            )
        )
    session.flush()
    return Town(session)


@pytest.fixture
def build_town() -> Callable[[Session], Town]:
    """Builds the town in a session of the test's own."""
    return fill_town


@pytest.fixture
def town(session: Session) -> Town:
    """The town in a transaction that is rolled back."""
    return fill_town(session)
