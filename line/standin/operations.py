"""One operation of the platform: where it is asked, how often, what it takes, and who answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from line.standin.rates import PER_SECOND_2000, Rate
from line.standin.schemas import Clause, Fault

if TYPE_CHECKING:
    from line.standin.world import World

JSON_LIMIT_BYTES = 2_000_000
Takes = Literal["nothing", "json", "form", "bytes", "upload"]


@dataclass(frozen=True)
class Reply:
    """The platform's answer; `delivered` maps each user who got the messages to the id of the first bubble."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    delivered: dict[str, int] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    at: datetime | None = None
    content: tuple[str, bytes] | None = None


def refusal(status: int, message: str, faults: Sequence[Fault] = ()) -> Reply:
    """An answer in LINE's error shape; `details` is absent where it would be empty."""
    body: dict[str, Any] = {"message": message}
    if faults:
        body["details"] = [{"message": f.message, "property": f.property} for f in faults[:20]]
    return Reply(status, body)


def faulty(*faults: Fault) -> Reply:
    """400 in LINE's words for what is wrong with a body."""
    return refusal(400, f"The request body has {len(faults)} error(s)", faults)


class BadQueryError(Exception):
    """The value of this parameter is invalid."""


def bad_query(name: str) -> Reply:
    """400 in LINE's words for a parameter of the query."""
    return refusal(400, f"The value for the '{name}' parameter is invalid")


@dataclass(frozen=True)
class Call:
    """A request that bore a good token, came within the rate, and whose body fits the contract."""

    path: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: Any
    raw: bytes
    headers: Mapping[str, str]
    user_id: str | None = None

    def asked(self, name: str, default: str = "") -> str:
        """The query's parameter of this name."""
        return (self.query.get(name) or [default])[-1]

    def number(self, name: str, default: int, *, most: int) -> int:
        """The query's number, from 1 to `most`. Raises BadQueryError."""
        given = self.asked(name, str(default))
        if not given.isdecimal() or not 1 <= int(given) <= most:
            raise BadQueryError(name)
        return int(given)


Handler = Callable[["World", Call], Reply | Awaitable[Reply]]


@dataclass(frozen=True)
class Operation:
    """Method, path and name are the contract's; `bears` tells whose token is asked for."""

    method: str
    path: str
    name: str
    answer: Handler
    rate: Rate = PER_SECOND_2000
    takes: Takes = "nothing"
    limit_bytes: int = JSON_LIMIT_BYTES
    is_on_data_host: bool = False
    bears: Literal["channel", "user", "nobody"] = "channel"
    takes_retry_key: bool = False
    is_body_needed: bool = True
    by_hand: Callable[[Any], Sequence[Fault]] = lambda _: ()

    def clause(self, clauses: Mapping[tuple[str, str], Clause]) -> Clause | None:
        """The contract's clause, where the contract is at hand."""
        return clauses.get((self.method, self.path))
