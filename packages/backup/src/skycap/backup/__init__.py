"""Encrypted, deduplicated, versioned backups on any storage that skycap can write to."""
