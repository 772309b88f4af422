"""A closer look asks for no more than it needs, and is never satisfied with less."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from skycap.core.errors import AccessDenied, Conflict, IntegrityError, NotFound
from skycap.core.location import Location
from skycap.core.storage.entry import Entry, Kind, Metadata
from skycap.core.storage.memory import Memory
from skycap.core.testing.faults import Fault, Faulty
from skycap.core.transfer.compare import Compare
from skycap.core.transfer.inspect import Inspector
from tests.core.transfer.conftest import Runner
from tests.core.transfer.stores import Untimed


def store(content: bytes, *, hashes: bool = False, mtime_ns: int = 5) -> Faulty:
    facts = Memory.facts if hashes else replace(Memory.facts, hashes=frozenset())
    found = Faulty(Memory(facts=facts))
    found.inner.write("f", content, metadata=Metadata(mtime_ns=mtime_ns))
    return found


def entry(storage: Any) -> Entry:
    found: Entry = next(iter(storage.inner.scan_all("")))
    return found


def same(here: Any, there: Any, how: Compare = Compare.CHECKSUM) -> bool:
    return Inspector(Location(here), Location(there), how, 1).same(entry(here), entry(there))


@pytest.mark.parametrize(("ours", "theirs"), [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("equal", [True, False])
def test_content_is_compared_with_as_little_reading_as_hashes_allow(
    ours: bool, theirs: bool, equal: bool
) -> None:
    here, there = store(b"one", hashes=ours), store(b"one" if equal else b"two", hashes=theirs)
    assert same(here, there) is equal
    assert (here.count("read"), there.count("read")) == (int(not ours), int(not theirs))


def test_another_size_is_another_content_and_nothing_is_read() -> None:
    here, there = store(b"one"), store(b"three")
    assert not Inspector(Location(here), Location(there), Compare.CHECKSUM, 1).same_content(
        entry(here), entry(there)
    )
    assert here.count("read") == 0


def test_a_hash_of_a_kind_that_nobody_can_reckon_is_no_help() -> None:
    here, there = store(b"one"), store(b"one")
    known = entry(there)._replace(hashes={"dropbox-of-tomorrow": "x"})
    inspector = Inspector(Location(here), Location(there), Compare.CHECKSUM, 1)
    assert inspector.same_content(entry(here), known)


@pytest.mark.parametrize(("mtime_ns", "equal"), [(5, True), (6, False)])
def test_a_time_that_the_listing_hides_is_asked_for_once(mtime_ns: int, equal: bool) -> None:
    here, there = store(b"one"), Untimed()
    there.inner.write("f", b"one", metadata=Metadata(mtime_ns=mtime_ns))
    listed = entry(there)._replace(mtime_ns=None)
    inspector = Inspector(Location(here), Location(there), Compare.MTIME, 1)
    assert inspector.same(entry(here), listed) is equal
    assert there.requests() == 1
    assert here.calls == []


def test_what_was_read_back_must_be_what_was_sent() -> None:
    here, there = store(b"one"), store(b"two")
    with pytest.raises(IntegrityError) as caught:
        Inspector(Location(here), Location(there), Compare.MTIME, 1).verify(entry(here))
    assert caught.value.retryable


@pytest.mark.parametrize("change", ["content", "size", "time"])
def test_a_source_that_is_another_now_is_not_the_one_that_was_copied(change: str) -> None:
    here = store(b"one")
    listed = entry(here)
    inspector = Inspector(Location(here), Location(store(b"one")), Compare.MTIME, 1)
    inspector.still(listed)
    changed = {"content": (b"two", 5), "size": (b"three", 5), "time": (b"one", 6)}[change]
    here.inner.write("f", changed[0], metadata=Metadata(mtime_ns=changed[1]))
    with pytest.raises(Conflict):
        inspector.still(listed)


# What a link at the target stands in the way of


def _over_a_link() -> tuple[Memory, Faulty]:
    here, there = Memory(), Faulty(Memory())
    here.write("a/x", b"1")
    here.write("a/y", b"2")
    there.inner.make_symlink("a", "b")
    return here, there


def test_a_link_in_the_way_is_looked_at_once(transfer: Runner) -> None:
    here, there = _over_a_link()
    result = transfer(Location(here), Location(there)).copy()
    assert [(f.path, type(f.error)) for f in result.failures] == [
        (path, Conflict) for path in ("a", "a/x", "a/y")
    ]
    assert there.count("stat") == 1


def test_a_link_that_cannot_be_looked_at_is_not_written_through(transfer: Runner) -> None:
    here, there = _over_a_link()
    there.on("stat", Fault(AccessDenied("no")), times=9)
    result = transfer(Location(here), Location(there)).copy()
    assert {type(failure.error) for failure in result.failures} == {AccessDenied}
    assert there.count("write") == 0


def test_a_link_that_is_gone_by_then_is_in_nobodys_way(transfer: Runner) -> None:
    here, there = _over_a_link()
    there.on("stat", Fault(NotFound("gone"), wait=lambda: there.inner.remove("a")), path="a")
    assert transfer(Location(here), Location(there)).copy().exit_status == 0
    assert there.inner.stat("a").kind is Kind.DIRECTORY
