"""The database's history, one revision a room, and the way to bring a database up to it."""
