"""What goes over the wire to change a server: uploads, moves, locks, conditions, times."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from skycap.cloudproviders.webdav.address import Place
from skycap.cloudproviders.webdav.options import WebDavOptions
from skycap.cloudproviders.webdav.storage import WebDav
from skycap.core.errors import (
    ConfigInvalid,
    Conflict,
    DeleteFailed,
    Locked,
    NotFound,
    Unsupported,
    UploadFailed,
)
from skycap.core.storage import IF_ABSENT, Capability, Metadata, if_version
from skycap.core.testing.conformance.sources import Stream
from tests.cloudproviders.stub import Reply, Request, Stub
from tests.cloudproviders.webdav.answers import FOLDER, item, multi, probed
from tests.cloudproviders.webdav.nextcloud import Nextcloud
from tests.cloudproviders.webdav.servers import Rclone


def test_a_file_goes_beside_and_is_moved(dav: Callable[..., Any]) -> None:
    held: dict[str, bytes] = {}

    def answer(request: Request) -> Reply:
        if request.method == "PUT":
            held[request.path] = request.body
            return Reply(201)
        if request.method == "MOVE":
            target = request.headers["destination"]
            held[target[target.index("/dav") :]] = held.pop(request.path)
            return Reply(201)
        if request.path in held:
            return multi(item(request.path, size=len(held[request.path])))
        return Reply(404)

    storage, stub = dav(probed(answer))
    entry = storage.write("a b", b"12345", metadata=Metadata(mtime_ns=1_500_000_000_999_999_999))
    assert (entry.path, entry.size) == ("a b", 5)
    put, move = (one for one in stub.requests if one.method in {"PUT", "MOVE"})
    assert put.path.startswith("/dav/.skycap-")
    assert put.headers["x-oc-mtime"] == "1500000000"
    assert (move.headers["overwrite"], list(held)) == ("F", ["/dav/a%20b"])
    with pytest.raises(Unsupported):
        storage.write("a b", b"1", condition=IF_ABSENT)


def test_a_server_that_keeps_fewer_bytes_is_found_out(dav: Callable[..., Any]) -> None:
    def answer(request: Request) -> Reply:
        if request.method != "PROPFIND":
            return Reply(201)
        if request.path == "/dav/a" and request.method == "PROPFIND" and not moved:
            moved.append(True)
            return Reply(404)
        return multi(item(request.path, size=3))

    moved: list[bool] = []
    storage, _ = dav(probed(answer))
    with pytest.raises(UploadFailed, match="holds 3 bytes of the 5"):
        storage.write("a", b"12345")


def test_odd_names_are_not_moved_to_on_a_server_nobody_knows(dav: Callable[..., Any]) -> None:
    def answer(request: Request) -> Reply:
        return Reply(201) if request.method == "PUT" else multi(item(request.path, size=1))

    storage, stub = dav(probed(answer), vendor="generic")
    storage.write("what?", b"1")
    assert [one.path for one in stub.requests if one.method in {"PUT", "MOVE"}] == ["/dav/what%3F"]
    for verb in (storage.copy, storage.rename):
        with pytest.raises(Unsupported):
            verb("a", "what?")


def test_an_unknown_size_is_kept_until_it_is_known(dav: Callable[..., Any]) -> None:
    content = b"x" * 300_000
    sizes: list[str | None] = []

    def answer(request: Request) -> Reply:
        if request.method == "PUT":
            sizes.append(request.headers.get("content-length"))
            return Reply(201)
        return multi(item(request.path, size=len(content)))

    storage, _ = dav(probed(answer), vendor="sharepoint")
    assert storage.write("a", Stream(content)).size == len(content)
    assert sizes == [str(len(content))]


def test_a_lock_is_told_with_its_owner(dav: Callable[..., Any]) -> None:
    lock = "<D:lockdiscovery><D:activelock><D:owner>Bob</D:owner></D:activelock></D:lockdiscovery>"

    def answer(request: Request) -> Reply:
        if request.method == "PROPFIND":
            return multi(item(request.path, more=lock))
        return Reply(423)

    storage, _ = dav(probed(answer))
    for call in (
        lambda: storage.remove_tree("a"),
        lambda: storage.set_metadata("a", Metadata(mtime_ns=0)),
        lambda: storage.rename("a", "b", condition=IF_ABSENT),
        lambda: storage.write("a", b"x" * 5),
    ):
        with pytest.raises(Locked, match="locked by Bob"):
            call()


def test_a_lock_that_nobody_holds_passes(dav: Callable[..., Any]) -> None:
    answers = iter([Reply(423), Reply(423), Reply(204)])

    def answer(request: Request) -> Reply:
        return multi(item(request.path)) if request.method == "PROPFIND" else next(answers)

    storage, _ = dav(probed(answer))
    storage.remove_tree("a")
    storage, _ = dav(probed(lambda r: multi(item(r.path)) if r.method == "PROPFIND" else Reply(423)))
    with pytest.raises(Locked) as caught:
        storage.remove_tree("a")
    assert caught.value.retryable


def test_a_tree_of_which_some_stays_is_an_error(dav: Callable[..., Any]) -> None:
    body = multi("<D:response><D:href>/dav/a/x</D:href><D:status>HTTP/1.1 500 x</D:status></D:response>")
    storage, _ = dav(probed(lambda r: body if r.method == "DELETE" else multi(item(r.path, FOLDER))))
    with pytest.raises(DeleteFailed, match="/dav/a/x"):
        storage.remove_tree("a")


def test_a_time_that_is_not_kept_is_not_passed_over(dav: Callable[..., Any]) -> None:
    told = "<D:getlastmodified>Sun, 06 Nov 1994 08:49:37 GMT</D:getlastmodified>"
    for times in ("lastmodified", "getlastmodified", "win32"):
        storage, stub = dav(probed(lambda r: multi(item(r.path, more=told))), vendor="generic", times=times)
        assert storage.can(Capability.SET_METADATA)
        with pytest.raises(Unsupported, match="does not set the time"):
            storage.set_metadata("a", Metadata(mtime_ns=10**18))
        assert [one.method for one in stub.requests[-2:]] == ["PROPPATCH", "PROPFIND"]
    storage, _ = dav(probed(lambda r: multi(item(r.path))), vendor="generic")
    assert not storage.can(Capability.SET_METADATA)


def test_a_condition_goes_to_a_server_that_heeds_it(dav: Callable[..., Any]) -> None:
    def answer(request: Request) -> Reply:
        if request.method == "PROPFIND":
            return multi(item(request.path))
        return Reply(412)

    storage, stub = dav(probed(answer), vendor="skycap")
    with pytest.raises(Conflict):
        storage.write("a", b"x", condition=if_version('"v"'))
    assert stub.requests[-1].headers["if-match"] == '"v"'
    with pytest.raises(Conflict):
        storage.remove("a", condition=if_version('"v"'))
    with pytest.raises(Unsupported):
        storage.remove("a", condition=IF_ABSENT)


def test_a_digest_of_what_is_small_goes_along(dav: Callable[..., Any]) -> None:
    with Stub(lambda r: Reply(201, headers={"etag": '"e"', "x-oc-mtime": "accepted"})) as stub:
        options = {"url": stub.url, "user": "ada", "vendor": "nextcloud"}
        with WebDav(WebDavOptions.parse(options, where="test"), Place.parse(stub.url)) as storage:
            entry = storage.write("a", b"12345", metadata=Metadata(mtime_ns=1_500_000_000_500_000_000))
        (put,) = stub.requests
        assert put.path == "/remote.php/dav/files/ada/a"
        assert put.headers["oc-checksum"] == f"SHA1:{hashlib.sha1(b'12345').hexdigest()}"
        assert (entry.version, entry.mtime_ns, entry.size) == ('"e"', 1_500_000_000 * 10**9, 5)


def test_folders_that_went_away_are_made_again(dav: Callable[..., Any]) -> None:
    folders = {"/dav/"}

    def answer(request: Request) -> Reply:
        if request.method == "MKCOL":
            parent = request.path.rstrip("/").rpartition("/")[0] + "/"
            if parent not in folders:
                return Reply(409)
            folders.add(request.path)
            return Reply(201)
        if request.method == "PUT":
            there = request.path.rpartition("/")[0] + "/" in folders
            return Reply(201, headers={"etag": '"e"'}) if there else Reply(409)
        return Reply(404)

    storage, _ = dav(probed(answer), vendor="skycap")
    for _ in range(2):
        storage.write("a/b/c", b"1")
        assert "/dav/a/b/" in folders
        folders.difference_update({"/dav/a/", "/dav/a/b/"})
    with pytest.raises(UploadFailed, match="went away") as caught:
        storage.write("a/b/c", Stream(b"x" * 300_000), size=300_000)
    assert caught.value.retryable
    assert storage.write("a/b/c", Stream(b"x" * 300_000), size=300_000).size == 300_000


def test_what_went_while_it_was_looked_at_is_absent(dav: Callable[..., Any]) -> None:
    gone = "<D:response><D:href>/dav/a</D:href><D:status>HTTP/1.1 404 x</D:status></D:response>"
    storage, _ = dav(probed(lambda _: multi(gone)))
    with pytest.raises(NotFound):
        storage.stat("a")
    with pytest.raises(NotFound):
        list(storage.scan("a"))
    storage.remove("a")


def test_a_place_without_an_address_says_how_to_write_one() -> None:
    with pytest.raises(ConfigInvalid):
        WebDav.open(WebDavOptions(), "")
    storage, inside = WebDav.open(WebDavOptions(), "127.0.0.1:1/remote.php/dav/files/ada/x")
    assert inside == "x"
    assert "remote.php/dav/files/ada" in repr(storage)
    storage.close()


def test_files_that_were_never_finished_are_hidden_and_cleaned_up(rclone: Rclone) -> None:
    name = ".skycap-0123456789abcdef.part"
    with rclone.fresh() as storage:
        storage.write("d/e/file", b"x")
        for folder in ("d/", "d/e/"):
            url = storage.dav.place.url(f"{folder}{name}")
            storage.dav.request("PUT", url, where="test", content=b"123")
        assert [entry.path for entry in storage.scan("d/e")] == ["d/e/file"]
        with pytest.raises(Conflict):
            storage.remove("d")
        assert [one.path for one in storage.cleanup("d/e", older_than_s=0, dry_run=True)] == [f"d/e/{name}"]
        assert list(storage.cleanup(older_than_s=3600)) == []
        assert sorted(one.size or 0 for one in storage.cleanup(older_than_s=0)) == [3, 3]
        assert list(storage.cleanup(older_than_s=0)) == []
        assert list(storage.cleanup("absent", older_than_s=0)) == []
        storage.remove_tree("")
        assert list(storage.scan("")) == []
        storage.remove("")
        storage.remove_tree("")


def test_a_folder_of_a_cloud_sees_its_own_trash_and_links_only(nextcloud: Nextcloud) -> None:
    with nextcloud.fresh() as storage, nextcloud.fresh() as other:
        nextcloud.cloud.shares.clear()
        for one in (storage, other):
            one.write("file", b"x")
            one.shares().create("file")
            one.write("gone/deep", b"y")
            one.trash().put("gone/deep")
            one.remove("gone")
        assert [share.path for share in storage.shares().list()] == ["file"]
        assert sorted(found.entry.path for found in storage.trash().list()) == ["gone", "gone/deep"]
        (deep,) = (found for found in storage.trash().list() if found.entry.path == "gone/deep")
        assert storage.trash().restore(deep.id).path == "gone/deep"
        with pytest.raises(Conflict):
            storage.trash().put("")
        with pytest.raises(Unsupported):
            list(storage.versions().list("gone"))
        with pytest.raises(NotFound):
            storage.resume_upload({"path": "a", "place": "elsewhere"})


def test_a_move_or_copy_says_what_is_in_the_way(nextcloud: Nextcloud) -> None:
    with nextcloud.fresh() as storage:
        storage.write("d/file", b"x")
        for path, target in (("d/file", "d/file"), ("", "x")):
            with pytest.raises(Conflict):
                storage.rename(path, target, condition=IF_ABSENT)
        with pytest.raises(Unsupported):
            storage.copy("d/file", "e", condition=if_version('"v"'))
        with pytest.raises(Conflict):
            storage.rename("d", "d/file/below/it")
        upload = storage.begin_upload("d", size=1)
        upload.put_part(0, b"x", last=True)
        with pytest.raises(Conflict, match="directory"):
            upload.complete()
        upload.abort()
        upload = storage.begin_upload("new", size=1)
        with pytest.raises(UploadFailed):
            upload.put_part(10_000, b"x", last=True)
        with pytest.raises(UploadFailed):
            upload.put_part(0, b"x")
        upload.put_part(0, b"x", last=True)
        nextcloud.cloud.uploads.clear()
        with pytest.raises(NotFound, match="forgotten"):
            upload.complete()


def test_a_server_that_stored_nothing_is_not_believed(dav: Callable[..., Any]) -> None:
    """Whoever moves a file there would remove the only copy."""

    def answer(request: Request) -> Reply:
        return Reply(404) if request.method == "PROPFIND" and request.path.endswith("/file") else Reply(201)

    storage, _ = dav(probed(answer))
    with pytest.raises(UploadFailed, match="nothing is there"):
        storage.write("file", b"the only copy")
