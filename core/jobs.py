"""Work for later, in PostgreSQL, through procrastinate, enqueued in the caller's own transaction.

Jobs carry ids and do the same when they run twice. Never one job per resident or per reading: those wait in tables of
their own, and the job only wakes the worker.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import procrastinate
from sqlalchemy.orm import Session

from core.db import database_url, driver_connection, transaction
from core.logs import get_logger

log = get_logger("core.jobs")

HEARTBEAT_S = 2.0
STALLED_AFTER_S = 8.0
TAKE_UP = "core.take_up_stalled_jobs"
URGENT = "urgent"  # The queue on the way from a level to a warning: a worker takes its jobs before all others.

# Never opened: jobs are only ever enqueued on the connection of the caller's transaction.
_ON_THE_CALLERS_CONNECTION = procrastinate.SyncPsycopgConnector(conninfo="")

app = procrastinate.App(connector=_ON_THE_CALLERS_CONNECTION)


@dataclass(frozen=True)
class Job:
    """A piece of work by name: `run(session, **ids)` does it inside a transaction that somebody else holds."""

    name: str
    queue: str
    run: Callable[..., None]
    task: procrastinate.tasks.Task[Any, Any, Any]


def job(*, name: str, queue: str = "default", attempts: int = 8) -> Callable[[Callable[..., None]], Job]:
    """The decorated `function(session, **ids)` becomes a job: one transaction a run, retried with growing waits.

    `name` is stored with waiting jobs and must never change.
    """

    def register(function: Callable[..., None]) -> Job:
        @functools.wraps(function)
        def in_a_transaction(**ids: Any) -> None:
            try:
                with transaction() as session:
                    function(session, **ids)
            except Exception:
                # The queue tries again in silence; the duty log must still say what went wrong.
                log.exception("job.failed", job=name, **ids)
                raise

        retry = procrastinate.RetryStrategy(max_attempts=attempts, exponential_wait=2)
        task = app.task(name=name, queue=queue, retry=retry)(in_a_transaction)
        return Job(name=name, queue=queue, run=function, task=task)

    return register


def periodic(*, name: str, cron: str, queue: str = "default") -> Callable[[Callable[..., None]], Job]:
    """The decorated `function(session)` runs on the beat of `cron`: real time, a sixth and last field in seconds."""

    def register(function: Callable[..., None]) -> Job:
        def on_the_beat(timestamp: int) -> None:
            with transaction() as session:
                function(session)

        task = app.periodic(cron=cron)(app.task(name=name, queue=queue, queueing_lock=name)(on_the_beat))
        return Job(name=name, queue=queue, run=function, task=task)

    return register


def enqueue(session: Session, job: Job, *, queue: str | None = None, lock: str | None = None, **ids: Any) -> None:
    """The job waits from the moment the caller's transaction commits; it never was if that rolls back."""
    queue = queue or job.queue
    options: dict[str, Any] = {
        "queue": queue, "priority": int(queue == URGENT), "connection": driver_connection(session)
    }
    if lock is not None:
        options["lock"] = lock
    session.flush()
    app.configure_task(job.name, **options).defer(**ids)


class _WorkerConnector(procrastinate.PsycopgConnector):
    """The worker's asynchronous connector; `enqueue` inside a job still writes on that job's own connection."""

    def get_sync_connector(self) -> procrastinate.connector.BaseConnector:
        return _ON_THE_CALLERS_CONNECTION


async def work(*, queues: Sequence[str], concurrency: int, name: str) -> None:
    """This process does the waiting jobs of these queues, of every queue where none is named, until it is told to stop.

    Jobs of workers that died are taken up again.
    """
    only: dict[str, Any] = {"queues": queues} if queues else {}
    connector = _WorkerConnector(conninfo=database_url(), min_size=1, max_size=concurrency + 4)
    with app.replace_connector(connector) as worker_app:
        async with worker_app.open_async():
            await worker_app.run_worker_async(
                **only,
                concurrency=concurrency,
                name=name,
                delete_jobs="successful",
                fetch_job_polling_interval=1.0,
                shutdown_graceful_timeout=5.0,
                update_heartbeat_interval=HEARTBEAT_S,
                stalled_worker_timeout=STALLED_AFTER_S,
            )


@app.periodic(cron="* * * * * */5")
@app.task(name=TAKE_UP, queue="default", queueing_lock=TAKE_UP, pass_context=True)
async def take_up_stalled_jobs(context: procrastinate.JobContext, timestamp: int) -> None:
    """Jobs whose worker was killed wait again; doing one twice is the same as once."""
    manager = context.app.job_manager
    for stalled in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S):
        await manager.retry_job(stalled)
