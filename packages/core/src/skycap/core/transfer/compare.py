"""Whether two entries of one path are the same file, from what listings and the state table tell."""

from __future__ import annotations

from enum import Enum, StrEnum, auto

from skycap.core.storage.entry import Entry
from skycap.core.storage.facts import Facts


class Compare(StrEnum):
    """What counts as the same."""

    MTIME = "mtime"
    """Size and time of last change."""
    CHECKSUM = "checksum"
    """Size and a hash of the content, read where no store knows it."""
    SIZE = "size"
    """Size alone."""


class Verdict(Enum):
    """The answer; `UNSURE` needs a look at the file itself."""

    SAME = auto()
    DIFFERENT = auto()
    UNSURE = auto()


def fingerprint(entry: Entry) -> str:
    """What a listing tells about the state of a file: its time where there is one, else its version."""
    return f"{entry.size}:{entry.mtime_ns}" if entry.mtime_ns is not None else f"{entry.size}:{entry.version}"


def tells(entry: Entry) -> bool:
    """Whether its fingerprint changes with the content: of a size alone nobody can tell."""
    return entry.mtime_ns is not None or entry.version is not None


def like(listed: Entry, looked_at: Entry) -> Entry:
    """The second with only the fields that the first has, so that their fingerprints can be compared."""
    return looked_at._replace(mtime_ns=looked_at.mtime_ns if listed.mtime_ns is not None else None)


def common_hash(a: Entry, b: Entry) -> tuple[str, str] | None:
    """A hash that both sides know without reading, if there is one."""
    if a.hashes and b.hashes:
        for kind, value in a.hashes.items():
            if kind in b.hashes:
                return value, b.hashes[kind]
    return None


def tolerance_ns(source: Facts, target: Facts, window_ns: int) -> int:
    """How far two times may be apart and still be the same: the coarser step of the two."""
    return max(source.mtime_precision_ns or 1, target.mtime_precision_ns or 1, window_ns, 1)


def verdict(source: Entry, target: Entry, how: Compare, tolerance: int) -> Verdict:
    """Compare by what is in hand."""
    if source.size is not None and target.size is not None and source.size != target.size:
        return Verdict.DIFFERENT
    if how is Compare.SIZE:
        return Verdict.SAME
    if how is Compare.MTIME and source.mtime_ns is not None and target.mtime_ns is not None:
        return Verdict.SAME if abs(source.mtime_ns - target.mtime_ns) < tolerance else Verdict.DIFFERENT
    if hashes := common_hash(source, target):
        return Verdict.SAME if hashes[0] == hashes[1] else Verdict.DIFFERENT
    return Verdict.UNSURE
