"""Storages around a storage: same interface, one more promise each.

The order of the stack, outermost first: encrypt, hash, retry, limit, backend. So a retry sends the same
sealed bytes again, a hash is of what travels, and a waiting retry holds no slot.
"""

from skycap.core.storage.overlays.hash import Hashed
from skycap.core.storage.overlays.limit import Bandwidth, Limited
from skycap.core.storage.overlays.overlay import Overlay, Transparent
from skycap.core.storage.overlays.retry import Retrying

__all__ = ["Bandwidth", "Hashed", "Limited", "Overlay", "Retrying", "Transparent"]
