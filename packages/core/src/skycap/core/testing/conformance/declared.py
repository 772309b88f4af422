"""Promises about the declarations themselves: what is not declared raises `Unsupported`, every time."""

# ruff: noqa: D102 - the name of a test is its promise

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest

from skycap.core.errors import Error, NotFound, Unsupported
from skycap.core.remotes.stack import RESERVED
from skycap.core.retry import Operation, Policies, Policy
from skycap.core.storage import IF_ABSENT, Capability, Facts, Metadata, Storage, if_version
from skycap.core.storage.options import StorageOptions
from skycap.core.storage.overlays import Overlay, Retrying
from skycap.core.testing.conformance.base import (
    ConformanceBase,
    content_of,
    is_there,
    listed,
    needs,
    needs_full,
    noise,
)


def _complete(storage: Storage, path: str, **arguments: object) -> None:
    with storage.begin_upload(path, size=1) as upload:
        upload.put_part(0, b"y", last=True)
        upload.complete(**arguments)  # type: ignore[arg-type]


def _read(storage: Storage, **arguments: object) -> None:
    with storage.read("file", **arguments) as reader:  # type: ignore[arg-type]
        reader.read(1)


# For each capability: what must be declared for the call to mean anything, and calls that need it. "file"
# is there, "new" is not. A storage that ignores what it cannot do would go on with the call and succeed.
_CALLS: dict[Capability, tuple[set[Capability], list[Callable[[Storage], object]]]] = {
    Capability.READ: (set(), [lambda s: s.stat("file"), lambda s: s.stat(""), _read]),
    Capability.LIST: (set(), [lambda s: list(s.scan(""))]),
    Capability.WRITE: (set(), [lambda s: s.write("new", b"y"), lambda s: s.make_dir("new")]),
    Capability.REMOVE: (set(), [lambda s: s.remove("file"), lambda s: s.remove("new")]),
    Capability.READ_VERSION: ({Capability.READ}, [lambda s: _read(s, version="1")]),
    Capability.WRITE_IF_ABSENT: (
        {Capability.WRITE},
        [lambda s: s.write("new", b"y", condition=IF_ABSENT)],
    ),
    Capability.WRITE_IF_VERSION: (
        {Capability.WRITE},
        [lambda s: s.write("file", b"y", condition=if_version(_version(s)))],
    ),
    Capability.REMOVE_IF_VERSION: (
        {Capability.REMOVE},
        [lambda s: s.remove("file", condition=if_version(_version(s)))],
    ),
    Capability.SCAN_ALL: (set(), [lambda s: list(s.scan_all(""))]),
    Capability.COPY: (set(), [lambda s: s.copy("file", "new")]),
    Capability.COPY_IF_ABSENT: (
        {Capability.COPY},
        [lambda s: s.copy("file", "new", condition=IF_ABSENT)],
    ),
    Capability.COPY_IF_VERSION: (
        {Capability.COPY},
        [lambda s: s.copy("other", "file", condition=if_version(_version(s)))],
    ),
    Capability.RENAME: (set(), [lambda s: s.rename("file", "new")]),
    Capability.RENAME_IF_ABSENT: (
        {Capability.RENAME},
        [lambda s: s.rename("file", "new", condition=IF_ABSENT)],
    ),
    Capability.RENAME_IF_VERSION: (
        {Capability.RENAME},
        [lambda s: s.rename("other", "file", condition=if_version(_version(s)))],
    ),
    Capability.REMOVE_MANY: (set(), [lambda s: list(s.remove_many(["file"]))]),
    Capability.REMOVE_TREE: (set(), [lambda s: s.remove_tree("file"), lambda s: s.remove_tree("new")]),
    Capability.UPLOAD: (set(), [lambda s: s.begin_upload("new"), lambda s: s.resume_upload({})]),
    Capability.UPLOAD_IF_ABSENT: ({Capability.UPLOAD}, [lambda s: _complete(s, "new", condition=IF_ABSENT)]),
    Capability.UPLOAD_IF_VERSION: (
        {Capability.UPLOAD},
        [lambda s: _complete(s, "file", condition=if_version(_version(s)))],
    ),
    Capability.SET_METADATA: (set(), [lambda s: s.set_metadata("file", Metadata(mtime_ns=0))]),
    Capability.MAKE_SYMLINK: (set(), [lambda s: s.make_symlink("new", "file")]),
    Capability.LOCAL_PATH: (set(), [lambda s: s.local_path("file")]),
    Capability.READ_FILE: (set(), [lambda s: s.read_file("file", "/absent/local")]),
    Capability.BULK_READ: (set(), [lambda s: s.bulk_read()]),
    Capability.BULK_WRITE: (set(), [lambda s: s.bulk_write()]),
    Capability.VERSIONS: (set(), [lambda s: s.versions()]),
    Capability.VERSIONS_RESTORE: (
        {Capability.VERSIONS},
        [lambda s: s.versions().restore("file", _version(s))],
    ),
    Capability.VERSIONS_REMOVE: (
        {Capability.VERSIONS},
        [lambda s: s.versions().remove("file", _version(s))],
    ),
    Capability.TRASH: (set(), [lambda s: s.trash()]),
    Capability.SHARE: (set(), [lambda s: s.shares()]),
    Capability.SHARE_LIST: ({Capability.SHARE}, [lambda s: list(s.shares().list())]),
    Capability.SHARE_REMOVE: ({Capability.SHARE}, [lambda s: s.shares().remove("1")]),
    Capability.QUOTA: (set(), [lambda s: s.quota()]),
    Capability.SEARCH: (set(), [lambda s: list(s.search("file"))]),
    Capability.LOCK_OBJECT: (set(), [lambda s: s.lock_object("file", 0)]),
    Capability.CHANGES: (set(), [lambda s: s.changes(), lambda s: s.changes("0")]),
    Capability.CLEANUP: (set(), [lambda s: list(s.cleanup(older_than_s=0))]),
}


# The verbs that give one thing after the other: what they need, and a call that changes nothing.
_ITERATING: dict[str, tuple[set[Capability], Callable[[Storage, str], Iterable[object]]]] = {
    "scan": ({Capability.LIST}, lambda s, _: s.scan("dir")),
    "scan_all": ({Capability.SCAN_ALL}, lambda s, _: s.scan_all("")),
    "versions": ({Capability.VERSIONS}, lambda s, path: s.versions().list(path)),
    "trash": ({Capability.TRASH}, lambda s, _: s.trash().list()),
    "shares": ({Capability.SHARE, Capability.SHARE_LIST}, lambda s, _: s.shares().list()),
    "search": ({Capability.SEARCH}, lambda s, _: s.search("file")),
    "cleanup": ({Capability.CLEANUP}, lambda s, _: s.cleanup(older_than_s=0, dry_run=True)),
}


def _version(storage: Storage) -> str:
    version = storage.stat("file").version if storage.can(Capability.READ) else None
    return version or "1"


class DeclaredPromises(ConformanceBase):
    """Both directions of the declarations, and what holds for a storage as a whole."""

    @pytest.mark.parametrize("capability", list(Capability))
    def test_what_is_not_declared_raises_unsupported(self, storage: Storage, capability: Capability) -> None:
        needed, calls = _CALLS[capability]
        if storage.can(capability):
            pytest.skip(f"declares {capability.value}")
        needs(storage, *needed)
        if storage.can(Capability.WRITE):
            storage.write("file", b"x", size=1)
            storage.write("other", b"z", size=1)
        for call in calls:
            with pytest.raises(Unsupported):
                call(storage)
        if storage.can(Capability.READ, Capability.WRITE) and not storage.facts.names_on_write:
            assert content_of(storage, "file") == b"x"
            assert content_of(storage, "other") == b"z"
            assert not is_there(storage, "new")

    @pytest.mark.parametrize("timeout_s", [None, 60.0])
    @pytest.mark.parametrize("verb", _ITERATING)
    def test_what_comes_one_by_one_comes_once_where_it_is_tried_again(
        self, storage: Storage, verb: str, timeout_s: float | None
    ) -> None:
        needed, call = _ITERATING[verb]
        needs(storage, *needed)
        path = ""
        for name in ("dir/file", "dir/file2"):
            path = self.put(storage, name, b"x")
        if verb == "trash":
            storage.trash().put(path)
        elif verb == "shares":
            storage.shares().create(path)
        policies = Policies(*[Policy(attempts=2, per_try_timeout_s=timeout_s)] * len(Operation))
        told = [repr(item) for item in call(Retrying(storage, policies), path)]
        assert told == [repr(item) for item in call(storage, path)]
        assert len(told) == len(set(told))

    def test_every_capability_is_asked_for(self) -> None:
        assert set(_CALLS) == set(Capability)

    def test_conditions_belong_to_declared_verbs(self, storage: Storage) -> None:
        for capability, (needed, _) in _CALLS.items():
            if storage.can(capability):
                assert storage.can(*needed), f"{capability.value} is declared without its verb"

    def test_the_facts_make_sense(self, storage: Storage) -> None:
        facts = storage.facts
        assert isinstance(facts, Facts)
        assert facts.part_min <= facts.part_size <= (facts.part_max or facts.part_size)
        assert facts.part_size % facts.part_multiple == 0
        assert facts.connections >= 1
        assert "/" not in facts.forbidden
        assert facts.metadata_fields <= set(Metadata.__dataclass_fields__)

    def test_a_type_has_a_name(self, storage: Storage) -> None:
        assert storage.type_name or isinstance(storage, Overlay)
        assert storage.type_name == storage.type_name.lower()

    def test_a_type_can_be_opened_by_name(self, storage: Storage) -> None:
        kind = type(storage)
        if isinstance(storage, Overlay):
            pytest.skip("an overlay is put around a storage that is open")
        assert issubclass(kind.Options, StorageOptions)
        taken = RESERVED & {info.name for info in kind.Options.describe()}
        assert not taken, f"{sorted(taken)} are names of options that every remote has"
        mine, default = (inspect.getattr_static(one, "open") for one in (kind, Storage))
        assert mine is not default, (
            f"{kind.__name__} has no class method open(options, path), so no remote can be of its type"
        )

    def test_an_identity_stays(self, storage: Storage) -> None:
        first = storage.identity
        assert first
        if storage.can(Capability.WRITE):
            storage.write("file", b"x", size=1)
        assert storage.identity == first
        hash(first)

    def test_another_place_has_another_identity(self, storage: Storage, other: Storage | None) -> None:
        if other is None:
            pytest.skip("there is no fixture `other`")
        assert storage.identity != other.identity
        assert storage.identity == self.reopened(storage).identity
        path = self.put(storage, "file", b"x")
        if other.can(Capability.READ):
            assert not is_there(other, path)

    def test_it_can_be_shown(self, storage: Storage) -> None:
        assert repr(storage)

    def test_closing_twice_is_fine(self, storage: Storage) -> None:
        with storage:
            pass
        storage.close()
        storage.close()

    def test_errors_survive_pickling(self, storage: Storage) -> None:
        needs(storage, Capability.READ)
        with pytest.raises(NotFound) as caught:
            storage.stat("absent")
        again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
        assert type(again) is type(caught.value)
        assert str(again) == str(caught.value)
        assert (again.where, again.hint) == (caught.value.where, caught.value.hint)

    def test_an_error_says_what_and_where(self, storage: Storage) -> None:
        needs(storage, Capability.READ)
        with pytest.raises(NotFound) as caught:
            storage.stat("dir/absent")
        assert caught.value.message
        assert "absent" in (caught.value.where or "")
        assert "\n" not in str(caught.value)

    def test_threads_may_share_it(self, storage: Storage) -> None:
        needs_full(storage)

        def work(number: int) -> None:
            folder = f"thread {number}"
            for turn in range(5):
                path = f"{folder}/{turn}"
                storage.write(path, noise(1000 * turn, number))
                assert content_of(storage, path) == noise(1000 * turn, number)
                assert storage.stat(path).size == 1000 * turn
            assert len(listed(storage, folder)) == 5
            storage.remove(f"{folder}/0")
            storage.remove("shared by all")
            storage.write("shared by all", folder.encode())

        with ThreadPoolExecutor(8) as executor:
            list(executor.map(work, range(8)))
        for number in range(8):
            assert len(listed(storage, f"thread {number}")) == 4
        assert content_of(storage, "shared by all").startswith(b"thread ")

    def test_no_error_is_of_another_family(self, storage: Storage) -> None:
        needs_full(storage)
        storage.write("file", b"x")
        for call in (
            lambda: storage.stat("file/x/y"),
            lambda: list(storage.scan("file/x")),
            lambda: storage.write("file/x", b"y"),
            lambda: storage.make_dir("file"),
            lambda: storage.remove("file/x"),
        ):
            try:
                call()
            except Error:
                continue
