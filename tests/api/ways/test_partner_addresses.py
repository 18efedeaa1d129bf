"""Partners are registered by hand, and told only where webhooks may go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
import sqlalchemy as sa

from core.db import transaction
from core.errors import ConflictError, InvalidInputError, NotFoundError, SetupError
from incidents.exchange import hook_client, hook_queries, hooks, keys, tasks
from incidents.exchange.errors import HookAwayError, KeyRefusedError
from incidents.exchange.hook_client import HookClient, read_address
from tests.api.ways.partners import (
    HERE,
    attempt,
    forget,
    gather,
    hook_seen,
    register,
)
from tests.api.ways.receiver import Receiver

if TYPE_CHECKING:
    from tests.api.ways.conftest import Ways

pytestmark = pytest.mark.usefixtures("time_goes_on")


def test_a_partner_is_registered_once_by_a_key_that_reads(ways: Ways, receiver: Receiver) -> None:
    """And not for a key that only writes, that is revoked or that nobody knows; revoking ends it."""
    for name, error in (
        ("partner", ConflictError), ("fms", KeyRefusedError), ("nobody", NotFoundError),
    ):
        with pytest.raises(error), transaction() as session:
            hooks.register(session, name=name, url=receiver.url, client=HERE)
    with transaction() as session:
        keys.make_key(session, name="short-lived", scopes=["traffy-read"])
    register("short-lived", receiver)
    with transaction() as session:
        keys.revoke_key(session, "short-lived")
        assert "short-lived" not in [one.name for one in hook_queries.hooks(session)]
    with pytest.raises(KeyRefusedError):
        register("short-lived", receiver)


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
    everything = f"{dict(row)} {hook_seen()} {written.out} {written.err}"
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
    (hook_id,) = gather()
    assert "HOOKS_LIVE=1" in attempt(hook_id)
    assert "HOOKS_LIVE=1" in hook_seen().fault
    forget("partner")


def test_who_may_be_called_is_what_the_process_is_set_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only HOOKS_LIVE=1 opens the way out."""
    assert not hook_client.configured().is_live
    monkeypatch.setenv("HOOKS_LIVE", "1")
    assert hook_client.configured().is_live
