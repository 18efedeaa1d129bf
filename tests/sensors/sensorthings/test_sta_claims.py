"""What the service's root claims of the standard, beside the tests that hold it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from sensors.sensorthings.service import CONFORMANCE
from tests.sensors.sensorthings.test_sta_requirements import COVERED

CLASSES = ("datamodel", "resource-path", "request-data", "create-update-delete")


def test_every_requirement_claimed_is_held() -> None:
    """The root claims no requirement without a test of it; the four classes are claimed where their parts are."""
    for path in Path(__file__).parent.glob("test_sta_*.py"):
        import_module(f"{__package__}.{path.stem}")
    classes = {f"http://www.opengis.net/spec/iot_sensing/1.1/req/{name}" for name in CLASSES}
    assert set(CONFORMANCE) - classes == set(COVERED)
