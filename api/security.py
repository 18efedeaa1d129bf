"""What every answer carries and what no request may exceed: plain ASGI, so that streams pass through unbuffered."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from core.settings import settings
from line import identity

JSON_LIMIT_BYTES = 1 << 20
PHOTO_LIMIT_BYTES = 12 << 20  # LINE passes on pictures of up to 10 MB; crews' phones make similar ones.
_WITH_PHOTOS = ("/open311/v2/requests.", "/exchange-api/new-issue/")
LINE_LIMIT_BYTES = 2_000_000  # The largest webhook body that LINE sends.


def standin_url() -> str | None:
    """Where the LINE stand-in listens, or None where messages go to the real LINE."""
    line = settings().line
    return None if line.is_live else line.api_base_url


def content_security_policy() -> str:
    """Everything from this origin; MapLibre needs a blob worker and inline styles, the demo phone the stand-in."""
    standin = standin_url()
    also = f" {standin}" if standin else ""
    return "; ".join(
        (
            "default-src 'self'",
            f"connect-src 'self'{also}",
            f"img-src 'self' data: blob:{also}",
            "worker-src 'self' blob:",
            "style-src 'self' 'unsafe-inline'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def liff_page_policy() -> str:
    """The same, and on a city's real account LINE's own script, by which the page learns who opened it."""
    policy = content_security_policy()
    if settings().line.liff_id is None:
        return policy
    script, hosts = identity.SDK_HOSTS[0], " ".join(identity.SDK_HOSTS)
    return policy.replace("connect-src 'self'", f"script-src 'self' {script}; connect-src 'self' {hosts}")


def security_headers() -> dict[str, str]:
    """What every answer carries."""
    return {
        "Content-Security-Policy": content_security_policy(),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "geolocation=(self), camera=(self), microphone=()",
    }


@dataclass
class SecurityHeaders:
    """Every answer says what a browser may do with it; answers of the API are not kept unless the route says so."""

    app: ASGIApp
    headers: dict[str, str] = field(default_factory=security_headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, the answer with its headers back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, send_with_headers)


@dataclass
class CatchAll:
    """What no endpoint foresaw becomes a problem document too, inside the security headers; the log has its inside."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; where it fails before anything was answered, answer 500 or 503."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        has_started = False

        async def send_and_note(message: Message) -> None:
            nonlocal has_started
            has_started = has_started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except Exception as error:
            if has_started:
                raise
            await problems.of_exception(error, instance=scope["path"])(scope, receive, send)


def body_limit_bytes(path: str) -> int:
    """The most that a request to this path may carry."""
    if path == "/line/webhook":
        return LINE_LIMIT_BYTES
    takes_photos = path.endswith("/photos") or path == "/report" or path.startswith(_WITH_PHOTOS)
    return PHOTO_LIMIT_BYTES if takes_photos else JSON_LIMIT_BYTES


@dataclass
class BodyLimit:
    """A body over its limit is refused with 413, whether it says its length or not; the rest of it is never read."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on unless its body is too large."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = body_limit_bytes(scope["path"])
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > limit:
            await _refuse(limit, scope, receive, send)
            return
        await _Counted(self.app, limit)(scope, receive, send)


@dataclass
class _Counted:
    """One request whose body is counted as it comes."""

    app: ASGIApp
    limit: int
    read: int = 0
    has_refused: bool = False
    has_started: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def receive_counted() -> Message:
            message = await receive()
            self.read += len(message.get("body", b""))
            if self.read <= self.limit or self.has_started:
                return message
            if not self.has_refused:
                self.has_refused = True
                await _refuse(self.limit, scope, receive, send)
            return {"type": "http.disconnect"}

        async def send_unless_refused(message: Message) -> None:
            if self.has_refused:
                return
            self.has_started = True
            await send(message)

        try:
            await self.app(scope, receive_counted, send_unless_refused)
        except Exception:
            if not self.has_refused:
                raise


async def _refuse(limit: int, scope: Scope, receive: Receive, send: Send) -> None:
    detail = f"This address takes at most {limit // 1024} KiB."
    answer = problems.problem(
        status=413, slug="too-large", detail=detail, instance=scope["path"], headers={"Connection": "close"}
    )
    await answer(scope, receive, send)
