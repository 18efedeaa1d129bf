"""Partners are told without asking: in Traffy's shape, signed, in order, once, and nothing that they did themselves."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import sqlalchemy as sa

from core import clock, jobs
from core.db import transaction
from core.errors import ConflictError, InvalidInputError, NotFoundError, SetupError
from core.events import EventRecord
from gis.points import LonLat
from incidents import actions, merging
from incidents.exchange import hook_client, hook_queries, hooks, keys, tasks, traffy
from incidents.exchange.errors import HookAwayError, KeyRefusedError
from incidents.exchange.hook_client import HookClient, read_address
from incidents.exchange.traffy_server import stable_number
from incidents.rules import NewReport
from tests.api.ways.conftest import NOW
from tests.api.ways.receiver import Heard, Receiver, listening

if TYPE_CHECKING:
    from tests.api.ways.conftest import Ways

HERE = HookClient(is_live=False)


@pytest.fixture
def receiver(ways: Ways) -> Iterator[Receiver]:
    """The first partner's server; the partner is told from now on, until the test ends."""
    with listening() as made:
        made.secret = _register("partner", made)
        yield made
        _forget("partner")


@pytest.fixture(autouse=True)
def _time_goes_on(ways: Ways) -> Iterator[None]:
    """Each look at the clock is a moment later, as outside of tests."""
    ticks = iter(range(1, 1_000_000))
    clock.freeze(lambda: NOW + timedelta(milliseconds=next(ticks)))
    yield
    clock.freeze(lambda: NOW)


def _register(name: str, receiver: Receiver) -> str:
    with transaction() as session:
        return hooks.register(session, name=name, url=receiver.url, client=HERE)


def _forget(name: str) -> None:
    with transaction() as session:
        hooks.remove(session, name)


def _gather() -> list[int]:
    """What happened waits for the partners; whose job is begun."""
    with transaction() as session:
        return hooks.gather(session)


def _tell_all() -> None:
    """Every partner has heard everything, as the beat and the jobs do it."""
    for hook_id in _gather():
        while _tell_one(hook_id):
            pass


def _tell_one(hook_id: int) -> bool:
    with transaction() as session:
        return hooks.tell_next(session, hook_id, HERE)


def _hook(name: str = "partner") -> hook_queries.HookRow:
    with transaction() as session:
        return next(one for one in hook_queries.hooks(session) if one.name == name)


def _call(ways: Ways, path: str, *, who: str = "partner", method: str = "POST", **given: Any) -> dict[str, Any]:
    body = {"token_secret_key": ways.keys[who], **given}
    answer: httpx.Response = ways.client.request(method, f"/exchange-api/{path}", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def _walk(number: str, *states: str, reason: str = "", by: str = "officer") -> None:
    for state in states:
        with transaction() as session:
            asked = sa.text("SELECT id FROM incident WHERE number = :n")
            incident_id = session.execute(asked, {"n": number}).scalar_one()
            actions.change_state(session, incident_id, state, by=by, reason=reason)


def _told_by_phone(spot: dict[str, str], *, category: str, text: str, source: str = "pin") -> str:
    """The number of an incident that came by no open door."""
    with transaction() as session:
        place = LonLat(lon=float(spot["long"]), lat=float(spot["lat"]))
        new = NewReport(text=text, category_code=category, place=place, place_source=source, source="phone")
        return actions.receive_report(session, new)[1].number


def _count(table: str) -> int:
    with transaction() as session:
        return int(session.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608 - ours.


# ── What is told ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_incident_and_its_states_are_told_as_traffy_tells_them(ways: Ways, receiver: Receiver) -> None:
    """POST and PATCH in Traffy's shape, Thai time without a zone, whole numbers of agencies and kinds, signed."""
    number = ways.reported(description="หลุมใหญ่ โทร 0812345678")
    _walk(number, "accepted", "in_progress")
    _walk(number, "done", reason="ซ่อมแล้ว โทรถาม 0898765432")
    _tell_all()
    first, *steps = receiver.heard
    shown = ways.shown(number)
    with transaction() as session:
        kind = session.execute(sa.text("SELECT name_th FROM category WHERE code = 'road'")).scalar_one()
    assert first.path == "/hook/their-secret-word"
    assert first.body == {
        "timestamp": first.body["timestamp"], "ticket_id": number, "description": "หลุมใหญ่ โทร …",
        "type_id": stable_number("road"), "type": kind,
        "photo": [], "latitude": float(shown["lat"]), "longitude": float(shown["long"]),
        "address": shown["address"] or "",
        "orgs": [{"org_id": stable_number("works"), "org": "งาน works"}],
    }
    assert [one.method for one in receiver.heard] == ["POST", "PATCH", "PATCH", "PATCH"]
    assert [one.body["status"] for one in steps] == ["รับเรื่อง", "กำลังดำเนินการ", "เสร็จสิ้น"]
    assert [set(one.body) for one in steps] == [{"timestamp", "ticket_id", "org", "status", "note", "photo"}] * 3
    assert steps[-1].body["note"] == f"ซ่อมแล้ว โทรถาม … ({number})"
    assert steps[0].body["org"] == "งาน works"
    assert all(one.is_signed for one in receiver.heard)
    assert len({one.event_id for one in receiver.heard}) == 4


def test_our_own_reader_of_traffys_webhooks_reads_ours(ways: Ways, receiver: Receiver) -> None:
    """Another city with Faonam reads them without a finding, and the times of its steps go forward."""
    number = ways.reported()
    _walk(number, "accepted", "in_progress", "done")
    _tell_all()
    read = [traffy.read_hook(one.method, one.body) for one in receiver.heard]
    assert [findings for _, findings in read] == [()] * 4
    issue, *steps = [news for news, _ in read]
    assert isinstance(issue, traffy.Issue)
    assert [step.state for step in steps if isinstance(step, traffy.StatusNews)] == ["accepted", "in_progress", "done"]
    times = [step.at for step in steps if isinstance(step, traffy.StatusNews)]
    assert times == sorted(set(times))


def test_steps_of_one_moment_are_told_one_after_the_other(ways: Ways, receiver: Receiver) -> None:
    """Who goes forward through several states at once writes one time for all: a receiver must not drop the last."""
    number = ways.reported()
    clock.freeze(lambda: NOW + timedelta(minutes=5))
    with transaction() as session:
        incident_id = session.execute(sa.text("SELECT id FROM incident WHERE number = :n"), {"n": number}).scalar_one()
        actions.advance_state(session, incident_id, "done", by="officer", reason="")
    _tell_all()
    times = [traffy.read_time(one.body["timestamp"]) for one in receiver.heard[1:]]
    assert len(set(times)) == 3
    assert receiver.told()[-1] == ("PATCH", number, "เสร็จสิ้น")
    assert times == sorted(times, key=lambda at: at or NOW)


def test_hidden_matters_are_never_told_and_coarse_ones_are_coarse(ways: Ways, receiver: Receiver) -> None:
    """What Open311 does not show does not leave; what it rounds is rounded, without words; nobody is named."""
    hidden = _told_by_phone(ways.spot(), category="safety", text="เห็นขโมย")
    spot = ways.spot()
    coarse = _told_by_phone(spot, category="flooded_home", text="บ้านคุณสมศรีน้ำท่วม 0812345678", source="home")
    _walk(hidden, "accepted")
    _walk(coarse, "accepted", "in_progress")
    _walk(coarse, "done", reason="ช่วยคุณสมศรีแล้ว")
    _tell_all()
    assert hidden not in str(receiver.heard)
    (first, *_, last) = [one for one in receiver.heard if one.body["ticket_id"] == coarse]
    assert (first.body["latitude"], first.body["longitude"]) != (float(spot["lat"]), float(spot["long"]))
    assert first.body["description"] == first.body["type"]
    assert "สมศรี" not in str(receiver.heard)
    assert last.body["note"] == f"เสร็จสิ้น ({coarse})"


def test_what_is_hidden_before_it_is_told_is_not_told(ways: Ways, receiver: Receiver) -> None:
    """The body is made when it is sent, not when it happened."""
    number = ways.reported(service_code="noise", description="เสียงดัง")
    for hook_id in _gather():
        with transaction() as session:
            session.execute(sa.text("UPDATE open_service SET exposure = 'hidden' WHERE category_code = 'noise'"))
        while _tell_one(hook_id):
            pass
    assert number not in str(receiver.heard)


def test_nothing_before_the_registration_is_told_but_what_goes_on(ways: Ways) -> None:
    """An incident that was there already is introduced with its next step."""
    old, silent = ways.reported(), ways.reported()
    with listening() as receiver:
        receiver.secret = _register("partner", receiver)
        _walk(old, "accepted")
        _tell_all()
        assert receiver.told() == [("POST", old, ""), ("PATCH", old, "รับเรื่อง")]
        assert silent not in str(receiver.heard)
        _forget("partner")


def test_an_agencys_partner_is_told_of_that_agencys_incidents(ways: Ways) -> None:
    """Also once it is asked in or handed one, with the issue first; and that one was handed away, but nothing after."""
    with listening() as receiver:
        receiver.secret = _register("works", receiver)
        waste, drain = ways.reported(service_code="waste", description="ขยะ"), ways.reported(service_code="drain")
        _tell_all()
        assert receiver.told() == [("POST", drain, "")]
        clerk, works = stable_number("clerk"), stable_number("works")
        asked = {"ticket_id": waste, "origin_group": clerk, "destination_group": [works], "scenario": 1}
        assert _call(ways, "join-forward/v1", **asked)["status"] == "success"
        with transaction() as session:
            known = sa.text("SELECT id FROM incident WHERE number = :n")
            drain_id = session.execute(known, {"n": drain}).scalar_one()
            actions.send_on(session, drain_id, "clerk", by="officer", reason="")
        _walk(drain, "accepted")
        _tell_all()
        assert receiver.told()[1:] == [("POST", waste, ""), ("PATCH", drain, "ส่งต่อ")]
        _forget("works")


def test_a_merged_incident_is_told_as_closed(ways: Ways, receiver: Receiver) -> None:
    """A partner's list does not keep it open for ever; taken apart again it is open again."""
    spots = [ways.spot(), ways.spot()]
    one, other = (ways.reported(description=f"หลุม {at['lat']}", **at) for at in spots)
    _tell_all()
    with transaction() as session:
        ids = [
            session.execute(sa.text("SELECT id FROM incident WHERE number = :n"), {"n": number}).scalar_one()
            for number in (one, other)
        ]
        merging.merge_incidents(session, ids[0], ids[1], by="officer", reason="")
    _tell_all()
    assert receiver.told()[2:] == [("PATCH", other, "ปิดเรื่อง")]
    with transaction() as session:
        merging.undo_merge(session, ids[1], by="officer")
    _tell_all()
    assert receiver.told()[3:] == [("PATCH", other, "รอรับเรื่อง")]


# ── Nothing goes back ────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_partner_did_is_told_to_others_and_not_to_itself(ways: Ways, receiver: Receiver) -> None:
    """Neither its own report nor its own step; what an officer does with its report is told under its number."""
    with listening() as second:
        second.secret = _register("works", second)
        spot = ways.spot()
        made = _call(ways, "new-issue/v1", latitude=spot["lat"], longitude=spot["long"], category_name_th="ท่อระบายน้ำ",
                     description="ท่อตัน")
        number = made["results"]["ticket_id"]
        step = {"ticket_id": number, "note": "รับ", "state_name": "รับเรื่อง"}
        assert _call(ways, "update-issue/v1", method="PATCH", **step)["status"] == "success"
        _walk(number, "in_progress")
        _tell_all()
        assert receiver.told() == [("PATCH", number, "กำลังดำเนินการ")]
        expected = [("POST", number, ""), ("PATCH", number, "รับเรื่อง"), ("PATCH", number, "กำลังดำเนินการ")]
        assert second.told() == expected
        _forget("works")


def test_a_report_that_joined_anothers_is_told_under_both_numbers(ways: Ways, receiver: Receiver) -> None:
    """The partner was given a number of its own for it, and follows that one."""
    spot = ways.spot()
    number = ways.reported(description="หลุมใหญ่กลางถนน", **spot)
    joined = _call(ways, "new-issue/v1", latitude=spot["lat"], longitude=spot["long"], type_name="Road",
                   category_name_th="ถนน", description="หลุมใหญ่กลางถนน")["results"]["ticket_id"]
    assert joined.startswith(f"{number}-")
    _walk(number, "accepted")
    _tell_all()
    assert receiver.told() == [("POST", number, ""), ("PATCH", number, "รับเรื่อง"), ("PATCH", joined, "รับเรื่อง")]


def test_what_came_from_traffy_does_not_go_back_to_traffy(ways: Ways) -> None:
    """An address that belongs to Traffy's own key hears nothing of its tickets, whoever moves them; others do."""
    with transaction() as session:
        ways.keys["fondue"] = keys.make_key(session, name="fondue", scopes=["traffy-hook", "traffy-read"])
    with listening() as theirs, listening() as other:
        theirs.secret, other.secret = _register("fondue", theirs), _register("partner", other)
        spot = ways.spot()
        ticket = {
            "timestamp": "2026-11-21 09:30:00.000000", "ticket_id": "T-HOOKS", "description": "ไฟดับ", "type": "แสงสว่าง",
            "latitude": float(spot["lat"]), "longitude": float(spot["long"]), "orgs": [],
        }
        address = f"/traffy/hook/{ways.keys['fondue']}"
        assert ways.client.post(address, json=ticket).json()["results"] == {"is_new": True}
        step = {"timestamp": "2026-11-21 11:00:00.000000", "ticket_id": "T-HOOKS", "status": "รับเรื่อง", "note": "x"}
        assert ways.client.patch(address, json=step).json()["results"] == {"is_new": True}
        with transaction() as session:
            number = session.execute(
                sa.text("SELECT i.number FROM foreign_id f JOIN incident i ON i.id = f.incident_id "
                        "WHERE f.system = 'traffy' AND f.foreign_id = 'T-HOOKS'")
            ).scalar_one()
        _walk(number, "in_progress")
        mine = ways.reported()
        _tell_all()
        assert theirs.told() == [("POST", mine, "")]
        assert [call for call in other.told() if call[1] == number][-1] == ("PATCH", number, "กำลังดำเนินการ")
        # Our own webhook, sent to where Traffy's come in: it is known.
        reports = _count("report")
        for one in theirs.heard + other.heard:
            answer = ways.client.request(one.method, address, json=one.body)
            assert answer.json()["results"] == {"is_new": False}, one
        assert _count("report") == reports
        for name in ("fondue", "partner"):
            _forget(name)


_ECHOES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "as it came": lambda body: body,
    "with our number as its own": lambda body: {
        **{name: value for name, value in body.items() if name != "ticket_id"}, "client_ticket_id": body["ticket_id"],
    },
    "as new": lambda body: {name: value for name, value in body.items() if name != "ticket_id"},
    "with the state by name": lambda body: {**body, "state_name": body.get("status")},
    "without its time": lambda body: {
        **{name: value for name, value in body.items() if name != "timestamp"}, "state_name": body.get("status"),
    },
    "with words of its own": lambda body: {**body, "state_name": body.get("status"), "note": "ส่งกลับ"},
}


@pytest.mark.parametrize("seed", range(6))
def test_echoing_webhooks_make_nothing(ways: Ways, receiver: Receiver, seed: int) -> None:
    """Whatever officers do, and however a partner sends back what it hears, at once or late, twice or in disorder:
    there is no report, no step and no call more than without it.
    """
    chance = random.Random(seed)
    later: list[Heard] = []
    answered: list[str] = []

    def echo(heard: Heard) -> None:
        path = "new-issue/v1" if heard.method == "POST" else "update-issue/v1"
        changed = _ECHOES[chance.choice(sorted(_ECHOES))](heard.body)
        answered.append(_call(ways, path, method=heard.method, **changed)["status"])

    def on_call(heard: Heard) -> None:
        later.extend([heard] * chance.randrange(3))
        if chance.random() < 0.5:
            echo(heard)  # Before the partner has answered.

    receiver.on_call = on_call
    numbers = [ways.reported(description=f"หลุม {seed} {turn}") for turn in range(3)]
    before = _count("report"), _count("incident")
    made = 3
    for _ in range(24):
        number = chance.choice(numbers)
        with transaction() as session:
            asked = sa.text("SELECT id, state FROM incident WHERE number = :n")
            row = session.execute(asked, {"n": number}).one()
            following = {
                "new": ["accepted"], "accepted": ["in_progress"], "in_progress": ["done", "accepted"],
                "done": ["reopened", "closed"], "closed": ["reopened"], "reopened": ["accepted"],
            }[row.state]
            actions.change_state(session, row.id, chance.choice(following), by="officer", reason="")
        made += 1
        if chance.random() < 0.6:
            _tell_all()
        chance.shuffle(later)
        while later and chance.random() < 0.4:
            echo(later.pop())
    _tell_all()
    chance.shuffle(later)
    for heard in later:
        echo(heard)
    _tell_all()
    assert len(answered) > 20
    assert (_count("report"), _count("incident")) == before
    with transaction() as session:
        by_partner = session.execute(
            sa.text("SELECT count(*) FROM incident_change h JOIN incident i ON i.id = h.incident_id "
                    "WHERE i.number = ANY(:numbers) AND h.changed_by = 'exchange:partner'"), {"numbers": numbers},
        ).scalar_one()
    assert by_partner == 0
    assert len(receiver.heard) == made
    assert len({one.event_id for one in receiver.heard}) == made


def test_an_honest_step_after_ours_is_no_echo(ways: Ways, receiver: Receiver) -> None:
    """We told of an end, it was opened again, the partner ends it anew: that is its own news."""
    number = ways.reported()
    _walk(number, "accepted", "in_progress", "done", "reopened")
    _tell_all()
    step = {"ticket_id": number, "note": "เสร็จสิ้น", "state_name": "เสร็จสิ้น"}
    assert _call(ways, "update-issue/v1", method="PATCH", **step)["status"] == "success"
    assert ways.shown(number)["status"] == "closed"


def test_an_echo_by_open311_makes_nothing_either(ways: Ways) -> None:
    """A partner with both doors cannot bring back by one what it heard by the other."""
    with transaction() as session:
        ways.keys["both"] = keys.make_key(session, name="both", scopes=["traffy-read", "open311"], per_minute=1000)
    with listening() as receiver:
        receiver.secret = _register("both", receiver)
        ways.reported(description="หลุมลึก")
        _tell_all()
        (heard,) = receiver.heard
        reports = _count("report")
        answer = ways.post(
            api_key=ways.keys["both"], description=heard.body["description"], lat=heard.body["latitude"],
            long=heard.body["longitude"],
        )
        assert answer.status_code == 400
        assert _count("report") == reports
        _forget("both")


# ── Who does not listen ──────────────────────────────────────────────────────────────────────────────────────────────


def _try(hook_id: int) -> str:
    """What came of one attempt, as the job sees it."""
    try:
        return "more" if _tell_one(hook_id) else "done"
    except HookAwayError as fault:
        return fault.detail


@pytest.mark.parametrize("status", [500, 503, 429, 404, 302])
def test_what_is_not_taken_is_told_again_in_order_under_the_same_id(
    ways: Ways, receiver: Receiver, status: int
) -> None:
    """Nothing overtakes what failed; a redirect is not followed; then all is told and the partner is well."""
    number = ways.reported()
    _walk(number, "accepted")
    (hook_id,) = _gather()
    receiver.answers = [status, status]
    assert [_try(hook_id) for _ in range(2)] == [f"partner does not take webhooks: HTTP {status}"] * 2
    assert (_hook().failures, _hook().fault, _hook().paused_wall_at) == (2, f"HTTP {status}", None)
    while _try(hook_id) == "more":
        pass
    assert receiver.told() == [("POST", number, "")] * 3 + [("PATCH", number, "รับเรื่อง")]
    assert len({one.event_id for one in receiver.heard}) == 2
    assert {one.path for one in receiver.heard} == {"/hook/their-secret-word"}
    assert (_hook().failures, _hook().fault, _hook().waiting) == (0, "", 0)


def test_what_a_partner_refuses_is_not_told_again_and_holds_up_nothing(ways: Ways, receiver: Receiver) -> None:
    """400 or 422 will be the same tomorrow: it is counted, and the next line is told."""
    first, second = ways.reported(), ways.reported()
    (hook_id,) = _gather()
    receiver.answers = [422]
    while _try(hook_id) == "more":
        pass
    assert receiver.told() == [("POST", first, ""), ("POST", second, "")]
    assert (_hook().refused, _hook().waiting, _hook().failures) == (1, 0, 0)


def test_a_dead_partner_is_paused_shown_and_taken_up_again(ways: Ways, receiver: Receiver) -> None:
    """After the last attempt nothing is sent until an operator resumes; then it is told all that happened meanwhile."""
    number = ways.reported()
    (hook_id,) = _gather()
    receiver.answers = [500] * hooks.MOST_FAILURES
    tries = [_try(hook_id) for _ in range(hooks.MOST_FAILURES)]
    assert tries == ["partner does not take webhooks: HTTP 500"] * (hooks.MOST_FAILURES - 1) + ["done"]
    assert _hook().paused_wall_at is not None
    with transaction() as session:
        news = session.scalars(sa.select(EventRecord).order_by(EventRecord.id.desc()).limit(1)).one()
        assert (news.name, news.payload) == ("incidents.partner_paused", {"partner": "partner"})
    heard = len(receiver.heard)
    _walk(number, "accepted")
    assert _gather() == []
    assert _try(hook_id) == "done"
    assert len(receiver.heard) == heard
    with transaction() as session:
        hooks.resume(session, "partner")
    _tell_all()
    assert receiver.told()[heard:] == [("POST", number, ""), ("PATCH", number, "รับเรื่อง")]
    assert (_hook().paused_wall_at, _hook().fault) == (None, "")


def test_a_partner_that_is_gone_is_paused_at_once(ways: Ways, receiver: Receiver) -> None:
    """410 says that nobody will listen there again."""
    ways.reported()
    (hook_id,) = _gather()
    receiver.answers = [410]
    assert _try(hook_id) == "done"
    assert (_hook().paused_wall_at is not None, _hook().fault) == (True, "HTTP 410")


def test_a_partner_that_answers_too_slowly_counts_as_away(ways: Ways, receiver: Receiver) -> None:
    """The deadline is one for all of the call, so that nobody holds a worker."""
    ways.reported()
    (hook_id,) = _gather()
    receiver.slow_s = 1.0
    hurried = HookClient(is_live=False, deadline_s=0.2)
    with pytest.raises(HookAwayError, match="TimeoutError"), transaction() as session:
        hooks.tell_next(session, hook_id, hurried)
    assert _hook().failures == 1


def test_one_dead_partner_does_not_hold_up_another(ways: Ways, receiver: Receiver) -> None:
    """Each has a job of its own."""
    with listening() as other:
        other.secret = _register("works", other)
        number = ways.reported(service_code="drain")
        receiver.answers = [500]
        outcomes = {_try(hook_id) for hook_id in _gather()}
        assert outcomes == {"partner does not take webhooks: HTTP 500", "more"}
        assert other.told() == [("POST", number, "")]
        _forget("works")


def test_a_line_that_was_committed_late_is_told(ways: Ways, receiver: Receiver) -> None:
    """A slow transaction's line has a lower number than one that was gathered before it."""
    number = ways.reported()
    _tell_all()
    with transaction() as slow:
        incident_id = slow.execute(sa.text("SELECT id FROM incident WHERE number = :n"), {"n": number}).scalar_one()
        actions.change_state(slow, incident_id, "accepted", by="officer", reason="")
        other = ways.reported()
        _tell_all()
    _tell_all()
    assert receiver.told() == [("POST", number, ""), ("POST", other, ""), ("PATCH", number, "รับเรื่อง")]


def test_what_was_told_long_ago_is_forgotten_and_not_told_again(ways: Ways, receiver: Receiver) -> None:
    """Only lines too old to appear anew go; what waits stays, and is told."""
    ways.reported()
    _tell_all()
    heard = len(receiver.heard)
    with transaction() as session:
        session.execute(
            sa.text("UPDATE partner_hook SET seen_change_id = seen_change_id + :many"), {"many": hook_queries.OVERLAP}
        )
    number = ways.reported()
    to_wake = _gather()
    with transaction() as session:
        hook_queries.forget_told(session)
        left = session.scalars(sa.text("SELECT state FROM hook_delivery")).all()
    assert list(left) == ["waiting"]
    while _tell_one(to_wake[0]):
        pass
    _tell_all()
    assert receiver.told()[heard:] == [("POST", number, "")]


def test_a_job_that_was_lost_is_begun_anew(ways: Ways, receiver: Receiver) -> None:
    """One job a partner at a time; where none was seen for longer than any wait, it has been lost."""
    number = ways.reported()
    assert len(_gather()) == 1
    assert _gather() == []  # It waits already.
    with transaction() as session:
        session.execute(sa.text("UPDATE partner_hook SET woken_wall_at = now() - interval '7 hours'"))
    _tell_all()
    assert receiver.told() == [("POST", number, "")]


def test_the_beat_and_the_jobs_tell_by_themselves_and_try_again(ways: Ways, receiver: Receiver) -> None:
    """A worker as the house runs it: one beat, one job a partner, and the queue's own retry after 2 s."""
    number = ways.reported()
    _walk(number, "accepted", "in_progress")
    receiver.answers = [503]
    with transaction() as session:
        session.execute(sa.text("DELETE FROM procrastinate_jobs"))
        tasks.gather_for_partners.run(session)

    async def work_until_told() -> None:
        working = asyncio.create_task(jobs.work(queues=[tasks.tell_partner.queue], concurrency=2, name="tests"))
        while len(receiver.heard) < 4:
            assert not working.done()
            await asyncio.sleep(0.05)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    asyncio.run(asyncio.wait_for(work_until_told(), 60))
    expected = [("POST", number, "")] * 2 + [("PATCH", number, "รับเรื่อง"), ("PATCH", number, "กำลังดำเนินการ")]
    assert receiver.told() == expected


# ── Registered by hand, only where it may go ─────────────────────────────────────────────────────────────────────────


def test_a_partner_is_registered_once_by_a_key_that_reads(ways: Ways, receiver: Receiver) -> None:
    """And not for a key that only writes, that is revoked or that nobody knows; revoking ends it."""
    for name, error in (
        ("partner", ConflictError), ("fms", KeyRefusedError), ("nobody", NotFoundError),
    ):
        with pytest.raises(error), transaction() as session:
            hooks.register(session, name=name, url=receiver.url, client=HERE)
    with transaction() as session:
        keys.make_key(session, name="short-lived", scopes=["traffy-read"])
    _register("short-lived", receiver)
    with transaction() as session:
        keys.revoke_key(session, "short-lived")
        assert "short-lived" not in [one.name for one in hook_queries.hooks(session)]
    with pytest.raises(KeyRefusedError):
        _register("short-lived", receiver)


def test_address_and_secret_are_sealed_and_in_no_log(
    ways: Ways, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither stands in the database as it is, in what officers see, or in what a failure writes."""
    ways.reported()
    receiver.answers = [500]
    with transaction() as session:
        session.execute(sa.text("DELETE FROM procrastinate_jobs"))
        tasks.gather_for_partners.run(session)
        (hook_id,) = session.scalars(sa.text("SELECT id FROM partner_hook")).all()
    with pytest.raises(HookAwayError):
        tasks.tell_partner.task(hook_id=hook_id)
    written = capsys.readouterr()
    with transaction() as session:
        row = session.execute(sa.text("SELECT * FROM partner_hook")).mappings().one()
    everything = f"{dict(row)} {_hook()} {written.out} {written.err}"
    assert "job.failed" in everything
    for word in ("their-secret-word", receiver.secret, receiver.secret.removeprefix("whsec_")):
        assert word not in everything
        assert word.encode() not in bytes(row["url_sealed"]) + bytes(row["secret_sealed"])


@pytest.mark.parametrize(
    "url",
    [
        "https://partner.example/hook", "http://192.168.1.4/hook", "http://[2001:db8::1]/", "https://127.0.0.1.example/",
    ],
)
def test_without_hooks_live_nothing_leaves_this_machine(url: str) -> None:
    """The sentence says what to set."""
    with pytest.raises(SetupError, match="HOOKS_LIVE=1"):
        read_address(url, is_live=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://partner.example/hook", "https://127.0.0.1/", "https://localhost/", "https://10.0.0.8/", "https://[::1]/",
        "https://169.254.169.254/latest/meta-data", "https://[::ffff:192.168.0.1]/", "https://[64:ff9b::a00:1]/",
        "https://[fd00::1]/", "https://100.64.0.9/", "https://0.0.0.0/", "https://224.0.0.1/", "https://[2002:a00:1::]/",
        "https://user:word@partner.example/", "https://partner.example/#x", "https://partner.example:99999/",
        "https:///hook", "ftp://partner.example/", "file:///etc/passwd", "https://partner.example/ x", "", "//x",
        "https://partner.example\\@10.0.0.1/", "https://ปลายทาง.example/", "https://a.example/" + "x" * 2_001,
    ],
)
def test_live_an_address_is_public_and_plain(url: str) -> None:
    """No inner network, no machine of the cloud's, no http, no user or password, nothing that is read in two ways."""
    with pytest.raises((InvalidInputError, SetupError)):
        read_address(url, is_live=True)


@pytest.mark.parametrize("numbers", [["10.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["fe80::1%eth0"], []])
def test_a_name_that_leads_into_an_inner_network_is_not_called(numbers: list[str]) -> None:
    """Every number of the name is looked at, each time; one wrong one is enough."""
    asked: list[httpx.Request] = []
    client = _live(numbers, asked)
    with pytest.raises(HookAwayError, match="no public address"):
        client.send(read_address("https://partner.example/hook", is_live=True), method="POST", raw=b"{}", headers={})
    assert asked == []


def test_what_was_checked_is_what_is_connected_to() -> None:
    """The name stands in Host and in TLS, the number that was looked at in the address: no second question."""
    asked: list[httpx.Request] = []
    client = _live(["93.184.215.14"], asked)
    address = read_address("https://partner.example:8443/hook?word=1", is_live=True)
    client.send(address, method="PATCH", raw=b"{}", headers={"webhook-id": "msg_1"})
    (request,) = asked
    assert str(request.url) == "https://93.184.215.14:8443/hook?word=1"
    assert request.headers["host"] == "partner.example:8443"
    assert request.extensions["sni_hostname"] == "partner.example"
    assert "word" not in repr(address)


def _live(numbers: list[str], asked: list[httpx.Request]) -> HookClient:
    async def resolve(host: str, port: int) -> list[str]:
        return numbers

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200)

    return HookClient(is_live=True, resolve=resolve, transport=httpx.MockTransport(answer))


def test_a_process_that_is_not_live_any_more_tells_nobody_outside(ways: Ways) -> None:
    """HOOKS_LIVE taken away: what was registered waits, with the reason, and no call is made."""
    with transaction() as session:
        client = _live(["93.184.215.14"], [])
        hooks.register(session, name="partner", url="https://partner.example/hook", client=client)
    ways.reported()
    (hook_id,) = _gather()
    assert "HOOKS_LIVE=1" in _try(hook_id)
    assert "HOOKS_LIVE=1" in _hook().fault
    _forget("partner")


def test_who_may_be_called_is_what_the_process_is_set_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only HOOKS_LIVE=1 opens the way out."""
    assert not hook_client.configured().is_live
    monkeypatch.setenv("HOOKS_LIVE", "1")
    assert hook_client.configured().is_live
