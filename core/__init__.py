"""Foundations without a word of the domain: settings, database, cluster, clock, events, jobs, errors, logs, words."""
