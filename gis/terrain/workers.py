"""A task for every tile, done by the workers of a Dask cluster that is running already."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from distributed import Client, KilledWorker
from distributed.comm.addressing import parse_address
from distributed.comm.core import CommClosedError

from core.errors import InvalidInputError, UnavailableError
from gis.terrain.runners import Found, Item, Runner

ANSWER_S = 4  # Assumed: a scheduler that is there answers sooner, on any network.


@contextlib.contextmanager
def cluster(address: str, folder: Path) -> Iterator[Runner]:
    """The workers of the Dask scheduler at `address` (such as tcp://10.0.0.5:8786), all at once.

    The contract: they run the same Faonam and see `folder` under the same path, on a disk that all share. Raises
    UnavailableError where the scheduler does not answer, has no worker, or a worker does not keep the contract or dies.
    """
    try:
        parse_address(address, strict=True)
    except ValueError as exc:
        raise InvalidInputError(f"--dask: '{address}' is no address such as tcp://10.0.0.5:8786.") from exc
    try:
        client: Any = Client(address, timeout=ANSWER_S, set_as_default=False)  # type: ignore[no-untyped-call]  # untyped
    except (OSError, ValueError, ImportError) as exc:
        raise UnavailableError(f"The Dask scheduler at {address} does not answer: {_reason(exc)}") from exc
    with client:
        _check_workers(client, address, folder)

        def run(task: Callable[[Item], Found], items: Sequence[Item]) -> Iterator[Found]:
            waiting = client.map(task, items, pure=False)
            try:
                for number, future in enumerate(waiting):
                    yield future.result()
                    waiting[number] = None  # The cluster may forget what has been told.
            except (KilledWorker, CommClosedError) as exc:
                raise UnavailableError(f"The Dask cluster at {address} lost its workers: {_reason(exc)}") from exc
            finally:
                client.cancel([future for future in waiting if future is not None])

        yield run


def _check_workers(client: Any, address: str, folder: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=folder, prefix="shared-") as sign:
        try:
            sees = client.run(Path(sign.name).exists)
            client.run(_knows_faonam)
        except (ImportError, AttributeError) as exc:
            raise UnavailableError(f"A worker of {address} does not run this Faonam: {_reason(exc)}") from exc
    if not sees:
        raise UnavailableError(f"The Dask scheduler at {address} has no worker.")
    blind = sorted(worker for worker, is_seen in sees.items() if not is_seen)
    if blind:
        raise UnavailableError(
            f"The worker {blind[0]} does not see {folder}: the workers and this machine need one disk that they share."
        )


def _knows_faonam() -> None:
    """Nothing; that it can be called says that the worker has this module."""


def _reason(exc: BaseException) -> str:
    return (str(exc).strip().splitlines() or [type(exc).__name__])[0]
