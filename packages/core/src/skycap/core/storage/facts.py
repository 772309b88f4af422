"""What is so about a storage: data, not verbs."""

from __future__ import annotations

from dataclasses import dataclass

from skycap.core.units import MiB


@dataclass(frozen=True, slots=True)
class Facts:
    """What the planner and the engine must know before they ask for anything.

    Sizes are in bytes; None is "no limit" or "not kept". The defaults are those of a well-behaved store.
    """

    scan_fields: frozenset[str] = frozenset({"size", "mtime_ns", "version"})
    """The fields of `Entry` that a listing fills, beside path and kind."""
    scan_ordered: bool = False
    """Whether `scan` comes in the order of `paths.order_key`."""
    scan_all_ordered: bool = False
    """Whether `scan_all` comes in the order of `paths.order_key`."""
    hashes: frozenset[str] = frozenset()
    """Hash kinds that `stat` knows without reading the content."""
    metadata_fields: frozenset[str] = frozenset({"mtime_ns"})
    """The fields of `Metadata` that survive a round trip."""
    mtime_precision_ns: int | None = 1
    """Steps in which the client's mtime is kept; None: it is not kept."""
    max_size: int | None = None
    """The largest file. A transfer does not begin to send a larger one."""
    needs_size: bool = False
    """Whether `write` must know the size before the first byte."""
    part_min: int = 1
    """The smallest part of an upload, but for the last."""
    part_max: int | None = None
    part_multiple: int = 1
    max_parts: int | None = None
    part_size: int = 16 * MiB
    """The part size that is best when nothing else speaks."""
    upload_from: int = 64 * MiB
    """From this size on a journalled multipart upload pays; below it, sending again is cheaper."""
    forbidden: str = ""
    """Characters that a name cannot have, beside `/` and NUL."""
    name_max: int | None = 255
    """Bytes of UTF-8 in one name."""
    path_max: int | None = None
    """Bytes of UTF-8 in a whole path."""
    case_sensitive: bool = True
    """Whether `README` and `Readme` are two files."""
    bytes_names: bool = False
    """Whether names that are not UTF-8 can be kept."""
    empty_dirs: bool = True
    """Whether a directory exists by itself; else it is only a prefix."""
    files_at_top: bool = True
    """Whether files can lie at the top; else what is there are places by themselves, such as buckets."""
    rename_dirs: bool = False
    """Whether `rename` takes directories too."""
    names_on_write: bool = False
    """Whether the store chooses the name, and `write` answers with it. Then `sync` is refused."""
    read_only: bool = False
    """Whether nothing in it can be changed. No command opens such a place to write to it."""
    network: bool = True
    """Whether a network is between. Where none is, what fails is not tried again."""
    connections: int = 4
    """How many requests at once serve it best."""
