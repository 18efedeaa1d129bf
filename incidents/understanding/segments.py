"""Thai written without gaps, cut into words by PyThaiNLP's newmm and the dictionary in its package; no network."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence

# Else its import makes a folder in the home of whoever runs the worker.
os.environ.setdefault("PYTHAINLP_READ_ONLY", "1")

from pythainlp.tokenize import word_dict_trie
from pythainlp.tokenize.newmm import segment


@functools.lru_cache(maxsize=256)
def words_of(plain: str) -> tuple[str, ...]:
    """The words of a normalised text, gaps among them; joined they are the text again."""
    return tuple(segment(plain, word_dict_trie(), safe_mode=True))


def edges_of(words: Sequence[str]) -> frozenset[int]:
    """Where a word begins or ends, counted in letters of the text that the words make."""
    edges, at = {0}, 0
    for word in words:
        at += len(word)
        edges.add(at)
    return frozenset(edges)
