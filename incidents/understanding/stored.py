"""Learnt weights as a JSON document of numbers, with a version: reading one runs nothing.

A pickle would run whatever it holds and bind a model to the release that wrote it. Weights are bytes with a scale for
each category, packed and in base64: 24 categories take some 2 MB instead of 20.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter, ValidationError

from core.errors import InvalidInputError
from incidents.understanding.features import PLACES
from incidents.understanding.model import Sureness, Weights

VERSION: Literal[1] = 1
_MOST_PACKED_BYTES = 4 * PLACES * 200


@dataclass(frozen=True)
class _Document:
    version: Literal[1]
    codes: tuple[str, ...]
    rarity: str
    places: str
    shares: list[list[float]]
    scales: list[float]
    bias: list[float]
    first: Sureness
    others: Sureness


_DOCUMENT = TypeAdapter(_Document)


def as_json(weights: Weights) -> str:
    """The document that `from_json` reads back, each weight within 1/127 of the category's greatest."""
    scales = np.maximum(np.abs(weights.places).max(axis=0), 1e-9) / 127
    document = _Document(
        version=VERSION,
        codes=weights.codes,
        rarity=_packed(weights.rarity.astype("<f2")),
        places=_packed(np.rint(weights.places / scales).astype(np.int8)),
        shares=weights.shares.astype(float).tolist(),
        scales=scales.astype(float).tolist(),
        bias=weights.bias.astype(float).tolist(),
        first=weights.first,
        others=weights.others,
    )
    return _DOCUMENT.dump_json(document).decode()


def from_json(text: str) -> Weights:
    """What the document holds. Raises InvalidInputError for another version or what is no such document."""
    try:
        found = _DOCUMENT.validate_json(text)
        kinds = len(found.codes)
        places = _unpacked(found.places, np.dtype(np.int8)).reshape(PLACES, kinds)
        shares, scales, bias = (np.array(one, dtype=np.float32) for one in (found.shares, found.scales, found.bias))
        rarity = _unpacked(found.rarity, np.dtype("<f2")).astype(np.float32).reshape(PLACES)
        shares = shares.reshape(kinds, kinds)
        weights = places.astype(np.float32) * scales.reshape(1, kinds)
        return Weights(found.codes, rarity, weights, shares, bias.reshape(kinds), found.first, found.others)
    except (ValidationError, ValueError, binascii.Error, zlib.error) as exc:
        raise InvalidInputError("This is no model of categories that this version can read; train it again.") from exc


def _packed(array: npt.NDArray[Any]) -> str:
    return base64.b64encode(zlib.compress(np.ascontiguousarray(array).tobytes(), 6)).decode()


def _unpacked(text: str, kind: np.dtype[Any]) -> npt.NDArray[Any]:
    raw = zlib.decompressobj().decompress(base64.b64decode(text, validate=True), _MOST_PACKED_BYTES)
    return np.frombuffer(raw, dtype=kind)
