"""Mail to institutions, against a real SMTP server."""

from __future__ import annotations

import email
import email.policy
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alerts.channels import rules
from alerts.channels.letters import Letter, mail
from alerts.channels.mail import Mail
from core.settings import MailSettings
from tests.alerts.mailserver import MailServer, certificate, mail_server

AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
SCHOOL = Letter(
    delivery_id=1, attempts=1, what="message", subscriber_id=4, address="office@school.example", secret="",
    language="th", number="A2569-00001", event_number=1, kind="alert", level=2, is_exercise=False, is_simulated=False,
    sent_at=AT, expires_at=None, zones=(("A", "ชุมชน A"),), title="เตือนภัย\r\nBcc: spy@evil.example", situation="น้ำเข้า",
    action="ยกของขึ้นที่สูง", footer="เทศบาล", cap_identifier="x", cap_xml="<alert/>",
)


def settings(server: MailServer, **more: object) -> MailSettings:
    here = {"host": "127.0.0.1", "port": server.port, "security": "plain", "sender": "alerts@city.example"}
    return MailSettings(**(here | more))  # type: ignore[arg-type]  # values of several types


def results(carrier: Mail, *letters: Letter) -> list[tuple[str, str, bool]]:
    return [(v.result, v.fault, v.was_handed_over) for _, v in carrier.carry(letters)]


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


def test_a_mail_bears_the_words_one_recipient_and_the_cap_document(server: MailServer) -> None:
    """Words whole, no header smuggled in by a text, no other subscriber's address, an id that stays."""
    hospital = replace(SCHOOL, address="er@hospital.example", subscriber_id=5)
    assert results(Mail(settings(server)), SCHOOL, hospital) == [("accepted", "", False)] * 2
    assert server.connections == 1
    assert [to for to, _, _ in server.taken] == ["office@school.example", "er@hospital.example"]
    found = email.message_from_bytes(server.taken[0][1], policy=email.policy.default)
    assert found["Subject"] == "เตือนภัย Bcc: spy@evil.example"
    assert found["Bcc"] is None
    assert found["To"] == "office@school.example"
    assert found["Auto-Submitted"] == "auto-generated"
    body, document = list(found.walk())[1:]
    assert "ยกของขึ้นที่สูง" in body.get_content()
    assert document.get_content_type() == "application/cap+xml"
    assert document.get_content() == b"<alert/>"
    again = mail(replace(SCHOOL, attempts=9), sender="a@city.example", domain="city.example")
    assert again["Message-ID"] == found["Message-ID"] != email.message_from_bytes(server.taken[1][1])["Message-ID"]


def test_mail_is_encrypted_and_the_server_is_who_it_says(tmp_path: Path) -> None:
    """STARTTLS with a certificate that is checked; a server that offers none, or another's, gets no mail."""
    context, authority = certificate(tmp_path)
    with mail_server(context) as server:
        safe = {"security": "starttls", "host": "localhost", "user": "u", "password": "p"}
        assert results(Mail(settings(server, ca_file=authority, **safe)), SCHOOL) == [("accepted", "", False)]
        assert [is_secret for _, _, is_secret in server.taken] == [True]
        assert len(server.sign_ins) == 1
        assert results(Mail(settings(server, **safe)), SCHOOL)[0][:2] == ("away", "SSLCertVerificationError")
        server.context = None
        assert results(Mail(settings(server, ca_file=authority, **safe)), SCHOOL)[0][0] == "away"
        assert len(server.taken) == len(server.sign_ins) == 1


def test_a_refused_address_keeps_nobody_else_from_being_told(server: MailServer) -> None:
    """550 is for good, 450 for later, and the next letter goes over the same connection."""
    server.refuses = {"gone@school.example": "550 nobody", "full@school.example": "450 later"}
    letters = [replace(SCHOOL, address=a) for a in ("gone@school.example", "full@school.example", SCHOOL.address)]
    said = results(Mail(settings(server)), *letters)
    assert said == [("refused", "SMTP 550", False), ("away", "SMTP 450", False), ("accepted", "", False)]
    assert "school" not in str(said)


def test_a_broken_answer_is_unknown_not_lost(server: MailServer) -> None:
    """Everything was sent and no answer came: tried again under the same id, and in the end nobody knows."""
    server.fault = "breaks off"
    [(result, _, was_handed_over)] = results(Mail(settings(server)), SCHOOL)
    assert (result, was_handed_over) == ("away", True)
    verdict = rules.Verdict("away", was_handed_over=True)
    assert rules.state_after(verdict, attempts=1, was_handed_over=False) == "queued"
    assert rules.state_after(verdict, attempts=rules.MOST_ATTEMPTS, was_handed_over=False) == "unknown"
    assert rules.state_after(rules.Verdict("refused"), attempts=2, was_handed_over=True) == "unknown"


@pytest.mark.parametrize("fault", ["silent", "drips", "busy"])
def test_a_server_that_hangs_is_cut_off(server: MailServer, fault: str) -> None:
    """Within its deadline, whatever it does; the other letters of the turn do not wait for it once more."""
    server.fault = fault
    began_s = time.monotonic()
    said = results(Mail(settings(server), deadline_s=0.5), *[SCHOOL] * 5)
    assert time.monotonic() - began_s < 2
    assert {result for result, _, _ in said} == {"away"}
    assert server.taken == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"host": None}, "MAIL_HOST"),
        ({"host": "mail.city.example"}, "MAIL_LIVE"),
        ({"host": "mail.city.example", "live": True}, "MAIL_SECURITY"),
    ],
)
def test_mail_goes_nowhere_it_must_not(server: MailServer, change: dict[str, object], says: str) -> None:
    """Without a server, beyond this machine without MAIL_LIVE=1, or in the clear: nothing is sent, and why is said."""
    [(result, fault, _)] = results(Mail(settings(server, **change)), SCHOOL)
    assert result == "away"
    assert says in fault


@pytest.mark.parametrize(
    "text", ["a", "a@", "@b.c", "a@b..c", "a b@c.de", "a@b.c\r\nRCPT TO:<x@y.z>", '"a"@b.cd', "ก@b.cd", "a@b.cd,e@f.gh"]
)
def test_only_plain_addresses_are_taken(text: str) -> None:
    """Nothing that a server might read as something more than one address."""
    assert not rules.is_mail_address(text)
    assert rules.is_mail_address("er.duty+flood@hospital.moph.go.th")
