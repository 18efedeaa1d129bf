"""Every table of the house, declared."""

from __future__ import annotations

import importlib

ROOMS = ("staff", "gis", "line", "residents", "sensors", "cctv", "flood", "incidents", "answers", "alerts", "dispatch")


def declare_all() -> None:
    """`core.db.Base.metadata` knows the tables of every room."""
    own = (
        "core.clock",
        "core.events",
        "residents.models_rights",
        "sensors.rulebook.models",
        "sensors.feeds_store.models",
        "sensors.changes",
        "incidents.exchange.models",
        "incidents.group_models",
        "alerts.outside.models",
        "incidents.inbox_models",
        "alerts.cap_models",
        "alerts.leader_models",
        "alerts.models_texts",
        "alerts.after.models",
        "alerts.exercise_models",
        "alerts.channels.models",
    )
    for module in (*own, *(f"{room}.models" for room in ROOMS)):
        importlib.import_module(module)
