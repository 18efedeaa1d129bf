"""Places in words: Thai free text to ranked places, and a place to its names; offline, from the city's own data."""
