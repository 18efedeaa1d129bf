"""Sensors: stations, their readings and the doubts about them, and the state of the water at each gauge."""
