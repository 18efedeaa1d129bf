"""Calls to the addresses that partners registered: only where they may go, within a deadline, and nothing is read back.

An address is asked of the name service once, checked, and then connected to as it was checked: a name that means
another machine a moment later leads nowhere else.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import InvalidInputError, SetupError
from incidents.exchange.errors import HookAwayError, HookRefusedError

DEADLINE_S = 10.0
LONGEST_ADDRESS = 2_000
# These say: not now. What else begins with 4 says: never this one.
NOT_NOW = frozenset({401, 403, 404, 407, 408, 421, 425, 429})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class HookSettings(BaseSettings):
    """Whether partners beyond this machine are told: `HOOKS_LIVE=1`."""

    model_config = SettingsConfigDict(env_prefix="HOOKS_", extra="ignore")

    live: bool = False


@dataclass(frozen=True)
class Address:
    """Where a partner listens. `url` is a secret: it often holds a word that only the partner knows."""

    url: str
    scheme: str
    host: str
    port: int

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Address({self.scheme}://{self.host}:{self.port}/…)"


def read_address(url: str, *, is_live: bool) -> Address:
    """The address, where it may be called.

    Raises InvalidInputError for what is no address of the web, SetupError where it leads beyond this machine without
    HOOKS_LIVE=1. Live it is https, and no machine of the inner network is named.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise InvalidInputError("The address of a webhook cannot be read.") from None
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or len(url) > LONGEST_ADDRESS or not _is_plain(url):
        raise InvalidInputError("The address of a webhook begins with https:// and a name, without spaces.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise InvalidInputError("The address of a webhook has no user, no password and no #.")
    address = Address(url, parts.scheme, host, port)
    number = _number(host)
    is_here = host == "localhost" or (number is not None and number.is_loopback)
    if not is_live:
        if not is_here:
            raise SetupError(f"{host} is not this machine; set HOOKS_LIVE=1 to tell partners of incidents.")
        return address
    if parts.scheme != "https":
        raise InvalidInputError("Partners are told by https only.")
    if is_here or (number is not None and not is_public(number)):
        raise InvalidInputError(f"{host} is no public address: webhooks do not go into inner networks.")
    return address


def _is_plain(url: str) -> bool:
    return url.isascii() and url.isprintable() and " " not in url and "\\" not in url


def _number(host: str) -> IpAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_public(number: IpAddress) -> bool:
    """The address is one of the open internet, also where it carries another inside (mapped, NAT64).

    Tunnels that nobody runs any more (6to4, Teredo) are none.
    """
    if isinstance(number, ipaddress.IPv6Address):
        inner = number.ipv4_mapped
        if number in _NAT64:
            inner = ipaddress.IPv4Address(int(number) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if number.sixtofour is not None or number.teredo is not None:
            return False
    is_other = number.is_multicast or number.is_reserved or number.is_unspecified or number.is_loopback
    return number.is_global and not is_other


async def _resolved(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in found]


@dataclass(frozen=True)
class HookClient:
    """Calls partners; `is_live` lets it beyond this machine. `resolve` and `transport` are others in tests."""

    is_live: bool
    resolve: Resolve = _resolved
    transport: httpx.AsyncBaseTransport | None = None
    deadline_s: float = DEADLINE_S

    def send(self, address: Address, *, method: str, raw: bytes, headers: dict[str, str]) -> None:
        """The partner has taken it. Raises HookAwayError where it may do so later, HookRefusedError where never."""
        fault = None
        try:
            status = asyncio.run(self._within(address, method=method, raw=raw, headers=headers))
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            fault = type(error).__name__
        if fault is not None:  # Outside, so that no traceback holds what was sent.
            raise HookAwayError(fault)
        if 200 <= status < 300:
            return
        if status == httpx.codes.GONE:
            raise HookRefusedError(f"HTTP {status}", is_for_good=True)
        if 400 <= status < 500 and status not in NOT_NOW:
            raise HookRefusedError(f"HTTP {status}", is_for_good=False)
        raise HookAwayError(f"HTTP {status}")

    async def _within(self, address: Address, *, method: str, raw: bytes, headers: dict[str, str]) -> int:
        async with asyncio.timeout(self.deadline_s):
            number = await self._checked(address)
            url = httpx.URL(address.url)
            extensions = {"sni_hostname": address.host} if address.scheme == "https" else {}
            client = httpx.AsyncClient(
                transport=self.transport, timeout=self.deadline_s, trust_env=False, follow_redirects=False
            )
            async with client, client.stream(
                method, url.copy_with(host=number), content=raw, extensions=extensions,
                headers={**headers, "Host": url.netloc.decode()},
            ) as answer:
                return answer.status_code

    async def _checked(self, address: Address) -> str:
        """The number to connect to; every number of the name is where it may be."""
        found = await self.resolve(address.host, address.port)
        numbers = [ipaddress.ip_address(text.partition("%")[0]) for text in found]
        wrong = [one for one in numbers if (not is_public(one) if self.is_live else not one.is_loopback)]
        if not numbers or wrong:
            raise HookAwayError("The name leads to no public address")
        return str(numbers[0])


def configured() -> HookClient:
    """Who calls partners, as this process is set."""
    return HookClient(is_live=HookSettings().live)
