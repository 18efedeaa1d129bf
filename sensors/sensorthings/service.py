"""What the service's root says: its collections, and which requirements of the standard (18-088) it keeps."""

from __future__ import annotations

from typing import Any

from sensors.sensorthings.model import COLLECTIONS

VERSION = "v1.1"
ROOT = f"/sta/{VERSION}"
_REQ = "http://www.opengis.net/spec/iot_sensing/1.1/req"
_ENTITIES = (
    "thing", "location", "historical-location", "datastream", "sensor", "observed-property", "observation",
    "feature-of-interest",
)
CONFORMANCE = (
    f"{_REQ}/datamodel",
    *(f"{_REQ}/datamodel/{entity}/{part}" for entity in _ENTITIES for part in ("properties", "relations")),
    f"{_REQ}/datamodel/entity-control-information/common-control-information",
    f"{_REQ}/resource-path",
    f"{_REQ}/resource-path/resource-path-to-entities",
    f"{_REQ}/request-data",
    *(
        f"{_REQ}/request-data/{part}"
        for part in (
            "order", "expand", "select", "status-code", "query-status-code", "orderby", "top", "skip", "count",
            "filter", "built-in-filter-operations", "built-in-query-functions", "pagination",
        )
    ),
    f"{_REQ}/create-update-delete",
    *(
        f"{_REQ}/create-update-delete/{part}"
        for part in (
            "create-entity", "link-to-existing-entities", "deep-insert", "deep-insert-status-code", "update-entity",
            "update-entity-put", "update-entity-jsonpatch", "delete-entity", "historical-location-auto-creation",
            "historical-location-manual-creation",
        )
    ),
    f"{_REQ}/batch-request/batch-request",
    f"{_REQ}/data-array/data-array",
)
RECEIVE_UPDATES = f"{_REQ}/receive-updates-via-mqtt/receive-updates"
CREATE_OBSERVATIONS = f"{_REQ}/create-observations-via-mqtt/observations-creation"


def service_root(base: str, *, broker: str | None) -> dict[str, Any]:
    """The collections with their addresses, and the requirements kept, those by MQTT where there is a broker."""
    by_mqtt = () if broker is None else (CREATE_OBSERVATIONS, RECEIVE_UPDATES)
    return {
        "value": [{"name": name, "url": f"{base}/{name}"} for name in COLLECTIONS],
        "serverSettings": {
            "conformance": [*CONFORMANCE, *by_mqtt],
            **{requirement: {"endpoints": [broker]} for requirement in by_mqtt},
        },
    }
