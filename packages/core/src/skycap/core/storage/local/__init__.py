"""Files of this machine."""

from skycap.core.storage.local.storage import Local

__all__ = ["Local"]
