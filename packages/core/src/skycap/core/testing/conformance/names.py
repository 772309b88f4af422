"""Promises about names: what a storage says it can hold comes back as it was, and the rest is refused."""

# ruff: noqa: D102 - the name of a test is its promise

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from skycap.core.errors import PathInvalid
from skycap.core.paths import is_utf8, to_bytes
from skycap.core.storage import Capability, Kind, Metadata, Storage
from skycap.core.testing.conformance.base import (
    ConformanceBase,
    content_of,
    is_there,
    listed,
    needs,
    needs_full,
)

NAMES = [
    "with spaces",
    " leading and trailing ",
    "a%2Fb",
    "100%",
    "%00",
    "%",
    "+plus+",
    "#?&=;:@$,!",
    "query?x=1&y=2#z",
    "🙂 emoji 👩‍👩‍👧",
    "中文",
    "שלום",
    ".hidden",
    "..two dots",
    "...",
    "a.",
    "a..b",
    "~",
    "-rf",
    "back\\slash",
    "both ' and \"",
    "<angle> & amp",
    "star*[a-z]{b,c}|pipe",
    "`tick` $(x) ${x}",
    "new\nline",
    "tab\tulator",
    "\x7f",
    "\u00a0no-break",
    "\ufeffmark",
    "\U0010ffff",
    "null",
    "CON",
    "name.part",
    "é" * 127 + "x",
]

_PAIRS = {
    "case": ("Readme", "README"),
    "unicode form": ("caf\u00e9", "cafe\u0301"),
    "a blank at the end": ("end", "end "),
    "a dot at the end": ("end", "end."),
    "escape and escaped": ("a b", "a%20b"),
    "plus and blank": ("a+b", "a b"),
}

_INVALID = [
    "..",
    "../up",
    "a/../b",
    "a/..",
    ".",
    "./a",
    "a/.",
    "/absolute",
    "a//b",
    "a/",
    "/",
    "nul\0",
    "a/\0/b",
]

_VERBS: dict[str, tuple[Capability, Callable[[Storage, str], object]]] = {
    "stat": (Capability.READ, lambda s, path: s.stat(path)),
    "read": (Capability.READ, lambda s, path: content_of(s, path)),
    "scan": (Capability.LIST, lambda s, path: list(s.scan(path))),
    "write": (Capability.WRITE, lambda s, path: s.write(path, b"x")),
    "make_dir": (Capability.WRITE, lambda s, path: s.make_dir(path)),
    "remove": (Capability.REMOVE, lambda s, path: s.remove(path)),
    "scan_all": (Capability.SCAN_ALL, lambda s, path: list(s.scan_all(path))),
    "copy from": (Capability.COPY, lambda s, path: s.copy(path, "new")),
    "copy to": (Capability.COPY, lambda s, path: s.copy("file", path)),
    "rename from": (Capability.RENAME, lambda s, path: s.rename(path, "new")),
    "rename to": (Capability.RENAME, lambda s, path: s.rename("file", path)),
    "remove_tree": (Capability.REMOVE_TREE, lambda s, path: s.remove_tree(path)),
    "begin_upload": (Capability.UPLOAD, lambda s, path: s.begin_upload(path)),
    "set_metadata": (Capability.SET_METADATA, lambda s, path: s.set_metadata(path, Metadata(mtime_ns=0))),
    "make_symlink": (Capability.MAKE_SYMLINK, lambda s, path: s.make_symlink(path, "file")),
    "local_path": (Capability.LOCAL_PATH, lambda s, path: s.local_path(path)),
    "read_file": (Capability.READ_FILE, lambda s, path: s.read_file(path, "/absent/local")),
    "versions": (Capability.VERSIONS, lambda s, path: list(s.versions().list(path))),
    "trash": (Capability.TRASH, lambda s, path: s.trash().put(path)),
    "share": (Capability.SHARE, lambda s, path: s.shares().create(path)),
    "search": (Capability.SEARCH, lambda s, path: list(s.search("x", path))),
    "lock_object": (Capability.LOCK_OBJECT, lambda s, path: s.lock_object(path, 0)),
    "cleanup": (Capability.CLEANUP, lambda s, path: list(s.cleanup(path, older_than_s=0))),
}


def _forbidden(storage: Storage, name: str) -> bool:
    facts = storage.facts
    return any(character in name for character in facts.forbidden) or (
        not facts.bytes_names and not is_utf8(name)
    )


class NamePromises(ConformanceBase):
    """What may be in a path, and what may not."""

    @pytest.mark.parametrize("name", NAMES)
    def test_an_awkward_name_is_kept_or_refused(self, storage: Storage, name: str) -> None:
        needs_full(storage)
        if _forbidden(storage, name):
            for path in (name, f"{name}/file", f"dir/{name}"):
                with pytest.raises(PathInvalid):
                    storage.write(path, b"x")
            assert not is_there(storage, "dir") or listed(storage, "dir") == {}
            return
        for path in (name, f"dir/{name}", f"{name} d/{name}"):
            if max(len(to_bytes(part)) for part in path.split("/")) > (storage.facts.name_max or 255):
                continue
            assert storage.write(path, path.encode()).path == path
            assert storage.stat(path).path == path
            assert content_of(storage, path) == path.encode()
            folder = path.rpartition("/")[0]
            assert path in listed(storage, folder)
            if folder:
                assert listed(storage)[folder].kind is Kind.DIRECTORY
            storage.remove(path)
            assert not is_there(storage, path)

    @pytest.mark.parametrize("pair", _PAIRS)
    def test_names_that_look_alike_are_two_files(self, storage: Storage, pair: str) -> None:
        needs_full(storage)
        if pair == "case" and not storage.facts.case_sensitive:
            pytest.skip("names are the same in either case")
        first, second = _PAIRS[pair]
        if _forbidden(storage, first + second):
            pytest.skip("one of the names is forbidden")
        storage.write(first, b"first")
        storage.write(second, b"second")
        assert sorted(listed(storage)) == sorted([first, second])
        assert content_of(storage, first) == b"first"
        assert content_of(storage, second) == b"second"
        storage.remove(first)
        assert list(listed(storage)) == [second]

    def test_a_name_that_is_not_utf8_is_kept_or_refused(self, storage: Storage) -> None:
        needs_full(storage)
        for path in (b"caf\xe9".decode("utf-8", "surrogateescape"), "dir/\udcff\udcfe.txt"):
            if storage.facts.bytes_names:
                storage.write(path, b"x")
                assert content_of(storage, path) == b"x"
                assert path in listed(storage, path.rpartition("/")[0])
                assert storage.stat(path).path == path
            else:
                with pytest.raises(PathInvalid):
                    storage.write(path, b"x")
                assert listed(storage) == {}

    def test_the_longest_name_is_kept_and_a_longer_one_refused(self, storage: Storage) -> None:
        needs_full(storage)
        longest = storage.facts.name_max
        if longest is None:
            name = "n" * 255
            storage.write(name, b"x")
            assert list(listed(storage)) == [name]
            return
        for name in ("n" * longest, "é" * (longest // 2)):
            try:
                storage.write(name, b"x")
            except PathInvalid as error:
                pytest.fail(f"facts.name_max is {longest} bytes, and a name of so many was refused: {error}")
            assert content_of(storage, name) == b"x"
            storage.remove(name)
        for name in ("n" * (longest + 1), "é" * (longest // 2 + 1), f"dir/{'n' * (longest + 1)}/file"):
            try:
                storage.write(name, b"x")
            except PathInvalid:
                continue
            pytest.fail(f"facts.name_max is {longest} bytes, and a longer name was not refused: {name!r}")
        assert [entry for entry in storage.scan("") if entry.is_file] == []

    def test_a_path_that_is_too_long_is_refused(self, storage: Storage) -> None:
        needs_full(storage)
        longest = storage.facts.path_max
        if longest is None:
            path = "/".join(["deep"] * 60)
            storage.write(path, b"x")
            assert content_of(storage, path) == b"x"
            return
        step = min(storage.facts.name_max or 100, 100)
        path = "/".join(["d" * step] * (longest // step + 2))
        storage.write(path[:longest].rstrip("/"), b"x")
        with pytest.raises(PathInvalid):
            storage.write(path[: longest + 2].rstrip("/") + "xx", b"x")

    @pytest.mark.parametrize(
        "character", ["<", ">", ":", '"', "|", "?", "*", "\\", "\n", "\x01", " ", "\x7f"]
    )
    def test_a_forbidden_character_is_refused_by_every_writing_verb(
        self, storage: Storage, character: str
    ) -> None:
        needs_full(storage)
        if character not in storage.facts.forbidden:
            pytest.skip("the character is not forbidden")
        storage.write("file", b"x")
        for verb in ("write", "copy to", "rename to", "begin_upload"):
            capability, call = _VERBS[verb]
            if storage.can(capability):
                with pytest.raises(PathInvalid):
                    call(storage, f"a{character}b")
        assert list(listed(storage)) == ["file"]

    @pytest.mark.parametrize("verb", _VERBS)
    @pytest.mark.parametrize("path", _INVALID)
    def test_a_path_that_is_none_of_ours_is_refused(self, storage: Storage, verb: str, path: str) -> None:
        capability, call = _VERBS[verb]
        needs(storage, capability)
        if storage.can(Capability.WRITE):
            storage.write("file", b"x")
        with pytest.raises(PathInvalid):
            call(storage, path)

    @pytest.mark.parametrize("path", _INVALID)
    def test_remove_many_tells_which_path_is_none_of_ours(self, storage: Storage, path: str) -> None:
        needs_full(storage, Capability.REMOVE_MANY)
        storage.write("file", b"x")
        with pytest.raises(PathInvalid):
            _raise_first(storage.remove_many([path]))


def _raise_first(results: Iterator[tuple[str, Exception | None]]) -> None:
    for _, error in results:
        if error is not None:
            raise error
