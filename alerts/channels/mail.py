"""Mail by SMTP, through the city's own server: encrypted on the way, one recipient a message, within a deadline."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.utils import parseaddr

from alerts.channels import letters as letter_bodies
from alerts.channels.letters import Letter
from alerts.channels.rules import Verdict
from core.settings import MailSettings
from line.client import is_loopback

DEADLINE_S = 10.0


class _MailAwayError(Exception):
    """The server takes no mail now."""


@dataclass(frozen=True)
class Mail:
    """Sends through one server; within `deadline_s` a message is taken, or the connection is cut."""

    settings: MailSettings
    deadline_s: float = DEADLINE_S

    def carry(self, letters: Sequence[Letter]) -> Iterator[tuple[Letter, Verdict]]:
        """One after the other over one connection; a broken one is opened again for the next.

        A server that lets nobody in is asked once: the other letters of this turn share its answer.
        """
        server: smtplib.SMTP | None = None
        shut: Verdict | None = None
        try:
            for letter in letters:
                if shut is not None:
                    yield letter, shut
                    continue
                try:
                    with self._deadline() as cut:
                        server = server or self._opened(cut)
                        cut.watch(server)
                        verdict = self._send(server, letter)
                except _MailAwayError as fault:
                    verdict = shut = Verdict("away", str(fault))
                if verdict.result == "away":
                    _close(server)
                    server = None
                yield letter, verdict
        finally:
            _close(server)

    @contextlib.contextmanager
    def _deadline(self) -> Iterator[_Cut]:
        # A server that answers a byte at a time would outlast every timeout of a single read.
        cut = _Cut()
        timer = threading.Timer(self.deadline_s, cut.now)
        timer.start()
        try:
            yield cut
        finally:
            timer.cancel()

    def _opened(self, cut: _Cut) -> smtplib.SMTP:
        here = self.settings
        if here.host is None:
            raise _MailAwayError("No mail server is set: MAIL_HOST.")
        is_here = is_loopback(f"smtp://{here.host}")
        if not is_here and not here.live:
            raise _MailAwayError(f"{here.host} is not this machine; set MAIL_LIVE=1 to send mail to real people.")
        if here.security == "plain" and not is_here:
            raise _MailAwayError("Mail beyond this machine is never sent in the clear: MAIL_SECURITY.")
        try:
            return self._connected(here.host, cut)
        except (OSError, smtplib.SMTPException) as fault:
            raise _MailAwayError(_said(fault)) from None

    def _connected(self, host: str, cut: _Cut) -> smtplib.SMTP:
        here = self.settings
        context = ssl.create_default_context()
        if here.ca_file is not None:
            context.load_verify_locations(here.ca_file)
        server = (
            smtplib.SMTP_SSL(timeout=self.deadline_s, context=context)
            if here.security == "tls"
            else smtplib.SMTP(timeout=self.deadline_s)
        )
        server._host = host  # type: ignore[attr-defined]  # smtplib takes the name to verify from here where it connects later
        try:
            cut.watch(server)  # From before the greeting on: it may be what hangs.
            code, said = server.connect(host, here.port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, said)
            if here.security == "starttls":
                server.starttls(context=context)
            if here.user is not None and here.password is not None:
                server.login(here.user, here.password.get_secret_value())
        except BaseException:
            _close(server)
            raise
        return server

    def _send(self, server: smtplib.SMTP, letter: Letter) -> Verdict:
        sender = self.settings.sender
        message = letter_bodies.mail(letter, sender=sender, domain=parseaddr(sender)[1].rpartition("@")[2])
        raw = message.as_bytes()
        try:
            server.ehlo_or_helo_if_needed()
            _expect(server.mail(sender), 250)
            code, said = server.rcpt(letter.address)
            if code not in (250, 251):
                server.rset()
                return Verdict("refused" if code >= 500 else "away", _answer(code, said))
        except _SaidNoError as no:
            return Verdict("away", str(no))
        except (OSError, smtplib.SMTPException) as fault:
            return Verdict("away", _said(fault))
        return _hand_over(server, raw)


def _hand_over(server: smtplib.SMTP, raw: bytes) -> Verdict:
    """Everything is sent from here on: a connection that breaks may break after the server took it."""
    try:
        code, said = server.data(raw)
    except smtplib.SMTPDataError as fault:  # Refused before anything of it was sent.
        return Verdict("refused" if fault.smtp_code >= 500 else "away", _said(fault))
    except (OSError, smtplib.SMTPException) as fault:
        return Verdict("away", _said(fault), was_handed_over=True)
    if code == 250:
        return Verdict("accepted")
    return Verdict("refused" if code >= 500 else "away", _answer(code, said))


class _SaidNoError(Exception):
    """The server answered something else than what was hoped for."""


def _expect(answer: tuple[int, bytes], code: int) -> None:
    if answer[0] != code:
        raise _SaidNoError(_answer(*answer))


def _answer(code: int, said: bytes) -> str:
    # The code alone: servers repeat addresses in their words.
    return f"SMTP {code}"


def _said(fault: Exception) -> str:
    if isinstance(fault, smtplib.SMTPResponseException):
        return f"SMTP {fault.smtp_code}"
    if isinstance(fault, smtplib.SMTPNotSupportedError):
        return "The server offers no STARTTLS"
    return type(fault).__name__


def _close(server: smtplib.SMTP | None) -> None:
    if server is not None:
        server.close()


class _Cut:
    """Ends a connection from another thread."""

    def __init__(self) -> None:
        self._server: smtplib.SMTP | None = None

    def watch(self, server: smtplib.SMTP) -> None:
        """This connection ends with the deadline."""
        self._server = server

    def now(self) -> None:
        """The connection is no more; whoever waits for it hears that."""
        connection = self._server.sock if self._server is not None else None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
