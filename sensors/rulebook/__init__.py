"""The rules that officers write for the watch: kept as versions, followed as readings come, tried before they count."""
