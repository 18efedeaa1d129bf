"""Past records as plain rows: one file per source, each with its own dirt; bad rows are kept with their cause."""
