"""Chains of CAP messages: whoever reads them late, twice, out of order or not all of them ends in the same state."""

from __future__ import annotations

import functools
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.cap import CapMessage, chain, read, terms, writing

BEGIN = datetime(2026, 11, 21, 3, tzinfo=UTC)
SENDER = "faonam.demo"
AREA = writing.Area(name="A", code="A", polygons=("8.4,100.0 8.4,100.1 8.5,100.1 8.4,100.0",))
INFO = writing.Info(
    language="en",
    event="Flood",
    headline="h",
    description="d",
    instruction="i",
    sender_name="s",
    contact="199",
    areas=(AREA,),
)


@dataclass
class City:
    """A sender that keeps its chains as we do: a message names all before it in its line, and lasts as long."""

    messages: list[CapMessage] = field(default_factory=list)
    heads: dict[tuple[int, int], str] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)

    def says(self, event: int, line: int, what: str, *, lasts_min: int) -> None:
        """The next message; what cannot follow is not said."""
        now = BEGIN + timedelta(minutes=len(self.messages))
        known = {message.identifier: message for message in self.messages}
        names = {name: [r.identifier for r in message.references] for name, message in known.items()}
        head = self.heads.get((event, line))
        if what == "AllClear":
            replaced = {name for name, of in self.events.items() if of == event}
        else:
            replaced = set(chain.lineage([head] if head else [], names))
        if what != "Alert" and not replaced:
            return
        is_new = what == "Alert" and not head
        identifier = f"m{len(self.messages)}"
        document = writing.CapAlert(
            identifier=identifier,
            sender=SENDER,
            sent_at=now,
            status="Actual",
            message_type="Alert" if is_new else ("Cancel" if what == "Cancel" else "Update"),
            categories=("Met",),
            grade=terms.expected(0 if what == "AllClear" else 2),
            expires_at=max([now + timedelta(minutes=lasts_min), *(self.ends(known[name]) for name in replaced)]),
            infos=(INFO,),
            references=tuple(
                writing.Reference(SENDER, name, known[name].sent_at) for name in sorted(replaced) if not is_new
            ),
            incidents=(f"e{event}",),
        )
        (message,) = read(writing.to_xml(document), source="city").messages
        self.messages.append(message)
        self.events[identifier] = event
        if what == "AllClear":
            self.heads = {key: name for key, name in self.heads.items() if key[0] != event}
        elif what == "Cancel":
            self.heads.pop((event, line), None)
        else:
            self.heads[event, line] = identifier

    @staticmethod
    def ends(message: CapMessage) -> datetime:
        """When the message expires; all of ours do."""
        end = chain.expires_at(message)
        assert end is not None
        return end

    def feed(self, moment: int) -> frozenset[CapMessage]:
        """What stands in the feed after so many messages: neither replaced nor expired; a Cancel among it."""
        sent, now = self.messages[:moment], at(moment)
        gone = chain.replaced_by(sent)
        return frozenset(m for m in sent if (m.sender, m.identifier) not in gone and now < self.ends(m))


def at(moment: int) -> datetime:
    """Just after the message before `moment`."""
    return BEGIN + timedelta(minutes=moment - 1, seconds=30)


steps = st.tuples(
    st.integers(0, 1),
    st.integers(0, 1),
    st.sampled_from(["Alert", "Alert", "Update", "Update", "Cancel", "AllClear"]),
    st.integers(2, 60),
)


@st.composite
def cities(draw: st.DrawFn) -> City:
    city = City()
    for event, line, what, lasts_min in draw(st.lists(steps, min_size=1, max_size=14)):
        city.says(event, line, what, lasts_min=lasts_min)
    if not city.messages:
        city.says(0, 0, "Alert", lasts_min=30)
    return city


@settings(max_examples=60, deadline=None)
@given(city=cities(), seed=st.integers(0, 1000), start=st.integers(0, 14))
def test_a_reader_that_starts_in_the_middle_ends_in_the_same_state(city: City, seed: int, start: int) -> None:
    """From the feed of any moment and what came later follows the same state, in any order and with repetitions."""
    end = len(city.messages)
    start = min(start, end)
    truth = chain.state_after(city.messages, now=at(end))
    late = [*city.feed(start), *city.messages[start:]]
    random.Random(seed).shuffle(late)
    assert chain.state_after(late, now=at(end)) == truth
    assert chain.state_after([*late, *late], now=at(end)) == truth
    assert truth == {message for message in city.feed(end) if message.message_type != "Cancel"}


@settings(max_examples=60, deadline=None)
@given(city=cities(), looks=st.sets(st.integers(0, 14), max_size=5))
def test_a_reader_that_missed_messages_ends_in_the_same_state(city: City, looks: set[int]) -> None:
    """Whoever looks at the feed now and then, and keeps what it saw, holds at its last look what holds."""
    end = len(city.messages)
    seen: set[CapMessage] = set()
    for moment in sorted({min(look, end) for look in looks} | {end}):
        seen |= city.feed(moment)
    assert chain.state_after(seen, now=at(end)) == chain.state_after(city.messages, now=at(end))


@settings(max_examples=60, deadline=None)
@given(kinds=st.lists(st.sampled_from(["Update", "Cancel", "AllClear"]), min_size=1, max_size=6), cut=st.integers(1, 6))
def test_one_line_is_known_from_its_end_alone(kinds: list[str], cut: int) -> None:
    """Of a single line, its last messages alone give the state: each names all before it that a reader may hold."""
    city = City()
    city.says(0, 0, "Alert", lasts_min=600)
    for kind in kinds:
        city.says(0, 0, kind, lasts_min=600)
    end = len(city.messages)
    suffix = city.messages[min(cut, end - 1) :]
    assert chain.state_after(suffix, now=at(end)) == chain.state_after(city.messages, now=at(end))


def test_references_name_all_that_a_reader_may_hold() -> None:
    """Alert, update, update, cancel: the cancel names all three; nothing holds after it."""
    city = City()
    for kind in ("Alert", "Update", "Update", "Cancel"):
        city.says(0, 0, kind, lasts_min=60)
    assert [[r.identifier for r in m.references] for m in city.messages] == [
        [],
        ["m0"],
        ["m0", "m1"],
        ["m0", "m1", "m2"],
    ]
    state = functools.partial(chain.state_after, now=at(4))
    assert state(city.messages) == frozenset()
    assert state([city.messages[0], city.messages[3]]) == frozenset()
    assert state(city.messages[:3]) == {city.messages[2]}


def test_two_events_do_not_touch_each_other() -> None:
    """The all-clear of one event leaves the other's warning; an update of an unknown message still holds itself."""
    city = City()
    for event, kind in ((0, "Alert"), (1, "Alert"), (0, "Update"), (0, "AllClear")):
        city.says(event, 0, kind, lasts_min=60)
    held = chain.state_after(city.messages, now=at(4))
    assert {(m.identifier, m.incidents, m.message_type) for m in held} == {
        ("m1", ("e1",), "Alert"),
        ("m3", ("e0",), "Update"),
    }
    assert chain.state_after(city.messages, now=at(70)) == frozenset()
    assert chain.state_after([city.messages[2]], now=at(4)) == {city.messages[2]}
