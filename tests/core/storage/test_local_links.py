"""Symbolic links in a folder: kept, followed or skipped, and never a way out."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from skycap.core.errors import (
    PathInvalid,
    Unsupported,
)
from skycap.core.storage import Kind
from skycap.core.storage.local import Local
from skycap.core.testing.conformance.base import content_of


@pytest.fixture
def storage(root: Path) -> Local:
    return Local(root)


@pytest.mark.parametrize("target", ["/etc", "..", "../outside", "../../.."])
def test_nothing_passes_a_link_that_leads_out(
    storage: Local, root: Path, tmp_path: Path, target: str
) -> None:
    (tmp_path / "outside").mkdir()
    os.symlink(target, root / "door")
    calls: list[Callable[[], object]] = [
        lambda: storage.write("door/planted", b"x"),
        lambda: storage.make_dir("door/planted"),
        lambda: storage.remove("door/planted"),
        lambda: storage.remove_tree("door/planted"),
        lambda: storage.stat("door/hostname"),
        lambda: list(storage.scan("door")),
        lambda: content_of(storage, "door/hostname"),
        lambda: storage.begin_upload("door/planted"),
        lambda: storage.make_symlink("door/planted", "x"),
        lambda: storage.local_path("door/planted"),
        lambda: storage.rename("door/x", "y"),
        lambda: list(storage.cleanup("door", older_than_s=0)),
    ]
    for call in calls:
        with pytest.raises(PathInvalid):
            call()
    assert not (tmp_path / "outside" / "planted").exists()
    assert not (tmp_path / "planted").exists()


def test_a_file_is_not_read_through_a_link_that_leads_out(storage: Local, root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    os.symlink("../secret", root / "link")
    with pytest.raises(PathInvalid):
        content_of(storage, "link")
    with pytest.raises(Unsupported):
        storage.copy("link", "copy")
    assert storage.stat("link").target == "../secret"
    storage.write("link", b"mine")
    assert (tmp_path / "secret").read_bytes() == b"secret"
    assert (root / "link").read_bytes() == b"mine"


def test_links_inside_are_passed(storage: Local, root: Path) -> None:
    storage.write("real/file", b"x")
    os.symlink("real", root / "alias")
    assert content_of(storage, "alias/file") == b"x"
    storage.write("alias/new", b"y")
    assert content_of(storage, "real/new") == b"y"


def test_removing_a_tree_never_goes_through_a_link(storage: Local, root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").write_bytes(b"x")
    storage.write("dir/file", b"x")
    os.symlink(tmp_path / "outside", root / "dir" / "link")
    os.symlink("dir", root / "alias")
    storage.remove_tree("alias")
    assert (root / "dir" / "file").exists()
    storage.remove_tree("dir")
    assert (tmp_path / "outside" / "kept").exists()
    assert not (root / "dir").exists()


def test_followed_links_look_like_what_they_lead_to(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_bytes(b"12345")
    os.symlink(tmp_path / "outside", root / "folder")
    os.symlink(tmp_path / "outside" / "file", root / "file")
    os.symlink("absent", root / "broken")
    storage = Local(root, links="follow")
    kinds = {e.path: (e.kind, e.size) for e in storage.scan("")}
    assert kinds == {
        "folder": (Kind.DIRECTORY, None),
        "file": (Kind.FILE, 5),
        "broken": (Kind.SYMLINK, None),
    }
    assert content_of(storage, "folder/file") == content_of(storage, "file") == b"12345"
    assert storage.stat("broken").kind is Kind.SYMLINK


def test_followed_links_that_lead_back_up_end(root: Path) -> None:
    (root / "a" / "b").mkdir(parents=True)
    os.symlink("..", root / "a" / "b" / "up")
    os.symlink(root, root / "a" / "root")
    os.symlink("self", root / "self")
    storage = Local(root, links="follow")
    seen, todo = [], [""]
    while todo:
        for entry in storage.scan(todo.pop()):
            seen.append(entry.path)
            if entry.is_dir:
                todo.append(entry.path)
        assert len(seen) < 100
    assert sorted(seen) == ["a", "a/b", "a/b/up", "a/root", "self"]


def test_skipped_links_are_not_listed(root: Path) -> None:
    (root / "file").write_bytes(b"x")
    os.symlink("file", root / "link")
    assert [e.path for e in Local(root, links="skip").scan("")] == ["file"]
