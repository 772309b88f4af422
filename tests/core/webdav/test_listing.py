"""PROPFIND: what is told of files and folders, whatever they are called and wherever they lie."""

import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.core.errors import NotFound, ProviderError
from skycap.core.server.locks import Lock, resource_key
from skycap.core.storage.entry import Entry, Metadata
from skycap.core.storage.interface import Storage
from skycap.core.storage.local import Local
from skycap.core.storage.memory import Memory
from skycap.core.webdav import xml
from skycap.core.webdav.answers import Refusal
from skycap.core.webdav.listing.asked import asked
from skycap.core.webdav.request import Request
from tests.core.webdav.conftest import Serve, Served, both_servers

D = "{DAV:}"
OC = "{http://owncloud.org/ns}"
WIN = "{urn:schemas-microsoft-com:}"
MOMENT_NS = 1_600_000_000 * 10**9
HTTP_MOMENT = "Sun, 13 Sep 2020 12:26:40 GMT"
AWKWARD = [
    "a b",
    "100%",
    "%41",
    "#1?",
    "x+y&z;=",
    "<&>\"'",
    "é",  # composed
    "e\u0301",  # decomposed
    "\N{SMILING FACE WITH SUNGLASSES}",
    "tab\tand\rreturn",
    "\x01\x7f",
    "byte\udcff",
    "(it's)!",
    "..x",
]


def prop(reply_href: str, served: Served, name: str, **headers: str) -> str | None:
    found = served.find(reply_href, name, **headers).found(reply_href).get(name)
    return None if found is None else "".join(found.itertext())


@both_servers
def test_a_name_of_any_characters_is_told_so_that_it_can_be_asked_for(
    serve: Serve, storages: Storage
) -> None:
    for name in AWKWARD:
        storages.write(f"d {name}/{name}", name.encode("utf-8", "surrogateescape"))
    served = serve(storages)
    folders = served.find("/", depth="1").hrefs[1:]
    assert len(folders) == len(AWKWARD)
    told = set()
    for folder in folders:
        _, file = served.find(folder, depth="1").hrefs
        assert folder.endswith("/")
        assert file.isascii()
        name = unquote_to_bytes(file.rpartition("/")[2])
        told.add(name.decode("utf-8", "surrogateescape"))
        reply = served("GET", file)
        assert (reply.status, reply.body) == (200, name)
        assert served.find(file).hrefs == [file]
    assert told == set(AWKWARD)


@both_servers
def test_depth_says_how_far_down_is_told(serve: Serve, storages: Storage) -> None:
    storages.write("a/b/c", b"1")
    storages.write("f", b"2")
    served = serve(storages)
    assert served.find("/", depth="0").hrefs == ["/"]
    assert sorted(served.find("/", depth="1").hrefs) == ["/", "/a/", "/f"]
    everything = ["/", "/a/", "/a/b/", "/a/b/c", "/f"]
    assert sorted(served.find("/", depth="infinity").hrefs) == everything
    assert sorted(served("PROPFIND", "/").hrefs) == everything
    assert served.find("/a", depth="0").hrefs == ["/a/"]
    assert served.find("/f", depth="infinity").hrefs == ["/f"]
    assert served("PROPFIND", "/f", depth="2").status == 400
    assert served("PROPFIND", "/nothing", depth="0").status == 404


def test_a_tree_too_large_to_tell_at_once_is_refused(serve: Serve) -> None:
    storage = Memory()
    for number in range(101):
        for inner in range(100):
            storage.write(f"{number}/{inner}", b"")
    served = serve(storage)
    reply = served("PROPFIND", "/", depth="infinity")
    assert reply.status == 403
    assert ET.fromstring(reply.body).find(f"{D}propfind-finite-depth") is not None
    assert len(served.find("/50", depth="infinity").hrefs) == 101


def test_all_properties_are_those_that_are_known(serve: Serve, storages: Storage) -> None:
    storages.write("f.txt", b"12345", metadata=Metadata(mtime_ns=MOMENT_NS))
    storages.make_dir("d")
    served = serve(storages)
    if not storages.facts.empty_dirs:
        served.books.add_folder(resource_key(storages, "d"))
    reply = served.find("/", depth="1")
    file, folder = reply.found("/f.txt"), reply.found("/d/")
    assert file[f"{D}getcontentlength"].text == "5"
    assert file[f"{D}getcontenttype"].text == "text/plain"
    assert file[f"{D}displayname"].text == "f.txt"
    assert list(file[f"{D}resourcetype"]) == []
    assert [child.tag for child in folder[f"{D}resourcetype"]] == [f"{D}collection"]
    assert len(file[f"{D}supportedlock"]) == 2
    assert not {f"{D}quota-used-bytes", f"{D}getcontentlength"} & folder.keys()
    assert reply.missing("/f.txt") == reply.missing("/d/") == set()


def test_the_etag_of_a_listing_is_that_of_the_file_and_changes_with_it(
    serve: Serve, storages: Storage
) -> None:
    storages.write("f", b"one")
    served = serve(storages)
    seen = set()
    for content in (b"one", b"two", b"three"):
        storages.write("f", content)
        listed = served.find("/", f"{D}getetag", depth="1").found("/f")[f"{D}getetag"].text
        looked = prop("/f", served, f"{D}getetag")
        assert listed == looked == served("GET", "/f").headers["ETag"] == served("HEAD", "/f").headers["ETag"]
        seen.add(listed)
    assert len(seen) == 3


def test_what_is_asked_for_and_unknown_is_told_as_missing(serve: Serve) -> None:
    storage = Memory()
    storage.write("f", b"1")
    served = serve(storage)
    names = (f"{D}getcontentlength", f"{D}iscollection", "{urn:x}y", "{http://a/?b&c}z")
    reply = served.find("/f", *names)
    assert reply.found("/f").keys() == {f"{D}getcontentlength"}
    assert reply.missing("/f") == set(names[1:])
    for headers in ({"prefer": "return=minimal"}, {"brief": "t"}):
        short = served.find("/f", *names, **headers)
        assert short.found("/f").keys() == {f"{D}getcontentlength"}
        assert short.missing("/f") == set()
        assert short.headers["Preference-Applied"] == "return=minimal"
    assert served.find("/f", "{urn:x}y").missing("/f") == {"{urn:x}y"}
    assert served.find("/f", "{urn:x}y", prefer="return=minimal").hrefs == ["/f"]


def test_the_root_is_left_out_where_the_client_prefers_it(serve: Serve) -> None:
    storage = Memory()
    storage.write("f", b"1")
    served = serve(storage)
    assert served.find("/", depth="1", prefer="return=minimal, depth-noroot").hrefs == ["/f"]
    assert served.find("/", depth="0", prefer="depth-noroot").hrefs == ["/"]


def test_names_of_properties_come_without_their_values(serve: Serve) -> None:
    storage = Memory()
    storage.write("f", b"1")
    served = serve(storage)
    served.books.set_properties(resource_key(storage, "f"), {"{urn:x}y": '<y xmlns="urn:x">1</y>'})
    reply = served("PROPFIND", "/f", '<propfind xmlns="DAV:"><propname/></propfind>', depth="0")
    found = reply.found("/f")
    assert {f"{D}getetag", f"{D}resourcetype", "{urn:x}y"} <= found.keys()
    assert not any("".join(each.itertext()) or len(each) for each in found.values())


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE p [<!ENTITY a "a"><!ENTITY b "&a;&a;">]><propfind xmlns="DAV:">&b;<allprop/></propfind>',
        '<!DOCTYPE p SYSTEM "file:///etc/passwd"><propfind xmlns="DAV:"><allprop/></propfind>',
        '<!DOCTYPE p [<!ENTITY e SYSTEM "file:///etc">]><propfind xmlns="DAV:">&e;<allprop/></propfind>',
        '<D:propfind xmlns:D="DAV:"><D:prop><x:y/></D:prop></D:propfind>',
        '<propfind xmlns="DAV:"><allprop/>',
        "no XML",
        '<propfind xmlns="DAV:"/>',
        '<propfind xmlns="DAV:"><allprop/><propname/></propfind>',
        '<other xmlns="DAV:"><allprop/></other>',
        "<propfind><allprop/></propfind>",
    ],
)
def test_a_body_that_is_none_is_refused(body: str) -> None:
    environ = {
        "REQUEST_METHOD": "PROPFIND",
        "PATH_INFO": "/",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body.encode()),
    }
    with pytest.raises(Refusal) as caught:
        asked(Request.of(environ))
    assert caught.value.status == 400


def test_an_entity_in_a_body_is_answered_with_a_refusal(serve: Serve) -> None:
    bomb = '<!DOCTYPE p [<!ENTITY a "a">]><propfind xmlns="DAV:">&a;<allprop/></propfind>'
    assert serve(Memory())("PROPFIND", "/", bomb, depth="0").status == 400


@both_servers
def test_a_body_that_is_too_large_is_refused(serve: Serve) -> None:
    served = serve(Memory())
    names = "".join(f"<a{number}/>" for number in range(1001))
    many = f'<propfind xmlns="DAV:"><prop>{names}</prop></propfind>'
    assert served("PROPFIND", "/", many, depth="0").status == 413
    large = f'<propfind xmlns="DAV:"><!--{"x" * (1 << 20)}--><allprop/></propfind>'
    assert served("PROPFIND", "/", large, depth="0").status == 413


def test_quota_is_told_by_name_alone_in_the_old_way_too(serve: Serve) -> None:
    storage = Memory(quota=1000)
    storage.write("f", b"x" * 300)
    served = serve(storage)
    names = [f"{D}quota-used-bytes", f"{D}quota-available-bytes", f"{D}quota", f"{D}quotaused"]
    found = served.find("/", *names).found("/")
    assert [found[name].text for name in names] == ["300", "700", "1000", "300"]
    assert not set(names) & served.find("/").found("/").keys()


def test_a_quota_that_nobody_knows_is_missing(serve: Serve) -> None:
    class Broken(Memory):
        def quota(self):  # type: ignore[no-untyped-def]
            raise ProviderError("no")

    name = f"{D}quota-used-bytes"
    assert serve(Broken()).find("/", name).missing("/") == {name}


def test_dead_properties_are_told_with_all_and_by_name(serve: Serve, storages: Storage) -> None:
    storages.write("d/f", b"1")
    served = serve(storages)
    value = '<y xmlns="urn:x" xml:lang="de">a<b/>&amp;\U0001f60e</y>'
    for path in ("d", "d/f"):
        served.books.set_properties(resource_key(storages, path), {"{urn:x}y": value})
    for reply in (served.find("/d/", depth="1"), served.find("/d/", "{urn:x}y", depth="1")):
        for href in ("/d/", "/d/f"):
            found = reply.found(href)["{urn:x}y"]
            assert "".join(found.itertext()) == "a&\U0001f60e"
            assert found.get("{http://www.w3.org/XML/1998/namespace}lang") == "de"
    assert served.find("/", "{urn:x}y").missing("/") == {"{urn:x}y"}


def test_more_than_all_can_be_asked_for(serve: Serve) -> None:
    storage = Memory()
    storage.write("f", b"1")
    body = (
        '<D:propfind xmlns:D="DAV:" xmlns:o="http://owncloud.org/ns"><D:allprop/>'
        "<D:include><o:size/><o:nothing/></D:include></D:propfind>"
    )
    reply = serve(storage)("PROPFIND", "/f", body, depth="0")
    assert reply.found("/f")[f"{OC}size"].text == "1"
    assert f"{D}getetag" in reply.found("/f")
    assert reply.missing("/f") == {f"{OC}nothing"}


def test_windows_is_told_the_times_it_set_and_else_those_of_the_file(serve: Serve) -> None:
    storage = Memory()
    storage.write("f", b"1", metadata=Metadata(mtime_ns=MOMENT_NS))
    served = serve(storage)
    said = "Mon, 01 Jan 2001 00:00:00 GMT"
    created = f"{WIN}Win32CreationTime"
    changed = f"{WIN}Win32LastModifiedTime"
    assert (prop("/f", served, created), prop("/f", served, changed)) == (HTTP_MOMENT, HTTP_MOMENT)
    assert prop("/f", served, f"{WIN}Win32LastAccessTime") == HTTP_MOMENT
    assert prop("/f", served, f"{WIN}Win32FileAttributes") == "00000020"
    assert prop("/", served, f"{WIN}Win32FileAttributes") == "00000010"
    xml_said = f'<w:Win32CreationTime xmlns:w="urn:schemas-microsoft-com:">{said}</w:Win32CreationTime>'
    served.books.set_properties(resource_key(storage, "f"), {created: xml_said})
    assert (prop("/f", served, created), prop("/f", served, changed)) == (said, HTTP_MOMENT)
    assert len(list(served.find("/f").found("/f")[created].itertext())) == 1


def test_times_and_kinds_are_told_as_the_names_want_them(serve: Serve, tmp_path: Path) -> None:
    storage = Local(tmp_path)
    storage.write("run.sh", b"", metadata=Metadata(mtime_ns=MOMENT_NS, mode=0o755))
    storage.write("data", b"", metadata=Metadata(mode=0o600))
    served = serve(storage)
    assert prop("/run.sh", served, f"{D}lastmodified") == "1600000000"
    assert prop("/run.sh", served, f"{D}creationdate") == "2020-09-13T12:26:40Z"
    assert prop("/run.sh", served, f"{D}getlastmodified") == HTTP_MOMENT
    executable = "{http://apache.org/dav/props/}executable"
    assert (prop("/run.sh", served, executable), prop("/data", served, executable)) == ("T", "F")


def test_owncloud_clients_are_told_hashes_rights_and_a_stable_id(serve: Serve) -> None:
    storage = Memory()
    storage.write("d/f", b"abc")
    served = serve(storage)
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert prop("/d/f", served, f"{OC}checksums") == f"SHA256:{digest}"
    rights = [prop(href, served, f"{OC}permissions") for href in ("/", "/d/", "/d/f")]
    assert rights == ["GCK", "GDNVCK", "GDNVW"]
    listed = served.find("/d", f"{OC}fileid", depth="1")
    ids = [listed.found(href)[f"{OC}fileid"].text for href in ("/d/", "/d/f")]
    assert ids == [prop("/d/", served, f"{OC}fileid"), prop("/d/f", served, f"{OC}fileid")]
    assert len(set(ids)) == 2


def test_what_is_read_only_says_so(serve: Serve) -> None:
    storage = Memory()
    storage.write("f", b"")
    served = serve(storage, read_only=True)
    assert len(served.find("/f").found("/f")[f"{D}supportedlock"]) == 0
    assert prop("/f", served, f"{OC}permissions") == "G"
    assert prop("/f", served, f"{WIN}Win32FileAttributes") == "00000021"


def test_locks_are_told_where_they_hold(serve: Serve, storages: Storage) -> None:
    storages.write("d/e/f", b"")
    storages.write("d/g", b"")
    served = serve(storages)

    def lock(path: str, token: str, *, deep: bool = False, door: str = "webdav") -> None:
        key = resource_key(storages, path)
        owner = "<D:owner>me</D:owner>" if door == "webdav" else "<me>"
        served.locks.acquire(
            Lock.wanted(key, token, door=door, scope="shared", deep=deep, owner=owner, timeout_s=100)
        )

    lock("d", "urn:deep", deep=True)
    lock("d/g", "urn:g")
    lock("d/e/f", "secret", door="other")

    def tokens(href: str, of: str, depth: str) -> list[str]:
        found = served.find(of, f"{D}lockdiscovery", depth=depth).found(href)[f"{D}lockdiscovery"]
        return ["".join(each.itertext()) for each in found.iter(f"{D}locktoken")]

    for of, depth in (("/d/g", "0"), ("/d/", "1"), ("/", "infinity")):
        assert tokens("/d/g", of, depth) == ["urn:deep", "urn:g"]
    assert tokens("/", "/", "1") == []
    assert tokens("/d/", "/", "1") == ["urn:deep"]
    active = served.find("/d/e/f").found("/d/e/f")[f"{D}lockdiscovery"]
    assert [each.findtext(f"{D}depth") for each in active] == ["infinity", "0"]
    assert [each.findtext(f"{D}owner") for each in active] == ["me", "<me>"]
    assert [each.findtext(f"{D}lockroot/{D}href") for each in active] == ["/d/", "/d/e/f"]
    assert all(1 <= int((each.findtext(f"{D}timeout") or "")[7:]) <= 100 for each in active)
    assert b"secret" not in served.find("/d/e/f").body


def test_folders_that_only_the_books_know_are_listed(serve: Serve) -> None:
    storage = Memory(
        facts=Memory.facts.__class__(empty_dirs=False, scan_fields=frozenset({"size", "version"}))
    )
    storage.write("d/f", b"")
    served = serve(storage)
    for path in ("made", "d", "made/inner"):
        served.books.add_folder(resource_key(storage, path))
    assert sorted(served.find("/", depth="1").hrefs) == ["/", "/d/", "/made/"]
    assert served.find("/made/", depth="1").hrefs == ["/made/", "/made/inner/"]
    assert sorted(served.find("/", depth="infinity").hrefs) == ["/", "/d/", "/d/f", "/made/", "/made/inner/"]


def test_a_time_that_a_client_gave_is_told_while_the_file_is_the_same(serve: Serve) -> None:
    facts = Memory.facts.__class__(
        empty_dirs=False, scan_fields=frozenset({"size", "version", "stored_at_ns"})
    )
    storage = Memory(facts=facts)
    entry = storage.write("f", b"1")
    served = serve(storage)
    served.books.set_time(resource_key(storage, "f"), entry.version, MOMENT_NS)

    def told() -> str | None:
        return served.find("/", f"{D}getlastmodified", depth="1").found("/f")[f"{D}getlastmodified"].text

    assert told() == HTTP_MOMENT == served("HEAD", "/f").headers["Last-Modified"]
    storage.write("f", b"2")
    assert told() != HTTP_MOMENT


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes in folders")
def test_links_and_special_files_are_not_told(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "away").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe")
    served = serve(Local(tmp_path))
    assert not {"/link", "/away", "/away/", "/pipe"} & set(served.find("/", depth="1").hrefs)
    assert "/file" in served.find("/", depth="1").hrefs
    for name in ("link", "away", "pipe"):
        assert served("PROPFIND", f"/{name}", depth="0").status == 404
        assert served("GET", f"/{name}").status == 404


def test_a_folder_that_the_first_write_will_make_is_empty(serve: Serve, tmp_path: Path) -> None:
    served = serve(Local(tmp_path / "later"))
    assert served.find("/", depth="1").hrefs == ["/"]
    assert served("GET", "/").status == 200


def test_a_folder_that_goes_while_a_tree_is_listed_is_left_out(serve: Serve) -> None:
    class Going(Memory):
        def scan(self, path: str) -> Iterator[Entry]:
            if path == "gone":
                raise NotFound("it went")
            return super().scan(path)

    storage = Going()
    storage.write("gone/f", b"")
    storage.write("here/f", b"")
    served = serve(storage)
    assert served.find("/", depth="infinity").hrefs == ["/", "/gone/", "/here/", "/here/f"]
    assert served("PROPFIND", "/gone/", depth="1").status == 404


@both_servers
def test_several_shares_are_listed_at_the_top(serve: Serve) -> None:
    one, two = Memory(), Memory()
    one.write("f", b"")
    two.write("d/g", b"")
    served = serve({"Photos & more": one, "b": two})
    assert served.find("/").hrefs == ["/"]
    assert served.find("/", depth="1").hrefs == ["/", "/Photos%20&%20more/", "/b/"]
    assert served.find("/", depth="infinity").hrefs == [
        "/",
        "/Photos%20&%20more/",
        "/Photos%20&%20more/f",
        "/b/",
        "/b/d/",
        "/b/d/g",
    ]
    assert served.find("/b", depth="0").found("/b/")[f"{D}displayname"].text == "b"
    assert served("PROPFIND", "/other/", depth="0").status == 404
    page = served("GET", "/")
    assert page.status == 200
    assert b'href="/Photos%20&amp;%20more/"' in page.body


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_becomes_xml_that_says_the_same(said: str) -> None:
    for document in (f"<a>{xml.text(said)}</a>", f'<a b="{xml.text(said)}"/>'):
        root = ET.fromstring(document.encode())
        told = root.get("b", root.text or "")
        assert len(told) == len(said)
        for was, now in zip(said, told, strict=True):
            assert now == was or now == "\ufffd" or (was in "\t\n" and now == " ")
