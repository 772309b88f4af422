"""Lines for people on standard error, each in one piece, whichever thread tells it."""

from __future__ import annotations

import sys
import threading

_lock = threading.Lock()


def tell(text: str) -> None:
    """Write a line. `print` writes text and newline apart where standard error is not buffered."""
    with _lock:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
