"""The suite itself: storages that break a promise are found out by the test of that name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from skycap.core.errors import Error, NotFound
from skycap.core.storage import (
    BinaryReader,
    Capability,
    Condition,
    Entry,
    Facts,
    Metadata,
    Source,
    Storage,
    Upload,
)
from skycap.core.storage.extras import Share, Shares, Trash, Trashed, Versions
from skycap.core.storage.memory import Memory
from skycap.core.storage.memory.extras import MemoryShares, MemoryTrash, MemoryVersions
from skycap.core.testing import StorageConformance


class _IgnoresConditions(Memory):
    def write(
        self,
        path: str,
        source: Source,
        *,
        size: int | None = None,
        metadata: Metadata | None = None,
        condition: Condition | None = None,
    ) -> Entry:
        return super().write(path, source, size=size, metadata=metadata)


class _WritesInPlace(Memory):
    def write(
        self,
        path: str,
        source: Source,
        *,
        size: int | None = None,
        metadata: Metadata | None = None,
        condition: Condition | None = None,
    ) -> Entry:
        if not isinstance(source, bytes):
            super().write(path, b"")
        return super().write(path, source, size=size, metadata=metadata, condition=condition)


class _IgnoresSize(Memory):
    def write(
        self,
        path: str,
        source: Source,
        *,
        size: int | None = None,
        metadata: Metadata | None = None,
        condition: Condition | None = None,
    ) -> Entry:
        return super().write(path, source, metadata=metadata, condition=condition)


class _IgnoresRanges(Memory):
    def read(
        self, path: str, *, offset: int = 0, length: int | None = None, version: str | None = None
    ) -> AbstractContextManager[BinaryReader]:
        return super().read(path, offset=offset, version=version)


class _MixesStates(Memory):
    def read(
        self, path: str, *, offset: int = 0, length: int | None = None, version: str | None = None
    ) -> AbstractContextManager[BinaryReader]:
        return self._mixing(path)

    @contextmanager
    def _mixing(self, path: str) -> Iterator[BinaryReader]:
        storage, position = Memory(self._space.name), [0]
        storage._space = self._space

        class Reader:
            def read(self, size: int = -1, /) -> bytes:
                with storage.read(path, offset=position[0]) as reader:
                    data = reader.read(size)
                position[0] += len(data)
                return data

        yield Reader()


class _ListsOutOfOrder(Memory):
    def scan(self, path: str) -> Iterator[Entry]:
        return iter(sorted(super().scan(path), key=lambda entry: entry.path, reverse=True))


class _ListsAPage(Memory):
    def scan(self, path: str) -> Iterator[Entry]:
        return (entry for entry, _ in zip(super().scan(path), range(100), strict=False))


class _RemovesFullDirectories(Memory):
    def remove(self, path: str, *, condition: Condition | None = None) -> None:
        self.remove_tree(path) if path else super().remove(path)


class _TakesAnyPath(Memory):
    def checked(self, path: str, *, root: bool = False) -> str:
        return path


class _KeepsNoTimes(Memory):
    def _kept(self, metadata: Metadata | None) -> Metadata:
        return replace(super()._kept(metadata), mtime_ns=None)


class _RefusesDirectories(Memory):
    def set_metadata(self, path: str, metadata: Metadata) -> Entry:
        if self.stat(path).is_dir:
            raise NotFound("there is no such file", where=path)
        return super().set_metadata(path, metadata)


class _TakesOtherParts(Memory):
    def begin_upload(self, path: str, *, size: int | None = None, metadata: Metadata | None = None) -> Upload:
        upload = super().begin_upload(path, size=size, metadata=metadata)
        put = upload.put_part

        def forgetting(index: int, data: bytes | memoryview, *, last: bool = False) -> None:
            self._space.uploads[dict(upload.state)["id"]].parts.pop(index, None)
            put(index, data, last=last)

        upload.put_part = forgetting  # type: ignore[method-assign]
        return upload


class _ForgetsUploads(Memory):
    def resume_upload(self, state: Mapping[str, Any], source: Source | None = None) -> Upload:
        return self.begin_upload("elsewhere")


class _SkipsInRemoveMany(Memory):
    def remove_many(self, paths: Iterable[str]) -> Iterator[tuple[str, Error | None]]:
        return super().remove_many(list(paths)[1:])


class _BoastsOfHashes(Memory):
    facts: Facts = replace(Memory.facts, hashes=frozenset({"sha256", "md5"}))


class _BoastsOfFields(Memory):
    facts: Facts = replace(Memory.facts, scan_fields=frozenset({"size", "hashes"}))


class _HidesWhatItCan(Memory):
    capabilities = Memory.capabilities - {Capability.COPY}

    def need(self, capability: Capability, *, path: str = "") -> None:
        return


class _CannotBeOpened(Memory):
    open = Storage.__dict__["open"]


class _Shares(MemoryShares):
    def create(self, path: str, *, expires_s: float | None = None, password: str | None = None) -> Share:
        return super().create(path)


class _ForgetsTerms(Memory):
    """Links without the password and the end that was asked for."""

    def shares(self) -> Shares:
        return _Shares(self, self._space)


class _AnswersAnotherVersion(Memory):
    def store(
        self, path: str, content: bytes, metadata: Metadata | None, condition: Condition | None
    ) -> Entry:
        return super().store(path, content, metadata, condition)._replace(version="another")


class _KeepsTheOldTime(Memory):
    def store(
        self, path: str, content: bytes, metadata: Metadata | None, condition: Condition | None
    ) -> Entry:
        old = self._space.find(path)
        if old is not None and (metadata is None or metadata.mtime_ns is None):
            metadata = replace(metadata or Metadata(), mtime_ns=old.metadata.mtime_ns)
        return super().store(path, content, metadata, condition)


class _KeepsOneOfAPath(Memory):
    """A trash that goes by names."""

    def trash(self) -> Trash:
        class Named(MemoryTrash):
            def put(self, path: str) -> Trashed:
                for id, found in list(self._space.trash.items()):  # noqa: A001
                    if found.path == path:
                        del self._space.trash[id]
                return super().put(path)

            def restore(self, id: str, to: str | None = None) -> Entry:  # noqa: A002
                if to is not None and self._space.find(to) is not None:
                    self._space.take(to)
                return super().restore(id, to)

        return Named(self, self._space)


class _RestoresBare(Memory):
    def versions(self) -> Versions:
        storage = self

        class Bare(MemoryVersions):
            def restore(self, path: str, version: str) -> Entry:
                super().restore(path, version)
                with storage.read(path) as reader:
                    return storage.write(path, reader.read())

        return Bare(self, self._space)


class _ListsTwice(Memory):
    """A listing that begins anew each time it is asked for the next thing."""

    def search(self, text: str, path: str = "") -> Any:
        found = list(super().search(text, path))

        class Again:
            def __iter__(self) -> Iterator[Entry]:
                return iter([*found, *found])

        return Again()


_SUITE = StorageConformance()

_BROKEN: list[tuple[type[Memory], str, dict[str, Any]]] = [
    (_IgnoresConditions, "test_if_absent_is_a_conflict_where_something_is", {"way": "write"}),
    (_IgnoresConditions, "test_if_version_is_a_conflict_for_another_version", {"way": "write"}),
    (_IgnoresConditions, "test_of_many_writers_to_what_is_absent_one_wins", {}),
    (_WritesInPlace, "test_a_failed_write_leaves_nothing", {"failure": "raises half-way", "old": b"old"}),
    (_IgnoresSize, "test_a_failed_write_leaves_nothing", {"failure": "ends early", "old": None}),
    (_IgnoresSize, "test_a_failed_write_leaves_nothing", {"failure": "is too long", "old": b"old"}),
    (_IgnoresRanges, "test_a_range_is_just_those_bytes", {"offset": 1, "length": 3}),
    (_IgnoresRanges, "test_a_range_of_no_bytes_is_empty", {}),
    (_MixesStates, "test_a_reader_never_sees_a_mix_of_old_and_new", {}),
    (_ListsOutOfOrder, "test_a_listing_is_ordered_if_it_says_so", {}),
    (_ListsAPage, "test_a_listing_of_many_is_complete", {}),
    (_RemovesFullDirectories, "test_a_full_directory_is_not_removed", {}),
    (_TakesAnyPath, "test_a_path_that_is_none_of_ours_is_refused", {"verb": "write", "path": "../up"}),
    (_TakesAnyPath, "test_the_longest_name_is_kept_and_a_longer_one_refused", {}),
    (
        _ListsTwice,
        "test_what_comes_one_by_one_comes_once_where_it_is_tried_again",
        {"verb": "search", "timeout_s": None},
    ),
    (_ForgetsTerms, "test_a_link_has_what_was_asked_for_or_is_not_made", {"terms": {"password": "x"}}),
    (_ForgetsTerms, "test_a_link_has_what_was_asked_for_or_is_not_made", {"terms": {"expires_s": 3600.0}}),
    (_AnswersAnotherVersion, "test_what_a_write_answers_is_what_a_look_tells", {}),
    (_AnswersAnotherVersion, "test_a_copy_is_a_second_file", {"size": 10}),
    (_AnswersAnotherVersion, "test_parts_become_one_file", {"knows_size": True}),
    (_KeepsTheOldTime, "test_a_write_without_a_time_is_of_now", {}),
    (_KeepsOneOfAPath, "test_what_was_put_into_the_trash_twice_is_there_twice", {}),
    (_KeepsOneOfAPath, "test_what_comes_back_elsewhere_replaces_nothing_there", {}),
    (_RestoresBare, "test_what_comes_back_from_its_history_has_its_metadata", {}),
    (_CannotBeOpened, "test_a_type_can_be_opened_by_name", {}),
    (_KeepsNoTimes, "test_a_time_is_kept_to_the_precision_declared", {"mtime_ns": 10**18}),
    (_RefusesDirectories, "test_the_time_of_a_directory_is_set", {}),
    (_TakesOtherParts, "test_other_bytes_at_an_index_are_a_conflict", {}),
    (_ForgetsUploads, "test_an_upload_goes_on_from_its_state", {}),
    (_SkipsInRemoveMany, "test_many_are_removed_and_each_is_told", {}),
    (_BoastsOfHashes, "test_the_hashes_declared_are_right", {}),
    (_BoastsOfFields, "test_a_listing_fills_the_fields_it_declares", {}),
    (_HidesWhatItCan, "test_what_is_not_declared_raises_unsupported", {"capability": Capability.COPY}),
]


@pytest.mark.parametrize(("broken", "test", "arguments"), _BROKEN)
def test_a_storage_that_breaks_a_promise_is_found_out(
    broken: type[Memory], test: str, arguments: dict[str, Any]
) -> None:
    getattr(_SUITE, test)(Memory(), **arguments) if "capability" not in arguments else None
    with pytest.raises((AssertionError, Error, pytest.fail.Exception)):
        getattr(_SUITE, test)(broken(), **arguments)


def test_a_name_longer_than_declared_is_told_with_the_fact() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"facts\.name_max is"):
        _SUITE.test_the_longest_name_is_kept_and_a_longer_one_refused(_TakesAnyPath())


class _Quiet(StorageConformance):
    def test_closing_twice_is_fine(self, storage: Storage) -> None:
        """Overridden, and nobody says why."""


class _Honest(StorageConformance):
    @pytest.mark.xfail(reason="the server closes once and for all")
    def test_closing_twice_is_fine(self, storage: Storage) -> None:
        super().test_closing_twice_is_fine(storage)


def test_a_promise_is_not_dropped_without_a_reason() -> None:
    with pytest.raises(AssertionError, match="test_closing_twice_is_fine"):
        _Quiet().test_nothing_is_overridden_quietly()
    _Honest().test_nothing_is_overridden_quietly()


def test_the_guard_watches_every_promise() -> None:
    names = [name for name in dir(StorageConformance) if name.startswith("test_")]
    assert len(names) > 120


def test_two_places_that_are_taken_for_one_are_found_out() -> None:
    storage = Memory("taken for one")
    with pytest.raises(AssertionError):
        _SUITE.test_another_place_has_another_identity(storage, Memory("taken for one"))
    _SUITE.test_another_place_has_another_identity(storage, Memory())
