"""Others' warnings beside the house's own rules: a reason among others, and never a second proposal."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from alerts import actions, thread
from alerts.models import Alert
from alerts.outside import declaring, documents, health, proposing, queries, store, table, taking
from alerts.outside.declaring import NewSource
from alerts.outside.models import OutsideDocument, OutsideWarningRow
from alerts.outside.said import OutsideWarning, Place, Words
from core import clock
from tests.alerts.outside_house import NOW

HEAD = "source,event,severity,where,area,share,zones,level,acts_as,note\n"
AROUND_A = ((100.0, 8.4), (100.01, 8.4), (100.01, 8.41), (100.0, 8.41), (100.0, 8.4))


def source(session: Session) -> int:
    new = NewSource(code="river", name_th="กรมชล", name_en="River office", kind="cap", period_s=600, url="http://x/")
    return declaring.declare(session, new, now=clock.wall_now()).id


def warn(session: Session, source_id: int, identifier: str = "w", **changes: Any) -> int:
    values: dict[str, Any] = {
        "identifier": identifier, "sender": "RID", "sent_at": NOW - timedelta(hours=3), "event": "Flood",
        "hazard": "flood", "grade": 3, "severity": "Severe", "words": {"th": Words("Flood", "น้ำล้นตลิ่ง")},
        "places": (Place("p", (), (AROUND_A,)),), "expires_at": NOW + timedelta(hours=9),
    }  # fmt: skip
    made = OutsideWarning(**values | changes)
    stored = store.store(session, [made], source_id=source_id, document_id=None)
    taking.settle(session, source="river", changed=stored.changed)
    row = queries.by_identifier(session, source_id, identifier)
    assert row is not None
    return row.id


def rules_see(session: Session, town: Any, **severities: int) -> None:
    actions.consider(
        session, run_id=town.picture(severities), severity_by_code=severities, falling_by_code={},
        trigger_received_wall_at=None, is_without_data=False,
    )  # fmt: skip


def seen(session: Session) -> list[tuple[str, int, str, list[str]]]:
    rows = session.execute(
        sa.text(
            "SELECT a.source, a.level, a.state, coalesce(array_agg(z.code ORDER BY z.code) FILTER (WHERE z.code IS NOT "
            "NULL), '{}') AS zones FROM alert a LEFT JOIN alert_zone z ON z.alert_id = a.id GROUP BY a.id ORDER BY a.id"
        )
    )
    return [(row.source, row.level, row.state, row.zones) for row in rows]


def evidence(session: Session) -> list[dict[str, Any]]:
    (alert,) = session.scalars(sa.select(Alert).where(Alert.state == "proposed"))
    return [piece for piece in alert.evidence if piece["kind"] == "outside"]


def test_the_rules_proposal_names_what_others_warn_of_its_zones(session: Session, town: Any) -> None:
    """Source, what, when, how long ago, in both languages; a province says so; what lies elsewhere is no reason."""
    town.zone("A")
    town.zone("B", at=0.02)
    source_id = source(session)
    warn(session, source_id)
    province = ((99.0, 6.0), (103.0, 6.0), (103.0, 11.0), (99.0, 11.0), (99.0, 6.0))
    warn(session, source_id, "wide", places=(Place("จังหวัด", (), (province,)),), sent_at=NOW - timedelta(minutes=20))
    far = tuple((lon - 5, lat) for lon, lat in AROUND_A)
    warn(session, source_id, "far", places=(Place("far", (), (far,)),))
    warn(session, source_id, "old", sent_at=NOW - timedelta(days=2), expires_at=NOW - timedelta(hours=1))
    assert seen(session) == []
    rules_see(session, town, A=2, B=0)
    pieces = evidence(session)
    assert [(piece["is_wide"], piece["age_s"]) for piece in pieces] == [(True, 1200), (False, 10_800)]
    assert pieces[1]["text"]["en"].startswith("River office: น้ำล้นตลิ่ง, issued ")
    assert pieces[1]["text"]["en"].endswith(", 3 h ago")
    assert pieces[0]["text"]["en"].endswith("20 min ago, for the whole province")
    assert "ทั้งจังหวัด" in pieces[0]["text"]["th"]
    assert not any(piece["is_reason"] for piece in pieces)
    assert json.dumps(pieces)


def test_a_zone_and_level_has_one_proposal_whoever_is_first(session: Session, town: Any) -> None:
    """What the rules propose is not proposed by others as well, nor the other way round; a higher level is."""
    town.zone("A")
    town.zone("B", at=0.02)
    source_id = source(session)
    table.replace_table(session, f"{HEAD}river,*,,*,,,all,2,proposal,\n", by=None, note="")
    rules_see(session, town, A=2, B=0)
    warn(session, source_id)
    assert seen(session) == [("rule", 2, "proposed", ["A"]), ("outside", 2, "proposed", ["B"])]
    rules_see(session, town, A=2, B=2)
    proposing.consider(session)
    assert seen(session) == [("rule", 2, "proposed", ["A"]), ("outside", 2, "proposed", ["B"])]
    rules_see(session, town, A=2, B=3)
    assert ("rule", 3, "proposed", ["B"]) in seen(session)
    # Level 3 stands proposed for B now: the warning's level 2 says less, and is taken back.
    proposing.consider(session)
    assert ("outside", 2, "withdrawn", ["B"]) in seen(session)


def test_the_thread_says_who_warned(session: Session, town: Any) -> None:
    """An event that began with a warning of others begins with it in its thread."""
    town.zone("A")
    source_id = source(session)
    table.replace_table(session, f"{HEAD}*,*,,*,,,all,2,proposal,\n", by=None, note="")
    warning_id = warn(session, source_id)
    (alert,) = session.scalars(sa.select(Alert))
    told = {one.kind: one.detail for one in thread.of_event(session, alert.event_id)}
    assert told["outside_warned"]["outside_id"] == warning_id


def test_the_rules_leave_others_proposals_alone(session: Session, town: Any) -> None:
    """A dry picture withdraws what the rules proposed, not what an outside warning did."""
    town.zone("A")
    table_of = f"{HEAD}*,*,,*,,,all,2,proposal,\n"
    source_id = source(session)
    table.replace_table(session, table_of, by=None, note="")
    warn(session, source_id)
    for _ in range(2):
        rules_see(session, town, A=0)
    assert seen(session) == [("outside", 2, "proposed", ["A"])]


def test_what_was_declined_is_not_proposed_again_until_issued_anew(
    session: Session, town: Any, frozen_clock: Callable[[datetime], None]
) -> None:
    """The officer has decided about this issue; the next one is another, once the decline holds no longer."""
    town.zone("A")
    source_id = source(session)
    table.replace_table(session, f"{HEAD}river,*,,*,,,all,2,proposal,\n", by=None, note="")
    warn(session, source_id)
    (alert,) = session.scalars(sa.select(Alert))
    actions.decline(session, alert.id, "The river falls.", town.account("ann"))
    frozen_clock(NOW + timedelta(hours=1))
    proposing.consider(session)
    assert [state for _, _, state, _ in seen(session)] == ["declined"]
    warn(session, source_id, sent_at=NOW + timedelta(minutes=50))
    assert [state for _, _, state, _ in seen(session)] == ["declined", "proposed"]


def test_approved_it_goes_out_and_outlives_its_warning(session: Session, town: Any) -> None:
    """What residents were told ends by an all-clear of ours, never because a source fell silent or said it is over."""
    town.zone("A")
    source_id = source(session)
    table.replace_table(session, f"{HEAD}river,*,,*,,,all,3,proposal,\n", by=None, note="")
    warning_id = warn(session, source_id)
    (alert,) = session.scalars(sa.select(Alert))
    actions.approve(session, alert.id, alert.revision, town.account("ann"))
    told = alert.state
    warn(session, source_id, "end", message_type="Cancel", sent_at=NOW, references=())
    store.store(session, [], source_id=source_id, document_id=None, over=["w"])
    assert proposing.consider(session) == []
    assert session.get_one(OutsideWarningRow, warning_id).state == "over"
    assert [one.state for one in session.scalars(sa.select(Alert))] == [told]


def test_zones_that_are_drawn_anew_are_mapped_anew(session: Session, town: Any) -> None:
    """What an outline covers is of the zones as they are now; a zone that is gone is warned no longer."""
    town.zone("A")
    source_id = source(session)
    table.replace_table(session, f"{HEAD}*,*,,polygon,,0.9,touched,2,context,\n", by=None, note="")
    warning_id = warn(session, source_id)
    assert [zone.share for zone in queries.zones_of(session, [warning_id])[warning_id]] == [1.0]
    session.execute(sa.text("UPDATE zone SET geom = ST_Translate(geom, 0.005, 0), version = version + 1"))
    assert table.map_current(session) == [warning_id]
    assert queries.zones_of(session, [warning_id])[warning_id] == []
    assert table.map_current(session) == []


def test_letters_that_cannot_be_stored_are_replaced(session: Session, town: Any) -> None:
    """A name with NUL or half a character stops no other warning."""
    words = {"th": Words("E\x00", "น้ำ\ud800ล้น")}
    warning_id = warn(session, source(session), words=words, sender="R\x00", places=(Place("p\x00", (("l", "\x00"),)),))
    row = queries.warning(session, warning_id)
    assert (row.words["th"]["headline"], row.sender, row.places[0]["name"]) == ("น้ำ\ufffdล้น", "R\ufffd", "p\ufffd")


def test_what_is_kept_does_not_grow_for_ever(
    session: Session, town: Any, frozen_clock: Callable[[datetime], None]
) -> None:
    """Twenty refused documents a source; bytes of lists that warned of nothing are gone with the next; old ones too."""
    source_id = source(session)
    for number in range(30):
        documents.keep_refused(
            session, source_id=source_id, address="a", body=str(number).encode(), reason="html", detail="no"
        )
        kept = documents.keep_read(session, source_id=source_id, address="l", body=str(number).encode())
        documents.drop_spent(session, source_id=source_id, address="l", but=kept.id)
    states = session.scalars(sa.select(OutsideDocument.state)).all()
    assert (states.count("refused"), states.count("read")) == (20, 1)
    session.execute(sa.text("UPDATE outside_document SET seen_wall_at = now() - interval '1 year'"))
    session.expire_all()
    assert documents.forget_old(session) == 21


def test_how_a_source_stands() -> None:
    """Failing since its first failure; silent after three periods; nobody is expected to telephone."""
    now = clock.wall_now()
    hour_ago = now - timedelta(hours=1)

    def stands(**changes: Any) -> str:
        values: dict[str, Any] = {
            "is_enabled": True, "is_expected": True, "period_s": 600, "last_success_at": now, "failing_since_at": None,
        }  # fmt: skip
        return health.condition_of(**values | changes, now=now).name

    assert stands() == "working"
    assert stands(last_success_at=hour_ago) == "silent"
    assert stands(last_success_at=hour_ago, is_expected=False) == "working"
    assert stands(failing_since_at=hour_ago) == "failing"
    assert stands(last_success_at=None) == "waiting"
    assert stands(is_enabled=False, failing_since_at=hour_ago) == "off"
