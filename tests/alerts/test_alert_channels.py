"""From an approved alert to institutions by mail and webhook, beside LINE and never in its way."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from shapely.geometry import Point

from alerts import actions, proposals, queries
from alerts.channels import carriers, rules, serving, subscribers, tasks
from alerts.channels.errors import AddressError
from alerts.channels.models import AlertDelivery, AlertSubscriber
from alerts.channels.progress import Progress, progress
from alerts.events import AlertApproved, AlertClosed
from alerts.models import Alert
from core import clock, events
from core.db import transaction
from core.errors import ConflictError, InvalidInputError, NotFoundError, SetupError
from core.settings import settings
from incidents.exchange.hook_bodies import Call, signed_headers
from incidents.exchange.hook_client import HookClient
from staff.rules import AccountRef
from tests.alerts.mailserver import MailServer, mail_server
from tests.alerts.receiver import Receiver, receiver

INSIDE = Point(100.005, 8.405)
HERE = HookClient(is_live=False)
LINE_ONLY = Progress("line", queued=1)
FEED = Progress("cap_feed", accepted=1)


@dataclass
class Duty:
    """A committed town with two zones and areas of the same shapes, a mail server and a receiver of webhooks."""

    zones: dict[str, int]
    by: AccountRef
    mail: MailServer
    hooks: Receiver

    def subscribe(self, name: str, kind: str, address: str, **more: Any) -> subscribers.Added:
        """The institution is told from now on."""
        with transaction() as session:
            return subscribers.add(session, name=name, kind=kind, address=address, client=HERE, **more)

    def approve(self, *codes: str, kind: str = "alert", level: int = 1, **more: Any) -> int:
        """An alert for these zones is approved, and told to all who wait for that."""
        with transaction() as session:
            alert = proposals.open_proposal(
                session, kind=kind, level=level, zone_ids=[self.zones[code] for code in codes], run_id=None,
                now=clock.now(), **more,
            )  # fmt: skip
        with transaction() as session:
            actions.approve(session, alert.id, 1, self.by)
        self.tell("alerts.alert_approved")
        return alert.id

    def tell(self, name: str) -> None:
        """The newest event of this name has reached those who wait for it here."""
        handlers = {
            "alerts.alert_approved": (AlertApproved, tasks.offer_to_subscribers),
            "alerts.alert_closed": (AlertClosed, tasks.withdraw_from_subscribers),
        }
        made, handler = handlers[name]
        with transaction() as session:
            for payload in session.scalars(
                sa.select(events.EventRecord.payload).where(events.EventRecord.name == name)
            ):
                handler(session, made(**payload))

    def serve(self) -> None:
        """What is due has its attempt."""
        for channel in serving.CHANNELS:
            with transaction() as session:
                tasks.serve_channel.run(session, channel=channel)

    def later(self, seconds: float = 200) -> None:
        """What waits for its next attempt waits no longer."""
        with transaction() as session:
            session.execute(
                sa.update(AlertDelivery).values(
                    not_before_wall_at=AlertDelivery.not_before_wall_at - timedelta(seconds=seconds)
                )
            )

    def states(self) -> dict[tuple[str, str], str]:
        """(subscriber, what) and the state of each delivery."""
        with transaction() as session:
            rows = session.execute(
                sa.select(AlertSubscriber.name, AlertDelivery.what, AlertDelivery.state).join(
                    AlertDelivery, AlertDelivery.subscriber_id == AlertSubscriber.id
                )
            )
            return {(name, what): state for name, what, state in rows}

    def subjects(self) -> list[str]:
        """What mails came, by their subjects."""
        return [email.message_from_bytes(b, policy=email.policy.default)["Subject"] for _, b, _ in self.mail.taken]


@pytest.fixture
def duty(
    database: sa.Engine, town_of: Any, frozen_clock: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Duty]:
    with transaction() as session:
        town = town_of(session)
        zones = {"A": town.zone("A"), "B": town.zone("B", at=0.3)}
        town.resident(INSIDE)
        by = town.account("ann", ["approver", "officer"])
        session.execute(
            sa.text(
                "INSERT INTO layer (name, kind, source, licence, trust, row_count, version, imported_at, legend) "
                "VALUES ('areas', 'community', 'x', 'x', 'real', 2, 1, now(), '{}')"
            )
        )
        session.execute(
            sa.text(
                "INSERT INTO area (layer_id, kind, code, name_th, name_en, geom, place, attributes, trust) "
                "SELECT (SELECT id FROM layer), 'community', 'C-' || code, name_th, name_en, geom, "
                "ST_PointOnSurface(geom), '{}', 'real' FROM zone"
            )
        )
    with mail_server() as mail, receiver() as hooks:
        monkeypatch.setenv("MAIL_HOST", "127.0.0.1")
        monkeypatch.setenv("MAIL_PORT", str(mail.port))
        monkeypatch.setenv("MAIL_SECURITY", "plain")
        yield Duty(zones, by, mail, hooks)


def test_institutions_of_the_area_are_told_once_each(duty: Duty) -> None:
    """By mail and by signed webhook, in their language, those whose area the alert touches; served twice is as once."""
    duty.subscribe("School", "mail", "office@school.example", area_codes=["C-A"])
    duty.subscribe("Far school", "mail", "office@far.example", area_codes=["C-B"])
    secret = duty.subscribe("Radio", "webhook", f"{duty.hooks.url}/flood", language="en").secret
    alert_id = duty.approve("A")
    duty.serve()
    duty.tell("alerts.alert_approved")
    duty.later()
    duty.serve()
    assert duty.states() == {("School", "message"): "accepted", ("Radio", "message"): "accepted"}
    assert [to for to, _, _ in duty.mail.taken] == ["office@school.example"]
    [(path, headers, raw)] = duty.hooks.calls
    body = json.loads(raw)
    assert path == "/flood"
    assert (body["type"], body["level"], body["zones"]) == ("alert.sent", 1, [{"code": "A", "name": "Community A"}])
    assert "Community A" in body["title"]
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), tz=clock.now().tzinfo)
    signed = signed_headers(Call(headers["webhook-id"], "POST", body, ()), secret=secret or "", at=at)
    assert headers["webhook-signature"] == signed["webhook-signature"]
    with transaction() as session:
        told = progress(session, [alert_id])[alert_id]
        assert told == [LINE_ONLY, Progress("mail", accepted=1), Progress("webhook", accepted=1), FEED]
        shown = [row.shown for row in subscribers.subscribers(session)]
    assert shown == ["o…@far.example", "127.0.0.1", "o…@school.example"]


def test_a_channel_that_fails_keeps_neither_line_nor_the_others_waiting(duty: Duty) -> None:
    """The mail server is away: LINE's messages wait for LINE alone, the webhook is told, the mail is tried again."""
    duty.subscribe("School", "mail", "office@school.example")
    duty.subscribe("Radio", "webhook", f"{duty.hooks.url}/flood")
    duty.mail.fault = "busy"
    alert_id = duty.approve("A")
    duty.serve()
    assert duty.states() == {("School", "message"): "queued", ("Radio", "message"): "accepted"}
    with transaction() as session:
        assert progress(session, [alert_id])[alert_id][:2] == [LINE_ONLY, Progress("mail", queued=1)]
        assert queries.alert(session, alert_id).state == "sending"
        assert [row.fault for row in subscribers.subscribers(session)] == ["", "SMTP 421"]
    duty.serve()
    assert duty.mail.connections == 1  # Not before its time.
    duty.mail.fault = ""
    duty.later()
    duty.serve()
    assert duty.states()["School", "message"] == "accepted"


def test_a_webhook_that_hangs_does_not_hold_up_another(duty: Duty, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several are called at once, each within its deadline; 410 is for good, 503 for later."""
    with receiver() as dead, receiver() as gone:
        dead.statuses, gone.statuses = [503], [410]
        for name, url in (("Dead", dead.url), ("Gone", gone.url), ("Radio", duty.hooks.url)):
            duty.subscribe(name, "webhook", url)
        duty.approve("A")
        duty.serve()
        assert {name: state for (name, _), state in duty.states().items()} == {
            "Dead": "queued", "Gone": "failed", "Radio": "accepted",
        }  # fmt: skip
        duty.later()
        duty.serve()
        assert duty.states()["Dead", "message"] == "accepted"
        assert {call[1]["webhook-id"] for call in dead.calls} == {dead.calls[0][1]["webhook-id"]}
        assert len(gone.calls) == 1


def test_a_killed_worker_tries_again_under_the_same_id(duty: Duty) -> None:
    """Killed between the server's answer and the record: the mail may come twice, with one Message-ID."""
    duty.subscribe("School", "mail", "office@school.example")
    duty.approve("A")

    class KilledError(Exception):
        """As far as a process gets that is killed."""

    class Dies:
        def carry(self, letters: Any) -> Iterator[Any]:
            for one in carriers.carrier_of("mail").carry(letters):
                raise KilledError(one)
            yield

    with pytest.raises(KilledError), transaction() as session:
        serving.serve(session, "mail", Dies())
    duty.serve()
    assert len(duty.mail.taken) == 1  # Its lease has not run out.
    duty.later()
    duty.serve()
    ids = {email.message_from_bytes(raw)["Message-ID"] for _, raw, _ in duty.mail.taken}
    assert (len(duty.mail.taken), len(ids)) == (2, 1)


def test_cancelled_warnings_are_withdrawn_and_what_waits_goes_to_nobody(duty: Duty) -> None:
    """Who was told hears that it does not hold; who was not hears nothing of it."""
    duty.subscribe("School", "mail", "office@school.example")
    duty.subscribe("Radio", "webhook", f"{duty.hooks.url}/flood")
    duty.hooks.statuses = [503]
    alert_id = duty.approve("A")
    duty.serve()
    with transaction() as session:
        actions.cancel(session, alert_id, "wrong gauge", duty.by)
    duty.tell("alerts.alert_closed")
    duty.later()
    duty.serve()
    assert duty.states() == {
        ("School", "message"): "accepted", ("School", "withdrawal"): "accepted", ("Radio", "message"): "cancelled",
    }  # fmt: skip
    assert duty.subjects()[1].startswith("ยกเลิก: ")
    assert len(duty.hooks.calls) == 1


def test_an_alert_that_is_over_is_not_told_any_more(duty: Duty, frozen_clock: Any) -> None:
    """Expired while the server was away: nobody is warned of yesterday's water."""
    duty.subscribe("School", "mail", "office@school.example")
    duty.mail.fault = "busy"
    duty.approve("A")
    duty.serve()
    duty.mail.fault = ""
    frozen_clock(clock.now() + timedelta(days=2))
    duty.later()
    duty.serve()
    assert duty.states() == {("School", "message"): "cancelled"}
    assert duty.mail.taken == []


def test_whoever_was_told_hears_the_end_also_elsewhere(duty: Duty) -> None:
    """The all-clear goes to the institutions that were told in the event, whatever areas it names."""
    duty.subscribe("School", "mail", "office@school.example", area_codes=["C-A"])
    alert_id = duty.approve("A")
    duty.serve()
    with transaction() as session:
        clear = queries.alert(session, alert_id)
        [zone] = queries.zones(session, [alert_id])[alert_id]
        session.execute(sa.text("UPDATE area SET code = code || '-old'"))
        all_clear = proposals.open_proposal(
            session, kind="all_clear", level=clear.level, zone_ids=[zone.zone_id], run_id=None, now=clock.now(),
            event_id=clear.event_id,
        )  # fmt: skip
    with transaction() as session:
        actions.approve(session, all_clear.id, 1, duty.by)
    duty.tell("alerts.alert_approved")
    duty.serve()
    assert len(duty.mail.taken) == 2


def test_a_rehearsal_goes_the_whole_way_and_reaches_nobody(duty: Duty, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAONAM_REHEARSAL: the blackhole takes what is for LINE, mail and webhooks, and counts it."""
    monkeypatch.setenv("FAONAM_REHEARSAL", "1")
    settings.cache_clear()
    duty.subscribe("School", "mail", "office@school.example")
    duty.subscribe("Radio", "webhook", f"{duty.hooks.url}/flood")
    alert_id = duty.approve("A")
    duty.serve()
    with transaction() as session:
        told = progress(session, [alert_id])[alert_id]
    assert told[:3] == [Progress("blackhole", queued=1), Progress("mail", accepted=1), Progress("webhook", accepted=1)]
    assert duty.mail.connections == len(duty.hooks.calls) == 0


def test_exercises_reach_only_subscribers_that_take_them(duty: Duty) -> None:
    """Marked from the first letter on, to those who asked for exercises; the database refuses others."""
    duty.subscribe("School", "mail", "office@school.example")
    duty.subscribe("Hospital", "mail", "er@hospital.example", takes_exercises=True)
    alert_id = duty.approve("A", is_exercise=True)
    duty.serve()
    assert duty.states() == {("Hospital", "message"): "accepted"}
    assert duty.subjects()[0].startswith("[ซ้อม] ")
    by_hand = sa.text(
        "INSERT INTO alert_delivery (alert_id, subscriber_id, channel, what, state, attempts, was_handed_over,"
        " fault, queued_wall_at, not_before_wall_at) SELECT :alert, id, kind, 'message', 'queued', 0, false, '',"
        " now(), now() FROM alert_subscriber WHERE NOT takes_exercises"
    )
    with pytest.raises(sa.exc.IntegrityError, match="takes none"), transaction() as session:
        session.execute(by_hand, {"alert": alert_id})
    with transaction() as session:
        assert progress(session, [alert_id])[alert_id] == [Progress("mail", accepted=1)]
        assert session.get_one(Alert, alert_id).is_exercise


def test_who_is_removed_is_forgotten_and_the_counts_stay(duty: Duty) -> None:
    """Address and secret are gone, what waited is cancelled, and the name is free again."""
    added = duty.subscribe("Radio", "webhook", f"{duty.hooks.url}/flood")
    alert_id = duty.approve("A")
    with transaction() as session:
        subscribers.remove(session, added.id)
    duty.serve()
    with transaction() as session:
        row = session.get_one(AlertSubscriber, added.id)
        assert (row.address_sealed, row.secret_sealed) == (None, None)
        assert Progress("webhook", cancelled=1) in progress(session, [alert_id])[alert_id]
        with pytest.raises(NotFoundError):
            subscribers.remove(session, added.id)
    assert duty.hooks.calls == []
    duty.subscribe("Radio", "webhook", f"{duty.hooks.url}/other")


def test_what_cannot_be_a_subscriber_is_refused(duty: Duty) -> None:
    """A wrong address, kind, area or name, and a webhook beyond this machine, with the reason."""
    duty.subscribe("School", "mail", "office@school.example")
    for name, kind, address, more, error in (
        ("School", "mail", "a@b.example", {}, ConflictError),
        ("X", "mail", "a@b.example\r\nBcc: c@d.example", {}, AddressError),
        ("X", "mail", "a@b.example", {"area_codes": ["nowhere"]}, NotFoundError),
        ("X", "pigeon", "a@b.example", {}, InvalidInputError),
        ("", "mail", "a@b.example", {}, InvalidInputError),
        ("X", "webhook", "https://radio.example/x", {}, SetupError),
    ):
        with pytest.raises(error):
            duty.subscribe(name, kind, address, **more)


def test_the_line_channel_is_decided_by_what_the_house_has() -> None:
    """Never an exercise by the live channel; without a token of its own, into the blackhole."""
    cases = {
        (False, False, False): "line", (False, False, True): "line", (True, False, True): "exercise",
        (True, False, False): "blackhole", (False, True, True): "blackhole", (True, True, True): "blackhole",
    }  # fmt: skip
    for (is_exercise, is_rehearsal, has_token), channel in cases.items():
        assert channel == rules.line_channel(
            is_exercise=is_exercise, is_rehearsal=is_rehearsal, has_exercise_token=has_token
        )
