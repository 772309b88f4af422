"""Promises about conditions: what is declared is checked by the store, in the step of the change itself."""

# ruff: noqa: D102 - the name of a test is its promise

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from skycap.core.errors import Conflict, Error
from skycap.core.storage import IF_ABSENT, Capability, Condition, Storage, if_version
from skycap.core.testing.conformance.base import (
    ConformanceBase,
    content_of,
    is_there,
    listed,
    needs_full,
    whole_version,
)


def _write(storage: Storage, condition: Condition) -> None:
    storage.write("dir/file", b"new", condition=condition)


def _copy(storage: Storage, condition: Condition) -> None:
    storage.write("source", b"new")
    storage.copy("source", "dir/file", condition=condition)


def _rename(storage: Storage, condition: Condition) -> None:
    storage.write("source", b"new")
    storage.rename("source", "dir/file", condition=condition)


def _upload(storage: Storage, condition: Condition) -> None:
    upload = storage.begin_upload("dir/file", size=3)
    with upload:
        upload.put_part(0, b"new", last=True)
        upload.complete(condition)


_WAYS: dict[str, tuple[Callable[[Storage, Condition], None], Capability, Capability, Capability]] = {
    "write": (_write, Capability.WRITE, Capability.WRITE_IF_ABSENT, Capability.WRITE_IF_VERSION),
    "copy": (_copy, Capability.COPY, Capability.COPY_IF_ABSENT, Capability.COPY_IF_VERSION),
    "rename": (_rename, Capability.RENAME, Capability.RENAME_IF_ABSENT, Capability.RENAME_IF_VERSION),
    "upload": (_upload, Capability.UPLOAD, Capability.UPLOAD_IF_ABSENT, Capability.UPLOAD_IF_VERSION),
}


_EACH = pytest.mark.parametrize("way", _WAYS)


class _TargetPromises(ConformanceBase):
    """The conditions on what is at the target, for each verb that takes one."""

    @_EACH
    def test_if_absent_holds_where_nothing_is(self, storage: Storage, way: str) -> None:
        call, verb, if_absent, _ = _WAYS[way]
        needs_full(storage, verb, if_absent)
        call(storage, IF_ABSENT)
        assert content_of(storage, "dir/file") == b"new"

    @_EACH
    def test_if_absent_is_a_conflict_where_something_is(self, storage: Storage, way: str) -> None:
        call, verb, if_absent, _ = _WAYS[way]
        needs_full(storage, verb, if_absent)
        for old in (b"old", b""):
            storage.write("dir/file", old)
            with pytest.raises(Conflict):
                call(storage, IF_ABSENT)
            assert content_of(storage, "dir/file") == old
            assert list(listed(storage, "dir")) == ["dir/file"]

    @_EACH
    def test_if_version_holds_for_the_version_that_is_there(self, storage: Storage, way: str) -> None:
        call, verb, _, by_version = _WAYS[way]
        needs_full(storage, verb, by_version)
        storage.write("dir/file", b"old")
        call(storage, if_version(whole_version(storage, "dir/file")))
        assert content_of(storage, "dir/file") == b"new"

    @_EACH
    def test_if_version_is_a_conflict_for_another_version(self, storage: Storage, way: str) -> None:
        call, verb, _, by_version = _WAYS[way]
        needs_full(storage, verb, by_version)
        storage.write("dir/file", b"before")
        version = whole_version(storage, "dir/file")
        storage.write("dir/file", b"old")
        with pytest.raises(Conflict):
            call(storage, if_version(version))
        assert content_of(storage, "dir/file") == b"old"

    @_EACH
    def test_if_version_is_a_conflict_where_nothing_is(self, storage: Storage, way: str) -> None:
        call, verb, _, by_version = _WAYS[way]
        needs_full(storage, verb, by_version)
        storage.write("dir/file", b"before")
        version = whole_version(storage, "dir/file")
        storage.remove("dir/file")
        with pytest.raises(Conflict):
            call(storage, if_version(version))
        assert not is_there(storage, "dir/file")


class ConditionPromises(_TargetPromises):
    """Conditions of every verb that takes one."""

    def test_a_refused_rename_leaves_the_source(self, storage: Storage) -> None:
        needs_full(storage, Capability.RENAME, Capability.RENAME_IF_ABSENT)
        storage.write("target", b"old")
        with pytest.raises(Conflict):
            _rename_to(storage, "target")
        assert content_of(storage, "source") == b"new"
        assert content_of(storage, "target") == b"old"

    def test_a_write_onto_a_directory_is_a_conflict_under_a_condition_too(self, storage: Storage) -> None:
        needs_full(storage, Capability.WRITE_IF_ABSENT)
        if not storage.facts.empty_dirs:
            pytest.skip("directories are only prefixes")
        storage.make_dir("dir")
        with pytest.raises(Conflict):
            storage.write("dir", b"x", condition=IF_ABSENT)
        assert storage.stat("dir").is_dir

    def test_remove_takes_the_version_that_is_there_and_no_other(self, storage: Storage) -> None:
        needs_full(storage, Capability.REMOVE_IF_VERSION)
        storage.write("file", b"one")
        version = whole_version(storage, "file")
        storage.write("file", b"two")
        with pytest.raises(Conflict):
            storage.remove("file", condition=if_version(version))
        assert content_of(storage, "file") == b"two"
        storage.remove("file", condition=if_version(whole_version(storage, "file")))
        assert not is_there(storage, "file")

    def test_removal_is_never_on_condition_of_absence(self, storage: Storage) -> None:
        needs_full(storage)
        storage.write("file", b"one")
        with pytest.raises(Error):
            storage.remove("file", condition=IF_ABSENT)
        assert content_of(storage, "file") == b"one"

    def test_of_many_writers_to_what_is_absent_one_wins(self, storage: Storage) -> None:
        needs_full(storage, Capability.WRITE_IF_ABSENT)
        outcomes = _race(8, lambda number: _write_if(storage, f"writer {number}", IF_ABSENT))
        winners = [name for name in outcomes if name is not None]
        assert len(winners) == 1
        assert content_of(storage, "file") == winners[0].encode()

    def test_of_many_writers_to_one_version_one_wins(self, storage: Storage) -> None:
        needs_full(storage, Capability.WRITE_IF_VERSION)
        storage.write("file", b"at first")
        condition = if_version(whole_version(storage, "file"))
        outcomes = _race(8, lambda number: _write_if(storage, f"writer {number}", condition))
        winners = [name for name in outcomes if name is not None]
        assert len(winners) == 1
        assert content_of(storage, "file") == winners[0].encode()


def _rename_to(storage: Storage, target: str) -> None:
    storage.write("source", b"new")
    storage.rename("source", target, condition=IF_ABSENT)


def _write_if(storage: Storage, name: str, condition: Condition) -> str | None:
    try:
        storage.write("file", name.encode(), condition=condition)
    except Conflict:
        return None
    return name


def _race(count: int, call: Callable[[int], str | None]) -> list[str | None]:
    start = threading.Barrier(count)
    outcomes: list[str | None] = [None] * count
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            start.wait()
            outcomes[number] = call(number)
        except BaseException as error:  # noqa: BLE001 - carried to the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    return outcomes
