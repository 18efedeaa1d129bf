"""After an erasure nothing of the person is found, wherever one looks; what others said stays."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from alerts import ledger as alert_ledger
from alerts.models import Alert
from core import clock, sealing
from core.db import transaction
from core.settings import data_dir
from gis.models import Road
from gis.points import LonLat
from incidents import actions as incident_actions
from incidents import own_queries, photo_places, photos
from incidents import queries as incident_queries
from incidents import tasks as incident_tasks
from incidents.models import Incident, Photo, Report
from line.events import PostbackReceived, seal_line_user
from line.models import OutboxChunk
from residents import erasure, queries, tasks
from residents.models_rights import Erasure
from tests.accounts import add_account
from tests.incidents.geotags import CITY
from tests.incidents.geotags import photo as taken_at_home
from tests.residents.told import (
    HOME,
    HOME_NAME,
    LATE_PICTURE,
    ME,
    NAME,
    NEIGHBOUR,
    NEXT_DOOR,
    PHONE,
    PICTURE,
    RAW,
    WORDS,
    House,
    add_and_rate,
    alert_both,
    lead,
    me,
    merge_and_ask,
    picture,
    tell_everything,
)
from tests.residents.whole_house import traces, traces_in_files


@pytest.fixture
def house(
    database: sa.Engine, fill: Callable[[Session], None], frozen_clock: Callable[[datetime], None]
) -> House:
    """A house of its own with the town in it."""
    with transaction() as session:
        fill(session)
        layer_id = session.scalar(sa.text("SELECT id FROM layer"))
        session.add(
            Road(
                layer_id=layer_id, code="R1", name_th="ถนนหนึ่ง", name_en="Road One", road_class="residential",
                is_bridge=False, length_m=1150.0, geom="SRID=4326;LINESTRING(99.955 8.43, 99.965 8.433)",
            )
        )
    return House()


def _everywhere() -> list[str]:
    with transaction() as session:
        return traces(session, words=WORDS, raw=RAW, lon=HOME.lon, lat=HOME.lat) + traces_in_files(
            data_dir(), words=WORDS, raw=RAW
        )


def _erase_by_chat(house: House) -> None:
    house.say(ME, "ลบข้อมูล")
    house.tap(ME, "me:erase-yes")


def test_nothing_of_the_person_is_found_after_the_erasure(house: House) -> None:
    """A search of every column of every table, sealed or not, and of every file finds nothing; before, it does."""
    tell_everything(house)
    merge_and_ask()
    add_and_rate(house)
    with transaction() as session:
        lead(session)
    before = _everywhere()
    tables = {found.split(".")[1].strip('"') for found in before if found.startswith('"')}
    assert tables >= {
        "resident", "home", "inbox_event", "event", "outbox_chunk", "report", "incident", "incident_change", "draft",
        "need_look", "job", "crew", "incident_merge", "incident_pause", "reporter_notice", "service_request",
        "incident_rating",
        "incident_note", "report_redaction", "inbox_filter", "leader", "leader_acknowledgement", "contact_list",
    }  # fmt: skip
    assert any(found.endswith(".jpg") for found in before)
    _erase_by_chat(house)
    assert (ME,) in [to[-1:] for to in house.send_outbox()], "the farewell went out"
    assert _everywhere() == []


def test_a_table_that_is_new_cannot_hide(house: House) -> None:
    """The search knows no table: in one of this moment it finds what is plain, sealed, in JSON, a shape, a number."""
    hidden = {
        "bytea": sealing.seal(f"to {NAME}"), "text": f"see {base64.b64encode(sealing.seal(ME)).decode()}",
        "jsonb": json.dumps({"a": [{"b": PHONE}]}), "geometry": f"SRID=4326;LINESTRING(99 8, {HOME.lon} {HOME.lat})",
        "double precision": HOME.lat, "text[]": "{" + HOME_NAME + "}",
    }  # fmt: skip
    with transaction() as session:
        for number, (kind, value) in enumerate(hidden.items()):
            session.execute(sa.text(f"CREATE TABLE new_{number} (held {kind})"))
            insert = f"INSERT INTO new_{number} VALUES (CAST(:value AS {kind}))"  # noqa: S608 - our own words only.
            session.execute(sa.text(insert), {"value": value})
    found = {place.split(".")[1].strip('"') for place in _everywhere()}
    assert found == {f"new_{number}" for number in range(len(hidden))}


def test_who_hears_of_the_yes_later_makes_nobody_known(house: House) -> None:
    """The button that has just erased its presser is none of the other rooms', in whatever order they hear of it."""
    house.say(ME, "สวัสดี")
    _erase_by_chat(house)
    with transaction() as session:
        incident_tasks.hear_button(
            session, PostbackReceived("e", seal_line_user(ME), None, "me:erase-yes", {}, clock.now())
        )
        assert queries.by_line_user(session, ME) is None


def test_what_others_said_and_what_was_done_stays(house: House) -> None:
    """The neighbour's report, the incidents and the counts of alerts stay; that somebody was erased is on record."""
    tell_everything(house)
    _erase_by_chat(house)
    with transaction() as session:
        reports = session.scalars(sa.select(Report).order_by(Report.id)).all()
        assert [report.resident_id is None for report in reports] == [True, False, True]
        assert reports[1].text == "น้ำท่วมถนนสูงถึงเข่า"
        assert {report.text for report in reports if report.resident_id is None} == {""}
        shared = session.get_one(Incident, reports[0].incident_id)
        assert reports[1].incident_id == shared.id
        assert (shared.summary, shared.report_count) == (reports[1].text, 2)
        assert incident_queries.place_of(session, shared.id) == NEXT_DOOR
        alone = session.get_one(Incident, reports[2].incident_id)
        place = incident_queries.place_of(session, alone.id)
        assert place == LonLat(lon=99.96, lat=8.43)
        assert alone.area_id is not None
        for alert_id in session.scalars(sa.select(Alert.id)):
            assert sum(alert_ledger.counts(session, alert_id).values()) == 2
            assert alert_ledger.answers(session, [alert_id])[alert_id] == {"safe": 2}
        erased = session.scalars(sa.select(Erasure)).one()
        assert (erased.way, erased.resident_id, erased.done_at) == ("chat", None, clock.now())
        assert erased.counts == {"homes": 2, "reports": 2, "photos": 2, "alerts": 2, "contacts": 0, "conversations": 0}


def test_an_alert_in_flight_goes_to_the_others_only(house: House) -> None:
    """Who was erased is in no chunk that waits; a chunk for them alone is stopped."""
    tell_everything(house)
    _erase_by_chat(house)
    went = [to for to in house.send_outbox() if len(to[0]) == 33 and to[0].startswith("U")]
    assert (NEIGHBOUR,) in went
    assert all(ME not in to for to in went)


def test_a_later_message_begins_anew(house: House) -> None:
    """The same LINE user is somebody whom the city has never seen: no consent, no home, Thai, another number."""
    tell_everything(house)
    with transaction() as session:
        me(session).language = "ms"
        old_id = me(session).id
    _erase_by_chat(house)
    with transaction() as session:
        assert queries.by_line_user(session, ME) is None
    house.say(ME, "สวัสดี")
    with transaction() as session:
        anew = me(session)
        assert (anew.id != old_id, anew.consented_at, anew.name_sealed, anew.language) == (True, None, None, "th")
        assert queries.homes_of(session, anew.id) == []
        assert own_queries.owns(session, anew.id) == []


def test_what_was_sent_behind_the_yes_is_heard(house: House) -> None:
    """A cry for help that came right after the yes is lost to nobody: it is the first word of somebody new."""
    house.say(ME, "ลบข้อมูล")
    house.keep(ME, {"type": "postback", "postback": {"data": "me:erase-yes"}})
    house.keep(ME, {"type": "message", "message": {"type": "text", "id": "9", "text": "ช่วยด้วย น้ำท่วมสูง ติดอยู่"}})
    house.receive()
    house.settle()
    house.receive()
    house.settle()
    with transaction() as session:
        assert session.scalars(sa.select(Erasure.counts)).one()["reports"] == 0
        assert queries.by_line_user(session, ME) is not None
        said = json.dumps(session.scalars(sa.select(OutboxChunk.messages)).all(), ensure_ascii=False)
        assert "1669" in said


def _erase_while(act: Callable[[Session], None]) -> None:
    """`act` is under way when the erasure begins, and ends well; then the erasure does."""

    def erase() -> None:
        with transaction() as session:
            ordered, _ = erasure.order(session, me(session), account=None)
            erasure.erase(session, ordered, until=None)

    with ThreadPoolExecutor(max_workers=1) as pool:
        with transaction() as session:
            act(session)
            session.flush()
            erasing = pool.submit(erase)
            with pytest.raises(TimeoutError):
                erasing.result(timeout=0.5)
        erasing.result(timeout=20)


def test_an_approval_under_way_ends_first(house: House) -> None:
    """An alert that is being frozen for the person when they are erased goes to the others only."""
    tell_everything(house)
    with transaction() as session:
        session.execute(sa.delete(Alert))
        session.execute(sa.delete(OutboxChunk))
    _erase_while(alert_both)
    assert all(ME not in to for to in house.send_outbox())
    assert _everywhere() == []


def test_a_picture_on_its_way_is_forgotten_too(house: House) -> None:
    """A picture that is being fetched when its sender is erased leaves no file."""
    tell_everything(house)

    def keep(session: Session) -> None:
        photo = session.scalars(sa.select(Photo).order_by(Photo.id).limit(1)).one()
        photo.path = None
        session.flush()
        incident_actions.keep_line_photo(session, photo.id, picture(b"MY-GARDEN-GATE"))

    _erase_while(keep)
    assert [found for found in _everywhere() if found.endswith(".jpg") and "MY-GARDEN" in found] == []
    assert not list((data_dir() / "photos").rglob(f"{photos.clean(PICTURE).sha256}.*"))
    assert not list((data_dir() / "photos").rglob(f"{photos.clean(LATE_PICTURE).sha256}.*"))


def test_where_a_photo_was_taken_is_forgotten_too(house: House) -> None:
    """While it is offered it lies in the report being told, and nowhere else: not in the file, not in an event."""
    house.say(ME, "ต้นไม้ล้มขวางถนน")
    house.tap_next(ME, "category")
    house.photo(ME, taken_at_home(HOME.lon, HOME.lat))
    with transaction() as session:
        session.execute(CITY)
        newest = session.scalars(sa.select(Photo.id).order_by(Photo.id.desc()).limit(1)).one()
        photo_places.offer(session, newest, taken_at_home(HOME.lon, HOME.lat))
        session.execute(sa.text("DELETE FROM city"))
    assert {found.split(": ")[0] for found in _everywhere() if "9961" in found or "99.961237" in found} == {
        '"public"."draft"."data"'
    }  # fmt: skip
    house.tap_next(ME, "photo")
    house.tap_next(ME, "confirm")
    with transaction() as session:
        assert session.scalar(sa.select(Report.place_source)) == "photo"
    assert '"public"."report"."place": the place' in _everywhere()
    _erase_by_chat(house)
    house.send_outbox()
    with transaction() as session:
        assert traces(session, words=WORDS, raw=RAW, lon=HOME.lon, lat=HOME.lat) == []
    kept = photos.clean(taken_at_home(HOME.lon, HOME.lat)).sha256
    assert not list((data_dir() / "photos").rglob(f"{kept}.*"))


def test_a_yes_without_a_fresh_question_erases_nobody(
    house: House, frozen_clock: Callable[[datetime], None]
) -> None:
    """A button of long ago asks again; a stranger's tap makes nobody known."""
    house.say(ME, "ลบข้อมูล")
    asked_at = clock.now()
    frozen_clock(asked_at + timedelta(minutes=16))
    house.tap(ME, "me:erase-yes")
    house.tap(NEIGHBOUR, "me:erase-no")
    with transaction() as session:
        assert queries.by_line_user(session, ME) is not None
        assert session.scalar(sa.select(sa.func.count(Erasure.id))) == 0


def test_an_officer_erases_on_request(house: House) -> None:
    """Who asks at the counter is erased as by chat, with the officer's account on record, and is told."""
    tell_everything(house)
    with transaction() as session:
        officer = add_account(session, "nok", roles=["admin"])
        ordered, receipt = erasure.order(session, me(session), account=officer)
        again, _ = erasure.order(session, me(session), account=officer)
        assert len(receipt) == 12
    with transaction() as session:
        tasks.erase_as_ordered.run(session, erasure_id=ordered.id)
    house.send_outbox()
    assert _everywhere() == []
    with transaction() as session:
        tasks.erase_as_ordered.run(session, erasure_id=ordered.id)
        tasks.erase_as_ordered.run(session, erasure_id=again.id)
        erased = session.scalars(sa.select(Erasure).order_by(Erasure.id)).all()
        assert [(one.account_id, one.resident_id, one.done_at) for one in erased] == [
            (officer.id, None, clock.now())
        ] * 2
        assert (erased[0].counts["reports"], erased[1].counts) == (2, {})


def test_logs_only_grow(house: House) -> None:
    """Nobody changes or deletes what a resident agreed to, or who looked: only an erasure does."""
    tell_everything(house)
    for statement in ("UPDATE consent_entry SET text = ''", "DELETE FROM consent_entry", "DELETE FROM need_look"):
        with pytest.raises(sa.exc.DBAPIError, match="only grows"), transaction() as session:
            session.execute(sa.text(statement))
