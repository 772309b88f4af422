"""Promises about what travels beside the bytes: times, modes, attributes, links."""

# ruff: noqa: D102 - the name of a test is its promise

from __future__ import annotations

import json
import os
import time
from typing import Any

import pytest

from skycap.core.errors import NotFound, Unsupported
from skycap.core.storage import Capability, Kind, Metadata, Storage
from skycap.core.testing.conformance.base import (
    ConformanceBase,
    content_of,
    is_there,
    listed,
    needs,
    needs_dirs,
    needs_full,
    noise,
    same_as_look,
    whole_version,
)

_A_DAY_NS = 24 * 3600 * 10**9
_MTIMES = [
    1_234_567_890_123_456_789,
    1_600_000_000_000_000_000,
    1_600_000_000_999_999_999,
    315_532_800_000_000_001,  # 1980, when zip and FAT begin
    4_102_444_800_000_000_007,  # 2100, past 32 bits
]

_VALUES: dict[str, Any] = {
    "mtime_ns": 1_500_000_000_000_000_000,
    "mode": 0o640,
    "uid": os.geteuid() if hasattr(os, "geteuid") else 0,
    "gid": os.getegid() if hasattr(os, "getegid") else 0,
    "xattrs": {"user.skycap.one": b"\x00\xff bytes", "user.skycap.two": b""},
    "content_type": "text/x-skycap; charset=utf-8",
    "extra": {"colour": "blue", "place": "Málaga 🙂", "empty": ""},
}

_OTHERS: dict[str, Any] = {
    "mtime_ns": 1_400_000_000_000_000_000,
    "mode": 0o600,
    "uid": _VALUES["uid"],
    "gid": _VALUES["gid"],
    "xattrs": {"user.skycap.two": b"other"},
    "content_type": "application/x-other",
    "extra": {"colour": "red"},
}


def _kept(storage: Storage, path: str, field: str) -> Any:
    entry = storage.stat(path)
    if field == "mtime_ns":
        return entry.mtime_ns
    assert entry.metadata is not None, "metadata_fields declares it, and stat has no metadata"
    found = getattr(entry.metadata, field)
    if field == "xattrs":  # the system adds some of its own
        return {name: value for name, value in found.items() if name.startswith("user.")}
    return found


class MetadataPromises(ConformanceBase):
    """What survives a round trip, and what a storage leaves out."""

    @pytest.mark.parametrize("field", _VALUES)
    def test_metadata_that_is_declared_survives(self, storage: Storage, field: str) -> None:
        needs(storage, Capability.WRITE, Capability.READ)
        if field not in storage.facts.metadata_fields:
            pytest.skip(f"does not keep {field}")
        path = storage.write("dir/file", b"x", metadata=Metadata(**{field: _VALUES[field]})).path
        assert _kept(storage, path, field) == _VALUES[field]

    def test_metadata_that_is_not_declared_is_left_out(self, storage: Storage) -> None:
        needs(storage, Capability.WRITE, Capability.READ)
        path = storage.write("file", b"x", metadata=Metadata(**_VALUES)).path
        assert content_of(storage, path) == b"x"
        for field in storage.facts.metadata_fields:
            assert _kept(storage, path, field) == _VALUES[field]

    @pytest.mark.parametrize("mtime_ns", _MTIMES)
    def test_a_time_is_kept_to_the_precision_declared(self, storage: Storage, mtime_ns: int) -> None:
        needs(storage, Capability.WRITE, Capability.READ)
        step = storage.facts.mtime_precision_ns
        if step is None:
            pytest.skip("does not keep times")
        path = storage.write("file", b"x", metadata=Metadata(mtime_ns=mtime_ns)).path
        found = storage.stat(path).mtime_ns
        assert found is not None
        assert abs(found - mtime_ns) < step
        if storage.can(Capability.LIST) and "mtime_ns" in storage.facts.scan_fields:
            assert listed(storage)[path].mtime_ns == found

    def test_time_and_fact_agree(self, storage: Storage) -> None:
        kept = "mtime_ns" in storage.facts.metadata_fields
        assert kept == (storage.facts.mtime_precision_ns is not None)

    def test_the_latest_write_brings_its_metadata(self, storage: Storage) -> None:
        needs_full(storage)
        storage.write("file", b"x", metadata=Metadata(**_VALUES))
        storage.write("file", b"x", metadata=Metadata(**_OTHERS))
        for field in storage.facts.metadata_fields:
            assert _kept(storage, "file", field) == _OTHERS[field], field

    def test_an_upload_keeps_the_metadata_too(self, storage: Storage) -> None:
        needs_full(storage, Capability.UPLOAD)
        upload = storage.begin_upload("file", size=1, metadata=Metadata(**_VALUES))
        upload.put_part(0, b"x", last=True)
        upload.complete()
        for field in storage.facts.metadata_fields:
            assert _kept(storage, "file", field) == _VALUES[field], field

    def test_an_upload_that_is_resumed_keeps_the_metadata_too(self, storage: Storage) -> None:
        needs_full(storage, Capability.UPLOAD)
        content = noise(storage.facts.part_size + 1)
        begun = storage.begin_upload("file", size=len(content), metadata=Metadata(**_VALUES))
        step = begun.part_size
        begun.put_part(0, content[:step], last=len(content) <= step)
        state = json.loads(json.dumps(dict(begun.state)))
        upload = self.reopened(storage).resume_upload(state, content)
        for index in range(-(-len(content) // step)):
            if index not in upload.done:
                part = content[index * step : (index + 1) * step]
                upload.put_part(index, part, last=(index + 1) * step >= len(content))
        same_as_look(storage, upload.complete())
        assert content_of(storage, "file") == content
        self._has_values(storage, "file")

    def test_what_comes_back_from_its_history_has_its_metadata(self, storage: Storage) -> None:
        needs_full(storage, Capability.VERSIONS, Capability.VERSIONS_RESTORE)
        storage.write("file", b"one", metadata=Metadata(**_VALUES))
        version = whole_version(storage, "file")
        storage.write("file", b"other", metadata=Metadata(**_OTHERS))
        storage.versions().restore("file", version)
        self._has_values(storage, "file")

    def test_what_comes_back_from_the_trash_has_its_metadata(self, storage: Storage) -> None:
        needs_full(storage, Capability.TRASH)
        storage.write("dir/file", b"one", metadata=Metadata(**_VALUES))
        storage.trash().restore(storage.trash().put("dir/file").id)
        self._has_values(storage, "dir/file")
        storage.trash().restore(storage.trash().put("dir").id, "new")
        self._has_values(storage, "new/file")

    def test_what_is_in_a_renamed_directory_keeps_its_metadata(self, storage: Storage) -> None:
        needs_full(storage, Capability.RENAME)
        if not storage.facts.rename_dirs:
            pytest.skip("renames files only")
        storage.write("dir/sub/file", b"one", metadata=Metadata(**_VALUES))
        storage.rename("dir", "new")
        self._has_values(storage, "new/sub/file")

    def test_a_write_without_a_time_is_of_now(self, storage: Storage) -> None:
        needs_full(storage)
        if "mtime_ns" not in storage.facts.metadata_fields:
            pytest.skip("does not keep times")
        for metadata in (None, Metadata()):
            storage.write("file", b"x", metadata=Metadata(mtime_ns=_VALUES["mtime_ns"]))
            storage.write("file", b"y", metadata=metadata)
            found = storage.stat("file").mtime_ns
            assert found is None or abs(found - time.time_ns()) < _A_DAY_NS, "the old time was left"

    @staticmethod
    def _has_values(storage: Storage, path: str) -> None:
        for field in storage.facts.metadata_fields:
            assert _kept(storage, path, field) == _VALUES[field], field

    def test_a_copy_keeps_all_metadata(self, storage: Storage) -> None:
        needs_full(storage, Capability.COPY)
        storage.write("file", b"x", metadata=Metadata(**_VALUES))
        storage.copy("file", "copy")
        for field in storage.facts.metadata_fields:
            assert _kept(storage, "copy", field) == _VALUES[field], field

    @pytest.mark.parametrize("field", _VALUES)
    def test_one_field_is_set_and_the_others_stay(self, storage: Storage, field: str) -> None:
        needs_full(storage, Capability.SET_METADATA)
        fields = storage.facts.metadata_fields
        storage.write("file", b"12345", metadata=Metadata(**_VALUES))
        entry = storage.set_metadata("file", Metadata(**{field: _OTHERS[field]}))
        assert (entry.path, entry.size) == ("file", 5)
        same_as_look(storage, entry)
        assert content_of(storage, "file") == b"12345"
        for name in fields - {"mtime_ns"}:
            assert _kept(storage, "file", name) == (_OTHERS if name == field else _VALUES)[name], name
        if field == "mtime_ns" and field in fields:
            assert _kept(storage, "file", field) == _OTHERS[field]

    def test_the_time_of_a_directory_is_set(self, storage: Storage) -> None:
        """Where directories exist by themselves; one who keeps none of them says so, and changes nothing."""
        needs_full(storage, Capability.SET_METADATA)
        needs_dirs(storage)
        storage.write("dir/file", b"12345")
        wanted = _OTHERS["mtime_ns"]
        try:
            entry = storage.set_metadata("dir", Metadata(mtime_ns=wanted))
        except Unsupported:
            pass
        else:
            assert (entry.path, entry.kind) == ("dir", Kind.DIRECTORY)
            if "mtime_ns" in storage.facts.metadata_fields:
                step = storage.facts.mtime_precision_ns or 1
                told = storage.stat("dir").mtime_ns
                assert told is not None
                assert abs(told - wanted) < step
        assert storage.stat("dir").is_dir
        assert content_of(storage, "dir/file") == b"12345"

    def test_setting_nothing_changes_nothing(self, storage: Storage) -> None:
        needs_full(storage, Capability.SET_METADATA)
        storage.write("file", b"12345", metadata=Metadata(**_VALUES))
        storage.set_metadata("file", Metadata())
        for field in storage.facts.metadata_fields:
            assert _kept(storage, "file", field) == _VALUES[field], field

    def test_what_is_absent_has_no_metadata(self, storage: Storage) -> None:
        needs_full(storage, Capability.SET_METADATA)
        with pytest.raises(NotFound):
            storage.set_metadata("absent", Metadata(mtime_ns=0))
        assert not is_there(storage, "absent")

    @pytest.mark.parametrize("target", ["file", "../out/of/it", "/absolute", "absent", "with spaces 🙂"])
    def test_a_link_is_kept_and_not_followed(self, storage: Storage, target: str) -> None:
        needs_full(storage, Capability.MAKE_SYMLINK)
        storage.write("dir/file", b"x")
        entry = storage.make_symlink("dir/link", target)
        assert (entry.path, entry.kind, entry.target) == ("dir/link", Kind.SYMLINK, target)
        same_as_look(storage, entry)
        seen = storage.stat("dir/link")
        assert (seen.kind, seen.target, seen.size) == (Kind.SYMLINK, target, None)
        assert listed(storage, "dir")["dir/link"].kind is Kind.SYMLINK
        storage.remove("dir/link")
        assert list(listed(storage, "dir")) == ["dir/file"]
        assert content_of(storage, "dir/file") == b"x"

    def test_a_link_replaces_a_file_or_a_link(self, storage: Storage) -> None:
        needs_full(storage, Capability.MAKE_SYMLINK)
        storage.write("name", b"x")
        storage.make_symlink("name", "one")
        storage.make_symlink("name", "two")
        assert storage.stat("name").target == "two"
        storage.write("name", b"y")
        assert storage.stat("name").kind is Kind.FILE
        assert content_of(storage, "name") == b"y"
