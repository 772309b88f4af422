"""Files in memory: for tests, and the oracle that other storages are compared with."""

from skycap.core.storage.memory.storage import Memory

__all__ = ["Memory"]
