"""Counted in memory or joined by PostGIS: the same people for the same reasons, and never out of old news."""

from __future__ import annotations

from typing import Any

import numpy as np
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box
from sqlalchemy.orm import Session

from alerts import audience, headcount, queries
from alerts.audience import Reach
from alerts.models import AlertChunk
from core.db import transaction
from residents import crowd
from residents.crowd import Asked

# Corners, sides and homes share a lattice, so that every third home or so lies on an edge or in a corner.
LATTICE = st.integers(0, 6)
SPOT = st.tuples(LATTICE, LATTICE)
PERSON = st.fixed_dictionaries(
    {
        "homes": st.lists(SPOT, max_size=3),
        "language": st.sampled_from(["th", "en", "ms", "my", "xx"]),
        "is_consented": st.sampled_from([True, True, True, False]),
        "is_reachable": st.sampled_from([True, True, True, False]),
        "vulnerable": st.booleans(),
        "wants_news": st.booleans(),
    }
)
NOT_TOWNS = ("homes", "wants_news")
ZONE = st.tuples(SPOT, st.integers(1, 3), st.integers(1, 3))


def _place(spot: tuple[int, int]) -> Point:
    return Point(100 + spot[0] / 1024, 8 + spot[1] / 1024)


def _shape(zone: Any) -> Any:
    (x, y), wide, high = zone
    return box(100 + x / 1024, 8 + y / 1024, 100 + (x + wide) / 1024, 8 + (y + high) / 1024)


def _alert(session: Session, alert_id: int) -> None:
    session.execute(
        sa.text(
            "INSERT INTO alert (id, number, event_id, kind, level, state, revision, depth_class, words_version,"
            " policy_version, proposed_at, revised_at, evidence, texts, audience_count, audience_hash,"
            ' audience_by_language, vulnerable_count, suppressed_by_reason, "references") VALUES'
            " (:id, :id, :id, 'alert', 2, 'declined', 1, 0, 1, 1, now(), now(), '[]', '{}', 0, '', '{}', 0, '{}', '{}')"
        ),
        {"id": alert_id},
    )


def _rows(session: Session, alert_id: int) -> list[Any]:
    columns = ("number", "language", "suppressed", "resident_ids", "home_ids", "reasons", "priority", "state")
    wanted = sa.select(*(getattr(AlertChunk, name) for name in columns)).where(AlertChunk.alert_id == alert_id)
    found = [tuple(row) for row in session.execute(wanted.order_by(AlertChunk.number))]
    session.execute(sa.delete(AlertChunk).where(AlertChunk.alert_id == alert_id))
    return found


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    people=st.lists(PERSON, min_size=1, max_size=14),
    zones=st.lists(ZONE, min_size=1, max_size=3),
    told=st.sets(st.integers(0, 13)),
    changed=st.sets(st.integers(0, 13), max_size=4),
    kind=st.sampled_from(["warning", "update", "only_new", "all_clear", "news", "exercise", "everyone"]),
)
@example(
    people=[
        {"homes": [], "language": "th", "is_consented": True, "is_reachable": one, "vulnerable": False}
        | {"wants_news": True}
        for one in (True, False)
    ],
    zones=[((0, 0), 1, 1)], told={0, 1}, changed=set(), kind="only_new",
)  # fmt: skip
def test_both_ways_find_the_same_people(
    session: Session, town: Any, people: Any, zones: Any, told: Any, changed: Any, kind: str
) -> None:
    """Whatever homes, zones, edges, languages and histories: the counts, the hash and the frozen rows are equal, also
    where residents changed after the crowd was read."""
    with session.begin_nested() as undone:
        ids = [
            town.resident(*map(_place, person["homes"]), **{k: v for k, v in person.items() if k not in NOT_TOWNS})
            for person in people
        ]
        refuse = [one for one, person in zip(ids, people, strict=True) if not person["wants_news"]]
        session.execute(sa.text("UPDATE resident SET news_refused_at = now() WHERE id = ANY(:ids)"), {"ids": refuse})
        codes = [f"Z{number}" for number in range(len(zones))]
        zone_ids = [town.zone(code, _shape(zone)) for code, zone in zip(codes, zones, strict=True)]
        for alert_id in (800, 801):
            _alert(session, alert_id)
        _freeze_told(session, [ids[n] for n in sorted(told) if n < len(ids)])
        queries.set_zones(session, 801, zone_ids)
        known = crowd.read(session)
        moved = [ids[n] for n in sorted(changed) if n < len(ids)]
        _change(session, moved)
        reach = _reach(kind, listed=tuple(ids[::2]), named=tuple(ids[:2]))
        found = audience.found_in(session, reach, Asked(known, moved))
        expected = audience.counted_by_database(session, reach)
        assert audience.counted(found) == expected
        assert audience.freeze_found(session, 801, found, priority=2) == expected.ids_hash
        assert audience.frozen_hash(session, 801) == expected.ids_hash
        by_us = _rows(session, 801)
        assert audience.freeze(session, reach, priority=2) == expected.ids_hash
        assert by_us == _rows(session, 801)
        undone.rollback()


def _freeze_told(session: Session, ids: list[int]) -> None:
    session.add(
        AlertChunk(
            alert_id=800, number=1, language="th", resident_ids=ids, home_ids=[None] * len(ids),
            reasons=[1] * len(ids), priority=0, state="packed", is_in_ledger=True,
        )
    )  # fmt: skip
    session.flush()


def _change(session: Session, ids: list[int]) -> None:
    """They move, speak another language, and the last is not reachable any more."""
    session.execute(
        sa.text("UPDATE home SET geom = ST_Translate(geom, 1.0 / 1024, 0) WHERE resident_id = ANY(:ids)"), {"ids": ids}
    )
    session.execute(sa.text("UPDATE resident SET language = 'my' WHERE id = ANY(:ids)"), {"ids": ids})
    session.execute(sa.text("UPDATE resident SET is_reachable = false WHERE id = :id"), {"id": max(ids, default=0)})
    session.execute(sa.text("UPDATE resident SET blocked_until_at = '2099-01-01' WHERE id % 3 = 0 AND id = ANY(:ids)"),
                    {"ids": ids})  # fmt: skip


def _reach(kind: str, *, listed: tuple[int, ...], named: tuple[int, ...]) -> Reach:
    return {
        "warning": Reach(801, has_homes=True, told_in=()),
        "update": Reach(801, has_homes=True, told_in=(800,)),
        "only_new": Reach(801, has_homes=True, told_in=(800,), spares_told=True),
        "all_clear": Reach(801, has_homes=False, told_in=(800,)),
        "news": Reach(801, has_homes=True, told_in=(), person_ids=named, is_news=True),
        "exercise": Reach(801, has_homes=True, told_in=(), listed_ids=listed),
        "everyone": Reach(801, has_homes=False, told_in=(), is_for_everyone=True),
    }[kind]


@given(
    numbers=st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20), seed=st.integers(1, 4)
)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_hash_is_postgresqls(session: Session, numbers: list[int], seed: int) -> None:
    """Each id's hash is the database's own, so that two audiences are compared without being sent."""
    theirs = session.scalars(
        sa.text("SELECT hashint8extended(n, :seed) FROM unnest(CAST(:n AS bigint[])) WITH ORDINALITY AS t (n, place)"
                " ORDER BY place"),
        {"n": numbers, "seed": seed},
    ).all()  # fmt: skip
    ours = headcount.hashint8extended(np.array(numbers, dtype=np.int64), np.full(len(numbers), seed, dtype=np.int16))
    assert ours.astype(np.int64).tolist() == theirs


def test_a_crowd_hears_of_every_change(database: sa.Engine, frozen_clock: Any, town_of: Any) -> None:
    """A transaction that was open while the crowd was read, and one that came later, are both told of; a rolled back
    one and a change that decides nothing are not."""
    with transaction() as session:
        town = town_of(session)
        ids = [town.resident(Point(100.5, 8.5)) for _ in range(5)]
    with transaction() as open_before:
        open_before.execute(sa.text("UPDATE resident SET language = 'my' WHERE id = :id"), {"id": ids[0]})
        with transaction() as apart:
            apart.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            known = crowd.read(apart)
        with transaction() as session:
            assert crowd.changed_since(session, known) == []
    with transaction() as session:
        assert crowd.changed_since(session, known) == [ids[0]]
        session.execute(sa.text("UPDATE home SET is_vulnerable = true WHERE resident_id = :id"), {"id": ids[1]})
        session.execute(sa.text("UPDATE resident SET home_asked_at = now() WHERE id = :id"), {"id": ids[2]})
        assert crowd.changed_since(session, known) == ids[:2]
    with transaction() as session:
        session.execute(sa.text("UPDATE resident SET news_refused_at = now() WHERE id = :id"), {"id": ids[3]})
    with Session(bind=database) as never_committed:
        never_committed.execute(sa.text("DELETE FROM home WHERE resident_id = :id"), {"id": ids[2]})
    with transaction() as session:
        session.execute(sa.text("DELETE FROM resident WHERE id = :id"), {"id": ids[4]})
    with transaction() as session:
        assert crowd.changed_since(session, known) == [ids[0], ids[1], ids[3], ids[4]]
        assert crowd.forget_old_changes(session) == 0
        session.execute(sa.text("UPDATE audience_change SET noted_wall_at = now() - interval '1 day'"))
        assert crowd.forget_old_changes(session) > 0


def test_too_many_changes_are_no_news(database: sa.Engine, frozen_clock: Any, town_of: Any) -> None:
    """When more change than can be named, the crowd is read again rather than asked."""
    with transaction() as session:
        town_of(session)
        known = crowd.read(session)
    with transaction() as session:
        session.execute(
            sa.text(
                "INSERT INTO resident (line_user_hash, line_user_sealed, language, is_reachable, joined_at, trust)"
                " SELECT int8send(n), '', 'th', true, now(), 'simulated' FROM generate_series(1, 6000) n"
            )
        )
    with transaction() as session:
        assert crowd.changed_since(session, known) is None
