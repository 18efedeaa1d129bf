"""Quality of readings, one after the other: QARTOD's tests with a bounded state per datastream."""
