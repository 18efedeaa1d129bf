"""Filters and orders parsed (OData 4.0 ABNF as 18-088 narrows it): own recursive descent with limits, pure.

No input raises anything but QueryError.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date

from sensors.sensorthings import times
from sensors.sensorthings.errors import QueryError
from sensors.sensorthings.model import Kind

LONGEST_CHARS = 8_000
DEEPEST = 40
MOST_PARTS = 600

# Name of the function: how many arguments it takes.
FUNCTIONS: dict[str, tuple[int, ...]] = {
    "substringof": (2,), "contains": (2,), "endswith": (2,), "startswith": (2,), "length": (1,), "indexof": (2,),
    "substring": (2, 3), "tolower": (1,), "toupper": (1,), "trim": (1,), "concat": (2,),
    "year": (1,), "month": (1,), "day": (1,), "hour": (1,), "minute": (1,), "second": (1,), "fractionalseconds": (1,),
    "date": (1,), "time": (1,), "totaloffsetminutes": (1,), "now": (0,), "mindatetime": (0,), "maxdatetime": (0,),
    "before": (2,), "after": (2,), "meets": (2,), "during": (2,), "overlaps": (2,), "starts": (2,), "finishes": (2,),
    "round": (1,), "floor": (1,), "ceiling": (1,),
    "geo.distance": (2,), "geo.length": (1,), "geo.intersects": (2,),
    "st_equals": (2,), "st_disjoint": (2,), "st_touches": (2,), "st_within": (2,), "st_overlaps": (2,),
    "st_crosses": (2,), "st_intersects": (2,), "st_contains": (2,), "st_relate": (3,),
}
COMPARISONS = frozenset({"eq", "ne", "gt", "ge", "lt", "le"})


@dataclass(frozen=True)
class Literal:
    """A value that the question says itself."""

    kind: Kind
    value: object


@dataclass(frozen=True)
class Path:
    """A property, maybe behind relations and into JSON: its steps."""

    steps: tuple[str, ...]


@dataclass(frozen=True)
class Call:
    """A function of its arguments."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class Binary:
    """Two operands: a comparison or arithmetic."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Junction:
    """All (and) or any (or) of its operands."""

    operator: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True)
class Unary:
    """`not` or `-` of its operand."""

    operator: str
    operand: Expression


Expression = Literal | Path | Call | Binary | Junction | Unary


@dataclass(frozen=True)
class OrderKey:
    """One key of an order."""

    expression: Expression
    is_descending: bool


_INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,12})?)?(?:Z|[ +-]\d\d:\d\d(?!\d))?"
_TOKEN = re.compile(
    rf"""(?P<blank>[ \t\r\n]+)
    |(?P<shape>(?:geography|geometry)'(?:[^']|'')*')
    |(?P<duration>duration'(?:[^']|'')*')
    |(?P<text>'(?:[^']|'')*')
    |(?P<period>{_INSTANT}/{_INSTANT})
    |(?P<instant>{_INSTANT})
    |(?P<date>\d{{4}}-\d\d-\d\d)
    |(?P<clock>\d\d:\d\d(?::\d\d(?:\.\d{{1,6}})?)?)
    |(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)?|@iot\.\w+)
    |(?P<mark>[(),/-])""",
    re.VERBOSE,
)
_INDEXES = re.compile(r"(?:\[\d{1,9}\])+", re.ASCII)
_SEGMENT = re.compile(r"[\w@.:-]+")


class _Parser:
    """One text being read, by position."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST_CHARS:
            raise QueryError(f"An expression of more than {LONGEST_CHARS} characters is not read.")
        self.text, self.at, self.parts = text, 0, 0
        self.kind, self.token, self.start = "", "", 0
        self.go_on()

    def go_on(self) -> None:
        """The next token is the one looked at; its kind is 'end' behind the last."""
        while True:
            self.start = self.at
            if self.at >= len(self.text):
                self.kind, self.token = "end", ""
                return
            found = _TOKEN.match(self.text, self.at)
            if found is None or found.lastgroup is None:
                raise QueryError(f"The expression cannot be read from '{self.text[self.at : self.at + 30]}' on.")
            self.at = found.end()
            self.kind, self.token = found.lastgroup, found.group()
            if self.kind != "blank":
                return

    def takes(self, token: str) -> bool:
        """The token looked at is this one, and is passed."""
        if self.token != token or self.kind not in {"name", "mark"}:
            return False
        self.go_on()
        return True

    def expect(self, token: str) -> None:
        """The token looked at is this one and passed; raises QueryError where it is another."""
        if not self.takes(token):
            raise QueryError(f"'{token}' is expected at '{self.text[self.start : self.start + 30]}'.")

    def deeper(self, depth: int) -> int:
        """One level more, and one part more; raises QueryError where there are too many."""
        self.parts += 1
        if depth >= DEEPEST or self.parts > MOST_PARTS:
            raise QueryError(f"An expression of more than {DEEPEST} levels or {MOST_PARTS} parts is not read.")
        return depth + 1

    def either(self, depth: int) -> Expression:
        """Operands of `or`, and below it of `and`."""
        return self._joined("or", depth)

    def _joined(self, word: str, depth: int) -> Expression:
        depth = self.deeper(depth)
        operands = [self._operand(word, depth)]
        while self.takes(word):
            operands.append(self._operand(word, depth))
        return operands[0] if len(operands) == 1 else Junction(word, tuple(operands))

    def _operand(self, word: str, depth: int) -> Expression:
        return self._joined("and", depth) if word == "or" else self.denied(depth)

    def denied(self, depth: int) -> Expression:
        """What `not` stands before, or one comparison."""
        if self.takes("not"):
            return Unary("not", self.denied(self.deeper(depth)))
        return self.compared(depth)

    def compared(self, depth: int) -> Expression:
        """One comparison, or what can stand alone."""
        left = self.summed(depth)
        if self.kind == "name" and self.token in COMPARISONS:
            operator = self.token
            self.go_on()
            return Binary(operator, left, self.summed(self.deeper(depth)))
        return left

    def summed(self, depth: int) -> Expression:
        """Operands of `add` and `sub`."""
        left = self.multiplied(depth)
        while self.kind == "name" and self.token in {"add", "sub"}:
            depth, operator = self.deeper(depth), self.token
            self.go_on()
            left = Binary(operator, left, self.multiplied(depth))
        return left

    def multiplied(self, depth: int) -> Expression:
        """Operands of `mul`, `div` and `mod`."""
        left = self.primary(depth)
        while self.kind == "name" and self.token in {"mul", "div", "mod"}:
            depth, operator = self.deeper(depth), self.token
            self.go_on()
            left = Binary(operator, left, self.primary(depth))
        return left

    def primary(self, depth: int) -> Expression:
        """A literal, a path, a call, or an expression in parentheses."""
        depth = self.deeper(depth)
        if self.takes("("):
            inner = self.either(depth)
            self.expect(")")
            return inner
        if self.takes("-"):
            return Unary("-", self.primary(depth))
        if self.kind == "name":
            return self._named(depth)
        return self._literal()

    def _named(self, depth: int) -> Expression:
        name = self.token
        if name in {"true", "false"}:
            self.go_on()
            return Literal(Kind.BOOLEAN, name == "true")
        if name == "null":
            self.go_on()
            return Literal(Kind.NULL, None)
        if name in FUNCTIONS and self.text[self.at :].lstrip().startswith("("):
            self.go_on()
            return self._call(name, depth)
        if "." in name and not name.startswith("@"):
            raise QueryError(f"There is no function or property '{name}'.")
        return self._path(name)

    def _path(self, name: str) -> Path:
        steps = [name, *self._indexes()]
        while self.text.startswith("/", self.at):
            found = _SEGMENT.match(self.text, self.at + 1)
            if found is None or len(steps) > DEEPEST:
                raise QueryError(f"The path '{self.text[self.start : self.at + 1]}' does not go on.")
            self.at = found.end()
            steps += [found.group(), *self._indexes()]
        self.go_on()
        return Path(tuple(steps))

    def _indexes(self) -> list[str]:
        """The places in lists, as in `list[0][1]`, that stand here; they are passed."""
        found = _INDEXES.match(self.text, self.at)
        if found is None:
            return []
        self.at = found.end()
        return re.findall(r"\d+", found.group())

    def _call(self, name: str, depth: int) -> Call:
        self.expect("(")
        arguments: list[Expression] = []
        if not self.takes(")"):
            arguments.append(self.either(depth))
            while self.takes(","):
                arguments.append(self.either(depth))
            self.expect(")")
        if len(arguments) not in FUNCTIONS[name]:
            wanted = " or ".join(map(str, FUNCTIONS[name]))
            raise QueryError(f"{name} takes {wanted} arguments, not {len(arguments)}.")
        return Call(name, tuple(arguments))

    def _literal(self) -> Literal:
        literal = literal_of(self.kind, self.token)
        self.go_on()
        return literal


def _unquoted(token: str) -> str:
    return token[token.index("'") + 1 : -1].replace("''", "'")


def literal_of(kind: str, token: str) -> Literal:
    """The value that a token of this kind says; raises QueryError."""
    if kind == "text":
        return Literal(Kind.TEXT, _unquoted(token))
    if kind == "shape":
        return Literal(Kind.SHAPE, _unquoted(token))
    if kind == "duration":
        return Literal(Kind.DURATION, times.duration(_unquoted(token)))
    if kind == "instant":
        return Literal(Kind.TIME, times.instant(token))
    if kind == "period":
        return Literal(Kind.PERIOD, times.period(token))
    if kind == "clock":
        return Literal(Kind.CLOCK, times.clock_time(token))
    if kind == "date":
        try:
            return Literal(Kind.DATE, date.fromisoformat(token))
        except ValueError:
            raise QueryError(f"'{token}' is not a day.") from None
    if kind == "number":
        number = float(token)
        if not math.isfinite(number):
            raise QueryError(f"The number {token[:20]} is too large.")
        return Literal(Kind.NUMBER, number)
    raise QueryError("The expression ends too early." if kind == "end" else f"'{token}' is not expected here.")


def filter_of(text: str) -> Expression:
    """The expression of a $filter. Raises QueryError."""
    parser = _Parser(text)
    found = parser.either(0)
    if parser.kind != "end":
        raise QueryError(f"The filter should have ended before '{text[parser.start : parser.start + 30]}'.")
    return found


def order_of(text: str) -> tuple[OrderKey, ...]:
    """The keys of an $orderby, the first one first. Raises QueryError."""
    parser = _Parser(text)
    keys = []
    while True:
        expression = parser.summed(0)
        is_descending = parser.takes("desc")
        if not is_descending:
            parser.takes("asc")
        keys.append(OrderKey(expression, is_descending))
        if not parser.takes(","):
            break
    if parser.kind != "end" or len(keys) > 10:
        raise QueryError(f"The order has over 10 keys or cannot be read: '{text[parser.start : parser.start + 30]}'.")
    return tuple(keys)
