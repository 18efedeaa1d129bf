"""Sources that are asked over real sockets: what they answer, how badly they may, and what becomes of it."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from alerts.outside import documents, queries, table, tasks
from core import clock
from core.db import transaction
from core.errors import ConflictError, InvalidInputError
from tests.alerts.outside_house import (
    JSON,
    NOW,
    SAMPLES,
    XML,
    ZONE_A,
    Answers,
    Server,
    alert_xml,
    alerts,
    ask,
    declare,
    free_port,
    health,
    index_rss,
    kept,
    level_list,
    make_chain,
    warnings,
    zones,
)

TABLE = (
    "source,event,severity,where,area,share,zones,level,acts_as,note\n"
    "tmd,rain,Severe,code,TH-80,,all,1,context,the province\n"
    "cap,*,Severe,polygon,,0.5,touched,2,proposal,\n"
    "water,flood,5,station,7001,,A,3,proposal,\n"
    "water,flood,4,station,7001,,A,2,proposal,\n"
)


@pytest.fixture(scope="module")
def _server() -> Iterator[Server]:
    server = Server()
    with server:
        yield server


@pytest.fixture
def source(_server: Server) -> Answers:
    """A source that answers nothing yet."""
    answers = _server.answers
    answers.by_path.clear()
    answers.seen.clear()
    return answers


@pytest.fixture
def town(database: sa.Engine, frozen_clock: Callable[..., None], town_of: Any) -> None:
    """A committed town with the zones A and B."""
    with transaction() as session:
        town = town_of(session)
        town.zone("A")
        town.zone("B", at=0.02)


def use_table(text: str = TABLE) -> None:
    with transaction() as session:
        for code in ("tmd", "cap", "water"):
            if session.scalar(sa.text("SELECT count(*) FROM outside_source WHERE code = :c"), {"c": code}) == 0:
                text = "\n".join(line for line in text.split("\n") if not line.startswith(f"{code},"))
        table.replace_table(session, text, by=None, note="test")


def test_the_thai_weather_service_is_context_for_the_city(town: None, source: Answers) -> None:
    """An index and its documents: each is had once, the newest of a title holds, and a province proposes nothing."""
    tmd = declare("tmd", "cap", f"{source.url}/index", options={"newest_by_title": True})
    use_table()
    source.by_path["/index"] = (200, XML, index_rss(f"{source.url}/1.xml", f"{source.url}/2.xml"))
    source.by_path["/1.xml"] = (200, XML, alert_xml("T1", sent="2026-11-20T16:30:00+07:00"))
    source.by_path["/2.xml"] = (200, XML, alert_xml("T2"))
    first, second = ask(tmd), ask(tmd)
    assert (first.new, first.ended, second.new, second.repeated) == (2, 1, 0, 0)
    assert [path for _, path, _ in source.seen] == ["/index", "/1.xml", "/2.xml", "/index"]
    one, two = warnings()
    assert [(row.identifier, row.state, row.replaced_by) for row in (one, two)] == [
        ("T1", "replaced", two.id), ("T2", "current", None),
    ]  # fmt: skip
    assert (two.acts_as, two.level, two.is_wide, two.reach, zones(two.id)) == (
        "context", 1, True, "touching", ["A", "B"],
    )  # fmt: skip
    assert alerts() == []
    # The times inside the documents count; the index says +0700 and means UTC.
    assert two.sent_at.hour == 2
    assert health(tmd).newest_sent_at == two.sent_at
    assert [documents.body_of(one) for one in kept("read") if one.address.endswith("2.xml")] == [alert_xml("T2")]


def test_buddhist_years_are_read_and_flagged(town: None, source: Answers) -> None:
    """2569 is 2026: such a warning runs out like every other."""
    tmd = declare("tmd", "cap", f"{source.url}/one")
    body = alert_xml(sent="2569-11-21T09:30:00+07:00", expires="2569-11-21T21:00:00+07:00")
    source.by_path["/one"] = (200, XML, body)
    ask(tmd)
    (row,) = warnings()
    assert (row.sent_at.year, row.expires_at.year) == (2026, 2026)
    assert "buddhist_year" in {one["code"] for one in row.findings}


def test_a_small_outline_proposes_once_and_follows_its_updates(town: None, source: Answers) -> None:
    """Asked again: nothing new. An update keeps the proposal, a cancel ends it, an unknown reference is flagged."""
    cap = declare("cap", "cap", f"{source.url}/one")
    use_table()
    source.by_path["/one"] = (200, XML, alert_xml("C1", polygon=ZONE_A, code=""))
    ask(cap)
    ask(cap)
    (proposal,) = alerts()
    (row,) = warnings()
    assert (proposal.source, proposal.outside_id, proposal.level, proposal.state) == ("outside", row.id, 2, "proposed")
    (piece,) = [one for one in proposal.evidence if one["kind"] == "outside"]
    assert (piece["source"], piece["is_reason"], piece["age_s"]) == ("cap", True, 1800)
    assert "ฝนตกหนักถึงหนักมาก" in piece["text"]["th"]
    assert "30 min ago" in piece["text"]["en"]
    reference = "TMD,C1,2026-11-21T09:30:00+07:00"
    update = {"message_type": "Update", "references": f"{reference} TMD,NEVER,2026-11-20T09:30:00+07:00"}
    small = {"polygon": ZONE_A, "code": ""}
    source.by_path["/one"] = (200, XML, alert_xml("C2", sent="2026-11-21T09:40:00+07:00", **small, **update))
    ask(cap)
    first, second = warnings()
    assert (first.state, second.state) == ("replaced", "current")
    assert "unknown_reference" in {one["code"] for one in second.findings}
    assert [(one.id, one.outside_id, one.state) for one in alerts()] == [(proposal.id, second.id, "proposed")]
    cancel = {"message_type": "Cancel", "references": "TMD,C2,2026-11-21T09:40:00+07:00"}
    source.by_path["/one"] = (200, XML, alert_xml("C3", sent="2026-11-21T09:50:00+07:00", **small, **cancel))
    ask(cap)
    assert [row.state for row in warnings()] == ["replaced", "cancelled", "over"]
    assert [one.state for one in alerts()] == ["withdrawn"]


def test_what_is_no_real_warning_never_proposes(town: None, source: Answers) -> None:
    """A test, an exercise, a message about the system: each is shown with what it is."""
    cap = declare("cap", "cap", f"{source.url}/one")
    use_table()
    for status in ("Test", "Exercise", "System"):
        source.by_path["/one"] = (200, XML, alert_xml(status, polygon=ZONE_A, code="", status=status))
        ask(cap)
    assert [(row.status, row.acts_as, row.state) for row in warnings()] == [
        ("Test", "context", "current"), ("Exercise", "context", "current"), ("System", "context", "current"),
    ]  # fmt: skip
    assert alerts() == []


def test_high_water_at_a_station_proposes_rises_and_ends(
    town: None, source: Answers, frozen_clock: Callable[..., None]
) -> None:
    """4 proposes level 2, 5 level 3; silence takes nothing back before the clock does; 3 ends it; 1 is no flood."""
    water = declare("water", "thaiwater_level", f"{source.url}/list", options={"stations": [7001]})
    use_table()

    def said(situation: object, at: str) -> list[tuple[int, str]]:
        source.by_path["/list"] = (200, JSON, level_list(situation, at=at))
        ask(water)
        return [(one.level, one.state) for one in alerts()]

    assert said(1, "2026-11-21 09:00") == []
    assert said(4, "2026-11-21 09:10") == [(2, "proposed")]
    assert said(4, "2026-11-21 09:20") == [(2, "proposed")]
    assert said(5, "2026-11-21 09:30") == [(2, "withdrawn"), (3, "proposed")]
    assert said(None, "2026-11-21 09:40") == [(2, "withdrawn"), (3, "proposed")]
    assert said(3, "2026-11-21 09:50") == [(2, "withdrawn"), (3, "withdrawn")]
    assert [(row.state, row.issues) for row in warnings()] == [("over", 3)]
    assert len(kept("read")) <= 2


def test_a_warning_runs_out_by_the_clock(
    town: None, source: Answers, frozen_clock: Callable[..., None]
) -> None:
    """Without any job it is shown no longer; the sweep takes back what it proposed and nobody decided."""
    water = declare("water", "thaiwater_level", f"{source.url}/list", options={"stations": ["7001"]})
    use_table()
    source.by_path["/list"] = (200, JSON, level_list(5))
    ask(water)
    late = warnings()[0].expires_at
    with transaction() as session:
        assert len(queries.current(session, now=NOW)) == 1
        assert queries.current(session, now=late) == []
    frozen_clock(late)
    with transaction() as session:
        tasks.sweep_outside.run(session)
    assert [one.state for one in alerts()] == ["withdrawn"]


def test_what_the_table_says_later_counts_at_once(town: None, source: Answers) -> None:
    """A new version maps what holds; without a row a proposal is taken back; the same table is no new version."""
    water = declare("water", "thaiwater_level", f"{source.url}/list", options={"stations": [7001]})
    source.by_path["/list"] = (200, JSON, level_list(5))
    ask(water)
    assert (warnings()[0].acts_as, alerts()) == ("context", [])
    use_table()
    use_table()
    ask(water)
    assert [one.state for one in alerts()] == ["proposed"]
    assert (warnings()[0].mapped_version, warnings()[0].mapped_row) == (1, 1)
    use_table(TABLE.split("\n")[0] + "\nwater,flood,,station,7001,,B,1,context,\n")
    ask(water)
    assert (warnings()[0].mapped_version, [one.state for one in alerts()]) == (2, ["withdrawn"])


def test_each_due_source_has_one_job(town: None, source: Answers) -> None:
    """Who is due is asked by a job of its own, once, whatever becomes of it; who is switched off or sends is not."""
    first = declare("cap", "cap", f"{source.url}/one")
    declare("off", "cap", f"{source.url}/two", is_enabled=False)
    declare("river", "webhook", None)
    for _ in range(2):
        with transaction() as session:
            tasks.ask_outsides.run(session)
    with transaction() as session:
        waiting = session.execute(
            sa.text("SELECT args, lock FROM procrastinate_jobs WHERE task_name = 'alerts.ask_outside'")
        ).all()
    assert [tuple(one) for one in waiting] == [({"source_id": first}, f"outside:{first % tasks.LANES}")]
    with transaction() as session, pytest.raises(InvalidInputError, match="sends by itself"):
        tasks.ask_now(session, "river")
    with transaction() as session, pytest.raises(ConflictError, match="switched off"):
        tasks.ask_now(session, "off")


def test_dwr_is_asked_by_post(town: None, source: Answers) -> None:
    """Its list answers a form."""
    dwr = declare("dwr", "dwr", f"{source.url}/stn", options={"provinces": ["นครศรีธรรมราช"]})
    row = '[{"stn":"S1","name":"บ้านเขา","province":"นครศรีธรรมราช","status":"2","date":"21/11/69 09:45 น."}]'
    source.by_path["/stn"] = (200, JSON, row.encode())
    assert ask(dwr).new == 1
    assert source.seen == [("POST", "/stn", b"action=LoadStation")]
    assert warnings()[0].hazard == "flash_flood"


BAD: dict[str, tuple[int, dict[str, str], bytes]] = {
    "cap_refused": (200, XML, b"<alert><not-closed>"),
    "http_status": (500, {}, b"Traceback"),
    "sign_in": (403, {}, b""),
    "redirected": (302, {"Location": "http://localhost:1/elsewhere"}, b""),
    "busy": (429, {"Retry-After": "7200"}, b""),
    "broken_answer": (200, XML | {"Content-Encoding": "gzip"}, b"\x1f\x8b\x08 no gzip"),
    "too_large": (200, XML | {"Content-Encoding": "gzip"}, gzip.compress(b" " * 60_000_000)),
}


def test_every_bad_answer_is_a_sentence_and_waits_longer(town: None, source: Answers) -> None:
    """Refusals, redirects to others, a packed bomb: words, failing since when, the next attempt; nothing is stored."""
    for trouble, answer in BAD.items():
        source.by_path[f"/{trouble}"] = answer
        source_id = declare(trouble, "cap", f"{source.url}/{trouble}")
        result = ask(source_id)
        assert (result.is_success, result.trouble) == (False, trouble)
        told = health(source_id)
        assert (told.failures, told.trouble, told.last_success_wall_at) == (1, trouble, None)
        assert told.failing_since_wall_at is not None
        assert told.next_attempt_wall_at is not None
        wait_s = (told.next_attempt_wall_at - clock.wall_now()).total_seconds()
        assert 7100 < wait_s <= 7200 if trouble == "busy" else 10 < wait_s <= 30
        ask(source_id)
        assert health(source_id).failures == 2
        assert health(source_id).failing_since_wall_at == told.failing_since_wall_at
    assert warnings() == []
    # What came whole and is none of it is kept, once, for somebody to look at.
    assert [documents.body_of(one) for one in kept("refused")] == [BAD["cap_refused"][2]]


def test_nobody_there_is_said(town: None) -> None:
    """A port at which nobody answers is a failure with a sentence."""
    assert ask(declare("cap", "cap", f"http://127.0.0.1:{free_port()}/x")).trouble == "unreachable"


def test_a_redirect_loop_ends(town: None, source: Answers) -> None:
    """From one address to the next without end is told after a few."""
    source.by_path["/loop"] = (302, {"Location": "/loop"}, b"")
    assert ask(declare("cap", "cap", f"{source.url}/loop")).trouble == "redirected"
    assert len(source.seen) == 4


def test_an_index_leads_only_where_it_was_declared_to(town: None, source: Answers) -> None:
    """A link to another host is not followed unless it is declared; the others are."""
    links = (f"http://localhost:{free_port()}/x", f"{source.url}/1.xml")
    source.by_path["/index"] = (200, XML, index_rss(*links))
    source.by_path["/1.xml"] = (200, XML, alert_xml())
    result = ask(declare("cap", "cap", f"{source.url}/index"))
    assert (result.is_success, result.new, result.trouble) == (True, 1, "redirected")
    assert [path for _, path, _ in source.seen] == ["/index", "/1.xml"]


def test_one_bad_document_hides_no_other(town: None, source: Answers) -> None:
    """It is kept with its reason, not asked for again at once, and the source says what is wrong with it."""
    cap = declare("cap", "cap", f"{source.url}/index")
    source.by_path["/index"] = (200, XML, index_rss(*(f"{source.url}/{name}" for name in ("bad", "none", "good"))))
    source.by_path["/bad"] = (200, XML, b"<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><alert>&e;</alert>")
    source.by_path["/good"] = (200, XML, alert_xml())
    result = ask(cap)
    assert (result.is_success, result.new, result.trouble) == (True, 1, "http_status")
    (refused,) = kept("refused")
    assert (refused.reason, refused.address) == ("cap_refused", f"{source.url}/bad")
    assert "DOCTYPE" in (refused.detail or "")
    source.seen.clear()
    ask(cap)
    assert [path for _, path, _ in source.seen] == ["/index", "/none"]


def test_what_would_break_the_house_is_refused_or_shortened(town: None, source: Answers) -> None:
    """A year at the end of time, an endless identifier or link: nothing of it stops what comes after."""
    cap = declare("cap", "cap", f"{source.url}/index")
    names = ("late", "early", "long", "good")
    links = (f"{source.url}/{'x' * 5_000}", *(f"{source.url}/{name}" for name in names))
    source.by_path["/index"] = (200, XML, index_rss(*links))
    source.by_path["/late"] = (200, XML, alert_xml("L", sent="9999-12-31T23:59:59-07:00"))
    source.by_path["/early"] = (200, XML, alert_xml("E", expires="0001-01-01T00:00:00+07:00"))
    source.by_path["/long"] = (200, XML, alert_xml("I" * 10_000))
    source.by_path["/good"] = (200, XML, alert_xml("G", references="TMD," + "I" * 10_000 + ",2026-11-21T09:30:00+07:00",
                                                   message_type="Update"))  # fmt: skip
    assert ask(cap).is_success
    assert [(len(row.identifier), row.state) for row in warnings()] == [(141, "replaced"), (1, "current")]
    assert [one.address.rpartition("/")[2] for one in kept("refused")] == ["late", "early"]
    (shown,) = [row for row in warnings() if row.state == "current"]
    assert shown.findings == []


def test_unchanged_is_not_sent_again(town: None, source: Answers) -> None:
    """What was read whole is asked for with its mark; 304 is a success that says nothing new."""
    cap = declare("cap", "cap", f"{source.url}/one")
    source.by_path["/one"] = (200, XML | {"ETag": '"1"'}, alert_xml())
    ask(cap)
    assert health(cap).etag == '"1"'
    source.by_path["/one"] = (304, {"ETag": '"1"'}, b"")
    result = ask(cap)
    assert (result.is_success, result.new, result.repeated) == (True, 0, 0)
    assert len(warnings()) == 1


def test_a_missing_certificate_is_added_and_verification_never_off(town: None, tmp_path: Path) -> None:
    """A leaf sent alone is refused until the authority between is given, and a root is needed all the same."""
    chain = make_chain(tmp_path)
    with Server(chain.leaf) as answers:
        answers.by_path["/one"] = (200, XML, alert_xml())
        url = f"{answers.url}/one"
        for extra in (None, chain.root_pem, chain.between_pem):
            result = ask(declare("cap", "cap", url, extra_ca_pem=extra))
            assert (result.is_success, result.trouble) == (False, "untrusted")
            assert "certificate" in (result.detail or "")
        whole = chain.root_pem + chain.between_pem
        assert ask(declare("cap", "cap", url, extra_ca_pem=whole)).new == 1
        wrong_name = url.replace("localhost", "127.0.0.1")
        assert ask(declare("named", "cap", wrong_name, extra_ca_pem=whole)).trouble == "untrusted"


def test_only_authorities_are_added_to_the_trust(town: None, tmp_path: Path) -> None:
    """A server's own certificate, or a text that is none, is refused when it is declared."""
    chain = make_chain(tmp_path)
    leaf = "-----BEGIN CERT" + chain.leaf.read_text().partition("-----BEGIN CERT")[2]
    for pem, why in ((leaf, "no authority"), ("hello", "no certificates")):
        with pytest.raises(InvalidInputError, match=why):
            declare("cap", "cap", "https://localhost/x", extra_ca_pem=pem)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not beside the project")
def test_all_samples_pass_through_the_house(town: None, source: Answers) -> None:
    """Real alerts and broken ones of all the world: read and kept, or refused and kept; attacks do nothing."""
    paths = sorted(SAMPLES.iterdir())
    for path in paths:
        source.by_path[f"/{path.name}"] = (200, XML, path.read_bytes())
    source.by_path["/index"] = (200, XML, index_rss(*(f"{source.url}/{path.name}" for path in paths)))
    assert ask(declare("cap", "cap", f"{source.url}/index")).is_success
    refused = {one.address.rpartition("/")[2] for one in kept("refused")}
    read = {one.address.rpartition("/")[2] for one in kept("read")}
    assert {"xee.cap", "xee.atom", "invalid.cap", "bushfire_invalid.edxlde", "weather_invalid.atom"} <= refused
    assert {"canada.cap", "australia.cap", "ph.cap", "bushfire_valid.edxlde", "TMD20260925163420_2.excerpt.xml"} <= read
    assert (len(refused) + len(read), all(one.detail for one in kept("refused"))) == (len(paths) + 1, True)
    shown = [text for row in warnings() for words in row.words.values() for text in words.values()]
    assert shown
    assert not any("root:" in text for text in shown)
