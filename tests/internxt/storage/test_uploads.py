"""Files of 100 MiB and more: in parts, gone on with by another process, read once more for the hash."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from skycap.core.errors import AccessDenied, Conflict, Error, NotFound, UploadFailed
from skycap.core.retry import Operation, Policies, Policy
from skycap.core.storage import IF_ABSENT, Metadata, Upload
from skycap.core.storage.overlays import Retrying
from skycap.core.storage.source import LocalFile
from skycap.core.units import MiB
from skycap.internxt.api import folders, network
from skycap.internxt.api.models import File
from skycap.internxt.emulator.running import Emulator
from skycap.internxt.storage.storage import Internxt
from skycap.internxt.storage.upload import PartsUpload
from tests.internxt.storage.accounts import EMAIL, PASSWORD, Accounts
from tests.internxt.storage.reading import walked

_LEAST = 104_857_600
_MTIME = 1_500_000_000_000_000_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file that is just large enough for parts, of bytes that do not repeat at any part."""
    path = tmp_path_factory.mktemp("large") / "large"
    block = hashlib.sha512(b"block").digest() * (MiB // 64)
    with path.open("wb") as file:
        for number in range(_LEAST // MiB):
            file.write(number.to_bytes(16, "big") + block[16:])
    yield path
    path.unlink()


@pytest.fixture
def emulator(accounts: Accounts) -> Iterator[Emulator]:
    yield accounts.emulator
    accounts.emulator.clear_faults()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_there(storage: Internxt, path: str, wanted: Path) -> None:
    """Read as a whole, and so checked against the hash of the object too."""
    digest = hashlib.sha256()
    with storage.read(path) as reader:
        while data := reader.read(MiB):
            digest.update(data)
    assert digest.hexdigest() == _sha256(wanted)
    assert (storage.stat(path).hashes or {}).get("sha256") == digest.hexdigest()


def _part(large: Path, upload: Upload, index: int) -> bytes:
    with large.open("rb") as file:
        file.seek(index * upload.part_size)
        return file.read(upload.part_size)


def _count(upload: Upload) -> int:
    return -(-_LEAST // upload.part_size)


def _put(large: Path, upload: Upload, *indexes: int) -> None:
    for index in indexes:
        upload.put_part(index, _part(large, upload, index), last=index == _count(upload) - 1)


def _sent(emulator: Emulator, after: int) -> int:
    """How many bodies of parts were sent."""
    return sum(one["method"] == "PUT" and "/objects/" in one["path"] for one in emulator.requests(after))


def _now(emulator: Emulator) -> int:
    found = emulator.requests()
    return int(found[-1]["number"]) if found else 0


def test_one_byte_makes_the_difference_between_one_piece_and_parts(
    storage: Internxt, emulator: Emulator, large: Path, tmp_path: Path
) -> None:
    less = tmp_path / "less"
    with large.open("rb") as file:
        less.write_bytes(file.read(_LEAST - 1))
    for path, parts in ((less, 1), (large, 7)):
        after = _now(emulator)
        storage.write("file", LocalFile(str(path)), metadata=Metadata(mtime_ns=_MTIME))
        assert _sent(emulator, after) == parts
        _is_there(storage, "file", path)
        assert storage.stat("file").mtime_ns == _MTIME
    assert emulator.state()["orphans"] == []


def test_parts_in_any_order_by_another_process_make_the_same_file(
    opened: Callable[..., Internxt], storage: Internxt, emulator: Emulator, large: Path
) -> None:
    upload = storage.begin_upload("dir/file", size=_LEAST, metadata=Metadata(mtime_ns=_MTIME))
    assert isinstance(upload, PartsUpload)
    count = _count(upload)
    _put(large, upload, 2, 0)
    with pytest.raises(Conflict):
        upload.put_part(0, bytes(upload.part_size))
    with pytest.raises(UploadFailed):
        upload.put_part(1, b"too short")
    with pytest.raises(UploadFailed, match="missing"):
        upload.complete()
    state = json.loads(json.dumps(dict(upload.state)))
    assert upload.part_state(0) == {"parts": {"0": state["parts"]["0"]}}
    after = _now(emulator)
    resumed = opened().resume_upload(state, LocalFile(str(large)))
    assert set(resumed.done) == {0, 2}
    _put(large, resumed, *(index for index in range(count) if index not in resumed.done))
    entry = resumed.complete()
    assert _sent(emulator, after) == count - 2
    assert (entry.path, entry.size, entry.mtime_ns) == ("dir/file", _LEAST, _MTIME)
    _is_there(storage, "dir/file", large)
    for call in (resumed.complete, lambda: _put(large, resumed, 0)):
        with pytest.raises(UploadFailed, match="over"):
            call()
    with pytest.raises(NotFound):
        storage.resume_upload(state, LocalFile(str(large)))


def test_what_cannot_be_gone_on_with_is_not_known(storage: Internxt, accounts: Accounts, large: Path) -> None:
    upload = storage.begin_upload("file", size=_LEAST)
    _put(large, upload, 0)
    state = dict(upload.state)
    with pytest.raises(NotFound, match="read the source again"):
        storage.resume_upload(state)
    with pytest.raises(NotFound, match="another account"):
        storage.resume_upload({**state, "account": "internxt:other"}, b"")
    links = ["https://store.example/x?X-Amz-Date=20200101T000000Z&X-Amz-Expires=60"] * 7
    with pytest.raises(NotFound, match="expired"):
        storage.resume_upload({**state, "urls": links}, LocalFile(str(large)))
    upload.abort()
    with pytest.raises(NotFound):
        storage.resume_upload(state, LocalFile(str(large)))


def test_a_source_that_changed_meanwhile_becomes_no_file(
    opened: Callable[..., Internxt], storage: Internxt, large: Path
) -> None:
    upload = storage.begin_upload("file", size=_LEAST)
    count = _count(upload)
    _put(large, upload, *range(count))
    other = b"x" * MiB
    with large.open("rb") as file:
        changed = other + file.read()[MiB:]
    resumed = opened().resume_upload(dict(upload.state), changed)
    with pytest.raises(UploadFailed, match="not what it was"):
        resumed.complete()
    assert list(storage.scan("")) == []


def _patient(storage: Internxt) -> Retrying:
    return Retrying(storage, Policies(*[Policy(attempts=4, base_s=0.01, cap_s=0.02)] * len(Operation)))


def test_links_that_expire_in_the_middle_begin_the_file_anew(
    opened: Callable[..., Internxt], storage: Internxt, emulator: Emulator, large: Path
) -> None:
    upload = storage.begin_upload("file", size=_LEAST)
    count = _count(upload)
    emulator.fault(method="PUT", path="/objects/", expire_links=True)
    _put(large, upload, 0)  # nothing was sent yet, so others links do
    assert upload.part_state(0) is None
    emulator.fault(method="PUT", path="/objects/", expire_links=True)
    with pytest.raises(Conflict, match="begins anew"):
        _put(large, upload, 1)
    # Who can read the source again sends what was lost.
    resumed = opened().resume_upload(dict(upload.state), LocalFile(str(large)))
    emulator.fault(method="PUT", path="/objects/", expire_links=True)
    _put(large, resumed, *range(1, count))
    assert 0 not in resumed.done
    resumed.complete()
    _is_there(storage, "file", large)
    assert emulator.state()["orphans"] == []


def test_an_upload_that_the_network_forgot_is_sent_again(
    opened: Callable[..., Internxt], storage: Internxt, emulator: Emulator, large: Path
) -> None:
    upload = storage.begin_upload("file", size=_LEAST)
    _put(large, upload, *range(_count(upload)))
    emulator.fault(path="/files/finish", status=409, count=2)
    with pytest.raises(Conflict, match="begins anew"):
        upload.complete()
    resumed = opened().resume_upload(dict(upload.state), LocalFile(str(large)))
    with pytest.raises(UploadFailed, match="sent anew"):
        resumed.complete()
    resumed.complete()
    _is_there(storage, "file", large)
    assert emulator.state()["orphans"] == []


@pytest.mark.parametrize("part", ["1", "4", "7"])
def test_a_part_that_fails_is_sent_again_and_only_that_one(
    storage: Internxt, emulator: Emulator, large: Path, part: str
) -> None:
    emulator.fault(method="PUT", path="/objects/", query={"partNumber": part}, status=503, count=2)
    after = _now(emulator)
    _patient(storage).write("file", LocalFile(str(large)))
    assert _sent(emulator, after) == 7 + 2
    _is_there(storage, "file", large)


def test_a_write_whose_links_expire_is_begun_anew(storage: Internxt, emulator: Emulator, large: Path) -> None:
    emulator.fault(method="PUT", path="/objects/", query={"partNumber": "5"}, expire_links=True)
    _patient(storage).write("file", LocalFile(str(large)))
    _is_there(storage, "file", large)
    assert emulator.state()["orphans"] == []


@pytest.mark.parametrize("status", [402, 503])
def test_a_file_that_is_refused_at_the_end_leaves_no_object(
    storage: Internxt, emulator: Emulator, large: Path, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = Policy(attempts=2, base_s=0.01, cap_s=0.02)
    monkeypatch.setattr("skycap.internxt.storage.naming._PATIENT", quick)
    upload = storage.begin_upload("file", size=_LEAST)
    _put(large, upload, *range(_count(upload)))
    emulator.fault(method="POST", path="/drive/files$", status=status, count=2)
    with pytest.raises(Error):
        upload.complete(IF_ABSENT)
    if status == 402:
        assert emulator.state()["orphans"] == []
        with pytest.raises(UploadFailed, match="over"):
            upload.complete()
    else:
        upload.complete()
        _is_there(storage, "file", large)


def test_a_login_that_ends_before_the_end_keeps_the_parts(
    accounts: Accounts, storage: Internxt, emulator: Emulator, large: Path
) -> None:
    upload = storage.begin_upload("file", size=_LEAST)
    _put(large, upload, *range(_count(upload)))
    emulator.refuse_tokens()
    try:
        with pytest.raises(Error) as caught:
            upload.complete()
        assert caught.value.exit_status == 34
    finally:
        accounts.forget()
    after = _now(emulator)
    with accounts.storage() as again:
        again.resume_upload(dict(upload.state), LocalFile(str(large))).complete()
        assert _sent(emulator, after) == 0
        _is_there(again, "file", large)


def test_large_files_of_unknown_size_go_in_one_piece_from_this_machine(
    storage: Internxt, emulator: Emulator, large: Path
) -> None:
    after = _now(emulator)
    with large.open("rb") as file:
        storage.write("file", file)
    assert _sent(emulator, after) == 1
    _is_there(storage, "file", large)


def test_many_parts_become_larger_parts(storage: Internxt) -> None:
    assert storage.facts.part_size % 16 == 0
    assert storage.facts.max_parts == network.PARTS_MAX


# By the command line, in processes of their own


def _command(accounts: Accounts, home: Path, *arguments: str) -> tuple[list[str], dict[str, str]]:
    config = home / "config.toml"
    if not config.exists():
        home.mkdir()
        config.write_text('[remotes.drive]\ntype = "internxt"\nchunk_size = "8MiB"\nsettle = 0\n')
    environ = {
        **os.environ,
        **accounts.emulator.env,
        "SKYCAP_CONFIG": str(config),
        "SKYCAP_STATE": str(home / "state"),
        "INXT_USER": EMAIL,
        "INXT_PASSWORD": PASSWORD,
    }
    return [sys.executable, "-m", "skycap.core", *arguments], environ


def test_a_copy_that_was_killed_goes_on_with_the_parts_that_are_there(
    accounts: Accounts, storage: Internxt, emulator: Emulator, large: Path, tmp_path: Path
) -> None:
    command, environ = _command(accounts, tmp_path / "home", "copy", str(large), "drive:up/", "--json")
    after = _now(emulator)
    emulator.fault(method="PUT", path="/objects/", skip=6, count=None, delay_ms=60_000)
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            while _done(emulator, after) < 6:
                assert process.poll() is None, process.stdout and process.stdout.read().decode()
                time.sleep(0.05)
            time.sleep(0.2)  # the journal writes down what was answered
        finally:
            process.send_signal(signal.SIGKILL)
    emulator.clear_faults()
    assert list(walked(storage)) == [] or not any(one.is_file for one in walked(storage))
    between = _now(emulator)
    again = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=120)
    assert again.returncode == 0, again.stdout + again.stderr
    assert _sent(emulator, between) <= 13 - 5, "parts that were there are not sent again"
    _same_bytes(storage, "up/large", large)
    assert emulator.state()["orphans"] == []
    down, environ = _command(accounts, tmp_path / "home", "copy", "drive:up", str(tmp_path / "down"))
    again = subprocess.run(down, env=environ, capture_output=True, text=True, check=False, timeout=120)
    assert again.returncode == 0, again.stdout + again.stderr
    assert _sha256(tmp_path / "down" / "large") == _sha256(large)


def _done(emulator: Emulator, after: int) -> int:
    return sum(
        one["method"] == "PUT" and "/objects/" in one["path"] and one["status"] == 200
        for one in emulator.requests(after)
    )


def _same_bytes(storage: Internxt, path: str, wanted: Path) -> None:
    digest: Any = hashlib.sha256()
    with storage.read(path) as reader:
        while data := reader.read(MiB):
            digest.update(data)
    assert digest.hexdigest() == _sha256(wanted)
    (file,) = folders.listed(storage.api, storage.places.folder("up").folder.uuid, "files", where="test")
    assert isinstance(file, File)


def test_what_the_plan_does_not_take_is_not_sent(storage: Internxt, emulator: Emulator, large: Path) -> None:
    emulator.set(tier={"max_upload": 1_000_000})
    after = _now(emulator)
    try:
        with pytest.raises(AccessDenied, match="plan"):
            storage.write("file", LocalFile(str(large)))
    finally:
        emulator.set(tier={"max_upload": None})
    assert _sent(emulator, after) == 0
