"""What LINE's expanded contract refuses, the stand-in refuses; what it takes, the stand-in takes."""

from __future__ import annotations

from typing import Any

import pytest

from line.standin import app, schemas

from .conftest import Served, user
from .grown import Garden

SEED = 20261128
VALID_EACH, MUTANTS_EACH = 40, 6

pytestmark = pytest.mark.skipif(not schemas.CONTRACT.exists(), reason="LINE's contract files are not at hand")


def request_of(kind: str, messages: list[Any]) -> dict[str, Any]:
    match kind:
        case "push":
            return {"to": user(1), "messages": messages}
        case "multicast":
            return {"to": [user(1)], "messages": messages}
    return {"messages": messages}


def test_fuzzed_messages(standin: Served) -> None:
    """Of thousands of mutants that the expanded contract refuses, none passes; no valid message is refused."""
    garden = Garden(schemas.CONTRACT, seed=SEED)
    standin.load(2)
    counts = dict.fromkeys(garden.types, 0)
    refused_wrongly, passed_wrongly = [], []
    addresses = ("push", "multicast", "validate/broadcast", "validate/push")
    for kind in garden.types:
        for number in range(VALID_EACH):
            address = addresses[number % len(addresses)]
            message = garden.message(kind)
            assert garden.strict.is_valid({"messages": [message]}), message
            answer = standin.line.post(f"/v2/bot/message/{address}", json=request_of(address, [message]))
            if answer.status_code != 200:
                refused_wrongly.append((answer.json(), message))
            for mutant in garden.mutants(message, MUTANTS_EACH):
                counts[kind] += 1
                answer = standin.line.post(f"/v2/bot/message/{address}", json=request_of(address, [mutant]))
                if answer.status_code != 400:
                    passed_wrongly.append((answer.status_code, mutant))
                else:
                    assert answer.json()["details"][0]["property"].startswith("messages[0]")
    assert refused_wrongly == []
    assert passed_wrongly == []
    assert min(counts.values()) > VALID_EACH * MUTANTS_EACH * 0.9


def test_mutated_bodies_of_every_operation(any_standin: Served) -> None:
    """Whatever is changed, anywhere in a body that the contract would take, the answer is LINE's, never 500."""
    garden = Garden(schemas.CONTRACT, seed=SEED)
    clauses = schemas.clauses()
    for operation in app.OPERATIONS:
        clause = clauses.get((operation.method, operation.path))
        if operation.takes != "json" or clause is None:
            continue
        name = clause.operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        if name not in garden.schemas:
            continue
        for number in range(60):
            if number % 3 == 0:
                any_standin.admin.post("/reset").raise_for_status()  # Full buckets.
            body = garden.changed(garden.grown(name))
            answer = any_standin.line.request(operation.method, operation.path, json=body)
            assert answer.status_code < 500, (operation.name, body)


def test_nothing_of_a_refused_request_is_delivered(standin: Served) -> None:
    """One bad message among good ones stops the whole request."""
    garden = Garden(schemas.CONTRACT, seed=SEED)
    standin.load(2)
    good = {"type": "text", "text": "น้ำท่วม"}
    for kind in garden.types:
        for mutant in garden.mutants(garden.message(kind), 3):
            body = request_of("multicast", [good, mutant, good])
            assert standin.line.post("/v2/bot/message/multicast", json=body).status_code == 400
    assert standin.deliveries() == []


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"[]", b"null", b'"text"', b"7", b'{"to": NaN}', b"[" * 100_000,
        b'{"a":' * 3000 + b"1" + b"}" * 3000,
        b'{"to":"U00000000000000000000000000000001","messages":[{"type":"text","text":"\\ud800"}]}',
        b'{"to":"U00000000000000000000000000000001","messages":[{"type":"text","text":"\xff"}]}',
        b'{"to":"U00000000000000000000000000000001","messages":[{"type":"audio","originalContentUrl":"https://a/b",'
        b'"duration":1e999}]}',
        b'{"to":"U00000000000000000000000000000001","messages":[{"type":"audio","originalContentUrl":"https://a/b",'
        b'"duration":' + b"9" * 5000 + b"}]}",
    ],
    ids=[str(n) for n in range(13)],
)
def test_bodies_that_are_no_requests(standin: Served, raw: bytes) -> None:
    """What is no JSON object, no Unicode, no finite number or nested beyond reason is 400, never 500."""
    for address in ("push", "multicast", "narrowcast", "broadcast", "reply", "validate/push"):
        answer = standin.line.post(f"/v2/bot/message/{address}", content=raw)
        assert answer.status_code == 400
        assert answer.json()["message"]
