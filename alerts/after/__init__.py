"""After an event: what happened, whom it reached, what was hit, missed and false, and what today's rules would do."""
