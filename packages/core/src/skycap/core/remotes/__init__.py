"""How a name becomes an opened storage."""

from skycap.core.remotes.address import Address, parse
from skycap.core.remotes.opening import Opener, resolve
from skycap.core.remotes.settings import Remote, Remotes

__all__ = ["Address", "Opener", "Remote", "Remotes", "parse", "resolve"]
