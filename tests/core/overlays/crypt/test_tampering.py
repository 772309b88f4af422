"""Whoever runs the store changes something: it is noticed, or the specification says that it is not."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from skycap.core.errors import IntegrityError, NotFound, ScanFailed
from skycap.core.storage.entry import Entry, Kind
from skycap.core.storage.memory import Memory
from skycap.core.storage.overlays.crypt import Crypt
from skycap.core.storage.overlays.crypt.credentials import KeyFile

SEGMENT = 1024 * 1024
PLAIN = random.Random(7).randbytes(2 * SEGMENT + 1000)


def content(storage: Crypt | Memory, path: str) -> bytes:
    with storage.read(path) as reader:
        return reader.read()


def sealed_path(inner: Memory, vault: Crypt, path: str) -> str:
    """Where the store has a file: the one whose version ours tells."""
    version = vault.stat(path).version
    (found,) = (entry.path for entry in inner.scan_all("") if entry.version == version)
    return found


@pytest.fixture
def sealed(inner: Memory, vault: Crypt) -> str:
    """The path in the store of a file `file` of three segments."""
    vault.write("file", PLAIN)
    return sealed_path(inner, vault, "file")


def reading(vault: Crypt, way: str) -> bytes:
    """All of the file, or what an error leaves of it."""
    if way == "in pieces":
        with vault.read("file") as reader:
            return b"".join(iter(lambda: reader.read(100_000), b""))
    if way == "by length":
        with vault.read("file", offset=0, length=len(PLAIN)) as reader:
            return reader.read()
    if way == "but one byte":
        with vault.read("file", offset=1) as reader:
            return PLAIN[:1] + reader.read()
    return content(vault, "file")


WAYS = ["at once", "in pieces", "by length", "but one byte"]


def refused(vault: Crypt) -> None:
    """Every way to read all of the file ends in an error that names it."""
    for way in WAYS:
        with pytest.raises(IntegrityError) as caught:
            reading(vault, way)
        assert caught.value.where == "file", way


def test_untouched_every_way_to_read_gives_the_same(vault: Crypt, sealed: str) -> None:
    assert all(reading(vault, way) == PLAIN for way in WAYS)


# The length, salt and prefix of the header; text and tag of each segment; the last byte.
FLIPPED = [0, 1, 32, 33, 39, 40, 500_000, SEGMENT - 16, SEGMENT - 1, SEGMENT, SEGMENT + 9, 2 * SEGMENT - 1]
FLIPPED += [2 * SEGMENT, -17, -16, -1]


@pytest.mark.parametrize("at", FLIPPED)
@pytest.mark.parametrize("bit", [0, 7])
def test_a_flipped_bit_is_noticed(inner: Memory, vault: Crypt, sealed: str, at: int, bit: int) -> None:
    data = bytearray(content(inner, sealed))
    data[at] ^= 1 << bit
    inner.write(sealed, bytes(data))
    refused(vault)


def test_a_flipped_bit_anywhere_in_a_small_file_is_noticed(inner: Memory, vault: Crypt) -> None:
    vault.write("file", b"small")
    path = sealed_path(inner, vault, "file")
    data = content(inner, path)
    for at in range(8 * len(data)):
        changed = bytearray(data)
        changed[at // 8] ^= 1 << at % 8
        inner.write(path, bytes(changed))
        with pytest.raises(IntegrityError):
            content(vault, "file")


@pytest.mark.parametrize(
    "size", [0, 1, 39, 40, 55, 56, 1000, SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT, -1, -16]
)
def test_a_cut_is_noticed_at_boundaries_of_segments_too(
    inner: Memory, vault: Crypt, sealed: str, size: int
) -> None:
    inner.write(sealed, content(inner, sealed)[:size])
    refused(vault)


@pytest.mark.parametrize("more", [b"\0", bytes(16), bytes(17), bytes(SEGMENT)])
def test_what_is_added_is_noticed(inner: Memory, vault: Crypt, sealed: str, more: bytes) -> None:
    inner.write(sealed, content(inner, sealed) + more)
    refused(vault)


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 2, 1), (0, 0, 1, 2), (0, 1, 1, 2), (0, 2), (1, 2)])
def test_segments_in_another_order_are_noticed(
    inner: Memory, vault: Crypt, sealed: str, order: tuple[int, ...]
) -> None:
    data = content(inner, sealed)
    segments = [data[at : at + SEGMENT] for at in range(0, len(data), SEGMENT)]
    inner.write(sealed, b"".join(segments[number] for number in order))
    refused(vault)


def test_a_segment_of_another_file_is_noticed(inner: Memory, vault: Crypt, sealed: str) -> None:
    vault.write("other", PLAIN)  # the same bytes even, under the same key
    data, other = content(inner, sealed), content(inner, sealed_path(inner, vault, "other"))
    inner.write(sealed, data[:SEGMENT] + other[SEGMENT : 2 * SEGMENT] + data[2 * SEGMENT :])
    refused(vault)


def test_a_file_of_another_vault_is_noticed(
    inner: Memory, vault: Crypt, sealed: str, key_file: KeyFile
) -> None:
    other = Memory()
    stranger = Crypt(other, key_file)  # even under the same key file
    stranger.write("file", PLAIN)
    inner.write(sealed, content(other, sealed_path(other, stranger, "file")))
    refused(vault)


def listed(entries: Iterator[Entry]) -> tuple[list[str], str]:
    """The paths of a listing, and the error at its end."""
    found = []
    with pytest.raises(ScanFailed) as caught:
        found.extend(entry.path for entry in entries)
    return found, caught.value.message


def test_a_changed_name_is_not_found_and_fails_the_listing_at_its_end(
    inner: Memory, vault: Crypt, sealed: str
) -> None:
    for at in range(len(sealed)):
        changed = sealed[:at] + ("1" if sealed[at] != "1" else "2") + sealed[at + 1 :]
        inner.rename(sealed, changed)
        for scan in (vault.scan, vault.scan_all):
            assert listed(scan("")) == ([], "1 name could not be opened, and what is behind is not listed")
        with pytest.raises(NotFound):
            vault.stat("file")
        inner.rename(changed, sealed)
    assert [entry.path for entry in vault.scan("")] == ["file"]


def test_a_name_is_not_a_link_target_nor_the_other_way(inner: Memory, vault: Crypt) -> None:
    vault.make_symlink("link", "file")
    vault.write("file", b"x")
    (name,) = (entry.path for entry in inner.scan("") if entry.is_file and "." not in entry.path)
    (link,) = (entry.path for entry in inner.scan("") if entry.target is not None)
    inner.make_symlink(link, name)
    assert listed(vault.scan(""))[0] == ["file"]
    with pytest.raises(IntegrityError):
        vault.stat("link")


@pytest.mark.parametrize("change", ["{} (1)", "{}.tmp", "~{}", "{}0", "{:.30}", "{0}{0}"])
def test_a_name_that_got_something_more_or_less_still_fails_the_listing(
    inner: Memory, vault: Crypt, sealed: str, change: str
) -> None:
    inner.rename(sealed, change.format(sealed))
    for scan in (vault.scan, vault.scan_all):
        assert listed(scan("")) == ([], "1 name could not be opened, and what is behind is not listed")


def test_a_damaged_name_in_a_folder_fails_the_listing_and_one_in_a_foreign_folder_does_not(
    inner: Memory, vault: Crypt
) -> None:
    vault.write("dir/file", b"x")
    path = sealed_path(inner, vault, "dir/file")
    inner.rename(path, f"{path}0")
    assert listed(vault.scan_all(""))[0] == ["dir"]
    folder = path.partition("/")[0]
    inner.write(f"@eaDir/{path}", b"x")
    inner.rename(f"{path}0", path)
    assert [entry.path for entry in vault.scan_all("")] == ["dir", "dir/file"]
    assert [entry.path for entry in vault.scan("")] == ["dir"]
    assert {entry.path for entry in inner.scan("")} >= {"@eaDir", folder}


# What the specification says is not noticed: these tests keep it honest.


def test_swapped_contents_are_not_noticed(inner: Memory, vault: Crypt) -> None:
    vault.write("one", b"1")
    vault.write("two", b"2")
    paths = [sealed_path(inner, vault, path) for path in ("one", "two")]
    contents = [content(inner, path) for path in paths]
    for path, data in zip(paths, reversed(contents), strict=True):
        inner.write(path, data)
    assert (content(vault, "one"), content(vault, "two")) == (b"2", b"1")


def test_a_foreign_name_hides_a_file_as_its_removal_would(inner: Memory, vault: Crypt, sealed: str) -> None:
    inner.rename(sealed, ".DS_Store")
    for scan in (vault.scan, vault.scan_all):
        assert list(scan("")) == []


def test_an_older_state_and_a_moved_name_are_not_noticed(inner: Memory, vault: Crypt) -> None:
    vault.write("dir/file", b"old")
    path = sealed_path(inner, vault, "dir/file")
    old = content(inner, path)
    vault.write("dir/file", b"new")
    inner.write(path, old)
    assert content(vault, "dir/file") == b"old"
    inner.rename(path, path.rpartition("/")[2])
    assert content(vault, "file") == b"old"


def test_all_that_opens_is_listed_before_the_listing_fails(inner: Memory, vault: Crypt) -> None:
    for number in range(5):
        vault.write(f"dir/{number}", b"x")
    folder = sealed_path(inner, vault, "dir/0").rpartition("/")[0]
    for name in ("0" * 28, "v" * 255, "z"):  # before and after all others, and one of another form
        inner.write(f"{folder}/{name}", b"of another program")
    for scan in (vault.scan, vault.scan_all):
        paths, message = listed(scan("dir"))
        assert sorted(paths) == [f"dir/{number}" for number in range(5)]
        assert message.startswith("2 names")
    assert [entry.path for entry in vault.scan("")] == ["dir"]


@pytest.mark.parametrize("size", [0, 3, 55, SEGMENT + 16])
def test_a_file_that_was_cut_off_is_listed_and_cannot_be_read(
    inner: Memory, vault: Crypt, sealed: str, size: int
) -> None:
    vault.write("good", b"x")
    inner.write(sealed, content(inner, sealed)[:size])
    for scan in (vault.scan, vault.scan_all):
        found = {entry.path: entry for entry in scan("")}
        assert set(found) == {"file", "good"}
        for entry in (found["file"], vault.stat("file")):
            assert (entry.kind, entry.size) == (Kind.FILE, 0)
            assert entry.version is not None
    refused(vault)
