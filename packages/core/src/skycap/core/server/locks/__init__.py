"""The one store of locks, which every door to a file asks: who holds what, and until when."""

from skycap.core.server.locks.lock import Lock, Scope, resource_key
from skycap.core.server.locks.opening import open_lock_store
from skycap.core.server.locks.store import LockStore

__all__ = ["Lock", "LockStore", "Scope", "open_lock_store", "resource_key"]
