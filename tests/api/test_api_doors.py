"""Which doors are open: a short list without sign-in, and no change by those who only look."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

SignsIn = Callable[[str], TestClient]

# Everything else needs a sign-in. Devices and LINE prove themselves by key and signature.
OPEN = {
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/metrics"),  # Only for this machine itself, or with the token.
    ("get", "/api/v1/clock"),
    ("get", "/api/v1/city"),
    ("get", "/api/v1/areas"),
    ("get", "/api/v1/geocode"),
    ("get", "/api/v1/reverse"),
    ("get", "/api/v1/public/water"),
    ("get", "/api/v1/public/incidents"),
    ("get", "/api/v1/public/incidents.csv"),
    ("get", "/api/v1/public/incidents.geojson"),
    ("get", "/api/v1/public/incidents/cells.geojson"),
    ("get", "/api/v1/tiles/{z}/{x}/{y}.mvt"),
    ("get", "/api/v1/tiles/{version}/{z}/{x}/{y}.mvt"),
    ("get", "/api/v1/cameras/{camera_id}/picture.jpg"),
    ("get", "/cap/feed.atom"),
    ("get", "/cap/{identifier}.xml"),
    ("post", "/api/v1/session"),
    ("post", "/api/v1/readings"),
    ("post", "/api/v1/feeds/{code}"),  # Asks for the feed's own key.
    ("post", "/api/v1/outside/{source}"),  # Asks for the source's signature over the bytes.
}
# A resident's page proves itself by LINE's ID token and then its own cookie; its links by their token. Its own tests
# ask each of its doors without them.
OF_RESIDENTS = "/api/v1/resident/"
ALLOWED_TO_ALL_SIGNED_IN = {("delete", "/api/v1/session")}


def _operations(app: FastAPI) -> Iterator[tuple[str, str]]:
    for path, operations in app.openapi()["paths"].items():
        if not path.startswith(OF_RESIDENTS):
            for method in operations:
                yield method, path


def _ask(browser: TestClient, method: str, path: str) -> int:
    return browser.request(method, re.sub(r"{\w+}", "1", path)).status_code


def test_only_the_listed_doors_are_open(app: FastAPI, browser: TestClient) -> None:
    """A route that forgets to ask who is there is noticed here."""
    closed = {operation for operation in _operations(app) if operation not in OPEN}
    assert len(closed) > 15
    answers = {(method, path): _ask(browser, method, path) for method, path in closed}
    assert {one: status for one, status in answers.items() if status != 401} == {}


def test_who_may_only_look_changes_nothing(app: FastAPI, signed_in: SignsIn) -> None:
    """The role viewer is refused by every route that changes something."""
    viewer = signed_in("viewer")
    changes = {one for one in _operations(app) if one[0] != "get"} - OPEN - ALLOWED_TO_ALL_SIGNED_IN
    answers = {(method, path): _ask(viewer, method, path) for method, path in changes}
    assert {one: status for one, status in answers.items() if status != 403} == {}


def test_no_change_goes_without_its_csrf_token(app: FastAPI, signed_in: SignsIn) -> None:
    """Even the admin's browser cannot be made to change something by a foreign page."""
    admin = signed_in("admin")
    del admin.headers["X-CSRF-Token"]
    changes = {one for one in _operations(app) if one[0] != "get"} - OPEN
    answers = {(method, path): _ask(admin, method, path) for method, path in changes}
    assert {one: status for one, status in answers.items() if status != 403} == {}


@pytest.mark.parametrize("body", ['{"username": "a", "username": "b", "password": "c"}', '{"x": [{"y": 1, "y": 2}]}'])
def test_a_field_twice_is_no_field(browser: TestClient, body: str) -> None:
    """Which of two values is meant nobody knows: the body is refused in Thai and English, however deep they stand."""
    answer = browser.post("/api/v1/session", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:faonam:problem:field-twice")
    assert answer.json()["title_th"] == "มีช่องข้อมูลชื่อซ้ำกัน ต้องมีเพียงช่องเดียว"
    assert "twice" in answer.json()["detail"]


def test_no_door_with_a_model_takes_a_field_twice(app: FastAPI, browser: TestClient) -> None:
    """Every body that is read by a model is judged before anything else; a route that forgets to is noticed here."""
    told = {
        (method, path): operation["requestBody"]["content"]
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
        if "requestBody" in operation
    }
    doors = [one for one, content in told.items() if "$ref" in content.get("application/json", {}).get("schema", {})]
    assert len(doors) > 10
    asked: dict[str, Any] = {"content": '{"x": 1, "x": 2}', "headers": {"Content-Type": "application/json"}}
    answers = {
        (method, path): browser.request(method, re.sub(r"{\w+}", "1", path), **asked).json()["type"]
        for method, path in doors
    }
    assert {one: kind for one, kind in answers.items() if kind != "urn:faonam:problem:field-twice"} == {}


@pytest.mark.parametrize("body", ["", "{", "[" * 100_000, '{"username": "a"}', b"\xff"])
def test_what_is_no_body_of_the_model_is_still_told(browser: TestClient, body: str | bytes) -> None:
    """A body that is not there, is no JSON, too deep, or lacks a field is refused in words, and no failure of ours."""
    answer = browser.post("/api/v1/session", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.json()["detail"]
