"""Warnings of others: fetched or sent to us, kept as they came, mapped to the city's zones by the city's own table."""
