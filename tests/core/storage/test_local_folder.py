"""A folder held open is below its root, whatever was put in the way since its path was checked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from skycap.core.errors import Error, PathInvalid
from skycap.core.storage.local import batch
from skycap.core.storage.local.folder import Folder

pytestmark = pytest.mark.skipif(
    not os.path.exists("/proc/self/fd"), reason="the system does not tell where an open folder is"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "inside").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "root" / "turn").symlink_to("inside")
    return tmp_path / "root"


def test_a_folder_below_the_root_opens(root: Path) -> None:
    for path in (root, root / "inside", root / "turn"):
        Folder(str(root), str(path)).close()


def test_one_outside_is_refused(root: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(PathInvalid, match="leads out"):
        Folder(str(root), str(root / "link"))
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_neighbour_whose_name_begins_alike_is_outside(root: Path) -> None:
    (root.parent / "root-2").mkdir()
    with pytest.raises(PathInvalid):
        Folder(str(root), str(root.parent / "root-2"))


def test_a_link_put_in_the_way_after_the_check_leads_nowhere(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = root.parent / "file"
    source.write_bytes(b"secret")
    checked = batch.join_under

    def swap(*args: object, **more: object) -> str:
        found = checked(*args, **more)  # type: ignore[arg-type]
        (root / "inside").rmdir()
        (root / "inside").symlink_to(root.parent / "outside")
        return found

    monkeypatch.setattr(batch, "join_under", swap)
    answers = batch.copy_files(str(root), [("inside/file", str(source), 6)], True, False)
    assert [type(answer) for answer in answers] == [PathInvalid]
    assert isinstance(answers[0], Error)
    assert os.listdir(root.parent / "outside") == []
