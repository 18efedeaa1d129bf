"""The one interface behind which mail, webhooks and the blackhole stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Protocol

from alerts.channels.letters import Letter, hook_call
from alerts.channels.mail import Mail
from alerts.channels.rules import Verdict
from core import clock
from core.errors import FaonamError
from core.settings import MailSettings, settings
from incidents.exchange import hook_client
from incidents.exchange.errors import HookAwayError, HookRefusedError
from incidents.exchange.hook_bodies import signed_headers
from incidents.exchange.hook_client import HookClient, read_address

HOOKS_AT_ONCE = 8


class Carrier(Protocol):
    """Takes letters to where they belong, one attempt each; a fault of one is told as its verdict, never raised."""

    def carry(self, letters: Sequence[Letter]) -> Iterator[tuple[Letter, Verdict]]:
        """What became of each, as soon as it is known."""


class Blackhole:
    """Takes everything, and it reaches nobody."""

    def carry(self, letters: Sequence[Letter]) -> Iterator[tuple[Letter, Verdict]]:
        """All accepted."""
        for letter in letters:
            yield letter, Verdict("accepted")


@dataclass(frozen=True)
class Hooks:
    """Signed webhooks, as partners are called: the same checks of where they may go, the same deadline."""

    client: HookClient

    def carry(self, letters: Sequence[Letter]) -> Iterator[tuple[Letter, Verdict]]:
        """Several at once: one that hangs keeps the others waiting for nothing."""
        with ThreadPoolExecutor(max_workers=HOOKS_AT_ONCE, thread_name_prefix="alert-hooks") as threads:
            calls = {threads.submit(self._call, letter): letter for letter in letters}
            for done in as_completed(calls):
                yield calls[done], done.result()

    def _call(self, letter: Letter) -> Verdict:
        call = hook_call(letter)
        headers = signed_headers(call, secret=letter.secret, at=clock.wall_now())
        try:
            address = read_address(letter.address, is_live=self.client.is_live)
            self.client.send(address, method=call.method, raw=call.raw, headers=headers)
        except HookRefusedError as fault:
            return Verdict("refused", fault.detail)
        except HookAwayError as fault:
            return Verdict("away", fault.detail, was_handed_over=fault.detail in _AFTER_SENDING)
        except FaonamError as fault:  # HOOKS_LIVE was taken away since.
            return Verdict("away", fault.detail)
        return Verdict("accepted")


_AFTER_SENDING = frozenset({"TimeoutError", "ReadTimeout", "ReadError", "RemoteProtocolError"})


def carrier_of(channel: str) -> Carrier:
    """Who carries what goes by `mail` or `webhook`; in a rehearsal, the blackhole."""
    if settings().rehearsal:
        return Blackhole()
    return Mail(MailSettings()) if channel == "mail" else Hooks(hook_client.configured())
