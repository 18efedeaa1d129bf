"""LINE's own door for ID tokens, as its reference describes `POST /oauth2/v2.1/verify`, with tokens signed by HS256."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

ISSUER = "https://access.line.me"
CHANNEL = "1234567890"
_KEY = b"the login channel's secret"


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def id_token(user: str, *, key: bytes = _KEY, **claims: Any) -> str:
    """An ID token as LINE makes them, for an hour; `claims` take the place of the usual ones."""
    now = int(time.time())
    body = {"iss": ISSUER, "sub": user, "aud": CHANNEL, "exp": now + 3600, "iat": now, "amr": ["linesso"], **claims}
    head = f"{_part({'typ': 'JWT', 'alg': 'HS256'})}.{_part(body)}"
    signature = base64.urlsafe_b64encode(hmac.new(key, head.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()
    return f"{head}.{signature}"


def _judge(form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
    token, client_id = form.get("id_token", [""])[0], form.get("client_id", [""])[0]
    head, _, signature = token.rpartition(".")
    expected = base64.urlsafe_b64encode(hmac.new(_KEY, head.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()
    if signature != expected:
        return _error("Invalid IdToken.")
    body = head.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    if claims["iss"] != ISSUER:
        return _error("Invalid IdToken Issuer.")
    if claims["exp"] <= time.time():
        return _error("IdToken expired.")
    if claims["aud"] != client_id:
        return _error("Invalid IdToken Audience.")
    return 200, claims


def _error(description: str) -> tuple[int, dict[str, Any]]:
    return 400, {"error": "invalid_request", "error_description": description}


class LineLogin:
    """The door on a port of this machine; `asked` counts who came, `answer` takes the place of its own judgement."""

    def __init__(self) -> None:
        """Nobody has asked."""
        self.asked = 0
        self.answer: tuple[int, dict[str, Any]] | None = None
        self.url = ""


@contextmanager
def served() -> Iterator[LineLogin]:
    """The door is open inside the block."""
    login = LineLogin()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            login.asked += 1
            form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            status, body = (404, {}) if self.path != "/oauth2/v2.1/verify" else login.answer or _judge(form)
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    login.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield login
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
