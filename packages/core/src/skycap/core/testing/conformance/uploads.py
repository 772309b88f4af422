"""Promises about multipart uploads."""

# ruff: noqa: D102 - the name of a test is its promise

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from skycap.core.errors import Conflict, Error, NotFound, UploadFailed
from skycap.core.storage import Capability, Storage, Upload, patches
from skycap.core.testing.conformance.base import (
    ConformanceBase,
    content_of,
    is_there,
    listed,
    needs_full,
    noise,
    same_as_look,
)
from skycap.core.testing.conformance.sources import SourceBroke

_TAIL = 1017


def _size(storage: Storage) -> int:
    """Three parts, the last one short, unless the store makes other parts for that size."""
    return 2 * storage.facts.part_size + _TAIL


def _parts(upload: Upload, content: bytes) -> list[bytes]:
    step = upload.part_size
    return [content[start : start + step] for start in range(0, len(content), step)] or [b""]


def _put(upload: Upload, parts: list[bytes], *indexes: int) -> None:
    for index in indexes:
        upload.put_part(index, parts[index], last=index == len(parts) - 1)


def _through_json(state: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(dict(state)))
    return found


def _put_and_complete(upload: Upload, content: bytes) -> None:
    upload.put_part(0, content, last=True)
    upload.complete()


class UploadPromises(ConformanceBase):
    """What `begin_upload` and `resume_upload` promise."""

    @pytest.mark.parametrize("knows_size", [True, False])
    def test_parts_become_one_file(self, storage: Storage, knows_size: bool) -> None:
        needs_full(storage, Capability.UPLOAD)
        if storage.facts.needs_size and not knows_size:
            pytest.skip("needs the size")
        content = noise(_size(storage))
        upload = storage.begin_upload("dir/file", size=len(content) if knows_size else None)
        parts = _parts(upload, content)
        _put(upload, parts, *range(len(parts)))
        entry = upload.complete()
        assert (entry.path, entry.size) == ("dir/file", len(content))
        same_as_look(storage, entry)
        assert content_of(storage, "dir/file") == content
        assert list(listed(storage, "dir")) == ["dir/file"]

    def test_parts_may_be_views(self, storage: Storage) -> None:
        needs_full(storage, Capability.UPLOAD)
        upload = storage.begin_upload("file", size=5)
        upload.put_part(0, memoryview(bytearray(b"<12345>"))[1:-1], last=True)
        upload.complete()
        assert content_of(storage, "file") == b"12345"

    @pytest.mark.parametrize("size", [0, 1])
    def test_one_short_part_is_enough(self, storage: Storage, size: int) -> None:
        needs_full(storage, Capability.UPLOAD)
        upload = storage.begin_upload("file", size=size)
        upload.put_part(0, noise(size), last=True)
        assert upload.complete().size == size
        assert content_of(storage, "file") == noise(size)

    def test_parts_may_come_in_any_order(self, storage: Storage) -> None:
        needs_full(storage, Capability.UPLOAD)
        content = noise(_size(storage))
        upload = storage.begin_upload("file", size=len(content))
        if upload.ordered:
            upload.abort()
            pytest.skip("parts come one after the other")
        parts = _parts(upload, content)
        _put(upload, parts, *reversed(range(len(parts))))
        upload.complete()
        assert content_of(storage, "file") == content

    def test_parts_may_come_at_once(self, storage: Storage) -> None:
        needs_full(storage, Capability.UPLOAD)
        content = noise(_size(storage))
        upload = storage.begin_upload("file", size=len(content))
        if upload.ordered:
            upload.abort()
            pytest.skip("parts come one after the other")
        parts = _parts(upload, content)
        with ThreadPoolExecutor(4) as executor:
            list(executor.map(lambda index: _put(upload, parts, index), range(len(parts))))
        assert dict(upload.done) == {index: len(part) for index, part in enumerate(parts)}
        upload.complete()
        assert content_of(storage, "file") == content

    def test_what_is_done_is_told(self, storage: Storage) -> None:
        needs_full(storage, Capability.UPLOAD)
        content = noise(_size(storage))
        upload = storage.begin_upload("file", size=len(content))
        parts = _parts(upload, content)
        assert dict(upload.done) == {}
        for index, part in enumerate(parts):
            _put(upload, parts, index)
            assert upload.done[index] == len(part)
        upload.abort()

    def test_nothing_is_seen_before_it_is_complete(self, storage: Storage) -> None:
        needs_full(storage, Capability.UPLOAD)
        content = noise(_size(storage))
        upload = storage.begin_upload("dir/file", size=len(content))
        parts = _parts(upload, content)
        _put(upload, parts, *range(len(parts)))
        assert not is_there(storage, "dir/file")
        assert not is_there(storage, "dir") or listed(storage, "dir") == {}
        if storage.can(Capability.SCAN_ALL):
            assert [e.path for e in storage.scan_all("") if e.is_file] == []
        upload.abort()

    def test_the_old_file_stays_until_it_is_complete(self, storage: Storage) -> None:
        needs_full(storage, Capability.UPLOAD)
        storage.write("file", b"old")
        upload = storage.begin_upload("file", size=3)
        upload.put_part(0, b"new", last=True)
        assert content_of(storage, "file") == b"old"
        upload.complete()
        assert content_of(storage, "file") == b"new"

    def test_the_same_part_again_changes_nothing(self, storage: Storage) -> None:
        needs_full(storage, Capability.UPLOAD)
        content = noise(_size(storage))
        upload = storage.begin_upload("file", size=len(content))
        parts = _parts(upload, content)
        for index in range(len(parts)):
            _put(upload, parts, index, index)
        upload.complete()
        assert content_of(storage, "file") == content

    def test_other_bytes_at_an_index_are_a_conflict(self, storage: Storage) -> None:
        needs_full(storage, Capability.UPLOAD)
        content = noise(_size(storage))
        upload = storage.begin_upload("file", size=len(content))
        parts = _parts(upload, content)
        _put(upload, parts, 0)
        other = noise(len(parts[0]), seed=1)
        with pytest.raises(Conflict):
            upload.put_part(0, other)
        _put(upload, parts, *range(1, len(parts)))
        upload.complete()
        assert content_of(storage, "file") == content

    def test_a_missing_part_is_noticed_and_can_be_sent_then(self, storage: Storage) -> None:
        needs_full(storage, Capability.UPLOAD)
        content = noise(_size(storage))
        upload = storage.begin_upload("file", size=len(content))
        parts = _parts(upload, content)
        last = len(parts) - 1
        present = range(last) if upload.ordered else [i for i in range(len(parts)) if i != 1]
        missing = last if upload.ordered else 1
        _put(upload, parts, *present)
        with pytest.raises(UploadFailed):
            upload.complete()
        assert not is_there(storage, "file")
        _put(upload, parts, missing)
        upload.complete()
        assert content_of(storage, "file") == content

    def test_an_upload_goes_on_from_its_state(self, storage: Storage) -> None:
        needs_full(storage, Capability.UPLOAD)
        content = noise(_size(storage))
        upload = storage.begin_upload("dir/file", size=len(content))
        parts = _parts(upload, content)
        _put(upload, parts, 0)
        resumed = self.reopened(storage).resume_upload(_through_json(upload.state), content)
        assert (resumed.path, resumed.part_size) == ("dir/file", upload.part_size)
        done = dict(resumed.done)
        assert done in ({0: len(parts[0])}, {})
        _put(resumed, parts, *(index for index in range(len(parts)) if index not in done))
        same_as_look(storage, resumed.complete())
        assert content_of(storage, "dir/file") == content
        assert list(listed(storage, "dir")) == ["dir/file"]

    def test_an_upload_with_all_its_parts_is_completed_after_resuming(self, storage: Storage) -> None:
        needs_full(storage, Capability.UPLOAD)
        content = noise(_size(storage))
        upload = storage.begin_upload("file", size=len(content))
        parts = _parts(upload, content)
        _put(upload, parts, *range(len(parts)))
        resumed = self.reopened(storage).resume_upload(_through_json(upload.state), content)
        _put(resumed, parts, *(index for index in range(len(parts)) if index not in resumed.done))
        resumed.complete()
        assert content_of(storage, "file") == content

    @pytest.mark.parametrize("backwards", [False, True])
    def test_a_state_and_what_its_parts_told_is_as_good_as_the_state(
        self, storage: Storage, backwards: bool
    ) -> None:
        needs_full(storage, Capability.UPLOAD)
        content = noise(_size(storage))
        upload = storage.begin_upload("file", size=len(content))
        parts = _parts(upload, content)
        state = _through_json(upload.state)
        indexes = list(range(len(parts)))
        for index in reversed(indexes) if backwards and not upload.ordered else indexes:
            _put(upload, parts, index)
            patch = upload.part_state(index)
            if patch is None:
                state = _through_json(upload.state)
            else:
                patches.apply(state, _through_json(patch))
        resumed = self.reopened(storage).resume_upload(state, content)
        assert dict(resumed.done) == dict(self.reopened(storage).resume_upload(upload.state, content).done)
        _put(resumed, parts, *(index for index in indexes if index not in resumed.done))
        resumed.complete()
        assert content_of(storage, "file") == content

    def test_what_was_resumed_still_refuses_other_bytes(self, storage: Storage) -> None:
        needs_full(storage, Capability.UPLOAD)
        content = noise(_size(storage))
        upload = storage.begin_upload("file", size=len(content))
        parts = _parts(upload, content)
        _put(upload, parts, 0)
        resumed = self.reopened(storage).resume_upload(_through_json(upload.state), content)
        if 0 in resumed.done:
            with pytest.raises(Conflict):
                resumed.put_part(0, noise(len(parts[0]), seed=1))
        resumed.abort()

    def test_an_aborted_upload_leaves_nothing(self, storage: Storage) -> None:
        needs_full(storage, Capability.UPLOAD)
        storage.write("file", b"old")
        upload = storage.begin_upload("file", size=3)
        upload.put_part(0, b"new", last=True)
        state = _through_json(upload.state)
        upload.abort()
        upload.abort()
        assert content_of(storage, "file") == b"old"
        assert list(listed(storage)) == ["file"]
        with pytest.raises(NotFound):
            self.reopened(storage).resume_upload(state, b"new")
        with pytest.raises(Error):
            upload.complete()
        assert content_of(storage, "file") == b"old"

    def test_a_context_left_with_an_error_aborts(self, storage: Storage) -> None:
        needs_full(storage, Capability.UPLOAD)
        upload = storage.begin_upload("file", size=3)
        upload.put_part(0, b"new", last=True)
        with pytest.raises(SourceBroke), upload:
            raise SourceBroke
        assert not is_there(storage, "file")
        with pytest.raises(NotFound):
            storage.resume_upload(_through_json(upload.state), b"new")

    def test_two_uploads_of_one_path_do_not_mix(self, storage: Storage) -> None:
        needs_full(storage, Capability.UPLOAD)
        uploads = [storage.begin_upload("file", size=3) for _ in range(2)]
        for upload, content in zip(uploads, (b"one", b"two"), strict=True):
            upload.put_part(0, content, last=True)
        uploads[1].complete()
        assert content_of(storage, "file") == b"two"
        uploads[0].complete()
        assert content_of(storage, "file") == b"one"

    def test_fewer_bytes_than_announced_do_not_become_a_file(self, storage: Storage) -> None:
        needs_full(storage, Capability.UPLOAD)
        upload = storage.begin_upload("file", size=10)
        with pytest.raises(UploadFailed):
            _put_and_complete(upload, b"12345")
        assert not is_there(storage, "file")
        upload.abort()
