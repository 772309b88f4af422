"""A closer look at two files: what listings leave open, and whether what was written is what was read."""

from __future__ import annotations

from skycap.core.crypto.hashing import kinds, new_hasher
from skycap.core.errors import Conflict, DependencyMissing, IntegrityError
from skycap.core.location import Location
from skycap.core.storage.entry import Entry
from skycap.core.storage.interface import Storage
from skycap.core.transfer.compare import Compare, Verdict, common_hash, verdict
from skycap.core.units import MiB

READING = "blake3"


class Inspector:
    """Looks at the files of two locations."""

    def __init__(self, source: Location, target: Location, compare: Compare, tolerance_ns: int) -> None:
        self._source, self._target = source, target
        self._compare = compare
        self._tolerance = tolerance_ns

    def same(self, entry: Entry, other: Entry) -> bool:
        """Whether source `entry` and target `other` are the same, asking the storages for what they know."""
        ours = self._looked_at(self._source, entry)
        theirs = self._looked_at(self._target, other)
        answer = verdict(ours, theirs, self._compare, self._tolerance)
        if answer is Verdict.UNSURE:
            return self.same_content(ours, theirs)
        return answer is Verdict.SAME

    def same_content(self, ours: Entry, theirs: Entry) -> bool:
        """Whether the bytes are the same, reading as little as it takes; paths as seen from the locations."""
        if ours.size is not None and theirs.size is not None and ours.size != theirs.size:
            return False
        if hashes := common_hash(ours, theirs):
            return hashes[0] == hashes[1]
        for known, other, location in ((theirs, ours, self._source), (ours, theirs, self._target)):
            for kind in sorted((known.hashes or {}).keys() & kinds()):
                try:
                    found = content_hash(location.storage, location.below(other.path), kind)
                except DependencyMissing:
                    continue
                return found == (known.hashes or {})[kind]
        here = content_hash(self._source.storage, self._source.below(ours.path), READING)
        return here == content_hash(self._target.storage, self._target.below(theirs.path), READING)

    def verify(self, entry: Entry) -> None:
        """Read both back; `IntegrityError` where they differ."""
        here = content_hash(self._source.storage, self._source.below(entry.path), READING)
        if here != content_hash(self._target.storage, self._target.below(entry.path), READING):
            raise IntegrityError(
                "what was read back is not what was sent",
                where=self._target.shown(entry.path),
                retryable=True,
            )

    def still(self, entry: Entry) -> None:
        """`Conflict` if the source is not what it was when it was listed."""
        now = self._source.storage.stat(self._source.below(entry.path))
        if now.size != entry.size or (entry.mtime_ns is not None and now.mtime_ns != entry.mtime_ns):
            raise Conflict(
                "it changed after it was copied, and was not removed",
                where=self._source.shown(entry.path),
                hint="Run the command again.",
            )

    @staticmethod
    def _looked_at(location: Location, entry: Entry) -> Entry:
        fields = location.storage.facts.scan_fields
        if "mtime_ns" in fields and not (location.storage.facts.hashes - ({"hashes"} & fields)):
            return entry
        return location.storage.stat(location.below(entry.path))._replace(path=entry.path)


def content_hash(storage: Storage, path: str, kind: str) -> str:
    """The hash of a file's content, read from the first byte to the last."""
    hasher = new_hasher(kind)
    with storage.read(path) as reader:
        while data := reader.read(MiB):
            hasher.update(data)
    return hasher.hexdigest()
