"""Which modules of the rooms must be loaded for work, for import, for the database."""

from __future__ import annotations

import gc
import importlib

from core import events

WITH_TASKS = ("line", "residents", "sensors", "cctv", "flood", "incidents", "answers", "alerts", "dispatch")
WITH_LAYERS = ("residents", "sensors", "cctv", "incidents", "answers", "dispatch")


def load_tasks() -> None:
    """Every job and every event subscriber of the house is registered in this process."""
    for room in WITH_TASKS:
        try:
            importlib.import_module(f"{room}.tasks")
        except ModuleNotFoundError as exc:
            if exc.name != f"{room}.tasks":
                raise
    events.every_room_is_here()


def stay() -> None:
    """What has been loaded stays for good: the collector does not walk it again and again in the middle of work."""
    gc.collect()
    gc.freeze()


def load_layers() -> None:
    """The importer knows the layer kinds of every room."""
    for room in WITH_LAYERS:
        importlib.import_module(f"{room}.citypack")
