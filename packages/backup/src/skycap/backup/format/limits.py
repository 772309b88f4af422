"""How large things may be, in bytes unless they say otherwise. Readers check before they use a length."""

from __future__ import annotations

KIB = 1024
MIB = 1024 * 1024

BLOB_RAW = 16 * MIB
TREE_RAW = 4 * MIB
PACK = 160 * MIB
PACK_BLOBS = 65_536
PACK_BLOBS_WRITTEN = 4_096
PACK_TARGETS = (4 * MIB, 128 * MIB)
INDEX_BLOBS_WRITTEN = 50_000
FOOTER_RAW = 4 * MIB
INDEX_RAW = 16 * MIB
MARK_RAW = 16 * MIB
RUN_RAW = 16 * MIB
SNAPSHOT_RAW = MIB
SETTINGS_RAW = MIB
CONFIG = 2 * MIB
LEASE_RAW = 64 * KIB
KEY_FILE = 64 * KIB
NAME = 65_535
LINK_TARGET = 65_535
XATTR_INLINE = 64 * KIB
HOLES_WRITTEN = 4_096
NODE = MIB
DEPTH = 8
"""Levels of lists above the blobs of a content."""
