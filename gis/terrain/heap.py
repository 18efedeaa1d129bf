"""A heap of heights for kernels: each key is a height that sorts as a whole number, and what has it (numba)."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Keys = NDArray[np.uint64]


@njit(cache=True, nogil=True)
def key_of(height_m: np.float32, what: int) -> np.uint64:
    """The height's bits, turned so that lower heights are smaller numbers, above the 32 bits of `what`."""
    bits = np.int64(np.float32(height_m).view(np.int32))
    if bits < 0:
        bits ^= 0x7FFFFFFF
    return (np.uint64(bits + 0x80000000) << np.uint64(32)) | np.uint64(what)


@njit(cache=True, nogil=True)
def height_of(key: np.uint64) -> np.float32:
    """The height (metres) that `key_of` was given."""
    bits = np.int64(key >> np.uint64(32)) - 0x80000000
    if bits < 0:
        bits ^= 0x7FFFFFFF
    return np.int32(bits).view(np.float32)


@njit(cache=True, nogil=True)
def push(keys: Keys, size: int, key: np.uint64) -> tuple[Keys, int]:
    """The heap, in a larger array where it was full, and its size with the key in it."""
    if size == keys.size:
        larger = np.empty(2 * size, np.uint64)
        larger[:size] = keys
        keys = larger
    place = size
    while place > 0:
        above = (place - 1) >> 1
        if keys[above] <= key:
            break
        keys[place] = keys[above]
        place = above
    keys[place] = key
    return keys, size + 1


@njit(cache=True, nogil=True)
def pop(keys: Keys, size: int) -> tuple[np.uint64, int]:
    """The least key, and the heap's size without it; the heap must not be empty."""
    least, last = keys[0], keys[size - 1]
    size -= 1
    place = 0
    while True:
        below = 2 * place + 1
        if below >= size:
            break
        if below + 1 < size and keys[below + 1] < keys[below]:
            below += 1
        if keys[below] >= last:
            break
        keys[place] = keys[below]
        place = below
    keys[place] = last
    return least, size
