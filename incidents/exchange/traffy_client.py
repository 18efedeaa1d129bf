"""Calls to Traffy's exchange API: HTTP 200 with `fail` is a failure, an expired token is renewed once."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import SetupError
from core.logs import get_logger
from incidents.exchange import traffy
from incidents.exchange.errors import TraffyAwayError, TraffyQuotaError, TraffyRefusedError
from incidents.exchange.traffy import Envelope

log = get_logger("incidents.traffy")
TIMEOUT_S = 20.0
ANSWER_MOST_BYTES = 32 << 20
FEW_CALLS = 50


class TraffySettings(BaseSettings):
    """Where Traffy's exchange is, as `TRAFFY_…` names it; without an address nothing is exchanged."""

    model_config = SettingsConfigDict(env_prefix="TRAFFY_", extra="ignore")

    url: str = ""
    user: str = ""
    password: SecretStr = SecretStr("")
    live: bool = False


@dataclass
class TraffyClient:
    """One account at Traffy. Raises TraffyAwayError, TraffyRefusedError and TraffyQuotaError."""

    url: str
    user: str
    password: SecretStr
    transport: httpx.BaseTransport | None = None
    _token: str = field(default="", repr=False)

    def issues(self, duration: str) -> tuple[list[traffy.Issue], list[str], bool]:
        """What moved within `today` or `3days`, with findings, and whether the list was cut."""
        return traffy.read_issues(self._call("GET", "get-issues/v2", params={"duration": duration}).results)

    def new_issue(self, body: dict[str, Any]) -> str:
        """The ticket that was made of a report of ours. The reporter's password that comes with it is not kept."""
        results = self._call("POST", "new-issue/v1", json=body).results
        ticket_id = str(results.get("ticket_id") or "") if isinstance(results, dict) else ""
        if not ticket_id:
            raise TraffyRefusedError("Traffy took the report and told no ticket_id.")
        return ticket_id

    def update_issue(self, body: dict[str, Any]) -> None:
        """The ticket has the state that was told."""
        self._call("PATCH", "update-issue/v1", json=body)

    def _call(self, method: str, path: str, **what: Any) -> Envelope:
        if not self._token:
            self._sign_in()
        answer = self._send(method, path, **what)
        if answer.says_expired:
            self._sign_in()
            answer = self._send(method, path, **what)
        self._check(answer, path)
        return answer

    def _sign_in(self) -> None:
        self._token = ""
        body = {"user": self.user, "pass": self.password.get_secret_value()}
        answer = self._send("POST", "get-auth/v1", json=body)
        self._check(answer, "get-auth/v1")
        results = answer.results if isinstance(answer.results, dict) else {}
        self._token = str(results.get("token") or "")
        if not self._token:
            raise TraffyRefusedError("Traffy signed us in and told no token.")

    def _send(self, method: str, path: str, **what: Any) -> Envelope:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            with httpx.Client(transport=self.transport, timeout=TIMEOUT_S) as client:
                answer = client.request(method, f"{self.url.rstrip('/')}/{path}", headers=headers, **what)
        except httpx.HTTPError as fault:
            raise TraffyAwayError(f"Traffy does not answer {path}: {type(fault).__name__}.") from fault
        if answer.status_code >= 500 or len(answer.content) > ANSWER_MOST_BYTES:
            raise TraffyAwayError(f"Traffy answered {path} with {answer.status_code}, {len(answer.content):,} bytes.")
        try:
            body = answer.json()
        except ValueError:
            raise TraffyAwayError(f"Traffy answered {path} with no JSON ({answer.status_code}).") from None
        return traffy.read_envelope(body)

    def _check(self, answer: Envelope, path: str) -> None:
        if answer.says_no_quota or (answer.credit == 0 and not answer.is_success):
            raise TraffyQuotaError("This month's calls to Traffy are used up; they begin anew on the 1st.")
        if not answer.is_success:
            raise TraffyRefusedError(f"Traffy refused {path}: {answer.message[:200] or 'without a reason'}")
        if answer.credit is not None and answer.credit <= FEW_CALLS:
            log.warning("traffy.few_calls_left", calls=answer.credit)


def configured() -> TraffyClient | None:
    """The city's account at Traffy, None where it has none.

    Raises SetupError where another host than this machine is named without TRAFFY_LIVE=1.
    """
    settings = TraffySettings()
    if not settings.url:
        return None
    host = urlsplit(settings.url).hostname or ""
    if not settings.live and not _is_loopback(host):
        raise SetupError(f"TRAFFY_URL names {host}; set TRAFFY_LIVE=1 to exchange reports with it.")
    return TraffyClient(settings.url, settings.user, settings.password)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
