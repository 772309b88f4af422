"""Answers taken apart as they come in, odd and hostile ones too, and the entries they tell of."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.cloudproviders.webdav.multistatus import DAV, Multistatus, parsed, status_of
from skycap.cloudproviders.webdav.properties import entry_of, hashes_of, is_folder, version_of
from skycap.cloudproviders.webdav.vendors import GENERIC, VENDORS, with_times
from skycap.core.errors import (
    ProviderError,
)
from skycap.core.storage import Kind
from skycap.core.units import MiB


def _answer(inner: str, start: str = "") -> bytes:
    return f'<?xml version="1.0"?>{start}<x:multistatus xmlns:x="DAV:">{inner}</x:multistatus>'.encode()


_FILE = (
    "<x:response><x:href> /a </x:href>"
    "<x:propstat><x:prop><x:resourcetype/><x:getcontentlength>5</x:getcontentlength>"
    '<q:checksums xmlns:q="http://owncloud.org/ns"><q:checksum>SHA1:' + "a" * 40 + " MD5:" + "B" * 32 + " X:1"
    "</q:checksum></q:checksums><x:getetag>abc</x:getetag></x:prop><x:status>HTTP/1.1 200 OK</x:status>"
    "</x:propstat><x:propstat><x:prop><x:quota-used-bytes/></x:prop>"
    "<x:status>HTTP/1.1 404 Not Found</x:status></x:propstat></x:response>"
)
_FOLDER = (
    "<x:response><x:propstat><x:status>HTTP/1.1 200 OK</x:status><x:prop><x:getcontentlength>4096"
    "</x:getcontentlength><x:resourcetype><x:collection/></x:resourcetype>"
    "<x:getlastmodified>Sun, 06 Nov 1994 08:49:37 GMT</x:getlastmodified></x:prop></x:propstat>"
    "<x:href>/d/</x:href></x:response>"
)


@given(st.integers(1, 200))
def test_an_answer_may_come_in_pieces_of_any_size(step: int) -> None:
    body = _answer(_FILE + _FOLDER)
    parser = Multistatus("here")
    items = [item for at in range(0, len(body), step) for item in parser.feed(body[at : at + step])]
    items += parser.close()
    file, folder = items
    assert (file.href, folder.href) == ("/a", "/d/")
    assert file.refused == {f"{DAV}quota-used-bytes": 404}
    entry = entry_of(file, "a", VENDORS["nextcloud"])
    assert (entry.size, entry.version, entry.hashes) == (5, '"abc"', {"sha1": "a" * 40, "md5": "b" * 32})
    assert is_folder(folder)
    seen = entry_of(folder, "d", GENERIC)
    assert (seen.kind, seen.size, seen.stored_at_ns) == (Kind.DIRECTORY, None, 784_111_777 * 10**9)


def test_one_status_may_stand_for_several() -> None:
    inner = "<x:href>/a</x:href><x:href>/b</x:href><x:status>HTTP/1.1 423 x</x:status>"
    (item,) = parsed(_answer(f"<x:response>{inner}</x:response>"), "here")
    assert (item.hrefs, item.status) == (["/a", "/b"], 423)
    assert [status_of(text) for text in ("HTTP/2 200", "200 OK", "HTTP/1.1 ²00 x", "")] == [
        200,
        None,
        None,
        None,
    ]


_LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
_HOSTILE = {
    "laughs": _answer("<x:response><x:href>&b;</x:href></x:response>", _LAUGHS),
    "outside": _answer("", '<!DOCTYPE x SYSTEM "file:///etc/passwd">'),
    "deep": _answer("<x:a>" * 100),
    "long text": _answer(f"<x:response><x:href>{'a' * (1 << 21)}</x:href></x:response>"),
    "many names": _answer("<x:response><x:propstat><x:prop>" + "<x:aaaaaaaaaaaaaaaaaaaa/>" * 100_000),
    "one long tag": b'<x:multistatus xmlns:x="DAV:' + b"a" * (1 << 21),
    "cut": _answer(_FILE)[:-20],
    "another root": b'<error xmlns="DAV:"/>',
    "web page": b"<!doctype html><html><p>log in<br></html>",
    "no XML": b"hello",
    "nothing": b"",
}


@pytest.mark.parametrize("kind", _HOSTILE)
def test_a_hostile_or_broken_answer_is_refused(kind: str) -> None:
    with pytest.raises(ProviderError):
        list(parsed(_HOSTILE[kind], "here"))


@given(st.binary())
def test_whatever_comes_is_items_or_an_error_of_ours(body: bytes) -> None:
    with pytest.raises(ProviderError):
        list(parsed(body, "here"))


def test_a_listing_of_many_is_never_in_memory() -> None:
    parser, count = Multistatus("here"), 0
    tracemalloc.start()
    try:
        parser.feed(b'<x:multistatus xmlns:x="DAV:">')
        for _ in range(200):
            count += len(parser.feed(_FILE.encode() * 100))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 20_000
    assert peak < 2 * MiB


@pytest.mark.parametrize(
    ("etag", "found"),
    [
        (None, None),
        ('W/"a"', None),
        ("a", '"a"'),
        ('"a"', '"a"'),
        ('"5f5e1210-5"', None),  # nginx: the time and the size, both in hexadecimal
        ("123456-1600000528-5", None),  # WsgiDAV
        ('"5-2ca8f9d3b1"', '"5-2ca8f9d3b1"'),  # Apache: the time in microseconds
    ],
)
def test_an_etag_is_a_version_where_it_changes_with_every_change(etag: str | None, found: str | None) -> None:
    assert version_of(etag, 5, 1_600_000_528 * 10**9, GENERIC) == found


def test_hashes_that_are_none_are_left_out() -> None:
    assert hashes_of("SHA1:xyz MD5 SHA256:" + "g" * 64) is None


def test_what_the_configuration_says_of_times_wins() -> None:
    assert with_times(GENERIC, "auto") is GENERIC
    assert with_times(GENERIC, "win32").patch == "win32"
    assert with_times(VENDORS["nextcloud"], "header").patch == "none"
    assert not with_times(VENDORS["nextcloud"], "none").keeps_times
    (item,) = parsed(
        _answer(
            '<x:response><x:href>/a</x:href><x:propstat><x:prop xmlns:z="urn:schemas-microsoft-com:">'
            "<z:Win32LastModifiedTime>Sun, 06 Nov 1994 08:49:37 GMT</z:Win32LastModifiedTime>"
            "<x:getlastmodified>Sun, 06 Nov 1994 08:49:38 GMT</x:getlastmodified>"
            "</x:prop></x:propstat></x:response>"
        ),
        "here",
    )
    entry = entry_of(item, "a", with_times(GENERIC, "win32"))
    assert (entry.mtime_ns, entry.stored_at_ns) == (784_111_777 * 10**9, 784_111_778 * 10**9)
