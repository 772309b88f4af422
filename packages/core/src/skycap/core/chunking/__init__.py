"""Cutting bytes into pieces: parts of fixed size for uploads, chunks by content for deduplication."""
