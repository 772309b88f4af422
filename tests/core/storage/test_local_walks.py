"""Random walks through a folder, side by side with memory."""

from __future__ import annotations

import atexit
import shutil
import tempfile

from skycap.core.storage import Storage
from skycap.core.storage.local import Local
from skycap.core.storage.memory import Memory
from skycap.core.testing.statemachine import storage_walks


def _local() -> Storage:
    root = tempfile.mkdtemp(prefix="skycap-walk-")
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return Local(root)


TestLocalWalks = storage_walks(_local)
TestMemoryWalks = storage_walks(Memory, examples=10)
