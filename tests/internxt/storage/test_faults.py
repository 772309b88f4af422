"""What goes wrong on the way: nothing is lost, nothing is there twice, no object is left without a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from skycap.core.errors import (
    AccessDenied,
    AuthExpired,
    Conflict,
    DownloadFailed,
    Error,
    IntegrityError,
    NotFound,
    OutOfSpace,
    RateLimited,
    UploadFailed,
)
from skycap.core.retry import Operation, Policies, Policy
from skycap.core.storage import IF_ABSENT, Storage
from skycap.core.storage.overlays import Retrying
from skycap.internxt.api import client, files
from skycap.internxt.emulator.running import Emulator
from skycap.internxt.storage import naming, reading
from skycap.internxt.storage.storage import Internxt
from tests.internxt.storage.accounts import Accounts
from tests.internxt.storage.reading import content_of, noise, walked

_CONTENT = noise(300_000)


@pytest.fixture
def emulator(accounts: Accounts) -> Iterator[Emulator]:
    yield accounts.emulator
    accounts.emulator.clear_faults()


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits here."""
    quick = Policy(attempts=4, base_s=0.01, cap_s=0.02)
    monkeypatch.setattr(naming, "_PATIENT", quick)
    monkeypatch.setattr(reading, "_PATIENT", quick)
    monkeypatch.setattr(client, "_PATIENT", quick)


def _patient(storage: Storage) -> Retrying:
    return Retrying(storage, Policies(*[Policy(attempts=4, base_s=0.01, cap_s=0.02)] * len(Operation)))


def _is_whole(storage: Internxt, emulator: Emulator, path: str = "file", content: bytes = _CONTENT) -> None:
    emulator.clear_faults()
    assert content_of(storage, path) == content
    assert [entry.path for entry in storage.scan("")] == [path]
    assert emulator.state()["orphans"] == []


def _leaves_nothing(storage: Internxt, emulator: Emulator) -> None:
    emulator.clear_faults()
    assert list(storage.scan("")) == []
    assert emulator.state()["orphans"] == []


@pytest.mark.parametrize(
    "route", ["/v2/buckets/.*/start", "/v2/buckets/.*/finish", "/drive/files$", "/objects/", "/existence"]
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_waited_for(emulator: Emulator, storage: Internxt, route: str, status: int) -> None:
    headers = {"retry-after": "0"} if status == 429 else {}
    emulator.fault(path=route, status=status, headers=headers, count=2)
    entry = _patient(storage).write("file", _CONTENT)
    assert entry.size == len(_CONTENT)
    _is_whole(storage, emulator)


def test_bytes_that_were_sent_are_not_sent_again_for_a_busy_server(
    emulator: Emulator, storage: Internxt
) -> None:
    emulator.fault(path="/drive/files$|/files/finish$", status=429, headers={"retry-after": "0"}, count=3)
    before = len(emulator.requests())
    storage.write("file", _CONTENT)
    asked = [one["path"] for one in emulator.requests()[before:]]
    assert sum("/objects/" in path for path in asked) == 1


def test_a_server_that_stays_busy_says_so(emulator: Emulator, storage: Internxt) -> None:
    emulator.fault(path="/existence", status=429, headers={"retry-after": "0"}, count=None)
    with pytest.raises(RateLimited):
        storage.stat("file")


@pytest.mark.parametrize("cut", ["before", "after"])
@pytest.mark.parametrize("route", ["/v2/buckets/.*/start", "/objects/", "/drive/files$"])
def test_a_connection_that_breaks_costs_no_file_and_leaves_no_second_one(
    emulator: Emulator, storage: Internxt, route: str, cut: str
) -> None:
    emulator.fault(path=route, method=None, cut=cut)
    _patient(storage).write("file", _CONTENT)
    _is_whole(storage, emulator)


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_replacement_whose_answer_is_lost_keeps_its_object(
    emulator: Emulator, storage: Internxt, cut: str
) -> None:
    storage.write("file", b"old")
    emulator.fault(method="PUT", path="/drive/files/", cut=cut)
    storage.write("file", _CONTENT)
    _is_whole(storage, emulator)


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_folder_whose_making_was_not_answered_is_there_once(
    emulator: Emulator, storage: Internxt, cut: str
) -> None:
    emulator.fault(method="POST", path="/drive/folders$", cut=cut)
    _patient(storage).make_dir("dir/sub")
    assert [entry.path for entry in walked(storage)] == ["dir", "dir/sub"]


@pytest.mark.parametrize(
    ("status", "error"), [(402, AccessDenied), (403, AccessDenied), (400, Error), (404, NotFound)]
)
def test_an_object_is_removed_where_no_file_comes_of_it(
    emulator: Emulator, storage: Internxt, status: int, error: type[Error]
) -> None:
    emulator.fault(method="POST", path="/drive/files$", status=status, count=None)
    with pytest.raises(error):
        storage.write("file", _CONTENT)
    _leaves_nothing(storage, emulator)


def test_an_object_is_removed_where_the_condition_does_not_hold(
    emulator: Emulator, storage: Internxt
) -> None:
    list(storage.scan(""))  # it believes that nothing is there
    other = b"of somebody else"
    storage.cache.end_listing("", storage.cache.begin_listing(""), [])
    _beside(storage, "file", other)
    with pytest.raises(Conflict):
        storage.write("file", _CONTENT, condition=IF_ABSENT)
    _is_whole(storage, emulator, content=other)


def _beside(storage: Internxt, path: str, content: bytes) -> None:
    """Another client writes."""
    with Internxt(storage.options, storage.session) as other:
        other.write(path, content)


def test_a_server_that_never_answers_the_last_request_loses_nothing_that_may_be_a_file(
    emulator: Emulator, storage: Internxt
) -> None:
    emulator.fault(method="POST", path="/drive/files$", cut="before", count=None)
    with pytest.raises(Error):
        storage.write("file", _CONTENT)
    emulator.clear_faults()
    assert list(storage.scan("")) == []
    assert len(emulator.state()["orphans"]) == 1, "a late answer may still make a file of it"
    for orphan in emulator.state()["orphans"]:
        files.delete_object(storage.api, storage.bucket, orphan, where="test")


def test_an_object_that_cannot_be_removed_is_told_of(emulator: Emulator, storage: Internxt) -> None:
    emulator.fault(method="POST", path="/drive/files$", status=402)
    emulator.fault(method="DELETE", path="/drive/files/", status=500)
    with pytest.raises(AccessDenied) as caught:
        storage.write("file", _CONTENT)
    assert any("left in the store" in note for note in caught.value.__notes__)
    emulator.clear_faults()
    for orphan in emulator.state()["orphans"]:
        files.delete_object(storage.api, storage.bucket, orphan, where="test")


@pytest.mark.parametrize("route", ["/files/start", "/files/finish"])
def test_a_full_account_says_so(emulator: Emulator, storage: Internxt, route: str) -> None:
    emulator.fault(path=route, status=420, count=None)
    with pytest.raises(OutOfSpace) as caught:
        storage.write("file", _CONTENT)
    assert caught.value.exit_status == 29
    _leaves_nothing(storage, emulator)


def test_a_quota_that_is_used_up_is_told_by_the_server_itself(emulator: Emulator, storage: Internxt) -> None:
    emulator.set(quota=1000)
    try:
        storage.write("small", bytes(900))
        with pytest.raises(OutOfSpace):
            storage.write("large", bytes(200))
    finally:
        emulator.set(quota=10**12)


def test_a_link_that_has_expired_is_asked_for_again(emulator: Emulator, storage: Internxt) -> None:
    emulator.fault(method="PUT", path="/objects/", expire_links=True)
    _patient(storage).write("file", _CONTENT)
    emulator.fault(method="GET", path="/objects/", expire_links=True, count=2)
    assert content_of(storage, "file") == _CONTENT
    _is_whole(storage, emulator)


def test_a_token_that_ends_in_the_middle_is_renewed_and_nothing_is_sent_twice(
    emulator: Emulator, storage: Internxt
) -> None:
    emulator.fault(path="/drive/files$", status=401)
    before = len(emulator.requests())
    storage.write("file", _CONTENT)
    asked = [one["path"] for one in emulator.requests()[before:]]
    assert sum("/objects/" in path for path in asked) == 1
    assert "/drive/users/cli/refresh" in asked
    _is_whole(storage, emulator)


def test_a_login_that_ends_in_the_middle_is_made_again_by_the_password_that_was_kept(
    accounts: Accounts, emulator: Emulator, storage: Internxt
) -> None:
    session = accounts.session(password=True)
    try:
        with Internxt(storage.options, session) as kept:
            emulator.fault(path="/files/finish", refuse_tokens=True)
            kept.write("file", _CONTENT)
            _is_whole(kept, emulator)
    finally:
        accounts.forget()


def test_a_login_that_ends_for_good_says_what_to_do(
    accounts: Accounts, emulator: Emulator, storage: Internxt
) -> None:
    try:
        emulator.fault(path="/files/finish", refuse_tokens=True)
        with pytest.raises(AuthExpired) as caught:
            storage.write("file", _CONTENT)
        assert "skycap internxt login" in (caught.value.hint or "")
        assert any("left in the store" in note for note in caught.value.__notes__)
    finally:
        accounts.forget()
    with accounts.storage() as again:
        for orphan in emulator.state()["orphans"]:
            files.delete_object(again.api, again.bucket, orphan, where="test")
        _leaves_nothing(again, emulator)


def test_a_download_that_breaks_off_goes_on_and_is_still_checked(
    emulator: Emulator, storage: Internxt
) -> None:
    content = noise(3_000_000)
    storage.write("file", content)
    for sent in (0, 1, 1_000_000):
        emulator.fault(method="GET", path="/objects/", send_only=sent)
    assert content_of(storage, "file") == content
    ranges = [
        one["range"] for one in emulator.requests() if one["method"] == "GET" and "/objects/" in one["path"]
    ]
    assert ranges[-1] is not None


@pytest.mark.parametrize("ranged", [False, True])
def test_a_download_that_always_breaks_off_fails_and_is_not_tried_without_its_hash(
    emulator: Emulator, storage: Internxt, ranged: bool
) -> None:
    storage.write("file", _CONTENT)
    emulator.fault(method="GET", path="/objects/", send_only=0, count=None)
    with pytest.raises(DownloadFailed), storage.read("file", length=100 if ranged else None) as reader:
        reader.read()


def test_content_with_a_wrong_hash_is_refused_and_named(
    emulator: Emulator, opened: Callable[..., Internxt], storage: Internxt, tmp_path: Path
) -> None:
    storage.write("dir/file", _CONTENT)
    emulator.fault(path="/info$", patch={"shards.0.hash": "0" * 40}, count=None)
    with pytest.raises(IntegrityError, match="dir/file") as caught:
        content_of(_patient(storage), "dir/file")  # type: ignore[arg-type]
    assert caught.value.exit_status == 15
    local = tmp_path / "local"
    local.touch()
    with pytest.raises(IntegrityError):
        storage.read_file("dir/file", str(local))
    assert content_of(opened(verify=False), "dir/file") == _CONTENT
    with storage.read("dir/file", offset=5, length=10) as reader:
        assert reader.read() == _CONTENT[5:15], "no hash is known of a range"


def test_ranges_in_a_local_file_are_checked_when_all_of_them_are_there(
    emulator: Emulator, opened: Callable[..., Internxt], storage: Internxt, tmp_path: Path
) -> None:
    storage.write("file", _CONTENT)
    local, step = tmp_path / "local", 70_000
    local.write_bytes(bytes(len(_CONTENT)))
    ranges = [(start, step) for start in range(0, len(_CONTENT), step)]
    for start, length in reversed(ranges):
        storage.read_file("file", str(local), offset=start, length=length)
    assert local.read_bytes() == _CONTENT
    # Another process goes on with what this one began.
    for start, length in ranges[:2]:
        storage.read_file("file", str(local), offset=start, length=length)
    emulator.fault(path="/info$", patch={"shards.0.hash": "0" * 40}, count=None)
    later = opened()
    assert storage.sources == {}
    for start, length in ranges[2:-1]:
        later.read_file("file", str(local), offset=start, length=length)
    with pytest.raises(IntegrityError):
        later.read_file("file", str(local), offset=ranges[-1][0], length=step)


def test_bytes_that_were_lost_in_the_store_are_noticed(emulator: Emulator, storage: Internxt) -> None:
    emulator.fault(method="PUT", path="/objects/", keep_only=100)
    with pytest.raises((Conflict, UploadFailed)):
        storage.write("file", _CONTENT)
    _leaves_nothing(storage, emulator)


def test_an_object_of_another_size_is_refused(emulator: Emulator, storage: Internxt) -> None:
    storage.write("file", _CONTENT)
    emulator.fault(path="/info$", patch={"size": 5})
    with pytest.raises(IntegrityError):
        content_of(storage, "file")


@pytest.mark.parametrize("patch", [{"version": 1}, {"version": None}])
def test_the_form_of_years_ago_is_refused_in_words(
    emulator: Emulator, storage: Internxt, patch: dict[str, object]
) -> None:
    storage.write("file", _CONTENT)
    emulator.fault(path="/info$", patch=patch)
    with pytest.raises(Error, match="before 2022"):
        content_of(storage, "file")


@pytest.mark.parametrize(
    ("route", "patch"),
    [
        ("/info$", {"index": "zz"}),
        ("/info$", {"shards": []}),
        ("/files/start", {"uploads": []}),
        ("/files/start", {"uploads.0.url": None}),
        ("/files/finish", {"id": None}),
        ("/files/existence", {"existentFiles.0.uuid": None}),
    ],
)
def test_an_answer_that_makes_no_sense_is_an_error_of_ours(
    emulator: Emulator, storage: Internxt, route: str, patch: dict[str, object]
) -> None:
    storage.write("file", _CONTENT)
    storage.cache.forget("")
    emulator.fault(path=route, patch=patch, count=None)
    with pytest.raises(Error):
        _read_and_write(storage)
    emulator.clear_faults()
    for orphan in emulator.state()["orphans"]:
        files.delete_object(storage.api, storage.bucket, orphan, where="test")


def _read_and_write(storage: Internxt) -> None:
    content_of(storage, "file")
    storage.write("file", b"other")


def test_what_somebody_removes_meanwhile_is_made_again(opened: Callable[..., Internxt]) -> None:
    storage = opened(cache=0)
    storage.write("dir/file", b"old")
    list(walked(storage))
    with Internxt(storage.options, storage.session) as other:
        other.remove_tree("dir")
    storage.write("dir/file", _CONTENT)
    assert [entry.path for entry in walked(storage)] == ["dir", "dir/file"]
    assert content_of(storage, "dir/file") == _CONTENT


def test_a_file_that_somebody_removed_is_made_anew_where_it_was_to_be_replaced(
    emulator: Emulator, storage: Internxt
) -> None:
    storage.write("file", b"old")
    list(storage.scan(""))
    with Internxt(storage.options, storage.session) as other:
        other.remove("file")
    storage.write("file", _CONTENT)
    _is_whole(storage, emulator)


def test_a_file_that_somebody_replaced_is_read_as_it_is_now(storage: Internxt) -> None:
    storage.write("file", b"old")
    list(storage.scan(""))
    _beside(storage, "file", b"new")
    assert content_of(storage, "file") == b"new"


def test_whoever_comes_second_to_a_new_name_replaces_what_the_first_one_made(
    emulator: Emulator, storage: Internxt
) -> None:
    list(storage.scan(""))  # it believes that nothing is there
    with Internxt(storage.options, storage.session) as other:
        other.write("file", b"of somebody else")
    storage.cache.end_listing("", storage.cache.begin_listing(""), [])
    storage.write("file", _CONTENT)
    _is_whole(storage, emulator)


def test_a_file_that_goes_away_between_look_and_replacement_is_made(
    emulator: Emulator, storage: Internxt
) -> None:
    storage.write("file", b"old")
    emulator.fault(method="PUT", path="/drive/files/", status=404)
    storage.write("file", _CONTENT)
    _is_whole(storage, emulator)


def test_a_folder_that_goes_away_meanwhile_is_made_again(
    emulator: Emulator, opened: Callable[..., Internxt], storage: Internxt
) -> None:
    storage.make_dir("dir")
    cold = opened()
    list(cold.scan(""))
    emulator.fault(method="POST", path="/drive/files$", status=404)
    cold.write("dir/file", _CONTENT)
    assert content_of(storage, "dir/file") == _CONTENT
    emulator.fault(method="POST", path="/existence", status=404)
    assert cold.stat("dir/file").size == len(_CONTENT)
    assert emulator.state()["orphans"] == []


def test_an_older_account_route_adds_up_what_is_used(emulator: Emulator, storage: Internxt) -> None:
    emulator.fault(path="/users/usage", patch={"total": None, "drive": 5, "backup": 7})
    assert storage.quota().used == 12
    emulator.fault(path="/users/limit", patch={"maxSpaceBytes": 0})
    assert storage.quota().free is None
