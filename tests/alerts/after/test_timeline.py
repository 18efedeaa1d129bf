"""Everything that may stand in an event's timeline or report has words in Thai and English."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from alerts.after import timeline
from alerts.after.outcome import Stretch
from alerts.after.queries import GaugeChange, Report, ZoneName
from alerts.after.report import KNOWN, LETTERS, Paper
from alerts.models import Alert, AlertThread

AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
ZONE = ZoneName(id=1, code="A", name_th="ชุมชนวัด", name_en="Temple")


def _alert(kind: str) -> Alert:
    return Alert(id=1, number="A2569-00001", kind=kind, level=2, audience_count=1234)


@pytest.mark.parametrize("kind", sorted(timeline.KNOWN))
@pytest.mark.parametrize("of", ["alert", "update", "all_clear"])
def test_every_step_of_a_thread_has_words(kind: str, of: str) -> None:
    """In both languages, with the alert's number in it."""
    row = AlertThread(event_id=1, alert_id=1, happened_at=AT, kind=kind, detail={"zones": ["A", "B"]})
    entry = timeline.of_thread(row, _alert(of), zone_ids=[1])
    assert entry is not None
    assert entry.kind != "thread-other"
    assert all("A2569-00001" in entry.text[language] for language in ("th", "en"))


def test_a_step_that_nobody_foresaw_is_named_and_one_of_the_desk_is_left_out() -> None:
    """What another room writes into the thread is not lost; revisions are for the desk."""
    row = AlertThread(event_id=1, alert_id=1, happened_at=AT, kind="sent_by_drum", detail={})
    other = timeline.of_thread(row, _alert("alert"), zone_ids=[])
    assert other is not None
    assert other.text["en"] == "A2569-00001: sent by drum"
    revised = AlertThread(event_id=1, alert_id=1, happened_at=AT, kind="revised", detail={})
    assert timeline.of_thread(revised, _alert("alert"), zone_ids=[]) is None


@pytest.mark.parametrize("to_state", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", ["raised", "lowered", "lost", "untrusted", "returned"])
def test_every_change_of_a_gauge_has_words(kind: str, to_state: int) -> None:
    """A gauge by its name in the language, without a level where none is known."""
    change = GaugeChange(AT, kind, 0, to_state, "สะพานวัด", "Temple Bridge", None)
    text = timeline.of_gauge(change).text
    assert text["th"].startswith("สะพานวัด")
    assert text["en"].startswith("Temple Bridge")


def test_water_and_reports_have_words_at_every_depth() -> None:
    """From the ankle to over the waist, and dry again; an English name where there is one."""
    for depth_class in (1, 2, 3, 4):
        came, gone = timeline.of_water(ZONE, [Stretch(AT, AT, depth_class), Stretch(AT, AT, 0)])
        assert "Temple" in came.text["en"]
        assert came.text["th"] != gone.text["th"]
    reported = timeline.of_report(Report(1, "R1", AT, "น้ำท่วมถนน", "Flooded road"), ZONE)
    assert reported.text["en"] == "Flooded road reported in Temple (R1)"


@pytest.mark.parametrize("language", ["th", "en"])
def test_every_code_of_a_report_has_words(language: str) -> None:
    """Outcomes by witnesses and by an officer, reasons, states of the ledger, answers."""
    paper = Paper(city="x", language=language, printed_at=AT, is_simulated=False)
    keys = [f"outcome-{outcome}{by}" for outcome in LETTERS for by in ("", "-by-officer")]
    keys += [f"{kind}-{code.replace('_', '-')}" for kind, codes in KNOWN.items() for code in codes]
    assert all(paper.word(key) for key in keys)
