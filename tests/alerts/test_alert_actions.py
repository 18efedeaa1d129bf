"""From a picture of the flood to an approved alert, and to the all-clear."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from lxml import etree
from shapely.geometry import Point, box
from sqlalchemy.orm import Session

from alerts import actions, cap_queries, delivery, ledger, queries
from alerts.cap import checking
from alerts.errors import AlertStateError, ProposalChangedError, SamePersonError
from alerts.models import Alert, AlertRecipient
from core import sealing
from core.errors import ConflictError, InvalidInputError
from core.events import EventRecord
from line.models import OutboxChunk
from line.outbox import recipients

WALL = datetime(2026, 11, 21, 2, 59, tzinfo=UTC)
INSIDE_A, INSIDE_B = Point(100.005, 8.405), Point(100.015, 8.405)
XSD = Path(__file__).resolve().parents[3] / "shared" / "data" / "cap" / "xsd"


def consider(
    session: Session, town: Any, severities: dict[str, int], *, depth: int = 2, is_blind: bool = False
) -> None:
    actions.consider(
        session,
        run_id=town.picture(severities, depth_class=depth),
        severity_by_code=severities,
        falling_by_code={},
        trigger_received_wall_at=WALL,
        is_without_data=is_blind,
    )


def all_alerts(session: Session) -> list[Alert]:
    return list(session.scalars(sa.select(Alert).order_by(Alert.id)))


def only_open(session: Session) -> Alert:
    return session.scalars(sa.select(Alert).where(Alert.state == "proposed")).one()


def chunks_of(session: Session, alert_id: int) -> list[OutboxChunk]:
    return list(session.scalars(sa.select(OutboxChunk).where(OutboxChunk.subject == f"alert:{alert_id}")))


def accept_all(session: Session, alert_id: int) -> None:
    for chunk in chunks_of(session, alert_id):
        if chunk.state == "queued":
            chunk.state, chunk.request_id = "accepted", f"r{chunk.id}"
            chunk.accepted_wall_at = WALL + timedelta(seconds=42)
    session.flush()
    delivery.note_progress(session, alert_id)


@pytest.fixture
def flood(session: Session, town: Any) -> Any:
    """Two zones with residents, one of them unreachable."""
    town.zone("A")
    town.zone("B", at=0.01)
    town.in_a = town.resident(INSIDE_A, vulnerable=True)
    town.in_b = town.resident(INSIDE_B, language="my")
    town.blocked = town.resident(INSIDE_A, is_reachable=False)
    town.outside = town.resident(Point(100.5, 8.5))
    return town


def test_one_proposal_for_all_zones_with_everything_the_approver_needs(session: Session, flood: Any) -> None:
    """One warning covers both zones, with audience, texts in every language, evidence, and the reading's time."""
    consider(session, flood, {"A": 2, "B": 2})
    alert = only_open(session)
    assert (alert.kind, alert.level, alert.revision) == ("alert", 2, 1)
    assert [z.code for z in queries.zones(session, [alert.id])[alert.id]] == ["A", "B"]
    assert (alert.audience_count, alert.vulnerable_count) == (2, 1)
    assert alert.audience_by_language == {"th": 1, "my": 1}
    assert alert.suppressed_by_reason == {"unreachable": 1}
    assert alert.trigger_received_wall_at == WALL
    assert set(alert.texts) == {"th", "en", "ms", "my"}
    assert "ชุมชนA" in alert.texts["th"]["alt"]
    assert "เข่า" in alert.texts["th"]["body"]
    kinds = [piece["kind"] for piece in alert.evidence]
    assert "exposure" in kinds
    assert all(piece["text"]["th"] and piece["text"]["en"] for piece in alert.evidence)


def test_same_picture_again_changes_nothing(session: Session, flood: Any) -> None:
    """Drawing the same water again neither proposes nor revises."""
    for _ in range(3):
        consider(session, flood, {"A": 2, "B": 0})
    assert [(a.state, a.revision) for a in all_alerts(session)] == [("proposed", 1)]


def test_growing_flood_revises_the_open_proposal(session: Session, flood: Any) -> None:
    """Another zone, deeper water or another resident is a new revision of the one proposal."""
    consider(session, flood, {"A": 2, "B": 0})
    consider(session, flood, {"A": 2, "B": 2})
    alert = only_open(session)
    assert (alert.revision, alert.audience_count) == (2, 2)
    consider(session, flood, {"A": 2, "B": 2}, depth=3)
    assert only_open(session).revision == 3
    flood.resident(INSIDE_A)
    consider(session, flood, {"A": 2, "B": 2}, depth=3)
    assert (only_open(session).revision, only_open(session).audience_count) == (4, 3)


def test_approval_sends_once_to_the_frozen_audience(session: Session, flood: Any) -> None:
    """Approved twice by a double click: one sending, grouped by language, each reachable resident once."""
    consider(session, flood, {"A": 3, "B": 3})
    alert, officer = only_open(session), flood.account("somchai")
    for _ in range(2):
        actions.approve(session, alert.id, 1, officer)
    chunks = chunks_of(session, alert.id)
    assert len(chunks) == 2
    assert {c.priority for c in chunks} == {0}
    told = [user for c in chunks for user in recipients(together=c.to_sealed, each=c.to_each_sealed)]
    assert sorted(told) == [f"U{1:032x}", f"U{2:032x}"]
    card = next(c for c in chunks if "ชุมชนA" in c.messages[0]["altText"]).messages[0]
    assert card["type"] == "flex"
    assert f"help:{alert.id}" in json.dumps(card)
    assert f"safe:{alert.id}" in json.dumps(card)
    rows = {r.resident_id: r for r in session.scalars(sa.select(AlertRecipient))}
    assert set(rows) == {flood.in_a, flood.in_b, flood.blocked}
    assert rows[flood.blocked].state == "suppressed"
    assert {rows[flood.in_a].chunk_id, rows[flood.in_b].chunk_id} == {c.id for c in chunks}
    assert alert.state == "sending"
    assert alert.expires_at is not None


def test_somebody_else_cannot_approve_after(session: Session, flood: Any) -> None:
    """A decided alert is not decided again by another person."""
    consider(session, flood, {"A": 2, "B": 0})
    alert = only_open(session)
    flood.checked(alert)
    actions.approve(session, alert.id, 1, flood.account("first"))
    with pytest.raises(AlertStateError):
        actions.approve(session, alert.id, 1, flood.account("second"))
    with pytest.raises(AlertStateError):
        actions.decline(session, alert.id, "late", flood.account("third"))


def test_stale_revision_is_refused(session: Session, flood: Any) -> None:
    """Who looked at revision 1 cannot approve revision 2."""
    consider(session, flood, {"A": 2, "B": 0})
    consider(session, flood, {"A": 2, "B": 2})
    with pytest.raises(ProposalChangedError, match="Look again"):
        actions.approve(session, only_open(session).id, 1, flood.account("somchai"))
    assert chunks_of(session, only_open(session).id) == []


@pytest.mark.parametrize("change", ["resident", "zone", "language"])
def test_audience_or_zone_that_changed_is_refused_and_shown_anew(session: Session, flood: Any, change: str) -> None:
    """A new home, a redrawn zone or another language since the proposal: nothing is frozen; look again."""
    consider(session, flood, {"A": 2, "B": 0})
    alert, officer = only_open(session), flood.account("somchai")
    if change == "resident":
        flood.resident(INSIDE_A)
    elif change == "zone":
        flood.redraw_zone("A", box(100, 8.4, 100.012, 8.41))
    else:
        session.execute(sa.text("UPDATE resident SET language = 'en' WHERE id = :id"), {"id": flood.in_a})
    flood.checked(alert)
    with pytest.raises(ProposalChangedError):
        actions.approve(session, alert.id, 1, officer)
    assert session.scalar(sa.select(sa.func.count()).select_from(AlertRecipient)) == 0
    assert queries.alert(session, alert.id).state == "proposed"
    revised = actions.revise(session, alert.id)
    assert revised.revision == 2
    actions.approve(session, alert.id, 2, officer)
    assert revised.state == "sending"


def test_delivered_when_the_last_chunk_is_accepted(session: Session, flood: Any) -> None:
    """Active after the last acceptance, told once, with the seconds since the reading."""
    consider(session, flood, {"A": 3, "B": 3})
    alert = only_open(session)
    actions.approve(session, alert.id, 1, flood.account("somchai"))
    first, *_ = chunks_of(session, alert.id)
    first.state, first.accepted_wall_at = "accepted", WALL + timedelta(seconds=40)
    session.flush()
    delivery.note_progress(session, alert.id)
    assert alert.state == "sending"
    accept_all(session, alert.id)
    delivery.note_progress(session, alert.id)
    assert alert.state == "active"
    told = session.scalars(sa.select(EventRecord).where(EventRecord.name == "alerts.alert_delivered")).all()
    assert [event.payload["seconds_from_reading"] for event in told] == [42.0]
    assert told[0].payload["accepted_recipients"] == 2
    assert ledger.reading_to_accepted_s(session) == [40.0, 42.0]
    became = {line.resident_id: line.state for line in ledger.lines(session, alert.id)}
    assert became == {flood.in_a: "accepted", flood.in_b: "accepted", flood.blocked: "suppressed"}
    assert ledger.counts(session, alert.id) == {"accepted": 2, "suppressed": 1}


def test_rise_supersedes_and_reaches_those_told_before(session: Session, flood: Any) -> None:
    """Danger over the same zone replaces the warning, and reaches who was told and has moved away since."""
    consider(session, flood, {"A": 2, "B": 0})
    first = only_open(session)
    flood.checked(first)
    actions.approve(session, first.id, 1, flood.account("somchai"))
    accept_all(session, first.id)
    session.execute(
        sa.text("UPDATE home SET geom = ST_SetSRID(ST_MakePoint(100.9, 8.9), 4326) WHERE resident_id = :id"),
        {"id": flood.in_a},
    )
    newcomer = flood.resident(INSIDE_A)
    consider(session, flood, {"A": 3, "B": 0})
    second = only_open(session)
    assert (second.kind, second.level, second.references, second.event_id) == ("update", 3, [first.id], first.id)
    actions.approve(session, second.id, 1, flood.account("malee"))
    session.refresh(first)
    assert first.state == "updated"
    told = {
        r.resident_id: r.reason
        for r in session.scalars(
            sa.select(AlertRecipient).where(AlertRecipient.alert_id == second.id, AlertRecipient.state == "queued")
        )
    }
    assert told == {flood.in_a: "told_before", newcomer: "home"}


def test_all_clear_goes_to_the_union_of_everyone_ever_told(session: Session, flood: Any) -> None:
    """Zone A first, then zone B of the same flood: the all-clear reaches both, also who moved, and nobody else."""
    consider(session, flood, {"A": 2, "B": 0})
    warning = only_open(session)
    flood.checked(warning)
    actions.approve(session, warning.id, 1, flood.account("somchai"))
    accept_all(session, warning.id)
    consider(session, flood, {"A": 3, "B": 3})
    danger = only_open(session)
    actions.approve(session, danger.id, 1, flood.account("malee"))
    accept_all(session, danger.id)
    session.execute(sa.text("DELETE FROM home WHERE resident_id = :id"), {"id": flood.in_a})
    late = flood.resident(INSIDE_B)
    consider(session, flood, {"A": 0, "B": 1})
    assert [a.kind for a in all_alerts(session)] == ["alert", "update"]
    consider(session, flood, {"A": 0, "B": 0}, is_blind=True)
    assert len(all_alerts(session)) == 2
    consider(session, flood, {"A": 0, "B": 0})
    consider(session, flood, {"A": 0, "B": 0})
    clear = only_open(session)
    assert (clear.kind, clear.event_id, clear.audience_count) == ("all_clear", warning.id, 2)
    assert "ยุติ" in clear.texts["th"]["title"]
    actions.approve(session, clear.id, clear.revision, flood.account("anan"))
    told = set(session.scalars(sa.select(AlertRecipient.resident_id).where(AlertRecipient.alert_id == clear.id)))
    assert told == {flood.in_a, flood.in_b}
    assert late not in told
    accept_all(session, clear.id)
    assert Counter(a.state for a in all_alerts(session)) == {"updated": 1, "ended": 2}
    consider(session, flood, {"A": 2, "B": 0})
    assert only_open(session).event_id == only_open(session).id


def test_officers_all_clear_needs_another_person(session: Session, flood: Any) -> None:
    """Whoever proposes an all-clear cannot approve it; asking twice gives the same proposal."""
    consider(session, flood, {"A": 2, "B": 0})
    alert, somchai, malee = only_open(session), flood.account("somchai"), flood.account("malee")
    flood.checked(alert)
    actions.approve(session, alert.id, 1, somchai)
    clear = actions.propose_all_clear(session, alert.id, somchai)
    assert actions.propose_all_clear(session, alert.id, malee).id == clear.id
    with pytest.raises(SamePersonError):
        actions.approve(session, clear.id, 1, somchai)
    consider(session, flood, {"A": 2, "B": 0})
    assert queries.alert(session, clear.id).state == "proposed"
    assert actions.approve(session, clear.id, clear.revision, malee).state == "sending"


def test_declined_needs_a_reason_and_is_left_alone(session: Session, flood: Any, frozen_clock: Any) -> None:
    """Without a reason nothing is declined; with one the zones are left alone for half an hour."""
    consider(session, flood, {"A": 2, "B": 0})
    alert, officer = only_open(session), flood.account("somchai")
    with pytest.raises(InvalidInputError):
        actions.decline(session, alert.id, "  ", officer)
    actions.decline(session, alert.id, "pump test", officer)
    consider(session, flood, {"A": 2, "B": 0})
    assert len(all_alerts(session)) == 1
    frozen_clock(datetime(2026, 11, 21, 3, 31, tzinfo=UTC))
    consider(session, flood, {"A": 2, "B": 0})
    assert [a.state for a in all_alerts(session)] == ["declined", "proposed"]


def test_falling_water_withdraws_an_open_proposal(session: Session, flood: Any) -> None:
    """A proposal that nobody approved ends when its zones no longer need it."""
    consider(session, flood, {"A": 2, "B": 0})
    consider(session, flood, {"A": 1, "B": 0})
    assert [a.state for a in all_alerts(session)] == ["withdrawn"]


def test_cancel_during_sending_stops_what_waits(session: Session, flood: Any) -> None:
    """Chunks still waiting are cancelled; those told get an all-clear to approve; the counts add up to the audience."""
    consider(session, flood, {"A": 3, "B": 3})
    alert, officer = only_open(session), flood.account("somchai")
    actions.approve(session, alert.id, 1, officer)
    first, second = sorted(chunks_of(session, alert.id), key=lambda c: c.id)
    first.state, first.attempts, first.accepted_wall_at = "accepted", 1, WALL
    session.flush()
    actions.cancel(session, alert.id, "wrong gauge", officer)
    session.refresh(second)
    assert second.state == "cancelled"
    counts = ledger.counts(session, alert.id)
    assert counts == {"accepted": 1, "cancelled": 1, "suppressed": 1}
    clear = only_open(session)
    assert (clear.kind, clear.audience_count) == ("all_clear", 1)


def test_cancel_before_anything_went_out_closes_the_alert(session: Session, flood: Any) -> None:
    """When every chunk could be stopped nobody was told, and nobody needs an all-clear."""
    consider(session, flood, {"A": 3, "B": 3})
    alert, officer = only_open(session), flood.account("somchai")
    actions.approve(session, alert.id, 1, officer)
    assert actions.cancel(session, alert.id, "mistake", officer).state == "cancelled"
    assert all(a.kind != "all_clear" for a in all_alerts(session))


def test_simulated_city_never_alarms_real_people(session: Session, flood: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a real LINE channel the alerts of a simulated city cannot be approved."""
    consider(session, flood, {"A": 3, "B": 0})
    monkeypatch.setenv("LINE_CHANNEL_ACCESS_TOKEN", "a-token")
    monkeypatch.setenv("LINE_LIVE", "true")
    with pytest.raises(ConflictError, match="simulated"):
        actions.approve(session, only_open(session).id, 1, flood.account("somchai"))


def test_alert_for_nobody_is_active_at_once(session: Session, town: Any) -> None:
    """A zone without members is still warned by CAP; nothing is sent."""
    town.zone("A")
    consider(session, town, {"A": 2})
    alert = only_open(session)
    town.checked(only_open(session))
    assert actions.approve(session, alert.id, 1, town.account("somchai")).state == "active"
    assert [one.message_type for one in cap_queries.of_alerts(session, [alert.id])] == ["Alert"]


@pytest.mark.skipif(not XSD.exists(), reason="the CAP schemas are not beside the project")
def test_stored_cap_is_sound_and_names_what_it_replaces(session: Session, flood: Any) -> None:
    """Alert, update and all-clear each carry a CAP document that fits both schemas and our own rules."""
    schemas = [etree.XMLSchema(etree.parse(XSD / name)) for name in ("cap12.xsd", "cap12_extended.xsd")]
    for severity, who in ((2, "somchai"), (3, "malee"), (0, "anan")):
        consider(session, flood, {"A": severity, "B": 0})
        alert = only_open(session)
        flood.checked(alert)
        actions.approve(session, alert.id, alert.revision, flood.account(who))
        accept_all(session, alert.id)
        (document,) = cap_queries.of_alerts(session, [alert.id])
        raw = document.xml.encode()
        for schema in schemas:
            schema.assertValid(etree.fromstring(raw))
        assert checking.problems(raw) == []
        assert b"<status>Test</status>" in raw
        assert (b"<msgType>Alert</msgType>" in raw) == (severity == 2)
        assert (b"<responseType>AllClear" in raw) == (severity == 0)


def test_ten_thousand_are_told_in_chunks(session: Session, town: Any) -> None:
    """Chunks hold 500 at most and one language each, and every resident stands in exactly one."""
    town.zone("A")
    users = [f"U{n:032x}" for n in range(10_000)]
    session.execute(
        sa.text(
            "INSERT INTO resident (line_user_hash, line_user_sealed, language, consented_at, is_reachable, joined_at,"
            " trust) SELECT h, s, (ARRAY['th','th','en','ms'])[1 + n % 4], now(), true, now(), 'simulated'"
            " FROM unnest(CAST(:h AS bytea[]), CAST(:s AS bytea[])) WITH ORDINALITY u(h, s, n)"
        ),
        {"h": [sealing.fingerprint(u) for u in users], "s": [sealing.seal(u) for u in users]},
    )
    session.execute(
        sa.text(
            "INSERT INTO home (resident_id, geom, is_vulnerable, label) "
            "SELECT id, ST_SetSRID(ST_MakePoint(100.005, 8.405), 4326), false, '' FROM resident"
        )
    )
    session.execute(sa.text("ANALYZE resident, home"))
    consider(session, town, {"A": 3})
    alert, officer = only_open(session), town.account("somchai")
    actions.approve(session, alert.id, 1, officer)
    chunks = chunks_of(session, alert.id)
    assert sum(c.recipient_count for c in chunks) == 10_000
    assert max(c.recipient_count for c in chunks) <= 500
    assert len(chunks) == 20
    told = [user for c in chunks for user in recipients(together=c.to_sealed, each=c.to_each_sealed)]
    assert sorted(told) == users
