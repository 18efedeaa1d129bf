"""A whole event on a real database: what became of its zones, the report, and today's rules on its pictures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
import sqlalchemy as sa
from shapely.geometry import Point
from sqlalchemy.orm import Session

from alerts import actions, proposals, thread
from alerts import queries as alert_queries
from alerts.after import actions as after
from alerts.after import queries, report, stored, summary
from alerts.after.outcome import Outcome, Word
from alerts.models import Alert, AlertRule
from core import clock
from core.errors import InvalidInputError, NotFoundError
from gis.points import LonLat
from incidents import actions as incidents
from line.models import OutboxChunk
from sensors.actions import NewStation, register_station
from staff.rules import AccountRef

BEGIN = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def at(minute: float) -> datetime:
    """So many minutes after the beginning."""
    return BEGIN + timedelta(minutes=minute)


@dataclass
class Story:
    """A flood: A is warned in time, C in vain, D is wet and not warned, B stays dry."""

    session: Session
    town: Any
    zones: Mapping[str, int]
    ann: AccountRef
    event_id: int = 0

    def draw(self, minute: float, zones: Mapping[str, tuple[int, int]]) -> None:
        """A picture at this minute, with (severity, depth class) of each zone; the rules consider it."""
        clock.freeze(lambda: at(minute))
        severities = {code: severity for code, (severity, _) in zones.items()}
        run_id = self.town.picture(severities)
        self.session.execute(
            sa.text("UPDATE flood_run SET valid_at = :at, computed_at = :at WHERE id = :id"),
            {"at": at(minute), "id": run_id},
        )
        for code, (_, depth_class) in zones.items():
            self.session.execute(
                sa.text("UPDATE zone_state SET depth_class = :depth WHERE run_id = :run AND zone_id = :zone"),
                {"depth": depth_class, "run": run_id, "zone": self.zones[code]},
            )
        actions.consider(
            self.session, run_id=run_id, severity_by_code=severities, falling_by_code={},
            trigger_received_wall_at=None, is_without_data=False,
        )

    def approve(self, minute: float) -> Alert:
        """The open proposal is approved at this minute, and LINE takes all of it."""
        clock.freeze(lambda: at(minute))
        alert = self.session.scalars(sa.select(Alert).where(Alert.state == "proposed")).one()
        actions.approve(self.session, alert.id, alert.revision, self.ann)
        self.session.execute(sa.update(OutboxChunk).values(state="accepted"))
        return alert


def told(session: Session, town: Any) -> Story:
    """The flood, from the first picture to the all-clear two hours later; the clock stands 200 min after its begin."""
    zones = {code: town.zone(code, at=0.01 * n) for n, code in enumerate("ABCD")}
    town.resident(Point(100.005, 8.405))
    town.resident(Point(100.025, 8.405), is_reachable=False)
    proposals.store_shipped(session)
    found = Story(session=session, town=town, zones=zones, ann=town.account("ann"))
    found.draw(-60, {"A": (0, 0), "B": (0, 0), "C": (0, 0), "D": (0, 0)})
    found.draw(0, {"A": (3, 0), "B": (0, 0), "C": (3, 0), "D": (0, 0)})
    found.event_id = found.approve(5).event_id
    found.draw(40, {"A": (3, 2), "B": (0, 0), "C": (3, 0), "D": (1, 1)})
    found.draw(120, {"A": (0, 0), "B": (0, 0), "C": (0, 0), "D": (0, 0)})
    found.approve(130)
    clock.freeze(lambda: at(200))
    return found


@pytest.fixture
def story(session: Session, town: Any, frozen_clock: Any) -> Story:
    """The flood on a session that is rolled back."""
    return told(session, town)


def outcomes(found: summary.Summary) -> dict[str, Outcome]:
    """What became of each zone, by code."""
    return {one.zone.code: one.judged.outcome for one in found.zones}


def test_an_event_is_looked_back_at(session: Session, story: Story) -> None:
    """Hit with its lead, miss, false alarm; whom it reached and whom not and why; everything in order."""
    found = summary.summary(session, story.event_id, now=at(200))
    assert outcomes(found) == {"A": Outcome.HIT, "C": Outcome.FALSE_ALARM, "D": Outcome.MISS}
    assert next(one.judged.lead_min for one in found.zones if one.zone.code == "A") == 35.0
    assert (found.event.ended_at, found.people_told) == (at(130), 1)
    alert, clear = found.reach
    assert (alert.audience, alert.accepted, alert.unreached_by_reason) == (1, 1, {"unreachable": 1})
    assert (clear.kind, clear.accepted) == ("all_clear", 1)
    kinds = [entry.kind for entry in found.entries]
    assert kinds.index("thread-proposed-alert") < kinds.index("thread-approved-alert")
    assert kinds.index("thread-approved-alert") < kinds.index("water-came-knee") < kinds.index("water-gone")
    assert kinds.index("water-gone") < kinds.index("thread-approved-all-clear")
    assert [entry.at for entry in found.entries] == sorted(entry.at for entry in found.entries)


def test_an_open_event_has_no_end(session: Session, story: Story) -> None:
    """Events come newest first; before its all-clear an event is open."""
    assert [one.id for one in queries.events(session, limit=5, now=at(200))] == [story.event_id]
    story.draw(300, {"B": (3, 1)})
    newest, oldest = queries.events(session, limit=5, now=at(300))
    assert (newest.ended_at, oldest.ended_at, oldest.id) == (None, at(130), story.event_id)
    with pytest.raises(NotFoundError):
        queries.event(session, 999_999, now=at(300))


def test_the_officers_word_stands_and_the_newest_holds(session: Session, story: Story) -> None:
    """What was said before stays on record; a time outside the event, or of a dry zone, is refused."""
    c, d = story.zones["C"], story.zones["D"]
    say = {"flooded_at": None, "note": "", "by": story.ann}
    after.note_outcome(session, story.event_id, zone_id=c, word=Word.UNKNOWN, **say)  # type: ignore[arg-type]  # of several types
    after.note_outcome(session, story.event_id, zone_id=c, word=Word.FLOODED, **say)  # type: ignore[arg-type]  # as above
    after.note_outcome(session, story.event_id, zone_id=d, word=Word.NOT_FLOODED, **say)  # type: ignore[arg-type]  # as above
    found = summary.summary(session, story.event_id, now=at(200))
    assert outcomes(found) == {"A": Outcome.HIT, "C": Outcome.HIT, "D": Outcome.QUIET}
    assert session.scalar(sa.text("SELECT count(*) FROM event_outcome")) == 3
    for word, flooded_at in ((Word.NOT_FLOODED, at(30)), (Word.FLOODED, at(10_000))):
        with pytest.raises(InvalidInputError):
            after.note_outcome(
                session, story.event_id, zone_id=c, word=word, flooded_at=flooded_at, note="", by=story.ann
            )


@pytest.mark.parametrize("language", ["th", "en"])
def test_the_report_is_one_page_without_people_scripts_or_network(
    session: Session, story: Story, language: str
) -> None:
    """It can be printed and read aloud: well-formed pictures with a title and a description, heads on every table."""
    found = summary.summary(session, story.event_id, now=at(200))
    paper = report.Paper(city="เทศบาล <ทดสอบ>", language=language, printed_at=at(200), is_simulated=True)
    page = report.html(found, queries.outlines(session, list(story.zones.values())), paper)
    assert "&lt;ทดสอบ&gt;" in page
    assert not re.search(r"<script|https?://(?!www\.w3\.org/2000/svg)|ann|bob", page)
    assert page.count('<th scope="col"') == 19
    map_, chart = (ElementTree.fromstring(one) for one in re.findall(r"<svg.*?</svg>", page, re.DOTALL))  # noqa: S314 - our own
    for picture in (map_, chart):
        assert picture.get("role") == "img"
        texts = [one.text for one in picture.iter() if one.get("id") in str(picture.get("aria-labelledby")).split()]
        assert len(texts) == 2
        assert all(texts)
    assert ("21/11/2569" if language == "th" else "21/11/2026") in page


def test_todays_rules_on_the_stored_pictures_say_what_would_differ(session: Session, story: Story) -> None:
    """Under the same policy nothing differs; where watch is proposed too, D is warned as well. Twice the same."""
    same = stored.replayed(session, story.event_id, policy_version=None, now=at(200))
    assert {(line.zone.code, line.difference) for line in same.lines} == {("A", "same"), ("C", "same")}
    assert (same.messages_then, same.messages_now) == (1, 1)
    assert same == stored.replayed(session, story.event_id, policy_version=None, now=at(200))
    _add_policy(session, version=90)
    more = stored.replayed(session, story.event_id, policy_version=90, now=at(200))
    assert ("D", 1, "more") in {(line.zone.code, line.level, line.difference) for line in more.lines}
    assert more.count(stored.Difference.MORE) == 1
    assert session.scalar(sa.select(sa.func.count()).select_from(Alert)) == 2
    with pytest.raises(NotFoundError):
        stored.replayed(session, story.event_id, policy_version=91, now=at(200))


def _add_policy(session: Session, *, version: int) -> None:
    """A city's own version of the policy in which watch is proposed to residents."""
    newest = alert_queries.current_policy(session).version
    for row in session.scalars(sa.select(AlertRule).where(AlertRule.version == newest)).all():
        values = {column.key: getattr(row, column.key) for column in sa.inspect(AlertRule).columns}
        session.add(AlertRule(**values | {"version": version, "is_proposed": row.level > 0}))
    session.flush()


def _report(story: Story, number: str, minute: float, *, lon: float, state: str = "new", reports: int = 1) -> None:
    story.session.execute(
        sa.text(
            "INSERT INTO incident (number, category_code, state, place, place_source, place_label_th, place_label_en,"
            " summary, report_count, last_report_at, opened_at, promised_at) VALUES (:number, 'flooded_home', :state,"
            " ST_SetSRID(ST_MakePoint(:lon, 8.405), 4326), 'pin', '', '', 'secret words', :reports, :at, :at, :at)"
        ),
        {"number": number, "state": state, "lon": lon, "reports": reports, "at": at(minute)},
    )


def test_confirmed_reports_are_witnesses_and_others_are_not(session: Session, story: Story) -> None:
    """In C an officer acts on a report: a hit. In B one that nobody bore out, one rejected, one before the event."""
    incidents.load_categories(session)
    _report(story, "R1", 25, lon=100.025, state="accepted")
    _report(story, "R2", 25, lon=100.015)
    _report(story, "R3", 30, lon=100.015, state="rejected", reports=5)
    _report(story, "R4", -600, lon=100.015, state="accepted")
    found = summary.summary(session, story.event_id, now=at(200))
    assert outcomes(found) == {"A": Outcome.HIT, "C": Outcome.HIT, "D": Outcome.MISS}
    (entry,) = (entry for entry in found.entries if entry.about == "report")
    assert "R1" in entry.text["th"]
    _report(story, "R5", 50, lon=100.015, reports=2)
    found = summary.summary(session, story.event_id, now=at(200))
    assert outcomes(found)["B"] is Outcome.MISS
    paper = report.Paper(city="x", language="en", printed_at=at(200), is_simulated=False)
    assert "secret words" not in report.html(found, {}, paper)


def test_what_gauges_near_the_zones_did_stands_in_order(session: Session, story: Story) -> None:
    """A gauge that the pictures name as near a zone is heard, one that they do not is not."""
    for code in ("NEAR", "FAR"):
        station = NewStation(
            code=code, name_th=f"เครื่องวัด {code}", name_en=f"Gauge {code}", kind="gauge",
            place=LonLat(lon=100.005, lat=8.405), bank_m_msl=3.0, bed_m_msl=0.0, watch_m_msl=1.5, warning_m_msl=2.0,
            danger_m_msl=3.0, interval_s=600, device_key=None, trust="simulated", layer="gauges",
        )
        register_station(session, station)
        session.execute(
            sa.text(
                "INSERT INTO level_state_change (datastream_id, observed_at, from_state, to_state, level_m_msl,"
                " received_wall_at, kind) SELECT d.id, :at, 0, 3, 3.1, :at, 'raised' FROM datastream d"
                " JOIN station s ON s.id = d.station_id WHERE s.code = :code"
            ),
            {"at": at(-1), "code": code},
        )
    session.execute(
        sa.text("""UPDATE zone_state SET gauges = '{"NEAR": 3}' WHERE zone_id = :a"""), {"a": story.zones["A"]}
    )
    found = summary.summary(session, story.event_id, now=at(200))
    first, *_ = found.entries
    assert (first.about, first.level, first.text["en"]) == ("gauge", 3, "Gauge NEAR: up to danger (3.10 m)")
    assert sum(entry.about == "gauge" for entry in found.entries) == 1


def test_what_was_said_of_an_event_goes_with_it_into_another(session: Session, story: Story) -> None:
    """Two events that turn out to be one flood have one thread, and one word on each zone."""
    c = story.zones["C"]
    after.note_outcome(
        session, story.event_id, zone_id=c, word=Word.FLOODED, flooded_at=None, note="seen", by=story.ann
    )
    thread.join(session, story.event_id, into_event_id=999_999)
    session.expire_all()
    assert queries.words_of_officers(session, story.event_id) == {}
    assert queries.words_of_officers(session, 999_999)[c].note == "seen"
