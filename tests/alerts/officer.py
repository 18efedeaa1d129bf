"""An officer at a real API, which may be killed while it is asked."""

from __future__ import annotations

import contextlib
import http.client
import json
from dataclasses import dataclass
from typing import Any

from tests.accounts import PASSWORD

LIMIT_S = 120.0


@dataclass
class Officer:
    """Somebody signed in, who asks the API and asks again where no answer came."""

    port: int
    cookie: str = ""
    csrf_token: str = ""

    def sign_in(self) -> None:
        """The officer has a cookie and a token for changes."""
        body = {"username": "officer", "password": PASSWORD}
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)) as connection:
            connection.request("POST", "/api/v1/session", json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            self.csrf_token = json.loads(answer.read())["csrf_token"]
            self.cookie = str(answer.getheader("Set-Cookie")).split(";")[0]

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any] | None:
        """Status and JSON of the answer; None where there was none."""
        headers = {"Cookie": self.cookie, "X-CSRF-Token": self.csrf_token, "Content-Type": "application/json"}
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)) as connection:
            try:
                connection.request(method, f"/api/v1{path}", json.dumps(body) if body else None, headers)
                answer = connection.getresponse()
                return answer.status, json.loads(answer.read())
            except (OSError, http.client.HTTPException):
                return None
