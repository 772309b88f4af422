"""What a storage's tests need: the conformance suite, faults, slow worlds, real servers.

Needs the extra `testing`. The names are imported on use, so that a pytest that has this plugin and does not
use it starts as fast as before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skycap.core.testing.conformance import StorageConformance

__all__ = ["StorageConformance"]

_WHERE = {"StorageConformance": "skycap.core.testing.conformance"}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_WHERE[name]), name)
