"""Levels are understood from one zero only, however it is written."""

from __future__ import annotations

import pytest

from gis.datum import is_sea_level


@pytest.mark.parametrize(
    "text",
    [
        "m above mean sea level", "metres above the mean sea level", "MSL", "m MSL", "m_msl", "m (AMSL)", "ร.ท.ก.",
        "ม.รทก.", "ม. (ร.ท.ก.)", "เมตรเหนือระดับทะเลปานกลาง", "เมตร จากระดับน้ำทะเลปานกลาง",
    ],
)
def test_metres_above_the_sea_are_known_in_every_spelling(text: str) -> None:
    """English and Thai, short and long: one datum, not five that could not be mixed."""
    assert is_sea_level(text)


@pytest.mark.parametrize(
    "text",
    [
        "centimetres above mean sea level", "cm MSL", "ซม. รทก.", "ft msl", "2 m below mean sea level", "not MSL",
        "msl + 2", "1.5 m above MSL", "m above local mean sea level", "ต่ำกว่า รทก.", "staff zero", "m", "",
    ],
)
def test_another_unit_zero_or_direction_is_not_the_sea(text: str) -> None:
    """Centimetres taken for metres, or a staff's zero for the sea's, draw a wrong flood."""
    assert not is_sea_level(text)
