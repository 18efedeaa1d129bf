"""A fit in a process of its own, bounded in memory and time: `python -m sensors.nowcast_child`, a history in, JSON out.

scikit-learn is loaded here and by the bench, nowhere else in the room. What goes in is numbers (npz without objects),
what comes out is the document of `Learnt`; neither can run anything.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pydantic import TypeAdapter, ValidationError

from core.aside import done_aside, give_way
from core.errors import UnavailableError
from sensors.nowcast.grid import Array, History

WITHIN_S = 300.0
MEMORY_BYTES = 3 * 2**30  # Of addresses, most of them libraries that are only mapped.


@dataclass(frozen=True)
class Chosen:
    """Who was chosen for a horizon and a set of inputs, None for nobody, with the skill of rolling origins.

    Without a chosen one the skills are of the one that did best on rising water, None where none could be fitted.
    `coverage` is the share of truths in the bands of `nowcast.doubt.NOMINALS`.
    """

    horizon_h: float
    rain: tuple[str, ...]
    upstream: tuple[str, ...]
    forecaster: str | None
    skill: float | None
    skill_rising: float | None
    coverage: tuple[float, ...]


@dataclass(frozen=True)
class Learnt:
    """What a fit found; `document` is None where nobody was chosen for anything."""

    choices: tuple[Chosen, ...]
    document: str | None


_LEARNT = TypeAdapter(Learnt)


def learn_aside(history: History, *, within_s: float = WITHIN_S) -> Learnt:
    """What the history teaches, learnt by a process of its own. Raises UnavailableError where that fails or lasts."""
    answer = done_aside("sensors.nowcast_child", _packed(history), within_s=within_s, name="A fit")
    try:
        return _LEARNT.validate_json(answer)
    except ValidationError as exc:
        raise UnavailableError("A fit answered nothing that can be read.") from exc


def _packed(history: History) -> bytes:
    arrays: dict[str, Array] = {
        "grid": np.array([history.start_s, history.step_s]),
        "level": history.level,
        "is_measured": history.is_measured.astype(np.float64),
    }
    arrays |= {f"rain:{name}": series for name, series in history.rain_mm.items()}
    arrays |= {f"upstream:{name}": series for name, series in history.upstream.items()}
    names = np.array(list(arrays))  # A name of an array becomes a file's name, in which a station's may not fit.
    file = io.BytesIO()
    np.savez(file, names, *arrays.values(), allow_pickle=False)
    return file.getvalue()


def _unpacked(content: bytes) -> History:
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        arrays = {str(name): file[f"arr_{number}"] for number, name in enumerate(file["arr_0"], start=1)}
    return History(
        start_s=float(arrays["grid"][0]),
        step_s=float(arrays["grid"][1]),
        level=arrays["level"],
        is_measured=arrays["is_measured"].astype(np.bool_),
        rain_mm=_named(arrays, "rain:"),
        upstream=_named(arrays, "upstream:"),
    )


def _named(arrays: Mapping[str, Array], group: str) -> dict[str, Array]:
    return {name.removeprefix(group): series for name, series in arrays.items() if name.startswith(group)}


def _learnt(history: History) -> Learnt:
    from sensors.nowcast.nightly import learn
    from sensors.nowcast.stored import as_json

    choices, fitted = learn(history)
    chosen = []
    for choice in choices:
        best = max(choice.scores, key=lambda name: choice.scores[name].rising_skill, default=None)
        found = choice.scores.get(choice.forecaster or best or "")
        skill, rising = (None, None) if found is None else (found.skill, found.rising_skill)
        chosen.append(
            Chosen(
                horizon_h=choice.horizon_h, rain=choice.inputs.rain, upstream=choice.inputs.upstream,
                forecaster=choice.forecaster, skill=skill, skill_rising=rising, coverage=choice.coverage,
            )
        )
    is_any = any(way.models for way in fitted.ways)
    return Learnt(tuple(chosen), as_json(fitted) if is_any else None)


def main() -> None:
    """What the history on the standard input teaches stands on the standard output."""
    give_way(memory_bytes=MEMORY_BYTES)
    sys.stdout.buffer.write(_LEARNT.dump_json(_learnt(_unpacked(sys.stdin.buffer.read()))))


if __name__ == "__main__":
    main()
