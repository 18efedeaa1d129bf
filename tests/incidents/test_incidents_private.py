"""A resident says by chat that nobody outside the city shall see their report; officers see that they said so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from incidents import afterwards, own_queries, public_queries, queries
from incidents.exchange import queries as exchange_queries
from incidents.exchange.errors import NoSuchRequestError
from incidents.exchange.privacy import coarsened
from incidents.models import Incident, IncidentChange, Report
from incidents.opendata import Wanted

if TYPE_CHECKING:
    from tests.incidents.conftest import Talker

PIN = (99.96015, 8.43015)
# Over the border of the coarse grid, and near enough to be the same tree.
NEXT_CELL = (99.9598, 8.43015)
HIDE, SHOW = "ไม่แสดงต่อสาธารณะ", "แสดงต่อสาธารณะได้"


def _labels(message: dict[str, Any]) -> list[str]:
    return [item["action"]["label"] for item in message.get("quickReply", {"items": []})["items"]]


def _confirm_card(talker: Talker, pin: tuple[float, float] = PIN) -> dict[str, Any]:
    category = talker.say("ต้นไม้ล้มขวางถนนหน้าตลาดสด")[0]
    talker.tap_label(category, _labels(category)[0])
    return talker.pin(*pin)[0]


def _report(talker: Talker, pin: tuple[float, float] = PIN) -> Report:
    card = _confirm_card(talker, pin)
    talker.tap_label(card, "ยืนยัน" if talker.resident.language == "th" else "Confirm")
    return talker.session.scalars(sa.select(Report).order_by(Report.id.desc()).limit(1)).one()


def _shown(session: Session, number: str) -> sa.Row[Any] | None:
    return session.execute(
        sa.text("SELECT ST_X(geom) AS lon, ST_Y(geom) AS lat, is_coarse, place_th FROM gis_public.incidents v "
                "WHERE v.number = :number"),
        {"number": number},
    ).one_or_none()


def _number(session: Session, report: Report) -> str:
    return session.get_one(Incident, report.incident_id).number


def test_the_card_has_a_button_to_keep_a_report_from_sight(town: Session, malee: Talker) -> None:
    """One press more for who wants it, none for who does not: the same card, saying so, with the way back."""
    card = _confirm_card(malee)
    assert HIDE in _labels(card)
    hidden = malee.tap_label(card, HIDE)[0]
    assert "ไม่แสดงต่อสาธารณะ" in hidden["text"]
    assert SHOW in _labels(hidden)
    assert "ไม่แสดงต่อสาธารณะ" not in malee.tap_label(hidden, SHOW)[0]["text"]
    hidden = malee.tap_label(card, HIDE)[0]
    done = malee.tap_label(hidden, "ยืนยัน")[0]
    report = town.scalars(sa.select(Report)).one()
    assert report.is_private
    assert _shown(town, _number(town, report)) is None
    assert "/t/" not in done["text"], "no link to a page that is not there"


def test_an_ordinary_report_is_public_as_before(town: Session, malee: Talker) -> None:
    """Nothing is hidden that nobody asked to hide."""
    report = _report(malee)
    assert not report.is_private
    assert _shown(town, _number(town, report)) is not None


def test_a_report_is_hidden_and_shown_again_afterwards(town: Session, malee: Talker) -> None:
    """By the buttons under สถานะ; the history says so, the reporter hears of the incident as before."""
    report = _report(malee)
    number, incident_id = _number(town, report), report.incident_id
    assert HIDE in _labels(malee.say("สถานะ")[0])
    assert "ไม่แสดงต่อสาธารณะแล้ว" in malee.tap(f"mine:hide:{incident_id}")[0]["text"]
    assert _shown(town, number) is None
    assert public_queries.tracked(town, number) is None
    with pytest.raises(NoSuchRequestError):
        exchange_queries.public_request(town, number, media_url="")
    assert [one.resident_id for one in queries.reporters(town, incident_id)] == [malee.resident.id]
    malee.tap(f"mine:hide:{incident_id}")
    malee.tap(f"mine:show:{incident_id}")
    assert _shown(town, number) is not None
    kinds = sa.select(IncidentChange.kind).where(IncidentChange.kind != "state").order_by(IncidentChange.id)
    assert list(town.scalars(kinds)) == ["hidden", "shown"], "twice is as once"


def test_with_other_reporters_it_stays_but_says_nothing_of_who_hides(
    town: Session, malee: Talker, somchai: Talker
) -> None:
    """What others report in public stays in public, coarse, where they say: not where the hidden report lies."""
    first, second = _report(malee), _report(somchai, NEXT_CELL)
    assert first.incident_id == second.incident_id, "one tree"
    number = _number(town, first)
    said = malee.tap(f"mine:hide:{first.incident_id}")[0]["text"]
    assert "มีคนอื่นแจ้งด้วย" in said
    shown = _shown(town, number)
    theirs = coarsened(queries.place_of_report(town, second.id))
    assert coarsened(queries.place_of_report(town, first.id)) != theirs
    assert (shown.lon, shown.lat, shown.is_coarse) == (theirs.lon, theirs.lat, True)
    public = exchange_queries.public_request(town, number, media_url="")
    assert (public.place, public.description) == (theirs, "")
    box = (theirs.lon - 0.0001, theirs.lat - 0.0001, theirs.lon + 0.0001, theirs.lat + 0.0001)
    assert [row["number"] for row in public_queries.public_page(town, Wanted(bbox=box))] == [number]
    somchai.tap(f"mine:cancel:{first.incident_id}")
    somchai.tap(f"mine:cancel_yes:{first.incident_id}")
    assert _shown(town, number) is None, "nobody who may be seen says so any more"


def test_only_ones_own_report_is_hidden(town: Session, malee: Talker, somchai: Talker) -> None:
    """A stranger's button does nothing; another reporter's hides theirs alone."""
    report = _report(malee)
    assert "not among your reports" in somchai.tap(f"mine:hide:{report.incident_id}")[0]["text"]
    town.refresh(report)
    assert not report.is_private


def test_what_has_ended_can_be_hidden_too(town: Session, malee: Talker) -> None:
    """A closed report stands on the map of everybody for years: its reporter may still say no."""
    report = _report(malee)
    own = own_queries.own(town, malee.resident.id, report.incident_id)
    assert own is not None
    assert afterwards.offered(own, now=own.opened_at)[2] == "hide"
    assert afterwards.offered(replace(own, state="closed"), now=own.opened_at) == ("hide",)


def test_officers_see_what_was_withdrawn_and_what_is_kept_from_sight(town: Session, malee: Talker) -> None:
    """In the report itself, beside its words."""
    report = _report(malee)
    malee.tap(f"mine:hide:{report.incident_id}")
    malee.tap(f"mine:cancel:{report.incident_id}")
    malee.tap(f"mine:cancel_yes:{report.incident_id}")
    (row,) = queries.report_rows(town, report.incident_id)
    assert row.is_private
    assert row.withdrawn_at is not None
