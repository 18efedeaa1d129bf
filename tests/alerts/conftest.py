"""A small town for alerts: zones side by side, residents with homes, accounts, pictures of the flood."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest
import shapely
import sqlalchemy as sa
from shapely.geometry import MultiPolygon, Point, box
from sqlalchemy.orm import Session

from alerts import actions
from alerts.models import Alert
from core import sealing
from staff.rules import AccountRef
from tests.accounts import add_account

WALL = datetime(2026, 11, 21, 2, 59, tzinfo=UTC)


class Town:
    """Puts rows where the other rooms would put them."""

    def __init__(self, session: Session) -> None:
        """The town has a name; nothing else yet."""
        self.session = session
        self._zones: dict[str, int] = {}
        self._runs = 0
        self._users = 0
        self._colleague: AccountRef | None = None
        shape = "SRID=4326;MULTIPOLYGON(((100 8,101 8,101 9,100 9,100 8)))"
        session.execute(
            sa.text(
                "INSERT INTO city (id, slug, name_th, name_en, boundary, extent, centre, metric_srid, datum,"
                " imported_at, is_simulated) VALUES (1, 'demo', 'เทศบาลตัวอย่าง', 'Example Municipality', :shape,"
                " ST_Envelope(CAST(:shape AS geometry)), 'SRID=4326;POINT(100.5 8.5)', 32647, 'm above mean sea level',"
                " now(), true)"
            ),
            {"shape": shape},
        )

    def zone(self, code: str, shape: shapely.Geometry | None = None, *, at: float = 0.0) -> int:
        """A zone of a hundredth of a degree at 100+at east, or of this shape."""
        shape = shape or box(100 + at, 8.4, 100.01 + at, 8.41)
        multi = shape if isinstance(shape, MultiPolygon) else MultiPolygon([shape])
        self._zones[code] = self.session.execute(
            sa.text(
                "INSERT INTO zone (code, name_th, name_en, geom, version, is_retired) "
                "VALUES (:code, :th, :en, ST_GeomFromText(:wkt, 4326), 1, false) RETURNING id"
            ),
            {"code": code, "th": f"ชุมชน{code}", "en": f"Community {code}", "wkt": shapely.to_wkt(multi, 15)},
        ).scalar_one()
        self._subdivide(code)
        return self._zones[code]

    def _subdivide(self, code: str) -> None:
        self.session.execute(
            sa.text(
                "INSERT INTO zone_part (zone_id, version, geom) "
                "SELECT id, version, (ST_Dump(ST_Subdivide(geom, 128))).geom FROM zone WHERE code = :code"
            ),
            {"code": code},
        )

    def redraw_zone(self, code: str, shape: shapely.Geometry) -> None:
        """The zone has another outline and the next version."""
        self.session.execute(
            sa.text(
                "UPDATE zone SET geom = ST_Multi(ST_GeomFromText(:wkt, 4326)), version = version + 1 WHERE code = :c"
            ),
            {"wkt": shapely.to_wkt(shape, 15), "c": code},
        )
        self._subdivide(code)

    def resident(
        self,
        *homes: Point,
        language: str = "th",
        is_consented: bool = True,
        is_reachable: bool = True,
        vulnerable: bool = False,
    ) -> int:
        """A resident with these homes."""
        self._users += 1
        user = f"U{self._users:032x}"
        resident_id = self.session.execute(
            sa.text(
                "INSERT INTO resident (line_user_hash, line_user_sealed, language, consented_at, is_reachable,"
                " joined_at, trust) VALUES (:hash, :sealed, :language, :consented, :reachable, now(), 'simulated')"
                " RETURNING id"
            ),
            {
                "hash": sealing.fingerprint(user),
                "sealed": sealing.seal(user),
                "language": language,
                "consented": WALL if is_consented else None,
                "reachable": is_reachable,
            },
        ).scalar_one()
        for home in homes:
            self.session.execute(
                sa.text(
                    "INSERT INTO home (resident_id, geom, is_vulnerable, label) "
                    "VALUES (:r, ST_SetSRID(ST_MakePoint(:x, :y), 4326), :v, 'home')"
                ),
                {"r": resident_id, "x": home.x, "y": home.y, "v": vulnerable},
            )
        return int(resident_id)

    def picture(self, severities: Mapping[str, int], *, depth_class: int = 2) -> int:
        """A flood run with these severities."""
        self._runs += 1
        run_id = self.session.execute(
            sa.text(
                "INSERT INTO flood_run (computed_at, valid_at, computed_wall_at, trigger_received_wall_at, method,"
                " levels, wall_s, confidence) "
                "VALUES (now(), now(), now(), :wall, 'canal-network', '{}', 0.1, 0.8) RETURNING id"
            ),
            {"wall": WALL},
        ).scalar_one()
        for code, severity in severities.items():
            self.session.execute(
                sa.text(
                    "INSERT INTO zone_state (run_id, zone_id, severity, lower_runs, depth_class, wet_share,"
                    " depth_p50_m, depth_p90_m, confidence, people, people_method, members, homes, vulnerable_homes,"
                    " roads_km, roads_over_km, facilities, totals, gauges) VALUES"
                    " (:run, :zone, :severity, 0, :depth, 0.3, 0.2,"
                    " 0.4, 0.8, 120, 'x', 50, 52, 7, 1.5, '{}', :facilities, '{}', '{}')"
                ),
                {
                    "run": run_id,
                    "zone": self._zones[code],
                    "severity": severity,
                    "depth": depth_class if severity else 0,
                    "facilities": json.dumps({"school": 1}),
                },
            )
        return int(run_id)

    def account(self, username: str, roles: Sequence[str] = ("approver", "officer")) -> AccountRef:
        """Somebody of the duty room."""
        return add_account(self.session, username, roles=roles)


    def checked(self, alert: Alert) -> Alert:
        """The alert, where a colleague was the first of the two people that its level needs."""
        if self._colleague is None:
            self._colleague = self.account("colleague", ["officer"])
        return actions.check(self.session, alert.id, alert.revision, self._colleague)


@pytest.fixture
def town(session: Session) -> Town:
    """A town without zones."""
    return Town(session)


@pytest.fixture
def town_of() -> type[Town]:
    """For tests with sessions of their own."""
    return Town
