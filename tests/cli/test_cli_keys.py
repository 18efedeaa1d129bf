"""Keys of partners on the command line: shown once, listed without their words, revoked."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from cli.hooks_app import hooks_app
from cli.main import keys_app, traffy_app
from core.db import transaction
from core.errors import SetupError
from incidents.exchange import keys
from incidents.exchange.errors import KeyRefusedError
from tests.api.ways.conftest import CITY


def test_a_key_is_shown_once_opens_and_can_be_revoked(database: sa.Engine) -> None:
    """What is printed opens; the list names whose it is and never the key."""
    with transaction() as session:
        session.execute(sa.text(CITY))
    run = CliRunner()
    assert "no keys yet" in run.invoke(keys_app, ["list"]).output
    made = run.invoke(keys_app, ["add", "fms", "--scope", "open311", "--per-minute", "30"])
    assert made.exit_code == 0, made.output
    found = re.search(r"shown only now: (\S+)", made.output)
    assert found is not None
    with transaction() as session:
        assert keys.opened_by(session, found[1], scope="open311").per_minute == 30
    listed = run.invoke(keys_app, ["list"]).output
    assert "fms" in listed
    assert found[1] not in listed
    assert run.invoke(keys_app, ["revoke", "fms"]).exit_code == 0
    with transaction() as session, pytest.raises(KeyRefusedError):
        keys.opened_by(session, found[1], scope="open311")


def test_without_an_account_at_traffy_it_says_what_to_set(database: sa.Engine) -> None:
    """The names of the variables stand in the sentence."""
    for command in (["send", "2569-000001"], ["pull"]):
        done = CliRunner().invoke(traffy_app, command)
        assert isinstance(done.exception, SetupError)
        assert "TRAFFY_URL" in done.exception.detail


def test_a_partner_is_registered_listed_resumed_and_removed(database: sa.Engine) -> None:
    """What signs is shown once; the list shows the host and never the rest of the address; a removed one is gone."""
    with transaction() as session:
        session.execute(sa.text(CITY))
        keys.make_key(session, name="neighbour", scopes=["traffy-read"])
    run = CliRunner()
    assert "No partner is told" in run.invoke(hooks_app, ["list"]).output
    made = run.invoke(hooks_app, ["add", "neighbour", "http://127.0.0.1:9/their-word"])
    assert made.exit_code == 0, made.output
    assert re.search(r"shown only now: whsec_\S{40,}", made.output)
    listed = run.invoke(hooks_app, ["list"]).output
    assert "neighbour" in listed
    assert "127.0.0.1" in listed
    assert "their-word" not in listed
    assert run.invoke(hooks_app, ["resume", "neighbour"]).exit_code == 0
    assert run.invoke(hooks_app, ["remove", "neighbour"]).exit_code == 0
    assert "No partner is told" in run.invoke(hooks_app, ["list"]).output
    outside = run.invoke(hooks_app, ["add", "neighbour", "https://partner.example/hook"])
    assert isinstance(outside.exception, SetupError)
    assert "HOOKS_LIVE=1" in outside.exception.detail
