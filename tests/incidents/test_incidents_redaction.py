"""What officers keep among themselves: notes, and what of pictures and words nobody outside sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from core.db import transaction
from gis.points import LonLat
from incidents import actions, merging, photos, redacting_child
from incidents.inbox_models import PhotoReview
from incidents.models import Photo
from incidents.rules import NewReport
from line.models import OutboxChunk
from staff.models import AuditEntry
from tests.accounts import PASSWORD, add_account
from tests.incidents.conftest import add_talker, fill_town

SignIn = Callable[[str], TestClient]
TEXT = "รถทะเบียน กข 1234 ของนายสมชาย จอดขวางทาง"


def picture(kind: str = ".png") -> bytes:
    """120 by 60 pixels: white, with a red patch in the left upper quarter."""
    pixels = np.full((60, 120, 3), 255, np.uint8)
    pixels[:30, :60] = (0, 0, 255)
    return bytes(cv2.imencode(kind, pixels)[1].tobytes())


@pytest.fixture
def ids(database: sa.Engine, frozen_clock: object) -> tuple[int, int]:
    """An incident with a picture, and the picture."""
    with transaction() as session:
        fill_town(session)
        for role in ("viewer", "officer", "approver", "crew", "dispatcher"):
            add_account(session, role, roles=[role])
        talker = add_talker(session, 1, home=None)
        new = NewReport(TEXT, "obstruction", LonLat(lon=99.96, lat=8.43), "pin", resident_id=talker.resident.id)
        incident_id = actions.receive_report(session, new)[1].id
        return incident_id, actions.add_job_photo(session, incident_id=incident_id, raw=picture())


@pytest.fixture
def signed_in(ids: tuple[int, int]) -> Iterator[SignIn]:
    """A browser with that account's cookie and CSRF token."""
    with TestClient(create_app(), raise_server_exceptions=False) as browser:

        def sign_in(name: str) -> TestClient:
            answer = browser.post("/api/v1/session", json={"username": name, "password": PASSWORD})
            browser.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
            return browser

        yield sign_in


def _copy_of(photo_id: int) -> Path:
    with transaction() as session:
        return photos.folder() / str(session.get_one(PhotoReview, photo_id).path)


def test_notes_are_for_officers_alone(signed_in: SignIn, ids: tuple[int, int]) -> None:
    """With author and time, oldest first; no other answer has them, no reporter hears of them, a crew reads none."""
    officer = signed_in("officer")
    url = f"/api/v1/incidents/{ids[0]}/notes"
    officer.post(url, json={"text": "เจ้าของรถรับปากว่าจะย้าย"})
    found = officer.post(url, json={"text": "โทรตามอีกครั้งบ่ายสอง"}).json()["notes"]
    assert (found[0]["text"], found[0]["by"]) == ("เจ้าของรถรับปากว่าจะย้าย", "officer")
    assert officer.post(url, json={"text": "  "}).status_code == 422
    assert officer.get("/api/v1/incidents/999999/notes").status_code == 404
    for path in (f"/api/v1/incidents/{ids[0]}", "/api/v1/incidents", "/api/v1/inbox", "/open311/v2/requests.json"):
        assert "รับปาก" not in officer.get(path).text
    with transaction() as session:
        assert session.scalars(sa.select(OutboxChunk)).all() == []
    for name in ("viewer", "crew"):
        assert signed_in(name).get(url).status_code == 403
        assert signed_in(name).post(url, json={"text": "x"}).status_code == 403


def test_notes_of_a_merged_incident_are_read_at_the_survivor(signed_in: SignIn, ids: tuple[int, int]) -> None:
    """What was noted is not lost where two incidents become one."""
    with transaction() as session:
        new = NewReport("รถจอดขวาง", "obstruction", LonLat(lon=99.97, lat=8.43), "pin")
        other_id = actions.receive_report(session, new)[1].id
    officer = signed_in("officer")
    officer.post(f"/api/v1/incidents/{other_id}/notes", json={"text": "คันเดียวกัน"})
    with transaction() as session:
        survivor = merging.merge_incidents(session, ids[0], other_id, by="officer", reason="").id
    assert survivor == ids[0]
    assert len(officer.get(f"/api/v1/incidents/{survivor}/notes").json()["notes"]) == 1


@pytest.mark.parametrize("kind", [".png", ".jpg"])
def test_a_redacted_picture_is_made_anew_from_its_pixels(kind: str) -> None:
    """Under the box is nothing, beside it everything; nothing of the old file is carried on."""
    raw = picture(kind)
    made = redacting_child.redacted(raw + b"HIDDEN TAIL", [[0.1, 0.1, 0.4, 0.4]])
    pixels = cv2.imdecode(np.frombuffer(made, np.uint8), cv2.IMREAD_COLOR)
    assert pixels.shape == (60, 120, 3)
    assert pixels[8:28, 14:58].max() < 60
    assert pixels[50, 100].min() > 200
    assert pixels[2, 4][2] > 200
    assert b"HIDDEN TAIL" not in made
    assert photos.clean(made).content_type == ("image/png" if kind == ".png" else "image/jpeg")


def test_others_see_the_redacted_picture_and_each_look_at_the_original_is_kept(
    signed_in: SignIn, ids: tuple[int, int]
) -> None:
    """Drawn again the old copy's file is gone; hidden there is no picture; a viewer never gets the original."""
    officer = signed_in("officer")
    url, original = f"/api/v1/photos/{ids[1]}.jpg", f"/api/v1/photos/{ids[1]}/original"
    review = f"/api/v1/photos/{ids[1]}/review"
    box = {"left": 0.0, "top": 0.0, "width": 0.5, "height": 0.5}
    shown = officer.put(review, json={"verdict": "redacted", "boxes": [box]}).json()["photos"][0]
    assert (shown["verdict"], shown["by"], shown["boxes"]) == ("redacted", "officer", [box])
    first, first_file = officer.get(url), _copy_of(ids[1])
    assert first.content != picture()
    assert officer.get(url, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    looked = officer.get(original)
    assert (looked.content, looked.headers["cache-control"]) == (picture(), "no-store")
    officer.put(review, json={"verdict": "redacted", "boxes": [box | {"width": 0.9}]})
    assert officer.get(url).content != first.content
    assert (first_file.exists(), _copy_of(ids[1]).exists()) == (False, True)
    officer.put(review, json={"verdict": "hidden"})
    assert officer.get(url).status_code == 404
    assert officer.get(f"/api/v1/incidents/{ids[0]}").json()["photos"] == []
    assert len(officer.get(f"/api/v1/incidents/{ids[0]}/redaction").json()["photos"]) == 1
    for name in ("viewer", "crew"):
        assert signed_in(name).get(original).status_code == 403
        assert signed_in(name).put(review, json={"verdict": "open"}).status_code == 403
    with transaction() as session:
        logged = list(session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)))
    assert [action for action in logged if action.startswith("photo.")] == [
        "photo.reviewed", "photo.looked_at", "photo.reviewed", "photo.reviewed"
    ]


def test_what_nobody_has_reviewed_is_for_those_who_read_words_and_each_look_is_kept(
    signed_in: SignIn, ids: tuple[int, int]
) -> None:
    """Asked for again it is looked at again; others neither see it nor hear of it, until somebody has decided."""
    url, incident = f"/api/v1/photos/{ids[1]}.jpg", f"/api/v1/incidents/{ids[0]}"
    shown = signed_in("officer").get(url)
    assert (shown.content, shown.headers["cache-control"]) == (picture(), "no-store")
    assert "etag" not in shown.headers
    assert signed_in("approver").get(url).status_code == 200
    for name in ("viewer", "crew"):
        other = signed_in(name)
        assert other.get(url).status_code == 403
        listed = other.get("/api/v1/incidents").json()["incidents"] + other.get("/api/v1/inbox").json()["incidents"]
        assert {tuple(one["photos"]) for one in [*listed, other.get(incident).json()]} == {()}
    signed_in("officer").put(f"/api/v1/photos/{ids[1]}/review", json={"verdict": "open"})
    assert signed_in("viewer").get(incident).json()["photos"] == [url]
    assert signed_in("viewer").get(url).headers["etag"]
    with transaction() as session:
        logged = session.execute(sa.select(AuditEntry.username, AuditEntry.subject).where(
            AuditEntry.action == "photo.looked_at").order_by(AuditEntry.id)).all()
    assert [tuple(one) for one in logged] == [("officer", f"photo:{ids[1]}"), ("approver", f"photo:{ids[1]}")]


@pytest.mark.parametrize(
    "body",
    [
        {"verdict": "redacted"}, {"verdict": "secret"},
        {"verdict": "open", "boxes": [{"left": 0, "top": 0, "width": 1, "height": 1}]},
        {"verdict": "redacted", "boxes": [{"left": 0.9, "top": 0, "width": 0.2, "height": 1}]},
        {"verdict": "redacted", "boxes": [{"left": 0, "top": 0, "width": 0, "height": 1}]},
    ],
)
def test_a_review_that_says_two_things_is_refused(signed_in: SignIn, ids: tuple[int, int], body: object) -> None:
    """No box to redact with, a box on an open picture, a box beyond the edge or of nothing."""
    assert signed_in("officer").put(f"/api/v1/photos/{ids[1]}/review", json=body).status_code == 422


def test_a_picture_that_cannot_be_made_anew_stays_as_it_was(signed_in: SignIn, ids: tuple[int, int]) -> None:
    """A file whose pixels cannot be read is a 503 in words, and no verdict."""
    with transaction() as session:
        session.get_one(Photo, ids[1]).path = "broken.png"  # Files are shared by all tests: none of theirs is touched.
    (photos.folder() / "broken.png").write_bytes(picture()[:40])
    box = {"left": 0.0, "top": 0.0, "width": 0.5, "height": 0.5}
    officer = signed_in("officer")
    review = {"verdict": "redacted", "boxes": [box]}
    assert officer.put(f"/api/v1/photos/{ids[1]}/review", json=review).status_code == 503
    assert officer.get(f"/api/v1/incidents/{ids[0]}/redaction").json()["photos"][0]["verdict"] is None


def test_a_picture_that_is_forgotten_takes_its_copy_along(signed_in: SignIn, ids: tuple[int, int]) -> None:
    """Neither file nor row is left."""
    box = {"left": 0.0, "top": 0.0, "width": 0.5, "height": 0.5}
    signed_in("officer").put(f"/api/v1/photos/{ids[1]}/review", json={"verdict": "redacted", "boxes": [box]})
    copy = _copy_of(ids[1])
    assert copy.exists()
    with transaction() as session:
        actions.forget_photo(session, session.get_one(Photo, ids[1]))
        assert session.execute(sa.text("SELECT count(*) FROM photo_review")).scalar_one() == 0
    assert not copy.exists()


def test_hidden_words_are_hidden_and_kept_sealed(signed_in: SignIn, ids: tuple[int, int]) -> None:
    """The report stays whole for officers; only words that it says can be hidden; none brings them back."""
    officer = signed_in("officer")
    report_id = officer.get(f"/api/v1/incidents/{ids[0]}").json()["reports"][0]["id"]
    url = f"/api/v1/reports/{report_id}/hidden-words"
    assert officer.put(url, json={"words": ["นายสมหมาย"]}).status_code == 422
    assert officer.put(url, json={"words": ["นายสมชาย", "กข 1234"]}).status_code == 204
    shown = officer.get(f"/api/v1/incidents/{ids[0]}/redaction").json()["reports"][0]
    assert shown["public_text"] == "รถทะเบียน … ของ… จอดขวางทาง"
    assert officer.get(f"/api/v1/incidents/{ids[0]}").json()["reports"][0]["text"] == TEXT
    with transaction() as session:
        kept = session.execute(sa.text("SELECT words_sealed FROM report_redaction")).scalar_one()
    assert "สมชาย".encode() not in bytes(kept)
    officer.put(url, json={"words": []})
    assert officer.get(f"/api/v1/incidents/{ids[0]}/redaction").json()["reports"][0]["public_text"] == TEXT
    assert signed_in("viewer").put(url, json={"words": []}).status_code == 403


def test_a_colleagues_decision_is_not_undone_by_who_did_not_see_it(signed_in: SignIn, ids: tuple[int, int]) -> None:
    """What was hidden a moment ago does not become public because another's screen did not know of it yet."""
    officer = signed_in("officer")
    shown = f"/api/v1/incidents/{ids[0]}/redaction"
    report_id = officer.get(shown).json()["reports"][0]["report_id"]
    words = f"/api/v1/reports/{report_id}/hidden-words"
    assert officer.put(words, json={"words": ["นายสมชาย"], "seen": []}).status_code == 204
    late = officer.put(words, json={"words": ["กข 1234"], "seen": []})
    assert late.status_code == 409
    assert "มีผู้อื่น" in late.json()["detail_th"]
    assert officer.put(words, json={"words": ["นายสมชาย", "กข 1234"], "seen": ["นายสมชาย"]}).status_code == 204
    review = f"/api/v1/photos/{ids[1]}/review"
    assert officer.put(review, json={"verdict": "hidden", "seen": {"at": None}}).status_code == 200
    assert officer.put(review, json={"verdict": "open", "seen": {"at": None}}).status_code == 409
    photo = officer.get(shown).json()["photos"][0]
    assert photo["verdict"] == "hidden"
    assert officer.put(review, json={"verdict": "open", "seen": {"at": photo["at"]}}).status_code == 200
