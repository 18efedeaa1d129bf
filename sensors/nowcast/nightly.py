"""What a gauge's history teaches: who may be shown, and the chosen ones fitted on all of it.

It loads scikit-learn, through `boosting`; the house does that in a process of its own (`sensors.nowcast_child`).
"""

from __future__ import annotations

from sensors.nowcast.boosting import boosting
from sensors.nowcast.choice import Choice, choose, fit_chosen
from sensors.nowcast.fitted import HORIZONS_H, Fitted, Forecaster, ways_of
from sensors.nowcast.grid import History
from sensors.nowcast.linear import damped_trend, ridge

FORECASTERS = (
    Forecaster("damped", damped_trend),
    Forecaster("ridge", ridge),
    Forecaster("boosting", boosting),
)


def learn(history: History) -> tuple[tuple[Choice, ...], Fitted]:
    """What was chosen for each horizon and set of inputs, richest inputs first, and the chosen ones fitted."""
    choices = choose(history, FORECASTERS, ways=ways_of(history), horizons_h=HORIZONS_H)
    return choices, fit_chosen(history, choices, FORECASTERS)
