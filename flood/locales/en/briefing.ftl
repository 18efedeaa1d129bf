# The officers' morning map.
briefing-title = The water, a briefing map
briefing-at = Picture {$run} of the flood, {$at}
briefing-no-run = There is no picture of the flood yet
briefing-no-data = No gauge can be used: this map does not say that it is safe
briefing-simulated = Simulated, not a real event
briefing-depth-1 = Ankle, up to 0.2 m
briefing-depth-2 = Knee, up to 0.5 m
briefing-depth-3 = Waist, up to 1.0 m
briefing-depth-4 = Above the waist, over 1.0 m
briefing-severity-0 = Normal
briefing-severity-1 = Watch
briefing-severity-2 = Warning
briefing-severity-3 = Danger
briefing-zone = {$name}: {$severity} · people in the water {$people} · members' homes {$homes} (vulnerable {$vulnerable}) · roads {$roads} km · about {$depth} m deep
briefing-gauge = {$name}: {$level} m MSL at {$at} · {$severity}
briefing-gauge-silent = {$name}: no level to be trusted
briefing-facility = {$name} ({$kind}) stands in the water: {$depth}
