"""What a vault shows of itself, on either side."""

from __future__ import annotations

import logging
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from skycap.core.crypto.names import MAX_PLAIN
from skycap.core.errors import Conflict, NotFound, PathInvalid, ScanFailed, Unsupported
from skycap.core.storage import BinaryReader, Capability, Metadata, Storage
from skycap.core.storage.memory import Memory
from skycap.core.storage.overlays import Retrying
from skycap.core.storage.overlays.crypt import Crypt
from skycap.core.storage.overlays.crypt.credentials import KeyFile
from skycap.core.storage.overlays.overlay import EVERYTHING, Transparent

SEGMENT = 1024 * 1024
ROOM = SEGMENT - 16
Files = Callable[[Storage], dict[str, bytes]]


def content(storage: Storage, path: str, **arguments: Any) -> bytes:
    with storage.read(path, **arguments) as reader:
        return reader.read()


class Counting(Transparent):
    """Notes every look and every reading, and tells as much in its answers as it is told to."""

    passes = EVERYTHING

    def __init__(self, inner: Storage, *, tells: bool = True) -> None:
        super().__init__(inner)
        self.tells = tells
        self.asked: list[tuple[Any, ...]] = []

    def stat(self, path: str) -> Any:
        self.asked.append(("stat",))
        return super().stat(path)

    def read(self, path: str, **arguments: Any) -> Any:
        self.asked.append(("read", arguments.get("offset", 0), arguments.get("length")))
        found = super().read(path, **arguments)
        return found if self.tells else Silent(found)


class Silent:
    """A reader that tells nothing of the file."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __enter__(self) -> BinaryReader:
        self.read = self._inner.__enter__().read
        return self

    def __exit__(self, *exc: Any) -> None:
        self._inner.__exit__(*exc)


# What the store sees


def test_the_store_sees_neither_contents_nor_names(inner: Memory, vault: Crypt, sealed_files: Files) -> None:
    secret = "a telling name"
    metadata = Metadata(
        mtime_ns=5, content_type=f"text/{secret}", extra={secret: secret}, xattrs={secret: secret.encode()}
    )
    vault.write(f"{secret}/{secret}", secret.encode() * 100, metadata=metadata)
    vault.make_symlink(f"{secret}/link", secret)
    vault.write("small", secret.encode())
    upload = vault.begin_upload("upload", metadata=metadata)
    upload.put_part(0, secret.encode(), last=True)
    seen = str(upload.state)
    upload.complete()
    for path, data in sealed_files(inner).items():
        seen += path + str(inner.stat(path))
        assert secret.encode() not in data
    seen += "".join(str(entry) for entry in inner.scan_all(""))
    assert secret not in seen
    assert vault.stat("upload").metadata == Metadata(mtime_ns=5)


def test_equal_contents_are_sealed_differently(inner: Memory, vault: Crypt, sealed_files: Files) -> None:
    seen = set()
    for path in ("one", "two", "one"):
        vault.write(path, b"the same")
        seen |= {data[40:] for path, data in sealed_files(inner).items() if "." not in path}
    assert len(seen) == 3


def test_a_write_that_is_tried_again_is_sealed_anew(key_file: KeyFile) -> None:
    sent = []

    class Failing(Memory):
        def write(self, path: str, source: Any, **arguments: Any) -> Any:
            if hasattr(source, "open"):
                for _ in range(2):
                    with source.open() as reader:
                        sent.append(reader.read(100))
            return super().write(path, source, **arguments)

    Crypt(Failing(), key_file).write("file", bytes(2 * SEGMENT))
    assert len(sent) == 2
    assert sent[0][:40] != sent[1][:40]


# What is declared


def test_only_what_stays_true_is_declared(key_file: KeyFile) -> None:
    inner = Memory(capabilities=frozenset(Capability))
    assert Crypt(inner, key_file).capabilities == frozenset(Capability) - {
        Capability.LOCAL_PATH,
        Capability.READ_FILE,
        Capability.BULK_READ,
        Capability.BULK_WRITE,
        Capability.SHARE,
        Capability.SHARE_LIST,
        Capability.SHARE_REMOVE,
        Capability.SEARCH,
    }
    assert Capability.TRASH not in Crypt(inner, key_file, base="below").capabilities
    few = Memory(capabilities={Capability.READ, Capability.LIST})
    assert Crypt(few, key_file).capabilities == {Capability.READ, Capability.LIST}


def test_facts_are_those_of_sealed_files(inner: Memory, key_file: KeyFile) -> None:
    facts = Crypt(inner, key_file).facts
    assert not facts.scan_ordered
    assert not facts.scan_all_ordered
    assert facts.hashes == frozenset()
    assert facts.name_max == MAX_PLAIN == 143
    assert facts.part_size == facts.part_multiple == ROOM
    assert facts.metadata_fields == {"mtime_ns", "mode", "uid", "gid"}
    plain = Crypt(inner, key_file, names="plain").facts
    assert plain.scan_ordered
    assert plain.scan_all_ordered


@pytest.mark.parametrize("base", ["", "a base"])
@pytest.mark.parametrize(("name_max", "path_max"), [(None, 1024), (255, 1024), (100, 400), (63, None)])
def test_names_fit_where_the_inner_storage_has_bounds(
    key_file: KeyFile, base: str, name_max: int | None, path_max: int | None
) -> None:
    facts = replace(Memory.facts, name_max=name_max, path_max=path_max)
    vault = Crypt(Memory(facts=facts), key_file, base=base)
    longest = vault.facts.name_max
    assert longest is not None
    vault.write("n" * longest, b"x")
    with pytest.raises(PathInvalid):
        vault.write("n" * (longest + 1), b"x")
    if path_max is not None and vault.facts.path_max is not None:
        most = vault.facts.path_max
        path = "/".join(["d" * min(longest, 100)] * 20)
        vault.write(path[:most].rstrip("/"), b"x")
        with pytest.raises(PathInvalid) as caught:
            vault.write(path[: most + 2].rstrip("/") + "x", b"x")
        assert "d" in (caught.value.where or "")


def test_sizes_bounds_and_quotas_are_told_in_plain(key_file: KeyFile) -> None:
    for most in (56, 1000, SEGMENT, SEGMENT + 1, SEGMENT + 16, SEGMENT + 17, 5 * SEGMENT):
        inner = Memory(facts=replace(Memory.facts, max_size=most))
        vault = Crypt(inner, key_file)
        size = vault.facts.max_size
        assert size is not None
        if most >= 1000:  # room for the file with the key
            vault.write("file", bytes(size))
            assert vault.stat("file").size == size


def test_parts_that_hold_no_whole_segments_are_not_declared(key_file: KeyFile) -> None:
    odd = Memory(facts=replace(Memory.facts, part_size=SEGMENT + 1))
    vault = Crypt(odd, key_file)
    assert not vault.can(Capability.UPLOAD)
    assert not vault.can(Capability.UPLOAD_IF_ABSENT)
    with pytest.raises(Unsupported):
        vault.begin_upload("file")


# What is not ours


def test_what_other_programs_put_there_is_told_once_and_left_out(
    inner: Memory, vault: Crypt, caplog: pytest.LogCaptureFixture
) -> None:
    vault.write("dir/good", b"x")
    (folder,) = (entry.path for entry in inner.scan("") if entry.is_dir)
    for path in ("Thumbs.db", f"{folder}/.DS_Store", "a folder/file", "abc"):
        inner.write(path, b"x" * 100)
    inner.make_symlink("loose", "somewhere")
    with caplog.at_level(logging.WARNING):
        for scan, path, there in (
            (vault.scan, "", ["dir"]),
            (vault.scan, "dir", ["dir/good"]),
            (vault.scan_all, "", ["dir", "dir/good"]),
        ):
            assert sorted(entry.path for entry in scan(path)) == there
        assert len(caplog.records) == 1
        assert "not made by this remote" in caplog.text
        inner.write(f"{folder}/{'0' * 28}", b"x" * 100)
        found = []
        with pytest.raises(ScanFailed):
            found.extend(entry.path for entry in vault.scan("dir"))
        assert found == ["dir/good"]
    assert len(caplog.records) == 2
    assert "was changed" in caplog.records[1].message


def test_a_state_that_was_not_sealed_here_is_left_out_of_the_history(inner: Memory, vault: Crypt) -> None:
    vault.write("file", b"first")
    (path,) = (entry.path for entry in inner.scan("") if "." not in entry.path)
    inner.write(path, b"put there by somebody else")
    vault.write("file", b"second")
    assert [version.entry.size for version in vault.versions().list("file")] == [6, 5]


def test_changes_of_others_are_left_out(inner: Memory, vault: Crypt) -> None:
    vault.write("first", b"x")
    cursor = vault.changes().cursor
    inner.write("Thumbs.db", b"x")
    inner.write(vault.vault.paths.seal("file"), b"too short")
    vault.write("dir/new", b"y")
    told = {change.path for change in vault.changes(cursor).items}
    assert {"dir/new", "file"} <= told  # one that was cut off is there
    assert told <= {"dir", "dir/new", "file"}


def test_a_link_is_as_long_as_the_store_allows(vault: Crypt) -> None:
    for target in ("t" * 2543, "é" * 1271):
        vault.make_symlink("link", target)
        assert vault.stat("link").target == target
    for target in ("t" * 2544, ""):
        with pytest.raises(PathInvalid):
            vault.make_symlink("link", target)


def test_the_root_is_neither_read_nor_replaced(vault: Crypt) -> None:
    with pytest.raises(Unsupported), vault.read("") as reader:
        reader.read()
    vault.write("file", b"x")
    for call in (
        lambda: vault.remove(""),
        lambda: vault.copy("file", ""),
        lambda: vault.rename("", "new"),
        lambda: vault.trash().put(""),
    ):
        with pytest.raises(Conflict):
            call()
    assert [entry.path for entry in vault.scan("")] == ["file"]


def test_an_error_names_what_was_asked_for(inner: Memory, vault: Crypt) -> None:
    vault.write("dir/file", b"x")
    for call in (
        lambda: vault.stat("dir/absent"),
        lambda: content(vault, "dir/absent"),
        lambda: list(vault.scan("dir/absent")),
        lambda: vault.copy("dir/absent", "new"),
        lambda: list(vault.versions().list("dir/absent")),
    ):
        with pytest.raises(NotFound) as caught:
            call()
        assert (caught.value.where or "").startswith("dir/absent")
    (folder,) = (entry.path for entry in inner.scan("") if entry.is_dir)
    assert folder not in str(caught.value)


# Ranges

STEPS = [0, 1, ROOM - 41, ROOM - 40, ROOM - 39, 2 * ROOM - 40, 2 * ROOM - 39, 3 * ROOM - 40]
RANGED = bytes(range(251)) * (3 * SEGMENT // 251)


@pytest.fixture(scope="module")
def ranged(tmp_path_factory: pytest.TempPathFactory) -> list[Crypt]:
    """One file, over storages that tell of it in their answers, and that do not."""
    path = tmp_path_factory.mktemp("ranged") / "key"
    path.write_bytes(bytes(32))
    found = []
    for tells in (True, False):
        vault = Crypt(Counting(Memory(), tells=tells), KeyFile(str(path)))
        vault.write("file", RANGED)
        found.append(vault)
    return found


near = st.one_of(
    st.integers(0, 3 * SEGMENT + 100),
    st.builds(lambda step, off: max(step + off, 0), st.sampled_from(STEPS), st.integers(-2, 2)),
)


@given(offset=near, length=st.none() | near)
@example(offset=len(RANGED), length=None)
@example(offset=len(RANGED) - 1, length=1)
@example(offset=10**9, length=5)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_range_is_just_those_bytes(ranged: list[Crypt], offset: int, length: int | None) -> None:
    end = None if length is None else offset + length
    for vault in ranged:
        assert content(vault, "file", offset=offset, length=length) == RANGED[offset:end]


def test_a_range_costs_one_request_once_the_header_is_known(inner: Memory, key_file: KeyFile) -> None:
    counting = Counting(inner)
    vault = Crypt(counting, key_file)
    vault.write("file", RANGED)
    counting.asked.clear()
    content(vault, "file", offset=2 * SEGMENT, length=10)
    assert [what[0] for what in counting.asked] == ["read", "read"]
    counting.asked.clear()
    content(vault, "file", offset=SEGMENT + 5, length=10)
    assert counting.asked == [("read", SEGMENT, SEGMENT)]
    counting.asked.clear()
    content(vault, "file", offset=10, length=10)
    assert counting.asked == [("read", 0, SEGMENT)]
    counting.asked.clear()
    assert content(vault, "file") == RANGED
    assert counting.asked == [("read", 0, None)]


@pytest.mark.parametrize("tells", [True, False])
def test_a_range_is_of_the_content_that_is_there_now(inner: Memory, key_file: KeyFile, tells: bool) -> None:
    vault = Crypt(Counting(inner, tells=tells), key_file)
    vault.write("file", RANGED)
    assert content(vault, "file", offset=2 * SEGMENT, length=9) == RANGED[2 * SEGMENT :][:9]
    for other in (Crypt(inner, key_file), vault):
        new = bytes(reversed(RANGED)) + bytes(len(RANGED) % 7 + 1)
        other.write("file", new)
        assert content(vault, "file", offset=2 * SEGMENT, length=9) == new[2 * SEGMENT :][:9]
        assert content(vault, "file", offset=2 * SEGMENT) == new[2 * SEGMENT :]
        other.write("file", RANGED)


def test_a_range_of_an_old_version_is_of_that_version(key_file: KeyFile) -> None:
    for tells in (True, False):
        vault = Crypt(Counting(Memory(), tells=tells), key_file)
        first = vault.write("file", RANGED).version
        vault.write("file", bytes(10))
        assert content(vault, "file", offset=SEGMENT, length=50, version=first) == RANGED[SEGMENT:][:50]


# Memory


class Endless:
    """So many bytes, made while they are read."""

    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int = -1, /) -> bytes:
        size = min(size, self._left)
        self._left -= size
        return bytes(size)


class Sink(Memory):
    """Takes what is written and keeps none of it but the file with the key."""

    def write(self, path: str, source: Any, **arguments: Any) -> Any:
        if path.startswith("."):
            return super().write(path, source, **arguments)
        count = 0
        while data := source.read(SEGMENT):
            count += len(data)
        return super().write(path, b"", condition=arguments["condition"])._replace(size=count)


def test_memory_stays_flat_while_sealing(key_file: KeyFile) -> None:
    vault = Crypt(Sink(), key_file)
    vault.make_dir("")
    tracemalloc.start()
    try:
        assert vault.write("file", Endless(64 * SEGMENT)).size == 64 * SEGMENT
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 8 * SEGMENT


def test_it_stands_on_other_overlays(inner: Memory, key_file: KeyFile) -> None:
    vault = Crypt(Retrying(inner), key_file)
    vault.write("file", RANGED)
    assert content(vault, "file") == RANGED
    assert content(vault, "file", offset=SEGMENT, length=7) == RANGED[SEGMENT:][:7]
