"""What is asked, and what is made of answers that no good server gives: listings, redirects, downloads."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import pytest

from skycap.core.errors import (
    AuthMissing,
    DownloadFailed,
    Error,
    ProviderError,
)
from skycap.core.testing.conformance.sources import Stream
from tests.cloudproviders.stub import Reply, Request
from tests.cloudproviders.webdav.answers import FILE, FOLDER, XML, Answer, item, multi, probed


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
    found = []
    with pytest.raises(ProviderError, match="5 of 10 things in it cannot be used"):
        found.extend((entry.path, entry.is_dir) for entry in storage.scan("d"))
    assert found == [("d/a b", False), ("d/c", True)]
    assert caplog.text.count("left out what the server calls") == 5
    assert "lists what is not in it" in caplog.text


def test_what_a_server_does_not_tell_of_is_no_file_and_not_absent(dav: Callable[..., Any]) -> None:
    refused = (
        "<D:response><D:href>/dav/d/secret/</D:href><D:status>HTTP/1.1 403 Forbidden</D:status></D:response>"
    )
    storage, _ = dav(probed(lambda _: multi(item("/dav/d/", FOLDER), item("/dav/d/a"), refused)))
    found = []
    with pytest.raises(ProviderError, match="1 of 3 things in it cannot be used"):
        found.extend(entry.path for entry in storage.scan("d"))
    assert found == ["d/a"]


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
