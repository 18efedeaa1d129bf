"""Feeds: what each source says, as rows; one file per source, pure, and nothing here raises on bad input."""
