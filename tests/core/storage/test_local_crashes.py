"""What a process leaves behind that dies in the middle, and how it is found and cleaned up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from skycap.core.errors import NotFound, PathInvalid
from skycap.core.storage.local import Local
from skycap.core.storage.local.temporary import is_temporary, new_name
from skycap.core.testing.conformance.base import content_of
from skycap.core.units import MiB

# Each says "ready" at its fault point and waits there to be killed.
_WRITE = """
import sys
from skycap.core.storage.local import Local

class Stuck:
    pieces = [b"new" * 100_000] * 3
    def read(self, size=-1, /):
        if self.pieces:
            return self.pieces.pop()
        print("ready", flush=True)
        sys.stdin.read()
        return b""

Local(sys.argv[1]).write("dir/file", Stuck())
"""
_UPLOAD = """
import json, sys
from skycap.core.storage.local import Local

storage = Local(sys.argv[1])
size = 3 * storage.facts.part_size
upload = storage.begin_upload("dir/file", size=size)
upload.put_part(1, b"1" * upload.part_size)
print(json.dumps(dict(upload.state)), flush=True)
sys.stdin.read()
"""


@contextmanager
def _stuck(script: str, root: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    with process:
        try:
            yield process, process.stdout.readline()
        finally:
            process.kill()


def _hidden(root: Path) -> list[Path]:
    return [path for path in root.rglob(".skycap-*") if is_temporary(path.name)]


@pytest.fixture
def storage(tmp_path: Path) -> Local:
    return Local(tmp_path)


def test_a_writer_that_is_killed_leaves_the_old_file(storage: Local, tmp_path: Path) -> None:
    storage.write("dir/file", b"old")
    with _stuck(_WRITE, tmp_path) as (process, line):
        assert line == "ready\n"
        assert len(_hidden(tmp_path)) == 1
        process.kill()
        process.wait()
    assert content_of(storage, "dir/file") == b"old"
    assert [entry.path for entry in storage.scan("dir")] == ["dir/file"]


def test_what_a_dead_writer_left_is_cleaned_up_and_what_a_living_one_writes_is_not(
    storage: Local, tmp_path: Path
) -> None:
    storage.write("dir/file", b"old")
    with _stuck(_WRITE, tmp_path) as (process, line):
        assert line == "ready\n"
        assert list(storage.cleanup(older_than_s=0)) == []
        assert len(_hidden(tmp_path)) == 1
        process.kill()
        process.wait()
    assert len(list(storage.cleanup(older_than_s=3600, dry_run=True))) == 1
    assert len(_hidden(tmp_path)) == 1
    (leftover,) = storage.cleanup(older_than_s=3600)
    assert leftover.path.startswith("dir/.skycap-")
    assert leftover.size
    assert _hidden(tmp_path) == []
    assert content_of(storage, "dir/file") == b"old"


def test_an_upload_goes_on_after_its_process_was_killed(storage: Local, tmp_path: Path) -> None:
    with _stuck(_UPLOAD, tmp_path) as (process, line):
        state = json.loads(line)
        process.kill()
        process.wait()
    assert list(storage.scan("dir")) == []
    upload = storage.resume_upload(state)
    size = upload.part_size
    assert dict(upload.done) == {1: size}
    upload.put_part(0, b"0" * size)
    upload.put_part(2, b"2" * size, last=True)
    upload.complete()
    assert content_of(storage, "dir/file") == b"0" * size + b"1" * size + b"2" * size
    assert _hidden(tmp_path) == []


def test_a_part_whose_bytes_were_lost_is_sent_again(storage: Local, tmp_path: Path) -> None:
    upload = storage.begin_upload("file", size=2 * storage.facts.part_size)
    for index in range(2):
        upload.put_part(index, bytes([65 + index]) * upload.part_size, last=index == 1)
    state = dict(upload.state)
    (hidden,) = _hidden(tmp_path)
    with open(hidden, "r+b") as file:
        file.seek(upload.part_size + 5)
        file.write(b"\0")
    resumed = storage.resume_upload(state)
    assert list(resumed.done) == [0]
    resumed.put_part(1, b"B" * upload.part_size, last=True)
    resumed.complete()
    assert content_of(storage, "file") == b"A" * upload.part_size + b"B" * upload.part_size


def test_a_forgotten_upload_is_cleaned_up_only_when_it_is_old(storage: Local, tmp_path: Path) -> None:
    upload = storage.begin_upload("file", size=3)
    upload.put_part(0, b"abc", last=True)
    state = dict(upload.state)
    upload.__class__._close(upload)  # type: ignore[attr-defined]  # as the end of a process does
    (hidden,) = _hidden(tmp_path)
    assert list(storage.cleanup(older_than_s=3600)) == []
    long_ago = time.time() - 7200
    os.utime(hidden, (long_ago, long_ago))
    assert [leftover.size for leftover in storage.cleanup(older_than_s=3600)] == [3]
    with pytest.raises(NotFound):
        storage.resume_upload(state)


def test_the_names_of_unfinished_files_are_nobodys(storage: Local) -> None:
    for name in (new_name("part"), new_name("upload")):
        with pytest.raises(PathInvalid):
            storage.write(f"dir/{name}", b"x")
        with pytest.raises(PathInvalid):
            storage.begin_upload(name)


def test_names_that_only_resemble_them_are_files(storage: Local) -> None:
    names = [
        ".skycap-0123456789abcdef.other",
        ".skycap-0123.part",
        "skycap-0123456789abcdef.part",
        ".skycap-",
    ]
    for name in names:
        storage.write(name, b"x")
    assert sorted(entry.path for entry in storage.scan("")) == sorted(names)
    assert list(storage.cleanup(older_than_s=0)) == []


def test_an_upload_hides_beside_its_file_and_is_gone_when_aborted(storage: Local, tmp_path: Path) -> None:
    upload = storage.begin_upload("file", size=MiB)
    (hidden,) = _hidden(tmp_path)
    assert hidden.parent == tmp_path
    upload.abort()
    assert _hidden(tmp_path) == []


def test_a_state_of_another_name_is_refused(storage: Local, tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"mine")
    upload = storage.begin_upload("file", size=3)
    state = {**upload.state, "name": "victim"}
    with pytest.raises(NotFound):
        storage.resume_upload(state)
    with pytest.raises(PathInvalid):
        storage.resume_upload({**upload.state, "path": "../file"})
    upload.abort()
    assert (tmp_path / "victim").read_bytes() == b"mine"
