"""Asking a source over HTTP, distrustfully: within seconds and megabytes, and at the declared host only."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import httpx

from sensors.feeds.bodies import PULLED_LIMIT_BYTES
from sensors.feeds.health import PullTrouble
from sensors.feeds.row import Reason

CONNECT_S, READ_S, WHOLE_S = 5.0, 10.0, 20.0
MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GZIP = 16 + zlib.MAX_WBITS
_NOT_MODIFIED, _TOO_MANY, _UNAVAILABLE = 304, 429, 503
# Where clouds answer with the machine's own keys, besides everything link-local.
_METADATA = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200", "192.0.0.192")))


@dataclass(frozen=True)
class Asked:
    """A question to a source: its address, a secret header or none, and what it said of its last answer.

    `extra_ca_pem` are certificates that are trusted besides those of the world: what a server forgets to send of its
    chain. With `form` it is asked by POST.
    """

    url: str
    headers: Mapping[str, str]
    etag: str | None = None
    last_modified: str | None = None
    limit_bytes: int = PULLED_LIMIT_BYTES
    whole_s: float = WHOLE_S
    accept: str = "application/json, text/csv;q=0.9, */*;q=0.5"
    extra_ca_pem: str | None = None
    form: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Answer:
    """The whole body; None where the source says that nothing has changed since it was last asked."""

    body: bytes | None
    etag: str | None
    last_modified: str | None


@dataclass(frozen=True)
class Failure:
    """Why there is no answer: a code with words in sensors/locales, a sentence, and how long we are asked to wait."""

    trouble: str
    detail: str
    retry_after: str | None = None


Fetched: TypeAlias = Answer | Failure
Trace: TypeAlias = Callable[[str, Mapping[str, Any]], None]


class _Stop(Exception):  # noqa: N818  It is no error but the end of asking, with its failure.
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


def fetch(asked: Asked) -> Fetched:
    """What the source answers. Bad answers of every kind are a Failure with a sentence; nothing is raised for them."""
    deadline_s = time.monotonic() + asked.whole_s
    timeout = httpx.Timeout(min(READ_S, asked.whole_s), connect=min(CONNECT_S, asked.whole_s))
    late = Failure(PullTrouble.TIMEOUT, f"The source did not answer within {asked.whole_s:.0f} s.")
    cut = _Cut(asked.whole_s)
    try:
        # trust_env: a proxy or a .netrc of the machine would go around what is checked here.
        with cut, httpx.Client(
            timeout=timeout, follow_redirects=False, trust_env=False, verify=_trust(asked.extra_ca_pem)
        ) as client:
            return _follow(client, asked, deadline_s=deadline_s, trace=cut.note)
    except _Stop as stop:
        return stop.failure
    except httpx.TimeoutException:
        return late
    except httpx.ConnectError as fault:
        is_untrusted = "CERTIFICATE_VERIFY_FAILED" in str(fault)
        return _untrusted(fault) if is_untrusted else _unreachable(fault)
    except (zlib.error, httpx.RemoteProtocolError, httpx.ReadError) as fault:
        if cut.has_cut:
            return late
        return Failure(PullTrouble.BROKEN_ANSWER, f"The answer is cut off or damaged ({type(fault).__name__}).")
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as fault:
        return late if cut.has_cut else _unreachable(fault)


def _unreachable(fault: Exception) -> Failure:
    return Failure(PullTrouble.UNREACHABLE, f"The source cannot be reached ({type(fault).__name__}).")


def _untrusted(fault: Exception) -> Failure:
    why = str(fault).partition("CERTIFICATE_VERIFY_FAILED]")[2].partition("(_ssl")[0].strip() or type(fault).__name__
    return Failure(PullTrouble.UNTRUSTED, f"The source cannot prove who it is: {why[:150]}.")


def _trust(extra_ca_pem: str | None) -> ssl.SSLContext:
    """The world's roots, and the certificates given; a chain still has to end in a root, and the name to be right."""
    context = httpx.create_ssl_context(trust_env=False)
    if extra_ca_pem is not None:
        context.load_verify_locations(cadata=extra_ca_pem)
    return context


class _Cut:
    """Ends the connection when its time is up: who sends a header a letter at a time never runs into a time-out."""

    def __init__(self, after_s: float) -> None:
        self.has_cut = False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(after_s, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> _Cut:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def note(self, event: str, info: Mapping[str, Any]) -> None:
        """httpcore tells of each connection that it has made."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")

    def _cut(self) -> None:
        self.has_cut = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # Of the plain socket: one under TLS would first forget that it is.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def _follow(client: httpx.Client, asked: Asked, *, deadline_s: float, trace: Trace) -> Fetched:
    url = httpx.URL(asked.url)
    for _ in range(MOST_REDIRECTS + 1):
        with _sent(client, url, asked, trace=trace) as response:
            if response.status_code not in _REDIRECTS:
                return _answer(response, asked, deadline_s=deadline_s)
            url = _next(url, response)
    raise _Stop(Failure(PullTrouble.REDIRECTED, "The source leads from one address to the next without end."))


def _next(url: httpx.URL, response: httpx.Response) -> httpx.URL:
    """Where the source leads to: another path of the same host, or the same over TLS; anything else is refused."""
    to = url.join(response.headers.get("location", ""))
    is_same = to.scheme == url.scheme and to.port == url.port
    is_upgrade = (url.scheme, to.scheme, url.port, to.port) == ("http", "https", None, None)
    if to.host != url.host or not (is_same or is_upgrade):
        detail = f"The source leads to {to.scheme}://{to.host[:100]}, which is not the address declared."
        raise _Stop(Failure(PullTrouble.REDIRECTED, detail))
    return to


def _sent(client: httpx.Client, url: httpx.URL, asked: Asked, *, trace: Trace) -> _Response:
    host = url.host
    headers = {"Host": url.netloc.decode("ascii"), "Accept": asked.accept, "Accept-Encoding": "gzip",
               "User-Agent": "Faonam", **asked.headers}
    if asked.etag:
        headers["If-None-Match"] = asked.etag
    if asked.last_modified:
        headers["If-Modified-Since"] = asked.last_modified
    addresses = list(_addresses(host, url.port or (443 if url.scheme == "https" else 80)))
    for number, address in enumerate(addresses, 1):
        # The address that was checked is the one that is asked: a name may mean another one a moment later.
        request = client.build_request(
            "GET" if asked.form is None else "POST", url.copy_with(host=address), headers=headers, data=asked.form,
            extensions={"sni_hostname": host, "trace": trace},
        )
        try:
            return _Response(client.send(request, stream=True))
        except httpx.ConnectError:
            if number == len(addresses):
                raise
    raise _Stop(Failure(PullTrouble.UNREACHABLE, f"The host {host[:100]} has no address."))


class _Response:
    """A response that is closed at the end of its block."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    def __enter__(self) -> httpx.Response:
        return self._response

    def __exit__(self, *_: object) -> None:
        self._response.close()


def _addresses(host: str, port: int) -> Iterator[str]:
    """The host's addresses. Stops where one of them is link-local: there clouds keep the machine's own keys."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise _Stop(Failure(PullTrouble.UNREACHABLE, f"The host {host[:100]} is not known.")) from None
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    for text in addresses:
        if is_forbidden(text):
            raise _Stop(Failure(PullTrouble.FORBIDDEN_ADDRESS, f"The host {host[:100]} is at {text}: not asked."))
    yield from addresses


def is_forbidden(address: str) -> bool:
    """No feed may be there: link-local (169.254.0.0/16, fe80::/10), multicast, unset, or a cloud's metadata service."""
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    return ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip in _METADATA


def _answer(response: httpx.Response, asked: Asked, *, deadline_s: float) -> Fetched:
    status = response.status_code
    etag, last_modified = response.headers.get("etag"), response.headers.get("last-modified")
    if status == _NOT_MODIFIED and (asked.etag or asked.last_modified):
        return Answer(None, asked.etag, asked.last_modified)
    if status in (401, 403):
        return Failure(PullTrouble.SIGN_IN, f"The source answered with status {status}.")
    retry_after = response.headers.get("retry-after")
    if status == _TOO_MANY or (status == _UNAVAILABLE and retry_after):
        return Failure(PullTrouble.BUSY, f"The source answered with status {status}.", retry_after)
    if status != httpx.codes.OK:
        return Failure(PullTrouble.HTTP_STATUS, f"The source answered with status {status}.")
    return Answer(_body(response, asked, deadline_s=deadline_s), etag, last_modified)


def _body(response: httpx.Response, asked: Asked, *, deadline_s: float) -> bytes:
    """The body, decompressed piece by piece, so that a small answer cannot become a huge one in memory."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip"):
        detail = f"The answer is packed as {coding[:20]!a}, which nobody asked for."
        raise _Stop(Failure(PullTrouble.BROKEN_ANSWER, detail))
    unpack = zlib.decompressobj(_GZIP) if coding == "gzip" else None
    data = bytearray()
    for piece in response.iter_raw():
        room = asked.limit_bytes + 1 - len(data)
        data += unpack.decompress(piece, room) if unpack else piece
        if len(data) > asked.limit_bytes:
            detail = f"The answer is larger than {asked.limit_bytes} bytes."
            raise _Stop(Failure(Reason.TOO_LARGE, detail))
        if time.monotonic() > deadline_s:
            raise _Stop(Failure(PullTrouble.TIMEOUT, f"The answer was not whole within {asked.whole_s:.0f} s."))
    if unpack is not None and not unpack.eof:
        raise _Stop(Failure(PullTrouble.BROKEN_ANSWER, "The packed answer ends too early."))
    return bytes(data)
