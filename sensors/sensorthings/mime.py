"""Batches in MIME parts (18-088, clause 11; OData 4.0, part 1, clause 11.7): read, and answered part by part. Pure.

No input raises anything but BodyError.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from email.message import Message
from hashlib import sha256
from http import HTTPStatus
from itertools import groupby
from typing import Any

from sensors.sensorthings.errors import BodyError
from sensors.sensorthings.payloads import content_of

MULTIPART = "multipart/mixed"
# What is done, or what was undone because of another request.
_NO_FAULT = frozenset({*range(400), HTTPStatus.FAILED_DEPENDENCY})
Request = dict[str, Any]
Response = dict[str, Any]


def requests_of(body: bytes, *, content_type: str) -> list[Request]:
    """The requests of the batch as JSON batches have them; those of one change set share an atomicityGroup.

    A body that is no JSON stands there as the BodyError that it is, for the request alone fails by it.
    """
    try:
        text = body.decode().replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise BodyError("The batch is not UTF-8.") from None
    requests: list[Request] = []
    for number, (headers, rest) in enumerate(_parts(text, content_type)):
        if _kind(headers) == MULTIPART:
            group = f"change set {number}"
            inner = _parts(rest, headers["Content-Type"])
            requests += [_request(*part, number=len(requests) + at, group=group) for at, part in enumerate(inner)]
        else:
            requests.append(_request(headers, rest, number=len(requests), group=None))
    return requests


def _parts(text: str, content_type: str) -> Iterator[tuple[Message, str]]:
    boundary = _message({"Content-Type": content_type}).get_param("boundary")
    if not isinstance(boundary, str) or not 0 < len(boundary) <= 200:
        raise BodyError("The Content-Type of a batch or change set names its boundary.")
    mark = re.escape(boundary)
    pieces = re.split(rf"(?:^|\n)--{mark}(--)?[ \t]*(?=\n|$)", text)
    if len(pieces) < 4 or pieces[-2] != "--" or "--" in pieces[1:-2:2]:
        raise BodyError("The parts of the batch do not begin and end with its boundary.")
    for piece in pieces[2:-2:2]:
        yield _head_and_rest(piece.removeprefix("\n"))


def _head_and_rest(text: str) -> tuple[Message, str]:
    if text.startswith("\n"):
        return Message(), text[1:]
    head, _, rest = text.partition("\n\n")
    pairs = (line.partition(":")[::2] for line in head.splitlines())
    return _message({name.strip(): value.strip() for name, value in pairs}), rest


def _message(headers: dict[str, str]) -> Message:
    message = Message()
    for name, value in headers.items():
        message[name] = value
    return message


def _kind(headers: Message) -> str:
    return str(headers.get("Content-Type", "")).partition(";")[0].strip().lower()


def _request(headers: Message, rest: str, *, number: int, group: str | None) -> Request:
    if _kind(headers) != "application/http":
        raise BodyError("Each part of a batch is application/http, or a change set of such parts.")
    line, _, behind = rest.partition("\n")
    method, *words = line.split() or [""]
    if words and words[-1].startswith("HTTP/"):
        words.pop()
    if not words:
        raise BodyError("A part of the batch does not begin with a request such as GET Things HTTP/1.1.")
    inner, body = _head_and_rest(behind)
    named = headers.get("Content-ID") or inner.get("Content-ID")
    request: Request = {
        "id": str(named or f"request {number}"), "is_named": named is not None,
        "method": method, "url": " ".join(words),
        "headers": {"Content-Type": inner.get("Content-Type", "")}, "body": _content(body.strip()),
    }
    return request if group is None else request | {"atomicityGroup": group}


def _content(text: str) -> Any:
    try:
        return content_of(text.encode()) if text else None
    except BodyError as error:
        return error


def written(requests: Sequence[Request], responses: Sequence[Response]) -> tuple[str, str]:
    """The body that answers the requests in their order, and its Content-Type.

    A change set that failed is answered by its one fault. The boundary is made of what is said, and so not said there.
    """
    boundary = f"batch_{sha256(_json(responses).encode()).hexdigest()[:32]}"
    answered = enumerate(zip(requests, responses, strict=True))
    parts = []
    for group, members in groupby(answered, key=lambda one: one[1][0].get("atomicityGroup", one[0])):
        pairs = [pair for _, pair in members]
        faults = [response for _, response in pairs if response["status"] not in _NO_FAULT]
        if not isinstance(group, str):
            parts.append(_part(*pairs[0]))
        elif faults:
            parts.append(_part({"is_named": False}, faults[0]))
        else:
            inside = f"{boundary}_{len(parts)}"
            content = _joined([_part(*pair) for pair in pairs], inside)
            parts.append(f"Content-Type: {MULTIPART}; boundary={inside}\r\n\r\n{content}")
    return _joined(parts, boundary), f"{MULTIPART}; boundary={boundary}"


def _joined(parts: Sequence[str], boundary: str) -> str:
    return "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"


def _part(request: Request, response: Response) -> str:
    status = HTTPStatus(response["status"])
    named = f"Content-ID: {request['id']}\r\n" if request["is_named"] else ""
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    lines += [f"{name}: {value}" for name, value in response.get("headers", {}).items()]
    body = response.get("body")
    if "body" in response:
        lines.append(f"Content-Type: {'text/plain' if isinstance(body, str) else 'application/json'}; charset=utf-8")
    text = body if isinstance(body, str) else _json(body) if "body" in response else ""
    head = f"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n{named}\r\n"
    return head + "\r\n".join(lines) + f"\r\n\r\n{text}"


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
