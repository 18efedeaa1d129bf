"""The `faonam` command: the one place that knows every room, and puts the house together."""
