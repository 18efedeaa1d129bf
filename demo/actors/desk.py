"""People who work through the API: they sign in, look, decide; a server that restarts is simply asked again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx

from core.errors import UnavailableError
from core.settings import settings

PATIENCE_S = 60.0
QUIET_S = 30.0  # The stream has a heartbeat every 10 s.


class Desk:
    """A signed-in person's way to the API."""

    def __init__(self, *, username: str, password: str) -> None:
        self._credentials = {"username": username, "password": password}
        self._http = httpx.Client(base_url=f"{settings().api_url}/api/v1", timeout=10.0)
        self._sign_in()

    def _sign_in(self) -> None:
        answer = self._ask("POST", "/session", self._credentials)
        answer.raise_for_status()
        self._http.headers["X-CSRF-Token"] = answer.json()["csrf_token"]

    def get(self, path: str) -> dict[str, Any]:
        """What the API says at `path`."""
        answer = self._ask("GET", path, None)
        answer.raise_for_status()
        return dict(answer.json())

    def post(self, path: str, body: dict[str, Any]) -> bool:
        """The API did it; False where it refused (somebody was faster, or it has changed)."""
        return self._ask("POST", path, body).is_success

    def news(self) -> Iterator[str]:
        """The lines of the live stream until it ends; raises httpx.HTTPError where it breaks off."""
        with self._http.stream("GET", "/live", timeout=QUIET_S) as answer:
            answer.raise_for_status()
            yield from answer.iter_lines()

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> httpx.Response:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                answer = self._http.request(method, path, json=body)
            except httpx.TransportError:
                answer = None
            if answer is not None and not answer.is_server_error:
                return answer
            time.sleep(0.2)
        raise UnavailableError(f"The API did not answer {method} {path} for {PATIENCE_S:.0f} s.")
