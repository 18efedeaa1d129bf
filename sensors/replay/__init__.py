"""A past record played through quality, interval learning and watch rules, and compared with what officials said."""
