"""Clients that are not ours: georeport from PyPI, unmodified, and one that behaves as FixMyStreet does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import httpx
import pytest
import sqlalchemy as sa
from georeport import GeoReport

from core.db import transaction
from incidents import photos, redaction
from tests.api.ways.conftest import NOW, PNG, walk, xml

if TYPE_CHECKING:
    from tests.api.ways.conftest import Ways


# ── georeport ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(params=["json", "xml"])
def georeport(request: pytest.FixtureRequest, served_at: str) -> Any:
    """The client, unmodified, on the served API."""
    return GeoReport(f"{served_at}/open311/v2/", jurisdiction="tiny", output_format=request.param)


def test_georeport_reads_services_definitions_and_requests(ways: Ways, georeport: Any) -> None:
    """What the client makes of our answers is what was reported."""
    first, second = ways.reported(description="หลุมหนึ่ง"), ways.reported(description="หลุมสอง")
    assert len(georeport.get_service_list()) == 24
    definition = georeport.get_service_definition("flooded_road")
    assert definition["service_code"] == "flooded_road"
    listed = georeport.get_service_requests(service_request_id=f"{first},{second}")
    assert {one["service_request_id"] for one in listed} == {first, second}
    assert len(georeport.get_service_requests(status="open", service_code="road")) >= 2
    assert georeport.get_service_request(first)["description"] == "หลุมหนึ่ง"


# ── A client like FixMyStreet ────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Problem:
    """A problem in the client's own books."""

    own_id: int
    state: str = "confirmed"
    external_id: str | None = None
    update_ids: set[str] = field(default_factory=set)


@dataclass
class Fixer:
    """Speaks XML only, appends to the endpoint, sends its own id, asks five times for a token, knows what it knows."""

    client: httpx.Client
    endpoint: str
    key: str
    problems: dict[int, Problem] = field(default_factory=dict)

    def _get(self, path: str, **query: Any) -> ElementTree.Element:
        answer = self.client.get(self.endpoint + path, params={"jurisdiction_id": "tiny", **query})
        assert answer.status_code == 200, answer.text
        return xml(answer)

    def _post(self, path: str, fields: dict[str, Any], files: list[Any] | None = None) -> ElementTree.Element:
        data = {"jurisdiction_id": "tiny", "api_key": self.key, **fields}
        answer = self.client.post(self.endpoint + path, data=data, files=files)
        assert answer.status_code == 200, answer.text
        return xml(answer)

    def send(self, problem: Problem, *, service: str, files: list[Any] | None = None, **fields: Any) -> None:
        """The problem is sent; its number is known at once or after at most five questions for it."""
        self.problems[problem.own_id] = problem
        sent = {
            "service_code": service, "lat": f"{fields.pop('lat'):.6f}", "long": f"{fields.pop('long'):.6f}",
            "attribute[fixmystreet_id]": str(problem.own_id), "attribute[title]": "title", **fields,
        }
        root = self._post("requests.xml", sent, files)
        request = root.find("request")
        assert request is not None
        token = request.findtext("token")
        problem.external_id = request.findtext("service_request_id") or None
        for _ in range(5):
            if problem.external_id or not token:
                break
            problem.external_id = self._get(f"tokens/{token}.xml").findtext("request/service_request_id")
        assert problem.external_id, "an empty service_request_id counts as a failure"

    def fetch_requests(self, start: datetime, end: datetime) -> list[str]:
        """Problems of the window that the client did not know: those it imports."""
        root = self._get("requests.xml", start_date=start.isoformat(), end_date=end.isoformat())
        known = {problem.external_id for problem in self.problems.values()}
        fresh = []
        for request in root:
            updated_at = datetime.fromisoformat(request.findtext("updated_datetime") or "")
            number = request.findtext("service_request_id") or ""
            if number and request.findtext("lat") and request.findtext("long") and start <= updated_at <= end:
                fresh += [number] if number not in known else []
        return fresh

    def fetch_updates(self, start: datetime, end: datetime) -> int:
        """States of the client's problems follow ours; how many steps were new to it."""
        root = self._get("servicerequestupdates.xml", start_date=start.isoformat(), end_date=end.isoformat())
        by_number = {problem.external_id: problem for problem in self.problems.values()}
        news = 0
        for update in root:
            problem = by_number.get(update.findtext("service_request_id"))
            update_id = update.findtext("update_id") or ""
            if problem is None or update_id in problem.update_ids:
                continue
            problem.update_ids.add(update_id)
            problem.state = update.findtext("status") or ""
            assert update.findtext("updated_datetime")
            assert update.findtext("description")
            news += 1
        return news

    def comment(self, problem: Problem, update_id: str, *, status: str, text: str) -> str:
        """A comment in the client's books goes to the city."""
        root = self._post(
            "servicerequestupdates.xml",
            {
                "service_request_id": problem.external_id, "update_id": update_id, "status": status,
                "description": text, "updated_datetime": NOW.isoformat(), "first_name": "สมศรี", "last_name": "ใจดี",
                "email": "somsri@example.org",
            },
        )
        own = root.findtext("request_update/update_id") or ""
        problem.update_ids.add(own)
        return own


@pytest.fixture
def fixer(ways: Ways, served_at: str) -> Iterator[Fixer]:
    """The client on the served API."""
    with httpx.Client(timeout=30) as client:
        yield Fixer(client, f"{served_at}/open311/v2/", ways.keys["fms"])


def _spot(ways: Ways) -> dict[str, float]:
    return {name: float(text) for name, text in ways.spot().items()}


def _count(table: str) -> int:
    with transaction() as session:
        return int(session.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608 - ours.


def test_a_problem_is_sent_once_however_often_it_is_tried(ways: Ways, fixer: Fixer) -> None:
    """Its number in the client's books makes a second try the first one, also long after and elsewhere."""
    spot = _spot(ways)
    problem, again = Problem(own_id=70_001), Problem(own_id=70_001)
    fixer.send(problem, service="road", description="หลุมกลางถนน", **spot)
    reports = _count("report")
    fixer.send(again, service="road", description="หลุมกลางถนน (ส่งใหม่)", **_spot(ways))
    assert (again.external_id, _count("report")) == (problem.external_id, reports)


def test_a_batch_service_gives_its_number_in_time(ways: Ways, fixer: Fixer) -> None:
    """The client asks five times, two seconds apart; here the first question is answered."""
    problem = Problem(own_id=70_002)
    fixer.send(problem, service="other", description="อยากให้มีม้านั่ง", **_spot(ways))
    assert problem.external_id


def test_what_the_client_sent_does_not_come_back_to_it_as_new(ways: Ways, fixer: Fixer) -> None:
    """Its import skips the numbers that it knows, also of a report that joined an incident; it learns of the others."""
    spot = _spot(ways)
    theirs = ways.reported(description="ต้นไม้เอน", service_code="fallen_tree", api_key=ways.keys["other"],
                           lat=f"{spot['lat']:.6f}", long=f"{spot['long']:.6f}")
    problem = Problem(own_id=70_003)
    fixer.send(problem, service="fallen_tree", description="ต้นไม้จะล้ม", **spot)
    assert problem.external_id not in (None, theirs)
    assert (problem.external_id or "").startswith(f"{theirs}-")
    incidents = _count("incident")
    fresh = fixer.fetch_requests(NOW - timedelta(hours=1), NOW + timedelta(hours=1))
    assert theirs in fresh
    assert problem.external_id not in fresh
    assert _count("incident") == incidents
    assert "มีผู้แจ้ง 2 ราย" in ways.shown(theirs)["status_notes"]


def test_the_client_follows_the_citys_steps(ways: Ways, fixer: Fixer, later: Callable[..., None]) -> None:
    """Each step is an update with an id; asked again it is known, and the window is kept."""
    problem = Problem(own_id=70_004)
    fixer.send(problem, service="drain", description="ฝาท่อแตก", **_spot(ways))
    later(minutes=30)
    walk(str(problem.external_id), "accepted", "in_progress", "done", reason="เปลี่ยนฝาแล้ว")
    window = (NOW, NOW + timedelta(hours=2))
    assert fixer.fetch_updates(*window) == 3
    assert problem.state == "FIXED"
    assert fixer.fetch_updates(*window) == 0
    assert fixer.fetch_updates(NOW - timedelta(hours=2), NOW - timedelta(seconds=1)) == 0


def test_a_comment_is_with_the_report_once_and_opens_what_is_not_mended(
    ways: Ways, fixer: Fixer, later: Callable[..., None]
) -> None:
    """The officer reads it; the same update again changes nothing; our own echo of it is no news to the client."""
    problem = Problem(own_id=70_005)
    fixer.send(problem, service="road", description="ถนนทรุด", **_spot(ways))
    number = str(problem.external_id)
    later(minutes=10)
    walk(number, "accepted", "in_progress", "done", reason="ถมแล้ว")
    fixer.fetch_updates(NOW, NOW + timedelta(hours=1))
    own = fixer.comment(problem, "c1", status="REOPEN", text="ทรุดอีกแล้ว")
    assert fixer.comment(problem, "c1", status="REOPEN", text="ทรุดอีกแล้ว") == own
    with transaction() as session:
        text, state = session.execute(
            sa.text("SELECT r.text, i.state FROM report r JOIN incident i ON i.id = r.incident_id WHERE number = :n"),
            {"n": number},
        ).one()
    assert (text.count("ทรุดอีกแล้ว"), state) == (1, "reopened")
    assert fixer.fetch_updates(NOW, NOW + timedelta(hours=1)) == 0


def test_nobody_comments_on_what_another_partner_sent(ways: Ways) -> None:
    """404, as for a number that does not exist; without a key 403; broken updates are 400."""
    number = ways.reported(api_key=ways.keys["other"])
    base = {"service_request_id": number, "update_id": "x", "description": "y", "status": "OPEN"}

    def status_of(**fields: str) -> int:
        return ways.client.post("/open311/v2/servicerequestupdates.json", data={**base, **fields}).status_code

    assert status_of(api_key=ways.keys["fms"]) == 404
    assert status_of() == 403
    assert status_of(api_key=ways.keys["other"], update_id="") == 400
    assert status_of(api_key=ways.keys["other"], updated_datetime="today") == 400
    assert status_of(api_key=ways.keys["other"]) == 200


def test_pictures_that_come_with_a_form_can_be_opened_by_everybody_and_tell_nothing(
    ways: Ways, fixer: Fixer
) -> None:
    """Several files in one POST; once an officer has looked, media_url opens without a login and without EXIF."""
    secret = b"GPS 8.43 99.96"
    chunk = len(secret).to_bytes(4, "big") + b"eXIf" + secret + bytes(4)
    marked = PNG[:33] + chunk + PNG[33:]  # Behind the header.
    files = [("media", ("1.png", marked, "image/png")), ("media", ("2.jpg", b"%PDF-1.7", "image/jpeg"))]
    problem = Problem(own_id=70_006)
    fixer.send(problem, service="road", description="มีภาพ", files=files, **_spot(ways))
    assert ways.shown(str(problem.external_id))["media_url"] is None
    with transaction() as session:
        (photo_id,) = session.scalars(sa.text("SELECT id FROM photo WHERE path IS NOT NULL"))
        assert ways.client.get(f"/open311/media/{photo_id}.jpg").status_code == 404
        redaction.review_photo(session, photo_id, verdict="open", boxes=[], by="officer")
    link = ways.shown(str(problem.external_id))["media_url"]
    seen = fixer.client.get(link.replace("http://testserver", fixer.endpoint.removesuffix("/open311/v2/")))
    assert (seen.status_code, seen.headers["content-type"]) == (200, "image/png")
    assert seen.content == photos.clean(marked).content
    assert secret not in seen.content


def test_a_link_to_a_picture_is_kept_and_never_fetched(ways: Ways) -> None:
    """The city shows it as it was sent."""
    link = "https://pictures.example.org/1.jpg?a=1&b=2"
    assert ways.shown(ways.reported(media_url=link))["media_url"] == link
