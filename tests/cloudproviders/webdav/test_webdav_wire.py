"""What goes over the wire, and what is made of answers that no good server gives."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from skycap.cloudproviders.webdav.options import WebDavOptions
from skycap.cloudproviders.webdav.storage import WebDav
from skycap.core.errors import (
    AuthMissing,
    ConfigInvalid,
    Conflict,
    DeleteFailed,
    DownloadFailed,
    Error,
    Locked,
    NotFound,
    ProviderError,
    Unsupported,
    UploadFailed,
)
from skycap.core.storage import IF_ABSENT, Capability, Metadata, if_version
from skycap.core.testing.conformance.sources import Stream
from tests.cloudproviders.stub import Reply, Request, Stub
from tests.cloudproviders.webdav.nextcloud import Nextcloud
from tests.cloudproviders.webdav.servers import Rclone

Answer = Callable[[Request], Reply]
XML = {"content-type": "application/xml"}
FILE, FOLDER = "", "<D:collection/>"


def item(href: str, kind: str = FILE, size: int = 5, more: str = "") -> str:
    length = f"<D:getcontentlength>{size}</D:getcontentlength>" if kind == FILE else ""
    return (
        f"<D:response><D:href>{href}</D:href><D:propstat><D:prop><D:resourcetype>{kind}</D:resourcetype>"
        f"{length}{more}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
    )


def multi(*items: str) -> Reply:
    return Reply(207, f'<D:multistatus xmlns:D="DAV:">{"".join(items)}</D:multistatus>'.encode(), XML)


@pytest.fixture
def dav() -> Iterator[Callable[..., tuple[WebDav, Stub]]]:
    """A storage on a server that answers by a function; a root at /dav that is there, unless it says else."""
    with ExitStack() as stack:

        def make(answer: Answer, **more: Any) -> tuple[WebDav, Stub]:
            stub = stack.enter_context(Stub(answer))
            options = {"url": f"{stub.url}/dav", "vendor": "rclone", **more}
            storage = WebDav(WebDavOptions.parse(options, where="test"), _place(options["url"]))
            stack.callback(storage.close)
            return storage, stub

        yield make


def _place(url: str) -> Any:
    from skycap.cloudproviders.webdav.address import Place

    return Place.parse(url)


def probed(answer: Answer) -> Answer:
    """The same, beside a server that answers what it is asked at first."""

    def both(request: Request) -> Reply:
        if request.method == "OPTIONS":
            return Reply(200, headers={"dav": "1, 2", "allow": "OPTIONS, PROPFIND, COPY, MOVE"})
        if request.method == "PROPFIND" and request.path == "/dav/" and request.headers["depth"] == "0":
            return multi(item("/dav/", FOLDER))
        return answer(request)

    return both


def test_a_listing_leaves_out_what_is_not_in_the_folder(
    dav: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    names = [
        "/dav/d/",
        "/dav/d/a%20b",
        "http://ELSEWHERE/dav/d/c/",
        "/dav/d/x/y",
        "/dav/other",
        "/etc/passwd",
    ]
    names += [
        "/dav/d/../../etc/passwd",
        "/dav/d/a%2Fb",
        "/dav/d/n%00",
        "/dav/d/.skycap-0123456789abcdef.part",
    ]
    storage, _ = dav(
        probed(lambda _: multi(*(item(name, FOLDER if name.endswith("/") else FILE) for name in names)))
    )
    assert [(entry.path, entry.is_dir) for entry in storage.scan("d")] == [("d/a b", False), ("d/c", True)]
    assert caplog.text.count("left out what the server calls") == 5
    assert "lists what is not in it" in caplog.text


def test_a_server_with_another_idea_of_its_address_is_told_as_such(dav: Callable[..., Any]) -> None:
    storage, _ = dav(probed(lambda _: multi(item("/inner/dav/d/", FOLDER), item("/inner/dav/d/a"))))
    with pytest.raises(ProviderError, match="under another address") as caught:
        list(storage.scan("d"))
    assert "/inner/dav" in str(caught.value)


def test_a_web_page_where_xml_is_due_says_which_address_is_wrong(dav: Callable[..., Any]) -> None:
    for reply in (
        Reply(200, b"<!DOCTYPE html><html>hello</html>", {"content-type": "text/html"}),
        Reply(207, b"<!DOCTYPE html><html>hello</html>", {"content-type": "text/html"}),
        Reply(200, b"", XML),
    ):
        storage, _ = dav(probed(lambda _, reply=reply: reply))
        with pytest.raises(ProviderError, match="no answer of a WebDAV server") as caught:
            list(storage.scan("d"))
        assert "remote.php/dav/files" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "target", ["https://login.example.org/?next=dav", "/login", "http://127.0.0.1:1/dav/d/"]
)
def test_we_are_not_sent_to_another_place(dav: Callable[..., Any], target: str) -> None:
    storage, stub = dav(probed(lambda _: Reply(302, headers={"location": target})), user="a", password="pw")
    with pytest.raises(ProviderError, match="sends us to"):
        list(storage.scan("d"))
    assert {request.path for request in stub.requests} <= {"/dav/", "/dav/d/"}


def test_a_redirect_to_the_same_thing_is_followed_and_not_for_ever(dav: Callable[..., Any]) -> None:
    def answer(request: Request) -> Reply:
        if request.path == "/dav/d":
            return Reply(301, headers={"location": "/dav/d/"})
        if request.path == "/dav/loop":
            return Reply(301, headers={"location": "/dav/loop"})
        return multi(item("/dav/d/", FOLDER))

    storage, _ = dav(probed(answer))
    assert storage.stat("d").is_dir
    with pytest.raises(ProviderError):
        storage.stat("loop")


def test_a_password_is_not_shown_where_a_digest_of_it_is_enough(dav: Callable[..., Any]) -> None:
    def answer(request: Request) -> Reply:
        if not request.headers.get("authorization"):
            return Reply(401, headers={"www-authenticate": 'Digest realm="r", nonce="n", qop="auth"'})
        if request.method == "PUT":
            return Reply(201, headers={"etag": '"e"'})
        return multi(item(request.path, FOLDER))

    storage, stub = dav(answer, user="ada", password="hunter2", vendor="nextcloud")
    storage.write("a", Stream(b"x" * 300_000), size=300_000)
    shown = [request.headers.get("authorization", "") for request in stub.requests]
    assert shown[0] == ""
    assert all(one.startswith("Digest ") and "hunter2" not in one for one in shown[1:])
    assert [request.method for request in stub.requests].count("PUT") == 1, "a long body went out twice"


def test_the_login_is_refused_or_missing(dav: Callable[..., Any]) -> None:
    refuse = Reply(401, b"", {"www-authenticate": "Basic realm=x"})
    storage, stub = dav(lambda _: refuse, user="ada", password="pw")
    with pytest.raises(AuthMissing, match="refuses the login"):
        storage.stat("a")
    assert len(stub.requests) == 2
    storage, stub = dav(lambda _: refuse)
    with pytest.raises(AuthMissing, match="wants to know who asks"):
        storage.stat("a")


def _file(content: bytes, reply: Answer) -> Answer:
    def answer(request: Request) -> Reply:
        if request.method == "PROPFIND":
            return multi(item(request.path, size=len(content), more='<D:getetag>"e"</D:getetag>'))
        return reply(request)

    return probed(answer)


def test_a_server_that_heeds_no_ranges_is_read_over(dav: Callable[..., Any]) -> None:
    storage, _ = dav(_file(b"0123456789", lambda _: Reply(body=b"0123456789")))
    with storage.read("a", offset=4, length=3) as reader:
        assert (reader.read(2), reader.read(), reader.read(1)) == (b"45", b"6", b"")
    assert reader.entry.size == 10


def test_another_range_than_was_asked_for_is_no_answer(dav: Callable[..., Any]) -> None:
    for given in ("bytes 3-9/10", "", "items 4-9/10"):
        reply = Reply(206, b"456789", {"content-range": given})
        storage, _ = dav(_file(b"0123456789", lambda _, reply=reply: reply))
        with pytest.raises(ProviderError, match="another range"), storage.read("a", offset=4):
            pass


def test_a_download_that_breaks_off_never_ends_early(dav: Callable[..., Any]) -> None:
    cut = Reply(body=b"0123456789", headers={"etag": '"e"'}, cut=4)
    storage, _ = dav(_file(b"0123456789", lambda _: cut))
    with pytest.raises(DownloadFailed), storage.read("a") as reader:
        reader.read()
    unmeasured = Reply(body=b"0123", headers={"content-length": "", "connection": "close"})
    unmeasured.cut = 4
    storage, _ = dav(_file(b"0123456789", lambda _: unmeasured))
    with pytest.raises(Error), storage.read("a") as reader:
        reader.read()


def test_what_is_packed_or_a_page_is_not_taken_for_the_file(dav: Callable[..., Any]) -> None:
    packed = Reply(body=gzip.compress(b"x"), headers={"content-encoding": "gzip"})
    page = Reply(body=b"<html>log in</html>", headers={"content-type": "text/html"})
    for reply, words in ((packed, "packs a file"), (page, "a web page in place")):
        storage, _ = dav(_file(b"0123456789", lambda _, reply=reply: reply))
        with pytest.raises(ProviderError, match=words), storage.read("a"):
            pass
    html = Reply(body=b"<html>mine</html>", headers={"content-type": "text/html"})
    storage, _ = dav(_file(html.body, lambda _: html))
    with storage.read("a") as reader:
        assert reader.read() == html.body


def test_a_range_that_is_refused_is_looked_into(dav: Callable[..., Any]) -> None:
    storage, _ = dav(_file(b"0123456789", lambda _: Reply(416)))
    with storage.read("a", offset=10) as reader:
        assert reader.read() == b""
    with pytest.raises(DownloadFailed), storage.read("a", offset=3):
        pass
    storage, _ = dav(_file(b"x", lambda _: Reply(405)))
    with pytest.raises(ProviderError, match="does not give it out"), storage.read("a"):
        pass


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


def test_what_a_server_can_is_asked_once_and_remembered(dav: Callable[..., Any]) -> None:
    reply = {"allow": "OPTIONS, PROPFIND, MOVE", "server": "Apache"}

    def answer(request: Request) -> Reply:
        if request.method == "OPTIONS":
            return Reply(200, headers=reply)
        quota = (
            "<D:quota-used-bytes>7</D:quota-used-bytes><D:quota-available-bytes>-3</D:quota-available-bytes>"
        )
        return multi(item(request.path, FOLDER, more=quota))

    storage, stub = dav(answer, vendor="auto")
    assert storage.can(Capability.RENAME, Capability.QUOTA)
    assert not storage.can(Capability.COPY)
    assert (storage.quota().used, storage.quota().free, storage.quota().total) == (7, None, None)
    asked = len(stub.requests)
    again = WebDav(storage.options, storage.dav.place)
    assert again.can(Capability.RENAME)
    assert not again.can(Capability.COPY)
    again.close()
    assert len(stub.requests) == asked


@pytest.mark.parametrize(
    ("headers", "status", "vendor"),
    [
        ({"server": "rclone/v1.70"}, b"", "rclone"),
        ({"server": "skycap"}, b"", "skycap"),
        ({"microsoftsharepointteamservices": "16"}, b"", "sharepoint"),
        ({}, b'{"productname": "ownCloud"}', "owncloud"),
        ({}, b'{"productname": "Infinite Scale"}', "infinitescale"),
        ({}, b'{"productname": "Nextcloud Hub"}', "nextcloud"),
        ({}, b"[1]", "generic"),
        ({}, b"<html>", "generic"),
    ],
)
def test_a_server_is_known_by_what_it_says(
    dav: Callable[..., Any], headers: dict[str, str], status: bytes, vendor: str
) -> None:
    def answer(request: Request) -> Reply:
        if request.path == "/status.php":
            return Reply(200, status)
        if request.method == "OPTIONS":
            return Reply(405, headers=headers)
        return Reply(404)

    with Stub(answer) as stub:
        url = f"{stub.url}/remote.php/dav/files/ada"
        with WebDav(WebDavOptions.parse({"url": url}, where="test"), _place(url)) as storage:
            assert storage.traits.vendor == vendor
            assert storage.facts.name_max in {250, 255}


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
        with WebDav(WebDavOptions.parse(options, where="test"), _place(stub.url)) as storage:
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
