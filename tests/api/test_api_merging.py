"""Officers make one incident of two, and two of one, over HTTP: who may, what is answered, what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from core.db import transaction
from gis.points import LonLat
from incidents import actions
from incidents.rules import NewReport
from staff.models import AuditEntry
from tests.incidents.conftest import fill_town

SignIn = Callable[[str], TestClient]


@pytest.fixture
def ids(app: object, frozen_clock: object) -> list[int]:
    """Two holes 40 m apart, the second perhaps the same as the first."""
    with transaction() as session:
        fill_town(session)
        return [
            actions.receive_report(session, NewReport("ถนนเป็นหลุม", "road", LonLat(lon=lon, lat=8.43), "pin"))[1].id
            for lon in (99.96, 99.96036)
        ]


def test_what_is_perhaps_the_same_stands_with_the_incident(signed_in: SignIn, ids: list[int]) -> None:
    """The other incident, the distance, the score and its terms, until somebody has decided."""
    officer = signed_in("officer")
    shown = officer.get(f"/api/v1/incidents/{ids[1]}").json()
    assert [one["incident"]["id"] for one in shown["perhaps_same"]] == [ids[0]]
    assert 39 < shown["perhaps_same"][0]["distance_m"] < 41
    assert "place" in shown["perhaps_same"][0]["terms"]
    answer = officer.post(f"/api/v1/incidents/{ids[1]}/not-same", json={"other_id": ids[0]})
    assert (answer.status_code, answer.json()["perhaps_same"]) == (200, [])


def test_merged_the_old_number_leads_to_the_new_and_back(signed_in: SignIn, ids: list[int]) -> None:
    """The answer is the survivor; the other says where it went, and undoing brings it back."""
    officer = signed_in("officer")
    merged = officer.post(f"/api/v1/incidents/{ids[1]}/merge", json={"other_id": ids[0], "reason": "หลุมเดียวกัน"}).json()
    assert (merged["id"], merged["report_count"], [one["id"] for one in merged["took_in"]]) == (ids[0], 2, [ids[1]])
    assert officer.get(f"/api/v1/incidents/{ids[1]}").json()["merged_into"]["number"] == merged["number"]
    again = officer.post(f"/api/v1/incidents/{ids[1]}/merge", json={"other_id": ids[0]})
    assert (again.status_code, again.json()["type"]) == (409, "urn:faonam:problem:already-merged")
    assert "รวมกับเหตุอื่นแล้ว" in again.json()["title_th"]
    parted = officer.post(f"/api/v1/incidents/{ids[1]}/merge/undo")
    assert (parted.status_code, parted.json()["state"], parted.json()["merged_into"]) == (200, "new", None)
    with transaction() as session:
        done = session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert done[-2:] == ["incident.merged", "incident.merge_undone"]


def test_reports_are_split_off(signed_in: SignIn, ids: list[int]) -> None:
    """The answer is the new incident; splitting everything off is refused in a sentence."""
    officer = signed_in("officer")
    officer.post(f"/api/v1/incidents/{ids[1]}/merge", json={"other_id": ids[0]})
    reports = [one["id"] for one in officer.get(f"/api/v1/incidents/{ids[0]}").json()["reports"]]
    refused = officer.post(f"/api/v1/incidents/{ids[0]}/split", json={"report_ids": reports})
    assert (refused.status_code, "must stay" in refused.json()["detail"]) == (422, True)
    own = officer.post(f"/api/v1/incidents/{ids[0]}/split", json={"report_ids": reports[1:]}).json()
    assert own["id"] not in ids
    assert own["report_count"] == 1


@pytest.mark.parametrize("path", ["merge", "merge/undo", "split", "not-same"])
def test_only_those_who_change_incidents_decide(signed_in: SignIn, ids: list[int], path: str) -> None:
    """A viewer may not; ids that no incident can have are refused."""
    body = {"other_id": ids[0], "report_ids": [1]}
    viewer = signed_in("viewer")
    assert viewer.post(f"/api/v1/incidents/{ids[1]}/{path}", json=body).status_code == 403
    officer = signed_in("officer")
    strange = officer.post(f"/api/v1/incidents/{ids[1]}/{path}", json={"other_id": 2**70, "report_ids": [2**70]})
    assert strange.status_code in {409, 422}
