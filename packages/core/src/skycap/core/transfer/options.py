"""How a transfer is to be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from skycap.core.transfer.compare import Compare
from skycap.core.transfer.walk import Selects
from skycap.core.units import MiB

BATCH_FILES = 64
BATCH_BYTES = 4 * MiB


@dataclass(frozen=True, kw_only=True)
class TransferOptions:
    """All that copy, sync and move can be told. Sizes are in bytes, times in nanoseconds."""

    compare: Compare = Compare.MTIME
    window_ns: int = 0
    """How far times may be apart beyond what the storages round to."""
    select: Selects | None = None
    """Which entries count, on both sides."""
    links: Literal["keep", "follow", "skip"] = "keep"
    overwrite: Literal["always", "never", "newer", "rename"] = "always"
    """What becomes of a file that differs; `rename`: it is kept beside the new one, as `a (1).txt`."""
    metadata: bool = True
    """Keep mode, owner and extended attributes beside the time, where both sides can."""
    verify: bool = False
    """Read every file back after it was written."""
    dry_run: bool = False
    transfers: int | None = None
    """Files at once; None: what the storages like best."""
    max_delete: int | None = None
    """Remove nothing at all if more would have to go."""
    allow_empty_source: bool = False
    """A sync may remove all files of the target where the source has none."""
    parts_in_flight: int = 96 * MiB
    """Memory for parts of uploads."""
