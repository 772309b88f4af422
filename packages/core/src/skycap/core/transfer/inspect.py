"""A closer look at two files: what listings leave open, and whether what was written is what was read."""

from __future__ import annotations

import threading

from skycap.core.crypto.hashing import kinds, new_hasher
from skycap.core.errors import Conflict, DependencyMissing, IntegrityError, Interrupted
from skycap.core.location import Location
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry, Kind
from skycap.core.transfer.compare import Compare, Verdict, common_hash, verdict
from skycap.core.units import MiB

READING = "blake3"


class Inspector:
    """Looks at the files of two locations."""

    def __init__(
        self,
        source: Location,
        target: Location,
        compare: Compare,
        tolerance_ns: int,
        *,
        cancel: threading.Event | None = None,
    ) -> None:
        self._source, self._target = source, target
        self._cancel = cancel or threading.Event()
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
                    found = self._hash(location, other.path, kind)
                except DependencyMissing:
                    continue
                return found == (known.hashes or {})[kind]
        here = self._hash(self._source, ours.path, READING)
        return here == self._hash(self._target, theirs.path, READING)

    def verify(self, entry: Entry) -> None:
        """Read both back; `IntegrityError` where they differ."""
        here = self._hash(self._source, entry.path, READING)
        if here != self._hash(self._target, entry.path, READING):
            raise IntegrityError(
                "what was read back is not what was sent",
                where=self._target.shown(entry.path),
                retryable=True,
            )

    def still(self, entry: Entry) -> None:
        """`Conflict` if the source is not what it was when it was listed."""
        now = self._source.storage.stat(self._source.below(entry.path))
        pairs = ((entry.size, now.size), (entry.mtime_ns, now.mtime_ns))
        changed = any(a is not None and b is not None and a != b for a, b in pairs)
        if not changed and None not in (entry.version, now.version) and entry.version != now.version:
            # Removing another hard link gives a file another version, and the same bytes.
            theirs = self._target.storage.stat(self._target.below(entry.path))
            ours, theirs = now._replace(path=entry.path), theirs._replace(path=entry.path)
            changed = not self.same_content(ours, theirs)
        if changed:
            raise Conflict(
                "it changed after it was copied, and was not removed",
                where=self._source.shown(entry.path),
                hint="Run the command again.",
            )

    def must_be_same(self, ours: Entry, theirs: Entry) -> None:
        """`Conflict` unless the contents are the same, whatever size and time say."""
        if ours.kind is Kind.FILE and not self.same_content(ours, theirs):
            raise Conflict(
                "the target has the same size and time, but other content; the source was kept",
                where=self._source.shown(ours.path),
                hint="Compare the two, or say --checksum to let the source win.",
            )

    def not_itself(self, entry: Entry) -> None:
        """`Conflict` if source and target look like one object reached under two addresses."""
        here, there = self._source.storage, self._target.storage
        if here.type_name != there.type_name or Capability.LOCAL_PATH in here.capabilities:
            return
        ours = here.stat(self._source.below(entry.path))
        theirs = there.stat(self._target.below(entry.path))
        told = (ours.stored_at_ns, ours.version, ours.path)
        if None not in told and told == (theirs.stored_at_ns, theirs.version, theirs.path):
            raise Conflict(
                "the target seems to be the very same object under another address, and was not removed",
                where=self._source.shown(entry.path),
                hint="Name one place by one address.",
            )

    def _looked_at(self, location: Location, entry: Entry) -> Entry:
        """The entry with what only a look tells, if that can be told and is of use."""
        facts = location.storage.facts
        times = self._compare is Compare.MTIME
        if (times and "mtime_ns" in facts.scan_fields) or not (
            times or (facts.hashes and "hashes" not in facts.scan_fields)
        ):
            return entry
        return location.storage.stat(location.below(entry.path))._replace(path=entry.path)

    def _hash(self, location: Location, path: str, kind: str) -> str:
        """The hash of a file's content, read from the first byte to the last."""
        hasher = new_hasher(kind)
        with location.storage.read(location.below(path)) as reader:
            while data := reader.read(MiB):
                if self._cancel.is_set():
                    raise Interrupted("stopped while it was read", where=location.shown(path))
                hasher.update(data)
        return hasher.hexdigest()
