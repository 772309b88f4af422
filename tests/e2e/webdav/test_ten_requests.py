"""Ten requests over real sockets, on each server over each kind of storage."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import formatdate, parsedate_to_datetime

import pytest

from tests.e2e.webdav.door import DAV, SERVERS, Door, Reply

TEXT = b"To be, or not to be.\n" * 100
WHEN = 1_234_567_890
TIMES = {
    "getlastmodified": f"<D:getlastmodified>{formatdate(WHEN, usegmt=True)}</D:getlastmodified>",
    "lastmodified": f"<D:lastmodified>{WHEN}</D:lastmodified>",
    "Win32LastModifiedTime": (
        '<Z:Win32LastModifiedTime xmlns:Z="urn:schemas-microsoft-com:">'
        f"{formatdate(WHEN, usegmt=True)}</Z:Win32LastModifiedTime>"
    ),
}


def test_options_tell_what_can_be_done(door: Door) -> None:
    assert door("PUT", "a.txt", TEXT).status == 201
    for path in ("", "a.txt"):
        reply = door("OPTIONS", path)
        assert reply.status == 200
        assert reply.body == b""
        assert reply.headers["dav"] == "1, 2, 3"
        assert reply.headers["ms-author-via"] == "DAV"
        allowed = set(re.split(r",\s*", reply.headers["allow"]))
        both = {"OPTIONS", "PROPFIND", "PROPPATCH", "COPY", "MOVE", "DELETE", "LOCK", "UNLOCK", "GET", "HEAD"}
        assert both <= allowed, "what Finder and Explorer look for"
        assert ("PUT" in allowed) == (path != "")


def test_propfind_of_a_file_tells_of_it_alone(door: Door) -> None:
    put = door("PUT", "a%20b.txt", TEXT)
    reply = door.find("a%20b.txt", "0", "getcontentlength", "getetag", "resourcetype", "getlastmodified")
    assert reply.status == 207
    assert reply.headers["content-type"].startswith("application/xml")
    assert reply.hrefs == [f"{door.base}a%20b.txt"]
    found = reply.found(f"{door.base}a%20b.txt")
    assert found[f"{DAV}getcontentlength"] == str(len(TEXT))
    assert found[f"{DAV}getetag"] == put.headers["etag"]
    assert found[f"{DAV}resourcetype"] == ""
    assert parsedate_to_datetime(found[f"{DAV}getlastmodified"])
    assert door.find("missing", "0", "getetag").status == 404


def test_propfind_of_a_collection_tells_of_its_members_and_no_deeper(door: Door) -> None:
    for path in ("one", "two"):
        assert door("PUT", path, TEXT).status == 201
    assert door("MKCOL", "deep").status == 201
    assert door("PUT", "deep/three", TEXT).status == 201
    reply = door.find("", "1", "resourcetype", "getcontentlength")
    assert reply.status == 207
    assert sorted(reply.hrefs) == [door.base, *(f"{door.base}{name}" for name in ("deep/", "one", "two"))]
    assert reply.found(f"{door.base}deep/")[f"{DAV}resourcetype"] == f"{DAV}collection"
    assert reply.found(f"{door.base}one")[f"{DAV}getcontentlength"] == str(len(TEXT))


def test_mkcol_makes_a_collection_that_stays_empty_and_there(door: Door) -> None:
    assert door("MKCOL", "new/").status == 201
    assert door.find("new/", "1", "resourcetype").hrefs == [f"{door.base}new/"]
    assert door("MKCOL", "new/").status == 405
    assert door("MKCOL", "no/where").status == 409
    assert door("MKCOL", "other", "<x/>", Content_Type="application/xml").status == 415


def test_a_small_put_is_there_whole_with_its_etag(door: Door) -> None:
    made = door("PUT", "a.txt", TEXT)
    assert made.status == 201
    assert re.fullmatch(r'"[^"]+"', made.headers["etag"])
    assert door("GET", "a.txt").headers["etag"] == made.headers["etag"]
    again = door("PUT", "a.txt", b"other")
    assert again.status == 204
    assert again.headers["etag"] != made.headers["etag"]
    assert door("GET", "a.txt").body == b"other"
    assert door("PUT", "empty", b"").status == 201
    assert door("GET", "empty").body == b""
    assert door("PUT", "chunks", iter([TEXT, b"", TEXT])).status == 201
    assert door("GET", "chunks").body == TEXT * 2
    assert door("PUT", "no/where", TEXT).status == 409
    assert door("PUT", "", TEXT).status == 405


def test_get_gives_all_or_the_part_that_is_asked_for(door: Door) -> None:
    etag = door("PUT", "a.txt", TEXT).headers["etag"]
    whole = door("GET", "a.txt")
    assert (whole.status, whole.body) == (200, TEXT)
    assert whole.headers["content-length"] == str(len(TEXT))
    assert whole.headers["content-type"].startswith("text/plain")
    part = door("GET", "a.txt", Range="bytes=3-8", If_Range=etag)
    assert (part.status, part.body) == (206, TEXT[3:9])
    assert part.headers["content-range"] == f"bytes 3-8/{len(TEXT)}"
    assert door("GET", "a.txt", Range="bytes=9999999-").status == 416
    assert door("GET", "a.txt", If_None_Match=etag).status == 304
    head = door("HEAD", "a.txt")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(TEXT))
    assert door("GET", "missing").status == 404


def test_delete_takes_a_file_and_a_collection_with_all_in_it(door: Door) -> None:
    door("PUT", "a.txt", TEXT)
    door("MKCOL", "deep")
    door("PUT", "deep/b.txt", TEXT)
    assert door("DELETE", "a.txt").status == 204
    assert door("DELETE", "a.txt").status == 404
    assert door("DELETE", "deep", Depth="0").status == 400
    assert door("DELETE", "deep").status == 204
    assert door("GET", "deep/b.txt").status == 404
    assert door.find("", "1", "getetag").hrefs == [door.base]


def test_move_takes_a_file_and_a_tree_to_where_they_are_to_be(door: Door) -> None:
    door("PUT", "a.txt", TEXT)
    door("MKCOL", "tree")
    door("PUT", "tree/b.txt", b"in the tree")
    assert door.move("a.txt", "tree/c.txt").status == 201
    assert door("GET", "a.txt").status == 404
    assert door.move("tree/c.txt", "tree/b.txt", Overwrite="F").status == 412
    assert door("GET", "tree/b.txt").body == b"in the tree"
    assert door.move("tree/c.txt", "tree/b.txt").status == 204
    assert door.move("tree/", "moved").status == 201
    assert door("GET", "moved/b.txt").body == TEXT
    assert door("GET", "tree/b.txt").status == 404
    assert door.move("moved", "no/where").status == 409


@pytest.mark.parametrize("way", [*TIMES, "X-OC-Mtime"])
def test_a_time_is_kept_however_a_client_sets_it(door: Door, way: str) -> None:
    if way == "X-OC-Mtime":
        assert door("PUT", "a.txt", TEXT, X_OC_Mtime=str(WHEN)).headers["x-oc-mtime"] == "accepted"
    else:
        door("PUT", "a.txt", TEXT)
        reply = door.patch("a.txt", TIMES[way])
        assert reply.status == 207
        assert len(reply.found(f"{door.base}a.txt")) == 1, "it was set, and nothing else is told of"
    shown = formatdate(WHEN, usegmt=True)
    assert door("GET", "a.txt").headers["last-modified"] == shown
    assert door.find("a.txt", "0", "getlastmodified").found(f"{door.base}a.txt") == {
        f"{DAV}getlastmodified": shown
    }
    door.move("a.txt", "b.txt")
    listed = door.find("", "1", "getlastmodified").found(f"{door.base}b.txt")
    assert listed[f"{DAV}getlastmodified"] == shown, "it goes along, and is in listings"


# Drift between the servers

_TIMES = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+Z|\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT")
_RANDOM = re.compile(rb"(?<=urn:uuid:)[0-9a-f-]+|(?<=opaquelocktoken:)[0-9a-f-]+|\b[0-9a-f]{32}\b")
_ETAG = re.compile(rb"(?<=<D:getetag>)[^<]+")
_OWN = frozenset({"date", "connection", "keep-alive"})
"""Headers that are the server's own: when it answers, and whether it goes on."""


def _plain(door: Door, reply: Reply) -> tuple[int, dict[str, str], bytes]:
    """An answer without what differs from one folder, moment, lock and boundary to another."""

    name = door.base.rstrip("/").rpartition("/")[2]

    def same(text: bytes) -> bytes:
        text = _RANDOM.sub(b"RANDOM", _TIMES.sub(b"TIME", text.replace(door.base.encode(), b"/BASE/")))
        return _ETAG.sub(b"ETAG", text.replace(f"displayname>{name}<".encode(), b"displayname>BASE<"))

    headers = {
        name: "ETAG" if name == "etag" else same(value.encode()).decode()
        for name, value in reply.headers.items()
        if name not in _OWN
    }
    body = same(reply.body)
    if body != reply.body:  # a shorter name of a folder makes a shorter body
        headers.pop("content-length", None)
    return reply.status, headers, body


def _session(door: Door) -> list[tuple[int, dict[str, str], bytes]]:
    """What a client hears that goes through most of what there is."""
    told = []

    def ask(method: str, path: str = "", body: bytes | str | None = None, **headers: str) -> Reply:
        reply = door(method, path, body, **headers)
        told.append(_plain(door, reply))
        return reply

    ask("OPTIONS")
    ask("MKCOL", "tree/")
    ask("MKCOL", "tree/")
    etag = ask("PUT", "tree/a.txt", TEXT).headers["etag"]
    ask("PUT", "tree/a.txt", b"x", If_None_Match="*")
    ask("PUT", "tree/a.txt", b"x", If_Match='"nothing"')
    ask("PUT", "tree/a.txt", TEXT, If_Match=etag)
    ask("PUT", "none/a.txt", TEXT)
    ask("PUT", "tree/b.txt", TEXT, Content_Range="bytes 0-1/3")
    ask("GET", "tree/a.txt")
    ask("HEAD", "tree/a.txt")
    ask("GET", "tree/a.txt", Range="bytes=0-4,10-14")
    ask("GET", "tree/a.txt", Range="bytes=5-9")
    ask("GET", "tree/a.txt", Range="bytes=99999-")
    ask("GET", "missing")
    ask("HEAD", "missing")
    ask("PROPFIND", "tree", Depth="1")
    ask("PROPFIND", "tree", "<no xml", Depth="0")
    ask("PROPFIND", "missing", Depth="0")
    ask("PROPPATCH", "tree/a.txt", _PATCH)
    ask("PROPFIND", "tree/a.txt", '<D:propfind xmlns:D="DAV:"><D:propname/></D:propfind>', Depth="0")
    reply = door.lock("tree/a.txt", Timeout="Second-600")
    told.append(_plain(door, reply))
    ask("PUT", "tree/a.txt", b"x")
    ask("DELETE", "tree")
    ask("PUT", "tree/a.txt", TEXT, If=f"({reply.headers['lock-token']})")
    ask("UNLOCK", "tree/a.txt", Lock_Token=reply.headers["lock-token"])
    ask("UNLOCK", "tree/a.txt", Lock_Token=reply.headers["lock-token"])
    ask("COPY", "tree", Destination=f"{door.base}copied", Depth="0")
    ask("MOVE", "tree", Destination=f"{door.base}copied", Overwrite="F")
    ask("MOVE", "tree", Destination=f"{door.base}copied")
    ask("MOVE", "copied", Destination="http://elsewhere.example/x")
    ask("PROPFIND", "", Depth="infinity")
    ask("POST", "copied/a.txt", b"x")
    ask("GET", "copied/%00")
    ask("GET", "../../x")
    ask("DELETE", "copied")
    return told


_PATCH = (
    '<D:propertyupdate xmlns:D="DAV:" xmlns:x="urn:x"><D:set><D:prop><x:colour>blue</x:colour>'
    "</D:prop></D:set><D:set><D:prop><D:getetag>mine</D:getetag></D:prop></D:set></D:propertyupdate>"
)


def test_both_servers_answer_alike(kind: str, open_door: Callable[[str, str], Door]) -> None:
    first, second = (_session(open_door(name, kind)) for name in SERVERS)
    assert len(first) == len(second)
    for number, (one, other) in enumerate(zip(first, second, strict=True)):
        assert one == other, f"answer {number}"
