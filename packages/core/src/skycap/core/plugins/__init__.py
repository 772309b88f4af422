"""Finds plugins, and keeps the lists they add to. A broken one is a warning, never a dead program."""

from skycap.core.plugins.finding import Found, find, parse_entry_points
from skycap.core.plugins.registry import (
    DISABLE,
    Plugin,
    Plugins,
    blamed,
    failed,
    load,
    naming,
    owner,
    plugins,
    storage_types,
)

__all__ = [
    "DISABLE",
    "Found",
    "Plugin",
    "Plugins",
    "blamed",
    "failed",
    "find",
    "load",
    "naming",
    "owner",
    "parse_entry_points",
    "plugins",
    "storage_types",
]
