"""COPY and MOVE that fail on the way, go from one storage to another, or meet stores of other habits."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from skycap.core.errors import AccessDenied, OutOfSpace
from skycap.core.storage.capability import Capability
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.interface import Storage
from skycap.core.storage.memory import Memory
from tests.core.webdav.served import STORES, fill, make_store, served, tree

FOUR = frozenset({Capability.READ, Capability.LIST, Capability.WRITE, Capability.REMOVE})


class Failing(Memory):
    """Takes nothing under one name, by whichever verb."""

    bad = "bad"

    def write(self, path: str, source: Any, **options: Any) -> Entry:
        self._refuse_bad(path)
        return super().write(path, source, **options)

    def copy(self, source: str, target: str, **options: Any) -> Entry:
        self._refuse_bad(target)
        return super().copy(source, target, **options)

    def rename(self, source: str, target: str, **options: Any) -> Entry:
        if self.bad == "the tree" and source == "d":
            raise OutOfSpace("no room for that")
        self._refuse_bad(target)
        return super().rename(source, target, **options)

    def _refuse_bad(self, path: str) -> None:
        if path.endswith(self.bad) and self.bad:
            raise OutOfSpace("no room for that")


def _failing(kind: str) -> Failing:
    facts = replace(Memory.facts, empty_dirs=False, rename_dirs=False)
    without = {Capability.LOCAL_PATH}
    storage = {
        "all": Failing(),
        "prefixes": Failing(facts=facts, capabilities=frozenset(Capability) - without),
        "bare": Failing(capabilities=FOUR),
    }[kind]
    storage.bad = ""
    return storage


@pytest.mark.parametrize("kind", ["all", "prefixes", "bare"])
@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_a_file_that_cannot_take_the_place_of_another_leaves_it(
    port: int, tmp_path: Path, kind: str, method: str
) -> None:
    storage = _failing(kind)
    fill(storage, {"a": "A", "bad": "old"})
    storage.bad = "bad"
    with served(port, {"": storage}, tmp_path) as client:
        assert client.move("/a", "/bad", method).status == 507
    assert tree(storage) == {"a": "A", "bad": "old"}


@pytest.mark.parametrize("kind", ["all", "prefixes", "bare"])
@pytest.mark.parametrize("method", ["COPY", "MOVE"])
@pytest.mark.parametrize("old", ["e", "e/x"])
def test_a_tree_of_which_a_part_fails_leaves_what_was_there(
    port: int, tmp_path: Path, kind: str, method: str, old: str
) -> None:
    storage = _failing(kind)
    fill(storage, {"d/a": "A", "d/s/bad": "B", old: "old"})
    storage.bad = "the tree" if kind == "all" and method == "MOVE" else "s/bad"
    with served(port, {"": storage}, tmp_path) as client:
        reply = client.move("/d", "/e", method)
        assert reply.status in {207, 507}
        if reply.status == 207:
            assert reply.statuses()["/d/s/bad"] == 507
    left = tree(storage)
    assert left[old] == "old"
    assert left["d/s/bad"] == "B"
    assert method == "MOVE" or left["d/a"] == "A"
    assert not [path for path in left if "skycap" in path]


@pytest.mark.parametrize("kind", ["all", "prefixes", "bare"])
def test_a_copy_to_a_new_place_keeps_what_could_be_copied_and_tells_the_rest(
    port: int, tmp_path: Path, kind: str
) -> None:
    storage = _failing(kind)
    fill(storage, {"d/a": "A", "d/s/bad": "B", "d/z": "Z"})
    storage.bad = "bad"
    with served(port, {"": storage}, tmp_path) as client:
        reply = client.copy("/d", "/e")
        assert (reply.status, reply.statuses()) == (207, {"/d/s/bad": 507})
    assert {path for path, text in tree(storage).items() if text} == {"d/a", "d/s/bad", "d/z", "e/a", "e/z"}


@pytest.mark.parametrize("source", STORES)
@pytest.mark.parametrize("target", STORES)
@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_from_one_share_to_another(port: int, tmp_path: Path, source: str, target: str, method: str) -> None:
    one, two = make_store(source, tmp_path / "1"), make_store(target, tmp_path / "2")
    fill(one, {"a": "A", "d/x": "X", "d/s/y": "Y"})
    fill(two, {"full/old": "O"})
    with served(port, {"One": one, "two": two}, tmp_path / "state") as client:
        assert client.patch("/One/a", "<D:lastmodified>1700000000</D:lastmodified>").status == 207
        assert client.patch("/One/d/x", '<p xmlns="x:">v</p>').status == 207
        assert client.move("/One/a", "/two/a", method).status == 201
        assert client.move("/One/d", "/two/full", method).status == 204
        assert "v</" in client.books.properties(client.key("two/full/x"))["{x:}p"]
        for path in ("/two", "/One", "/", "/three/x"):
            assert client.copy("/two/a", path).status == 403
        assert b"Tue, 14 Nov 2023 22:13:20 GMT" in client("PROPFIND", "/two/a", Depth="0").body
    assert tree(two) == {"a": "A", "full/x": "X", "full/s/y": "Y"}
    assert tree(one) == ({} if method == "MOVE" else {"a": "A", "d/x": "X", "d/s/y": "Y"})


def test_metadata_goes_along_from_one_storage_to_another(port: int, tmp_path: Path) -> None:
    one, two = Memory(), Memory()
    one.write("a", b"A", metadata=Metadata(content_type="text/x", extra={"k": "v"}, mode=0o640))
    with served(port, {"one": one, "two": two}, tmp_path) as client:
        assert client.copy("/one/a", "/two/a").status == 201
    found = two.stat("a").metadata
    assert found is not None
    assert (found.content_type, found.extra, found.mode) == ("text/x", {"k": "v"}, 0o640)


class Vague(Memory):
    """Does not know how large its files are."""

    def stat(self, path: str) -> Entry:
        return super().stat(path)._replace(size=None)


def test_a_storage_that_must_know_the_size_is_told_it(port: int, tmp_path: Path) -> None:
    one, two = Vague(), Sized(facts=replace(Memory.facts, needs_size=True))
    fill(one, {"a": "A" * 10})
    with served(port, {"one": one, "two": two}, tmp_path) as client:
        assert client.copy("/one/a", "/two/a").status == 201
    assert tree(two) == {"a": "A" * 10}
    assert two.told == [10]


class Sized(Memory):
    """Remembers the sizes it was told."""

    told: list[int | None]

    def write(self, path: str, source: Any, *, size: int | None = None, **options: Any) -> Entry:
        self.told = [*getattr(self, "told", []), size]
        return super().write(path, source, size=size, **options)


class Folding(Memory):
    """Does not tell capitals from small letters, but keeps them as the last rename had them."""

    def __init__(self, capabilities: frozenset[Capability]) -> None:
        super().__init__(
            capabilities=capabilities, facts=replace(Memory.facts, case_sensitive=False, rename_dirs=True)
        )

    def rename(self, source: str, target: str, **options: Any) -> Entry:
        super().rename(source, "between", **options)
        return super().rename("between", target, **options)


def test_capitals_in_a_name_can_be_changed_where_they_mean_nothing(port: int, tmp_path: Path) -> None:
    storage = Folding(frozenset(Capability) - {Capability.LOCAL_PATH})
    fill(storage, {"a": "A", "dir/x": "X"})
    with served(port, {"": storage}, tmp_path) as client:
        assert client.move("/a", "/A", Overwrite="F").status == 201
        assert client.move("/dir", "/Dir").status == 201
    assert tree(storage) == {"A": "A", "Dir/x": "X"}


def test_where_they_cannot_be_changed_nothing_is_lost(port: int, tmp_path: Path) -> None:
    storage = Folding(FOUR)
    fill(storage, {"a": "A"})
    with served(port, {"": storage}, tmp_path) as client:
        assert client.move("/a", "/A").status == 403
    assert tree(storage) == {"a": "A"}


def test_a_folder_with_a_link_in_it_is_not_moved_to_another_store(port: int, tmp_path: Path) -> None:
    one: Storage = make_store("local", tmp_path / "1")
    two = Memory()
    fill(one, {"d/x": "X", "d/s/y": "Y"})
    one.make_symlink("d/link", "x")
    with served(port, {"one": one, "two": two}, tmp_path / "state") as client:
        assert client.copy("/one/d", "/two/c").status == 201
        reply = client.move("/one/d", "/two/m")
        assert (reply.status, reply.statuses()) == (207, {"/one/d/link": 403})
    assert tree(two) == {"c/x": "X", "c/s/y": "Y"}
    assert sorted(entry.path for entry in one.scan("d")) == ["d/link", "d/s", "d/x"]


class Unreadable(Memory):
    """Holds a file that nobody may read."""

    def read(self, path: str, **options: Any) -> Any:
        if path.endswith("secret"):
            raise AccessDenied("permission denied")
        return super().read(path, **options)


def test_what_cannot_be_read_is_told_by_its_own_name(port: int, tmp_path: Path) -> None:
    one, two = Unreadable(capabilities=FOUR), Memory()
    fill(one, {"d/secret": "S", "d/x": "X"})
    with served(port, {"one": one, "two": two}, tmp_path) as client:
        assert client.copy("/one/d/secret", "/two/s").status == 403
        reply = client.copy("/one/d", "/two/d")
        assert (reply.status, reply.statuses()) == (207, {"/one/d/secret": 403})
    assert tree(two) == {"d/x": "X"}
