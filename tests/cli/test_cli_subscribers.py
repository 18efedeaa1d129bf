"""Institutions that are told of alerts, on the command line."""

from __future__ import annotations

import re

import sqlalchemy as sa
from typer.testing import CliRunner

from cli.main import subscribers_app
from core.db import transaction
from core.errors import NotFoundError, SetupError
from tests.api.ways.conftest import CITY


def test_an_institution_is_added_listed_and_removed(database: sa.Engine) -> None:
    """What signs is shown once; the list never shows a whole address; a removed one is gone."""
    with transaction() as session:
        session.execute(sa.text(CITY))
    run = CliRunner()
    assert "No institution is told" in run.invoke(subscribers_app, ["list"]).output
    made = run.invoke(subscribers_app, ["add", "Radio", "webhook", "http://127.0.0.1:9/their-word", "--language", "en"])
    assert made.exit_code == 0, made.output
    assert re.search(r"shown only now: whsec_\S{40,}", made.output)
    made = run.invoke(subscribers_app, ["add", "School", "mail", "office@school.example", "--exercises"])
    assert (made.exit_code, "shown only now" in made.output) == (0, False)
    listed = run.invoke(subscribers_app, ["list"]).output
    assert "Radio: webhook to 127.0.0.1, in en, everywhere" in listed
    assert "School: mail to o…@school.example, in th, everywhere, exercises too" in listed
    assert "their-word" not in listed
    assert "whsec" not in listed
    assert run.invoke(subscribers_app, ["remove", "Radio"]).exit_code == 0
    assert "Radio" not in run.invoke(subscribers_app, ["list"]).output
    assert isinstance(run.invoke(subscribers_app, ["remove", "Radio"]).exception, NotFoundError)
    outside = run.invoke(subscribers_app, ["add", "Other", "webhook", "https://radio.example/hook"])
    assert isinstance(outside.exception, SetupError)
