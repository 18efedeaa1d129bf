"""Feeds in the running house: their tables, what they bring into the intake, how they are asked and how they do."""
