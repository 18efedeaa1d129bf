"""The inbox over HTTP: what a filter finds, how pages follow one another, what is counted, whose filters are whose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from core.db import transaction
from gis.points import LonLat
from incidents import actions, keeping
from incidents.models import Incident
from incidents.rules import NewReport
from tests.accounts import PASSWORD, add_account
from tests.incidents.conftest import add_talker, fill_town

SignIn = Callable[[str], TestClient]
# Kind and place: two holes 40 m apart are perhaps the same, the others have nothing to do with one another.
TOLD = (
    ("road", 99.9600, "หลุมหน้าโรงเรียน"), ("road", 99.96036, "ถนนเป็นหลุม"), ("rescue", 99.9450, "ติดอยู่บนหลังคา 3 คน"),
    ("street_light", 99.9700, "ไฟดับ 100% ทั้งซอย"), ("flooded_road", 99.9750, "น้ำท่วมถนน"),
)


@pytest.fixture
def ids(database: sa.Engine, frozen_clock: object) -> list[int]:
    """Five incidents of one city, and an account of each kind."""
    with transaction() as session:
        fill_town(session)
        for name, role in (("viewer", "viewer"), ("officer", "officer"), ("colleague", "officer"), ("crew", "crew")):
            add_account(session, name, roles=[role])
        talker = add_talker(session, 1, home=None)
        return [
            actions.receive_report(
                session,
                NewReport(text, code, LonLat(lon=lon, lat=8.43), "pin", resident_id=talker.resident.id),
            )[1].id
            for code, lon, text in TOLD
        ]


@pytest.fixture
def signed_in(ids: list[int]) -> Iterator[SignIn]:
    """A browser with that account's cookie and CSRF token."""
    with TestClient(create_app(), raise_server_exceptions=False) as browser:

        def sign_in(name: str) -> TestClient:
            answer = browser.post("/api/v1/session", json={"username": name, "password": PASSWORD})
            browser.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
            return browser

        yield sign_in


def _found(browser: TestClient, **params: Any) -> list[int]:
    answer = browser.get("/api/v1/inbox", params=params)
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["incidents"]]


def test_the_most_urgent_comes_first_and_pages_leave_nothing_out(signed_in: SignIn, ids: list[int]) -> None:
    """Tier, then the end of the promise; walked by marks, each incident comes once, also when one comes in between."""
    officer = signed_in("officer")
    assert _found(officer)[0] == ids[2]
    walked: list[int] = []
    after = ""
    for _ in range(len(ids)):
        answer = officer.get("/api/v1/inbox", params={"limit": 2, "after": after}).json()
        walked += [row["id"] for row in answer["incidents"]]
        if answer["next"] is None:
            break
        after = answer["next"]
    assert walked == _found(officer)
    assert sorted(walked) == sorted(ids)
    assert _found(officer, order="newest") == sorted(ids, reverse=True)
    assert officer.get("/api/v1/inbox", params={"after": "WzEsMl0"}).status_code == 422


def test_every_term_narrows(signed_in: SignIn, ids: list[int]) -> None:
    """State, category, agency, tier, near its end, overdue, waiting, perhaps the same, words and number."""
    with transaction() as session:
        at = session.get_one(Incident, ids[3]).opened_at
        session.execute(sa.update(Incident).where(Incident.id == ids[3]).values(promised_at=at - timedelta(minutes=1)))
        session.execute(sa.update(Incident).where(Incident.id == ids[4]).values(promised_at=at + timedelta(minutes=30)))
        keeping.wait_for_reporter(session, ids[0], "ตรงไหน", hours=4, by="officer")
        number = session.get_one(Incident, ids[1]).number
    officer = signed_in("officer")
    assert _found(officer, state=["done"]) == []
    assert _found(officer, category=["rescue", "street_light"]) == [ids[2], ids[3]]
    assert _found(officer, agency="rescue", tier=1) == [ids[2]]
    assert _found(officer, near=True) == [ids[4]]
    assert _found(officer, overdue=True) == [ids[3]]
    assert _found(officer, waiting=True) == [ids[0]]
    assert sorted(_found(officer, same=True)) == ids[:2]
    assert _found(officer, q=number) == [ids[1]]
    assert _found(officer, q="หลุม โรงเรียน") == [ids[0]]
    assert _found(officer, q="100%") == [ids[3]]
    assert _found(officer, q="1__%") == []
    assert officer.get("/api/v1/inbox", params={"colour": "red"}).status_code == 422


def test_residents_words_are_searched_only_by_those_who_may_read_them(signed_in: SignIn, ids: list[int]) -> None:
    """What was written after the summary's first words finds nothing for who only looks."""
    with transaction() as session:
        longer = "UPDATE report SET text = text || ' โทร 0812345678' WHERE incident_id = :id"
        session.execute(sa.text(longer), {"id": ids[0]})
    assert _found(signed_in("officer"), q="0812345678") == [ids[0]]
    assert _found(signed_in("viewer"), q="0812345678") == []


def test_counts_say_how_many_are_wanted_and_open(signed_in: SignIn, ids: list[int]) -> None:
    """Beside each filter stands how many open incidents it would find."""
    officer = signed_in("officer")
    counts = officer.get("/api/v1/inbox/counts", params={"category": "road"}).json()
    assert (counts["wanted"], counts["by"]["is"]["open"], counts["by"]["is"]["same"]) == (2, 5, 2)
    assert counts["by"]["category"]["road"] == 2
    assert counts["by"]["tier"]["1"] == 1
    for code, count in counts["by"]["agency"].items():
        assert len(_found(officer, agency=code)) == count
    chosen = officer.get("/api/v1/inbox/chosen", params={"category": "road"}).json()
    assert (sorted(one["id"] for one in chosen["chosen"]), chosen["is_cut"]) == (ids[:2], False)


def test_filters_are_an_officers_own_until_shared_with_a_desk(signed_in: SignIn, ids: list[int]) -> None:
    """One default at most; shared ones are offered to who sits at the desk and changed by nobody else."""
    officer = signed_in("officer")
    base = "/api/v1/inbox"
    kept = {"name": "ถนน", "wanted": {"category": ["road"], "tier": [3]}, "is_default": True}
    assert officer.put(f"{base}/filters", json=kept | {"is_shared": True}).status_code == 422
    assert officer.put(f"{base}/desk", json={"agency": "nobody"}).status_code == 404
    assert officer.put(f"{base}/desk", json={"agency": "works"}).json()["desk"] == "works"
    officer.put(f"{base}/filters", json=kept | {"is_shared": True})
    mine = officer.put(f"{base}/filters", json={"name": "ด่วน", "wanted": {"tier": [1]}, "is_default": True}).json()
    assert [(one["name"], one["is_default"]) for one in mine["filters"]] == [("ด่วน", True), ("ถนน", False)]
    shared = next(one for one in mine["filters"] if one["is_shared"])
    colleague = signed_in("colleague")
    assert colleague.get(f"{base}/filters").json()["filters"] == []
    offered = colleague.put(f"{base}/desk", json={"agency": "works"}).json()["filters"]
    assert [(one["name"], one["is_own"], one["wanted"]["category"]) for one in offered] == [("ถนน", False, ["road"])]
    assert colleague.delete(f"{base}/filters/{shared['id']}").status_code == 404
    assert signed_in("officer").delete(f"{base}/filters/{shared['id']}").status_code == 204
    assert officer.put(f"{base}/filters", json=kept | {"wanted": {"tier": [9]}}).status_code == 422
    assert signed_in("viewer").put(f"{base}/filters", json=kept).status_code == 403
