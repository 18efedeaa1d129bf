# The feed of alerts for other systems.
cap-feed = { $city }: alerts in force
cap-feed-simulated = { $city }: alerts in force (simulated data, not a real event)
