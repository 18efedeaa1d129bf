source-simulated = simulated by Faonam (seed { NUMBER($seed, useGrouping: 0) })
terrain-not-measured = not measured: a plain that falls to the east, cut along the waterways, lower where communities are listed as flooding; height of the eastern edge: {$edge}
edge-assumed = assumed
edge-surveyed = the middle level of surveyed streets beyond it
