"""Random walks through a vault, side by side with memory."""

from __future__ import annotations

import atexit
import os
import tempfile

from skycap.core.storage import Storage
from skycap.core.storage.memory import Memory
from skycap.core.storage.overlays.crypt import Crypt, KeyFile
from skycap.core.testing.statemachine import storage_walks


def _key_file() -> KeyFile:
    handle, path = tempfile.mkstemp(prefix="skycap-walk-key-")
    os.write(handle, bytes(range(32)))
    os.close(handle)
    atexit.register(os.unlink, path)
    return KeyFile(path)


_KEY = _key_file()


def _vault() -> Storage:
    vault = Crypt(Memory(), _KEY)
    vault.make_dir("")
    return vault


TestVaultWalks = storage_walks(_vault)
