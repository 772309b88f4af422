"""How a source is to be scanned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from skycap.core.transfer.filter import Filter


Symlinks = Literal["record", "follow", "skip"]


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """The switches of a scan.

    `select` sees paths as from the source they are below, with `/` between names. `exclude_if_present` leaves
    out what is in a directory with a file of such a name, but for that file; `exclude_caches` does where a
    CACHEDIR.TAG says so. With `one_file_system`, a directory on another device is kept and not entered.
    """

    symlinks: Symlinks = "record"
    follow_outside: bool = False
    one_file_system: bool = False
    exclude_caches: bool = False
    exclude_if_present: tuple[bytes, ...] = ()
    select: Filter | None = None
    xattrs: bool = True
