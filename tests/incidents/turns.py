"""What a turn of the conversation says and leaves."""

from __future__ import annotations

from incidents.conversation import Draft, Turn


def keys_of(found: Turn) -> list[str]:
    """The keys of what is said, in order."""
    return [said.key for said in found.says]


def draft_of(found: Turn) -> Draft:
    """The report that is being told after the turn; there is one."""
    assert found.draft is not None
    return found.draft
