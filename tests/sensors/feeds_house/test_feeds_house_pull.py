"""Feeds that are asked: what a source answers, how badly it may, and when it is asked again."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core import clock
from core.db import transaction
from core.words import words
from sensors.feeds_store import actions, polling, queries, tasks
from sensors.feeds_store.fetching import Answer, Asked, Failure, fetch, is_forbidden
from sensors.feeds_store.models import FeedHealth
from sensors.feeds_store.rules import Condition, Result
from sensors.models import Reading, ReadingRefused
from tests.sensors.feeds_house.conftest import Source
from tests.sensors.feeds_house.declared import a_feed, add_gauge, stream

RECORDED = Path(__file__).parent.parent / "feeds" / "recorded"
NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
LEVELS = [stream("7001", unit="m_msl"), stream("7002", "G2", unit="m_msl")]
JSON_TYPE = {"Content-Type": "application/json"}


def _rows(*values: float) -> bytes:
    rows = [
        {"datastream": "s", "observed_at": (NOW - timedelta(minutes=n)).isoformat(), "value": value, "unit": "m"}
        for n, value in enumerate(values)
    ]
    return json.dumps(rows).encode()


@pytest.fixture
def house(database: sa.Engine, frozen_clock: Callable[..., None]) -> Callable[..., int]:
    """`house(code, kind, …)` declares a feed in a house with the gauges G1 and G2; returns its id."""
    with transaction() as session:
        add_gauge(session, "G1")
        add_gauge(session, "G2")

    def declare(code: str, kind: str = "http_json", **changes: Any) -> int:
        with transaction() as session:
            return actions.declare_feed(session, a_feed(code, kind, key=None, **changes))

    return declare


def _ask(feed_id: int) -> Result:
    with transaction() as session:
        result = polling.ask(session, feed_id)
    assert result is not None
    return result


def _health(feed_id: int) -> FeedHealth:
    with transaction() as session:
        return session.get_one(FeedHealth, feed_id)


def _count(table: type[Any]) -> int:
    with transaction() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def test_a_list_of_thaiwater_fills_the_gauges_declared(house: Callable[..., int], source: Source) -> None:
    """Stations of others are ignored, each row has its own time, and asking twice stores once."""
    source.answers["/list"] = (200, JSON_TYPE, (RECORDED / "thaiwater_list.json").read_bytes())
    feed_id = house("water", "thaiwater", url=f"{source.url}/list", streams=LEVELS)
    first, second = _ask(feed_id), _ask(feed_id)
    assert (first.stored, second.stored, second.repeated) == (2, 0, 2)
    with transaction() as session:
        stored = session.execute(sa.select(Reading.observed_at, Reading.value).order_by(Reading.observed_at)).all()
    assert [tuple(row) for row in stored] == [
        (datetime(2026, 11, 19, 21, tzinfo=UTC), -0.35), (datetime(2026, 11, 20, 14, 30, tzinfo=UTC), 2.41),
    ]
    health = _health(feed_id)
    assert (health.failures, health.newest_observed_at) == (0, datetime(2026, 11, 20, 14, 30, tzinfo=UTC))
    # The two rows that nobody can read are kept, and not again each time that the source repeats them.
    assert (first.refused, second.refused, _count(ReadingRefused)) == (2, 2, 2)


def test_a_row_that_says_a_name_twice_is_kept_and_the_others_stored(house: Callable[..., int], source: Source) -> None:
    """One faulty object of a source's list does not silence its gauges; it is kept once, and the feed says why."""
    body = _rows(1.0, 1.1, 1.2).replace(b'"value": 1.1', b'"value": 1.1, "value": 9.9')
    source.answers["/rows"] = (200, JSON_TYPE, body)
    feed_id = house("rows", url=f"{source.url}/rows")
    first, second = _ask(feed_id), _ask(feed_id)
    assert (first.stored, first.refused, first.trouble) == (2, 1, "malformed")
    assert (second.repeated, second.refused, _count(ReadingRefused)) == (2, 1, 1)
    assert _health(feed_id).failures == 0
    with transaction() as session:
        kept = session.scalars(sa.select(ReadingRefused)).one()
    assert (kept.reason, kept.raw["text"].count('"value"')) == ("malformed", 2)


def test_confused_ids_are_a_fault(house: Callable[..., int], source: Source) -> None:
    """A list without any of the declared stations is no success, though it was read."""
    source.answers["/list"] = (200, JSON_TYPE, (RECORDED / "thaiwater_list.json").read_bytes())
    result = _ask(house("water", "thaiwater", url=f"{source.url}/list", streams=[stream("4711", unit="m_msl")]))
    assert not result.is_success
    assert _count(Reading) == 0


BAD: dict[str, tuple[int, dict[str, str], bytes]] = {
    "html": (200, {"Content-Type": "text/html"}, b"<!doctype html><p>Maintenance"),
    "refused_by_source": (200, JSON_TYPE, (RECORDED / "thaiwater_no.json").read_bytes()),
    "not_json": (200, JSON_TYPE, b"water is high"),
    "broken_answer": (200, JSON_TYPE | {"Content-Encoding": "gzip"}, b"\x1f\x8b\x08 no gzip at all"),
    "redirected": (302, {"Location": "http://localhost:1/elsewhere"}, b""),
    "http_status": (500, {}, b"Traceback"),
    "sign_in": (401, {}, b""),
    "busy": (429, {"Retry-After": "7200"}, b""),
    "empty": (200, JSON_TYPE, b'{"result": "OK", "data": []}'),
    "too_large": (200, JSON_TYPE | {"Content-Encoding": "gzip"}, gzip.compress(b" " * 9_000_000)),
}


def test_every_bad_answer_is_a_sentence(house: Callable[..., int], source: Source) -> None:
    """A web page, a refusal with status 200, a damaged or huge answer, another host: words, and nothing stored.

    Each is asked again later and later; a source that asks for silence gets it.
    """
    feed_ids = {}
    for trouble, answer in BAD.items():
        source.answers[f"/{trouble}"] = answer
        feed_ids[trouble] = house(trouble, "thaiwater", url=f"{source.url}/{trouble}", streams=LEVELS)
    for trouble, feed_id in feed_ids.items():
        assert _ask(feed_id).trouble == trouble
        health = _health(feed_id)
        assert (health.trouble, health.failures, health.last_success_wall_at) == (trouble, 1, None)
        assert health.next_attempt_wall_at is not None
        wait_s = (health.next_attempt_wall_at - clock.wall_now()).total_seconds()
        assert 7100 < wait_s <= 7200 if trouble == "busy" else 10 < wait_s <= 30
    with transaction() as session:
        cards = queries.cards(session, now=NOW, wall_now=clock.wall_now())
    assert {card.condition for card in cards} == {Condition.FAILING}
    for card in cards:
        key = f"feed-error-{card.code.replace('_', '-')}"
        assert key in {line.key for line in card.lines}
        assert all(words("sensors", line.key, language=of, **line.slots) for line in card.lines for of in ("th", "en"))
    assert _count(Reading) == 0


def test_waits_grow_with_failures_and_end_with_success(house: Callable[..., int], source: Source) -> None:
    """Three failures wait about two minutes; the first good answer goes back to the period."""
    source.answers["/rows"] = (500, {}, b"")
    feed_id = house("rows", url=f"{source.url}/rows")
    for _ in range(3):
        _ask(feed_id)
    health = _health(feed_id)
    assert health.failures == 3
    assert health.next_attempt_wall_at is not None
    assert 58 < (health.next_attempt_wall_at - clock.wall_now()).total_seconds() <= 120
    source.answers["/rows"] = (200, JSON_TYPE, _rows(1.0))
    assert _ask(feed_id).stored == 1
    health = _health(feed_id)
    assert (health.failures, health.trouble) == (0, None)
    assert health.next_attempt_wall_at is not None
    assert 590 < (health.next_attempt_wall_at - clock.wall_now()).total_seconds() <= 600


def test_what_has_not_changed_is_not_sent_again(house: Callable[..., int], source: Source) -> None:
    """The source's own mark of its last whole answer goes with the next question; "not modified" is a success."""
    source.answers["/rows"] = (200, JSON_TYPE | {"ETag": '"v1"'}, _rows(1.0))
    feed_id = house("rows", url=f"{source.url}/rows")
    _ask(feed_id)
    source.answers["/rows"] = (304, {}, b"")
    assert _ask(feed_id).is_success
    assert source.seen[0][1].get("If-None-Match") is None
    assert source.seen[1][1]["If-None-Match"] == '"v1"'
    assert _health(feed_id).etag == '"v1"'


def test_a_secret_comes_from_the_environment(
    house: Callable[..., int], source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database knows the name of a secret only; where the machine lacks it, the health says so and nobody asks."""
    source.answers["/rows"] = (200, JSON_TYPE, _rows(1.0))
    feed_id = house("rows", url=f"{source.url}/rows", secret_env="FAONAM_FEED_TEST", secret_header="X-Api-Key")
    assert _ask(feed_id).trouble == "no_secret"
    assert source.seen == []
    monkeypatch.setenv("FAONAM_FEED_TEST", "s3cret")
    assert _ask(feed_id).stored == 1
    assert source.seen[0][1]["X-Api-Key"] == "s3cret"


def test_a_redirect_within_the_host_is_followed(source: Source) -> None:
    """Another path of the same host is where the source moved to; a circle ends."""
    source.answers |= {
        "/old": (301, {"Location": "/new"}, b""), "/new": (200, {}, b"[]"),
        "/round": (302, {"Location": "/round"}, b""),
    }
    assert fetch(Asked(f"{source.url}/old", {})) == Answer(b"[]", None, None)
    found = fetch(Asked(f"{source.url}/round", {}))
    assert isinstance(found, Failure)
    assert found.trouble == "redirected"


def test_the_address_that_was_checked_is_asked_by_its_name(source: Source) -> None:
    """The connection goes to the address that was looked at; the source still hears its own name."""
    port = source.url.rpartition(":")[2]
    source.answers["/"] = (200, {}, b"[]")
    assert isinstance(fetch(Asked(f"http://localhost:{port}/", {})), Answer)
    assert source.seen[-1][1]["Host"] == f"localhost:{port}"


def test_a_packed_answer_is_whole_or_refused(source: Source) -> None:
    """What was packed is unpacked; what ends too early is damaged and no shorter answer; so are other packings."""
    packed, headers = gzip.compress(b"a,b\n" * 500), {"Content-Encoding": "gzip"}
    source.answers |= {
        "/whole": (200, headers, packed), "/cut": (200, headers, packed[:-9]),
        "/other": (200, {"Content-Encoding": "br"}, packed),
    }
    assert fetch(Asked(f"{source.url}/whole", {})) == Answer(b"a,b\n" * 500, None, None)
    for path in ("/cut", "/other"):
        found = fetch(Asked(source.url + path, {}))
        assert isinstance(found, Failure)
        assert found.trouble == "broken_answer"


def test_a_source_that_drips_is_left(source: Source) -> None:
    """A byte now and then keeps no worker for longer than the whole time allowed."""
    source.answers["/slow"] = (200, {}, b" " * 200)
    source.pause_s = 0.05
    found = fetch(Asked(f"{source.url}/slow", {}, whole_s=0.4))
    assert isinstance(found, Failure)
    assert found.trouble == "timeout"


@pytest.mark.parametrize(
    ("url", "trouble"),
    [
        ("http://169.254.169.254/latest/meta-data/", "forbidden_address"),
        ("http://[fe80::1]/", "forbidden_address"),
        ("http://[::ffff:169.254.169.254]/", "forbidden_address"),
        ("http://2852039166/", "forbidden_address"),
        ("http://0.0.0.0/", "forbidden_address"),
        ("http://127.0.0.1:1/", "unreachable"),
        ("http://no-such-host.invalid/", "unreachable"),
    ],
)
def test_no_question_goes_where_clouds_keep_keys(url: str, trouble: str) -> None:
    """Link-local addresses are never asked, however they are written; a host that is away is a sentence."""
    found = fetch(Asked(url, {}))
    assert isinstance(found, Failure)
    assert found.trouble == trouble
    assert is_forbidden("169.254.0.1")
    assert not is_forbidden("127.0.0.1")


def test_who_is_due_is_asked_by_one(house: Callable[..., int], source: Source) -> None:
    """Only feeds that are on, asked, and due get a job; whoever has taken one holds it for two minutes."""
    due = house("due", url=f"{source.url}/rows")
    house("off", url=f"{source.url}/rows", is_enabled=False)
    house("pushes")
    later = house("later", url=f"{source.url}/rows")
    with transaction() as session:
        session.get_one(FeedHealth, later).next_attempt_wall_at = clock.wall_now() + timedelta(minutes=1)
    with transaction() as session:
        tasks.poll_feeds.run(session)
        waiting = session.execute(sa.text("SELECT args FROM procrastinate_jobs")).scalars().all()
    assert waiting == [{"feed_id": due}]
    with transaction() as session:
        assert polling.lease_due(session) == []


def test_the_job_asks_and_stores(house: Callable[..., int], source: Source) -> None:
    """The job of one feed leaves its readings and its health; for a feed that is gone it does nothing."""
    source.answers["/rows"] = (200, JSON_TYPE, _rows(1.0, 1.1))
    feed_id = house("rows", url=f"{source.url}/rows")
    with transaction() as session:
        tasks.poll_feed.run(session, feed_id=feed_id)
        tasks.poll_feed.run(session, feed_id=feed_id + 1)
    assert (_count(Reading), _health(feed_id).rows_stored) == (2, 2)


def test_a_value_that_a_source_changed_is_kept_once(house: Callable[..., int], source: Source) -> None:
    """Another value for a stored time does not replace it; it stands in quarantine once, however often it is sent."""
    source.answers["/rows"] = (200, JSON_TYPE, _rows(1.0))
    feed_id = house("rows", url=f"{source.url}/rows")
    _ask(feed_id)
    source.answers["/rows"] = (200, JSON_TYPE, _rows(1.2))
    assert [_ask(feed_id).trouble for _ in range(3)] == ["conflicting_value"] * 3
    assert (_count(Reading), _count(ReadingRefused)) == (1, 1)
