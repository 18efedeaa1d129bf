"""Our own thin client of LINE's Messaging API. LINE's paths and headers appear in this package only."""

from __future__ import annotations

import asyncio
import functools
import ipaddress
from typing import Any
from urllib.parse import urlsplit

import httpx

from core.settings import LineSettings, settings
from line.errors import ContentGoneError, LineRefusedError, LineUnavailableError, NotLiveError
from line.rules import Answer

READ_LIMIT_S = 6.0
PICTURE_LIMIT_BYTES = 20_000_000
PATHS = {
    "multicast": "/v2/bot/message/multicast",
    "push": "/v2/bot/message/push",
    "reply": "/v2/bot/message/reply",
}


def is_loopback(url: str) -> bool:
    """The address never leaves this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_host(line: LineSettings, url: str) -> None:
    if line.is_live:
        if not is_loopback(url) and not url.startswith("https://"):
            raise NotLiveError(f"Messages to real people travel by https only, not to {url}.")
        return
    if not is_loopback(url):
        raise NotLiveError(f"{url} is not this machine, and LINE_LIVE=1 is not set: nothing is sent to real people.")


def _headers(line: LineSettings) -> dict[str, str]:
    token = line.channel_access_token.get_secret_value() if line.channel_access_token else ""
    return {"Authorization": f"Bearer {token}"}


class LineSender:
    """Sends request bodies to LINE over kept connections; as an async context manager."""

    def __init__(self, line: LineSettings | None = None, *, attempt_limit_s: float | None = None) -> None:
        """The connections open at first use. Raises NotLiveError for a host beyond this machine without LINE_LIVE=1.

        An attempt has an answer within `attempt_limit_s` (default: as set) or counts as unanswered.
        """
        line = line or settings().line
        _check_host(line, line.api_base_url)
        self._attempt_limit_s = attempt_limit_s or line.attempt_limit_s
        self._http = httpx.AsyncClient(
            base_url=line.api_base_url,
            headers=_headers(line),
            timeout=self._attempt_limit_s,
            trust_env=line.is_live,
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=30),
        )

    async def __aenter__(self) -> LineSender:
        """The connections may be used."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """The connections are closed."""
        await self._http.aclose()

    async def send(self, kind: str, body: bytes, *, retry_key: str) -> Answer:
        """LINE's answer to one attempt; status None where none came within the limit or the connection broke.

        The retry key goes with push and multicast only: LINE refuses it anywhere else.
        """
        headers = {"Content-Type": "application/json"}
        if kind != "reply":
            headers["X-Line-Retry-Key"] = retry_key
        try:
            async with asyncio.timeout(self._attempt_limit_s):
                response = await self._http.post(PATHS[kind], content=body, headers=headers)
        except TimeoutError:
            return Answer(status=None, message="no answer in time")
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as exc:
            return Answer(status=None, message=type(exc).__name__, is_unsent=True)
        except httpx.TransportError as exc:
            return Answer(status=None, message=type(exc).__name__)
        return Answer(
            status=response.status_code,
            request_id=response.headers.get("x-line-request-id"),
            accepted_request_id=response.headers.get("x-line-accepted-request-id"),
            message="" if response.status_code == 200 else message_of(response),
        )


class Blackhole:
    """Takes everything, and it reaches nobody: a rehearsal runs the whole way without LINE."""

    async def send(self, kind: str, body: bytes, *, retry_key: str) -> Answer:
        """As LINE answers what it takes; the request id says where it went."""
        return Answer(status=200, request_id=f"blackhole-{retry_key}")


def message_of(response: httpx.Response) -> str:
    """What LINE says is amiss, with the places in what we sent."""
    try:
        body = response.json()
    except ValueError:
        return response.text[:300]
    if not isinstance(body, dict):
        return response.text[:300]
    details = "; ".join(
        f"{d.get('property', '?')}: {d.get('message', '?')}" for d in body.get("details", []) if isinstance(d, dict)
    )
    return f"{body.get('message', '')} {details}".strip()[:500]


@functools.cache
def _reader(*, trust_env: bool) -> httpx.Client:
    """One client a process for what is read from LINE: connections are kept, certificates loaded once."""
    return httpx.Client(timeout=READ_LIMIT_S, trust_env=trust_env, limits=httpx.Limits(keepalive_expiry=2.0))


def _get(base_url: str, path: str, *, limit_bytes: int) -> httpx.Response:
    line = settings().line
    _check_host(line, base_url)
    address = base_url.rstrip("/") + path
    try:
        with _reader(trust_env=line.is_live).stream("GET", address, headers=_headers(line)) as response:
            received = bytearray()
            for piece in response.iter_bytes():
                received += piece
                if len(received) > limit_bytes:
                    raise LineRefusedError(f"LINE's answer is larger than {limit_bytes} bytes.")
            whole = httpx.Response(response.status_code, headers=response.headers, content=bytes(received))
    except httpx.TransportError as exc:
        raise LineUnavailableError(f"LINE does not answer: {type(exc).__name__}.") from exc
    if whole.status_code >= 500 or whole.status_code == 429:
        raise LineUnavailableError(f"LINE answered {whole.status_code}.")
    return whole


def _get_json(path: str) -> dict[str, Any] | None:
    response = _get(settings().line.api_base_url, path, limit_bytes=1_000_000)
    if response.status_code == 404:
        return None
    if response.status_code != 200:
        raise LineRefusedError(f"LINE answered {response.status_code}: {message_of(response)}")
    body = response.json()
    return body if isinstance(body, dict) else {}


def profile(line_user_id: str) -> dict[str, Any] | None:
    """The profile (`displayName`, perhaps `language`); None where the person blocked us or is no friend."""
    return _get_json(f"/v2/bot/profile/{line_user_id}")


def group_name(group_id: str) -> str | None:
    """What its members call the group; None where LINE says none: a room has no name, and we may have been put out."""
    name = (_get_json(f"/v2/bot/group/{group_id}/summary") or {}).get("groupName")
    return name if isinstance(name, str) and name else None


def group_size(chat_id: str) -> int | None:
    """How many people are in the group (C…) or room (R…), us not counted; None where we are not in it."""
    kind = "group" if chat_id.startswith("C") else "room"
    count = (_get_json(f"/v2/bot/{kind}/{chat_id}/members/count") or {}).get("count")
    return count if isinstance(count, int) and not isinstance(count, bool) else None


def content(message_id: str) -> tuple[bytes, str]:
    """The bytes and content type of what a resident sent, from LINE's data host, 20 MB at most.

    Raises ContentGoneError where LINE has deleted it.
    """
    path = f"/v2/bot/message/{message_id}/content"
    response = _get(settings().line.data_base_url, path, limit_bytes=PICTURE_LIMIT_BYTES)
    if response.status_code in {404, 410}:
        raise ContentGoneError("LINE no longer keeps this picture.")
    if response.status_code != 200:
        raise LineRefusedError(f"LINE answered {response.status_code}: {message_of(response)}")
    return response.content, response.headers.get("content-type", "application/octet-stream")


def post_form(path: str, fields: dict[str, str]) -> httpx.Response:
    """LINE's answer to a form that needs no token of ours; raises LineUnavailableError where it does not answer."""
    line = settings().line
    _check_host(line, line.api_base_url)
    try:
        response = _reader(trust_env=line.is_live).post(line.api_base_url.rstrip("/") + path, data=fields)
    except httpx.TransportError as exc:
        raise LineUnavailableError(f"LINE does not answer: {type(exc).__name__}.") from exc
    if response.status_code >= 500 or response.status_code == 429:
        raise LineUnavailableError(f"LINE answered {response.status_code}.")
    return response


def call(
    method: str,
    path: str,
    *,
    json: dict[str, Any] | None = None,
    content: bytes | None = None,
    content_type: str | None = None,
    is_data: bool = False,
) -> httpx.Response:
    """LINE's answer to one request of the channel's; `is_data` goes to the host of pictures.

    Raises LineUnavailableError where LINE does not answer, or asks us to slow down: tried again later.
    """
    line = settings().line
    base_url = line.data_base_url if is_data else line.api_base_url
    _check_host(line, base_url)
    headers = _headers(line) | ({"Content-Type": content_type} if content_type else {})
    try:
        response = _reader(trust_env=line.is_live).request(
            method, base_url.rstrip("/") + path, json=json, content=content, headers=headers
        )
    except httpx.TransportError as exc:
        raise LineUnavailableError(f"LINE does not answer: {type(exc).__name__}.") from exc
    if response.status_code >= 500 or response.status_code == 429:
        raise LineUnavailableError(f"LINE answered {response.status_code}.")
    return response
