"""The source side of a backup: what stands in local folders, and what of it changed since the last time."""
