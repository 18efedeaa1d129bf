"""One question of the standard and its answer, whatever brought it: HTTP, or a batch (OData JSON 4.01, clause 19)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from urllib.parse import unquote

from core import errors
from sensors.sensorthings import actions, rendering
from sensors.sensorthings.errors import BodyError, MethodError, NoSuchResourceError, NotBuiltError
from sensors.sensorthings.options import Address, address_of, options_of_query
from sensors.sensorthings.reading import Place, Reader
from sensors.sensorthings.service import VERSION

CREATE_OBSERVATIONS, BATCH = "CreateObservations", "$batch"
JSON_PATCH = "application/json-patch+json"
MOST_REQUESTS = 200
STATUS: dict[type[errors.FaonamError], int] = {
    errors.NotFoundError: 404,
    errors.InvalidInputError: 400,
    errors.ConflictError: 409,
    errors.ForbiddenError: 403,
    errors.UnauthenticatedError: 401,
    MethodError: 405,
    NotBuiltError: 501,
}


@dataclass(frozen=True)
class Question:
    """What is asked: a method, the path below the service's root, the words behind the question mark, a body.

    `check_writer` raises where who asks may not write; a device's key is judged with what it writes.
    """

    method: str
    path: str
    query: str = ""
    content: Any = None
    check_writer: Callable[[], None] = lambda: None
    device_key: str | None = None
    is_json_patch: bool = False
    is_minimal: bool = False


@dataclass(frozen=True)
class Answer:
    """A status of HTTP with JSON, or with a plain text where `is_text`, or with nothing where `is_empty`."""

    status: int = 200
    content: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_text: bool = False
    is_empty: bool = False


def status_of(error: errors.FaonamError) -> int | None:
    """The status that the standard has for the error; None where it is not about what was asked."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), None)


def content_of_error(error: errors.FaonamError, status: int) -> dict[str, Any]:
    """The error as clients read it: a code, its title, and the sentence of the case."""
    return {"code": status, "type": error.title, "message": error.detail}


def answer(reader: Reader, question: Question) -> Answer:
    """What was asked is answered or done. Raises the domain errors that `status_of` knows."""
    if question.method == "GET":
        return _read(reader, question)
    if question.method == "POST":
        return _create(reader, question)
    question.check_writer()
    if question.method not in {"PATCH", "PUT", "DELETE"}:
        raise MethodError(f"The method {question.method[:20]} is not one of the standard's.")
    place = _entities(reader, question.path)
    if question.method == "DELETE":
        actions.delete(reader.session, place)
        return Answer(is_empty=True)
    if question.method == "PUT":
        actions.put(reader.session, place, question.content, now=reader.now)
    elif question.is_json_patch:
        actions.patch_by_operations(reader, place, question.content)
    else:
        actions.patch(reader.session, place, question.content, now=reader.now)
    return _shown(reader, Place(place.entity, place.id), status=200)


def _read(reader: Reader, question: Question) -> Answer:
    address = address_of(question.path)
    place = reader.place(address)
    if address.property:
        return _property(reader, place, address)
    options = options_of_query(question.query, place.entity)
    here = f"{reader.base}/{_plain_path(address)}"
    if address.ending == "$ref":
        return Answer(content=reader.references(place, options, address=f"{here}/$ref"))
    if place.id is not None:
        return Answer(content=reader.one(place, options))
    return Answer(content=reader.page(place, options, address=here))


def _plain_path(address: Address) -> str:
    return "/".join(step.name if step.id is None else f"{step.name}({step.id})" for step in address.steps)


def _property(reader: Reader, place: Place, address: Address) -> Answer:
    name, *deeper = address.property
    said = reader.property(place, name)
    for key in deeper:
        said = _inside(said, key)
    if said is None:
        return Answer(status=204, is_empty=True)
    if address.ending == "$value":
        is_text = not isinstance(said, dict | list)
        return Answer(content=json.dumps(said) if is_text and not isinstance(said, str) else said, is_text=is_text)
    return Answer(content={address.property[-1]: said})


def _inside(said: Any, key: str) -> Any:
    """What is in the JSON under the key; `key[1]` is the second of a list. Raises NoSuchResourceError."""
    if isinstance(said, dict) and key in said:
        return said[key]
    name, *indexes = re.findall(r"[^\[\]]+", key) if re.fullmatch(r"[^\[\]]+(\[\d{1,9}\])+", key, re.ASCII) else [key]
    said = said.get(name) if isinstance(said, dict) and indexes else None
    for index in map(int, indexes):
        said = said[index] if isinstance(said, list) and index < len(said) else None
    if said is None:
        raise NoSuchResourceError(f"There is no '{key[:60]}' here.")
    return said


def _create(reader: Reader, question: Question) -> Answer:
    if question.device_key is None:
        question.check_writer()
    key, path = question.device_key, question.path.strip("/")
    if path == CREATE_OBSERVATIONS:
        made = actions.create_observations(
            reader.session, question.content, base=reader.base, device_key=key, now=reader.now
        )
        return Answer(status=201, content=made)
    place = _entities(reader, path)
    id_ = actions.post(reader.session, place, question.content, device_key=key, now=reader.now)
    if question.is_minimal:
        headers = {"Location": rendering.link(reader.base, place.entity, id_), "Preference-Applied": "return=minimal"}
        return Answer(status=201, headers=headers, is_empty=True)
    return _shown(reader, Place(place.entity, id_), status=201)


def _shown(reader: Reader, place: Place, *, status: int) -> Answer:
    headers = {"Location": rendering.link(reader.base, place.entity, place.id or 0)}
    return Answer(status=status, content=reader.one(place, options_of_query("", place.entity)), headers=headers)


def _entities(reader: Reader, path: str) -> Place:
    address = address_of(path)
    if address.property or address.ending:
        raise MethodError("Entities are changed whole, at their own address.")
    return reader.place(address)


def answer_batch(reader: Reader, content: Any, *, asked: Question) -> Answer:
    """Each request of a JSON batch is answered in its place; one that fails undoes itself, or its atomicity group.

    `asked` says who asks. Raises BodyError where the body is no batch.
    """
    requests = content.get("requests") if isinstance(content, dict) else None
    if not isinstance(requests, list):
        raise BodyError("A batch is an object with 'requests', a list.")
    if not all(isinstance(one, dict) and isinstance(one.get("id"), str) for one in requests):
        raise BodyError("Each request of a batch is an object with an id, a text.")
    return Answer(content={"responses": responses_to(reader, requests, asked=asked)})


def responses_to(reader: Reader, requests: list[dict[str, Any]], *, asked: Question) -> list[dict[str, Any]]:
    """One response to each request of a batch, in their order. Raises BodyError where there are too many."""
    if len(requests) > MOST_REQUESTS:
        raise BodyError(f"A batch has at most {MOST_REQUESTS} requests.")
    made: dict[str, str] = {}
    responses: list[dict[str, Any]] = []
    for group in _groups(requests):
        responses += _group(reader, group, made, asked=asked)
    return responses


def _groups(requests: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    def group(indexed: tuple[int, dict[str, Any]]) -> tuple[str | None, int]:
        index, request = indexed
        name = request.get("atomicityGroup")
        return (name, 0) if isinstance(name, str) else (None, index)

    for _, members in groupby(enumerate(requests), key=group):
        yield [request for _, request in members]


def _group(
    reader: Reader, requests: list[dict[str, Any]], made: dict[str, str], *, asked: Question
) -> list[dict[str, Any]]:
    responses: list[dict[str, Any]] = []
    before = dict(made)
    try:
        with actions.all_or_nothing(reader.session):
            for request in requests:
                responses.append(_response(reader, request, made, asked=asked))
    except errors.FaonamError as error:
        status = status_of(error)
        if status is None:
            raise
        made.clear()
        made.update(before)
        failed = len(responses)
        said = {"code": 424, "type": "Another request failed.", "message": "Its group was undone."}
        undone = {"status": 424, "body": said}
        told = {"status": status, "body": content_of_error(error, status)}
        return [{"id": one["id"], **(told if index == failed else undone)} for index, one in enumerate(requests)]
    return responses


def _response(
    reader: Reader, request: dict[str, Any], made: dict[str, str], *, asked: Question
) -> dict[str, Any]:
    method, url, headers = request.get("method"), request.get("url"), request.get("headers") or {}
    if not isinstance(method, str) or not isinstance(url, str) or not isinstance(headers, dict):
        raise BodyError("A request of a batch has a method, a url and maybe headers.")
    if isinstance(request.get("body"), BodyError):
        raise request["body"]
    path, _, query = _below_root(url, made, base=reader.base).partition("?")
    kind = next((str(value) for key, value in headers.items() if str(key).lower() == "content-type"), "")
    question = Question(
        method.upper(), unquote(path), query, _with_references(request.get("body"), made), asked.check_writer,
        asked.device_key, is_json_patch=kind.startswith(JSON_PATCH),
    )
    found = answer(reader, question)
    if found.status == 201 and "Location" in found.headers:
        made[request["id"]] = found.headers["Location"]
    response = {"id": request["id"], "status": found.status}
    if found.headers:
        response["headers"] = dict(found.headers)
    return response if found.is_empty else response | {"body": found.content}


def _below_root(url: str, made: dict[str, str], *, base: str) -> str:
    """The path below the root; `$1/…` begins where the request of that id created something."""
    found = re.match(r"/?\$([^/?]+)", url)
    if found is not None and found.group(1) in made:
        url = made[found.group(1)] + url[found.end() :]
    root = "/" + base.split("/", 3)[3] if base.count("/") >= 3 else ""
    for prefix in (base, root, f"/{VERSION}"):
        if prefix and url.startswith(f"{prefix}/"):
            return url[len(prefix) + 1 :]
    return url.lstrip("/")


def _with_references(content: Any, made: dict[str, str]) -> Any:
    """The body with `{"@iot.id": "$1"}` as the id of what the request of that id created."""
    if isinstance(content, list):
        return [_with_references(one, made) for one in content]
    if not isinstance(content, dict):
        return content
    said = content.get("@iot.id")
    if isinstance(said, str) and said.startswith("$") and said[1:] in made:
        return content | {"@iot.id": int(made[said[1:]].rpartition("(")[2].rstrip(")"))}
    return {name: _with_references(value, made) for name, value in content.items()}
