"""Prometheus gets figures of the house, and nobody else learns how busy a city's desk is."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from core.settings import settings

HERE, ELSEWHERE = ("127.0.0.1", 40000), ("203.0.113.7", 40000)


def _families(text: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    return {
        family.name: {tuple(sorted(sample.labels.items())): sample.value for sample in family.samples}
        for family in text_string_to_metric_families(text)
    }


def test_this_machine_gets_what_prometheus_can_read(app: FastAPI) -> None:
    """The page parses, counts an answer by its route, and never by the path that a stranger chose."""
    with TestClient(app, client=HERE) as here:
        here.get("/healthz")
        here.get("/api/v1/incidents/4711")
        here.get("/no/such/path/at/all")
        answer = here.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = _families(answer.text)
    assert found["faonam_datastreams"] == {(): 0.0}
    assert found["faonam_mqtt_astray_not_kept_hour"] == {(): 0.0}
    counted = {dict(labels).get("route") for labels in found["faonam_http_request_seconds"]}
    assert "/healthz" in counted
    assert not any(route and ("4711" in route or "/no/such" in route) for route in counted)


@pytest.mark.parametrize(
    ("client", "headers"), [(ELSEWHERE, {}), (HERE, {"X-Forwarded-For": "203.0.113.7"}), (("testclient", 1), {})]
)
def test_nobody_else_sees_that_there_is_such_a_page(
    app: FastAPI, client: tuple[str, int], headers: dict[str, str]
) -> None:
    """From elsewhere, or through a proxy of this machine, it is not there."""
    with TestClient(app, client=client) as stranger:
        assert stranger.get("/metrics", headers=headers).status_code == 404


def test_with_a_token_only_the_token_counts(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Prometheus on another machine shows the token; without it this machine itself gets nothing."""
    monkeypatch.setenv("FAONAM_METRICS_TOKEN", "seven-rivers")
    settings.cache_clear()
    try:
        with TestClient(app, client=ELSEWHERE) as elsewhere:
            assert elsewhere.get("/metrics", headers={"Authorization": "Bearer seven-rivers"}).status_code == 200
            assert elsewhere.get("/metrics", headers={"Authorization": "Bearer seven"}).status_code == 404
        with TestClient(app, client=HERE) as here:
            assert here.get("/metrics").status_code == 404
    finally:
        settings.cache_clear()
