"""What is remembered on this machine: for its owner only, and nothing breaks where it cannot be."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from skycap.core.errors import NotFound, PathInvalid
from skycap.core.storage import Storage
from skycap.internxt.storage.record import Record
from skycap.internxt.storage.storage import Internxt
from tests.internxt.storage.reading import content_of


@pytest.mark.skipif(os.name == "nt", reason="modes")
def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    record = Record("account", str(folder))
    record.remember("1" * 24, 5, "ab" * 32)
    assert stat.S_IMODE((folder / "internxt.db").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    record.close()
    record.close()


def test_accounts_do_not_mix_and_many_are_asked_at_once(tmp_path: Path) -> None:
    one, other = Record("one", str(tmp_path)), Record("other", str(tmp_path))
    objects = [f"{number:024}" for number in range(1200)]
    for number, object_id in enumerate(objects):
        one.remember(object_id, number, f"{number:064}")
    assert len(one.known(objects)) == 1200
    assert one.known(objects[7:8]) == {objects[7]: (7, f"{7:064}")}
    assert other.known(objects) == {}
    one.began("upload")
    assert one.is_under_way("upload")
    assert not other.is_under_way("upload")
    one.ended("upload")
    assert not one.is_under_way("upload")
    one.fill("object", "file", 0, 10)
    one.fill("object", "file", 10, 5)
    assert one.filled("object", "file") == [(0, 10), (10, 5)]
    one.forget_filled("object", "file")
    assert one.filled("object", "file") == []
    for record in (one, other):
        record.close()


def test_where_nothing_can_be_remembered_files_are_kept_all_the_same(
    opened: Callable[..., Internxt],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("where a folder is needed")
    monkeypatch.setenv("SKYCAP_STATE", str(blocked / "state"))
    storage = opened()
    storage.write("file", b"content")
    assert content_of(storage, "file") == b"content"
    assert storage.stat("file").hashes is None
    assert sum("not remembered" in record.message for record in caplog.records) == 1


def test_an_upload_whose_file_is_gone_is_not_known(storage: Internxt, tmp_path: Path) -> None:
    upload = storage.begin_upload("file", size=3)
    upload.put_part(0, b"abc", last=True)
    state = dict(upload.state)
    folder = Path(os.environ["SKYCAP_STATE"]) / "internxt-uploads"
    (kept,) = folder.iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600 or os.name == "nt"
    assert kept.read_bytes() != b"abc", "it is encrypted here already"
    with pytest.raises(NotFound):
        storage.resume_upload({**state, "account": "internxt:another"})
    kept.unlink()
    with pytest.raises(NotFound):
        storage.resume_upload(state)


@pytest.mark.parametrize("name", [" ", "\u3000", "a\\b", "é" * 128, "caf\udce9"])
def test_a_name_that_the_service_does_not_take_is_refused_before_anything_is_asked(
    storage: Storage, name: str
) -> None:
    for path in (name, f"dir/{name}", f"{name}/file"):
        with pytest.raises(PathInvalid):
            storage.write(path, b"x")
        with pytest.raises(PathInvalid):
            storage.make_dir(path)
