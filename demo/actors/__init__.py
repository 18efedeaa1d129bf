"""Who takes part in the storm: gauges, cameras, residents, and in a headless run the officer and the crews."""
