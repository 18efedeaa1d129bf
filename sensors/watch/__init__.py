"""Watching the water: one persisted state machine per (datastream, rule), rules as versioned data, learnt intervals."""
