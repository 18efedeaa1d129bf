"""Cameras that read the water: a camera is a station whose sensor is an eye."""
