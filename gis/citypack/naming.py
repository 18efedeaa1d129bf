"""What rows name by a code that rows of another layer bring must be there, as the datastreams that feeds name."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from gis.citypack.findings import Frame
from gis.citypack.layers import LayerKind, registered


def turn(kind: str, first: Sequence[str]) -> int:
    """When a layer of this kind has its turn: kinds of `first` in that order, then all others, last those that name."""
    if kind in first:
        return first.index(kind)
    known = registered().get(kind)
    return len(first) if known is None or known.names is None else len(first) + 1


@dataclass
class Brought:
    """What the layers of a pack bring under codes, as far as they have been looked at, beside what is stored."""

    session: Session
    codes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    replaced: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)

    def note(self, kind: LayerKind | None, layer: str, codes: Collection[str], *, is_taken: bool) -> None:
        """The layer brings these codes, those of faulty rows too: what is mended there need not be told elsewhere.

        Where it is taken, they replace those that it brought before.
        """
        if kind is None or kind.brings is None:
            return
        self.codes[kind.brings] |= set(codes)
        if is_taken:
            self.replaced.add(layer)
        elif not codes:
            self.unread.add(kind.brings)

    def held_against(self, frame: Frame | None, kind: LayerKind) -> Frame | None:
        """The frame with the codes that rows of this kind may name; without, where a layer with some cannot be read."""
        if frame is None or kind.names is None or kind.names.what in self.unread:
            return frame
        known = kind.names.stored(self.session, self.replaced) | self.codes[kind.names.what]
        return dataclasses.replace(frame, known=frozenset(known))
