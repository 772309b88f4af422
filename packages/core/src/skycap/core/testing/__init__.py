"""What a storage's tests need: the conformance suite, faults, slow worlds, real servers.

Needs the extra `testing`. The names are imported on use, so that a pytest that has this plugin and does not
use it starts as fast as before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skycap.core.testing.clock import ManualClock
    from skycap.core.testing.conformance import StorageConformance
    from skycap.core.testing.eventual import Eventual
    from skycap.core.testing.faults import Fault, Faulty
    from skycap.core.testing.proxy import Trouble, TroublingProxy
    from skycap.core.testing.servers import SeaweedFS
    from skycap.core.testing.statemachine import storage_walks
    from skycap.core.testing.unprivileged import as_nobody

__all__ = [
    "Eventual",
    "Fault",
    "Faulty",
    "ManualClock",
    "SeaweedFS",
    "StorageConformance",
    "Trouble",
    "TroublingProxy",
    "as_nobody",
    "storage_walks",
]

_WHERE = {
    "Eventual": "eventual",
    "Fault": "faults",
    "Faulty": "faults",
    "ManualClock": "clock",
    "SeaweedFS": "servers",
    "StorageConformance": "conformance",
    "Trouble": "proxy",
    "TroublingProxy": "proxy",
    "as_nobody": "unprivileged",
    "storage_walks": "statemachine",
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
