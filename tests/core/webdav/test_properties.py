"""PROPPATCH on a real socket."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from skycap.core.storage.interface import Storage
from tests.core.webdav.served import STORES, Client, fill, make_store, served

WIN32 = 'xmlns="urn:schemas-microsoft-com:"'


@pytest.fixture(params=STORES)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return make_store(request.param, tmp_path / "files")


@pytest.fixture
def client(port: int, storage: Storage, tmp_path: Path) -> Iterator[Client]:
    fill(storage, {"a": "A", "d/x": "X"})
    with served(port, {"": storage}, tmp_path / "state") as client:
        yield client


def _found(client: Client, path: str, name: str) -> str | None:
    body = client("PROPFIND", path, Depth="0")
    found = next(body.xml.iter(name), None)
    return None if found is None else "".join(found.itertext())


def _modified(client: Client, path: str) -> str | None:
    return _found(client, path, "{DAV:}getlastmodified")


@pytest.mark.parametrize(
    "value",
    [
        "<D:getlastmodified>Fri, 13 Feb 2009 23:31:30 GMT</D:getlastmodified>",
        "<D:lastmodified>1234567890</D:lastmodified>",
        f"<Win32LastModifiedTime {WIN32}>Fri, 13 Feb 2009 23:31:30 GMT</Win32LastModifiedTime>",
    ],
)
@pytest.mark.parametrize("path", ["/a", "/d/"])
def test_each_way_of_setting_the_time_sets_it(client: Client, path: str, value: str) -> None:
    reply = client.patch(path, value)
    assert (reply.status, set(reply.properties().values())) == (207, {200})
    assert _modified(client, path) == "Fri, 13 Feb 2009 23:31:30 GMT"


def test_a_time_that_was_set_is_gone_with_the_content_it_was_about(client: Client) -> None:
    assert client.patch("/a", "<D:lastmodified>1234567890</D:lastmodified>").status == 207
    assert client("PUT", "/a", "other content").status == 204
    assert _modified(client, "/a") != "Fri, 13 Feb 2009 23:31:30 GMT"


def test_the_other_windows_properties_are_kept(client: Client) -> None:
    names = ("Win32CreationTime", "Win32LastAccessTime", "Win32FileAttributes")
    reply = client.patch("/a", *(f"<{name} {WIN32}>00000020</{name}>" for name in names))
    assert set(reply.properties().values()) == {200}
    for name in names:
        assert _found(client, "/a", f"{{urn:schemas-microsoft-com:}}{name}") == "00000020"


@pytest.mark.parametrize("depth", ["0", "1", "infinity"])
def test_depth_means_nothing(client: Client, depth: str) -> None:
    assert set(client.patch("/a", '<p xmlns="x:"/>', Depth=depth).properties().values()) == {200}


def test_all_is_done_or_nothing(client: Client) -> None:
    reply = client.patch(
        "/a", '<one xmlns="x:">1</one>', "<D:getetag>x</D:getetag>", "<D:lastmodified>1</D:lastmodified>"
    )
    assert reply.properties() == {"{x:}one": 424, "{DAV:}getetag": 403, "{DAV:}lastmodified": 424}
    assert b"<D:error><D:cannot-modify-protected-property/></D:error>" in reply.body
    assert client.books.properties(client.key("a")) == {}
    assert _modified(client, "/a") != "Thu, 01 Jan 1970 00:00:01 GMT"


def test_changes_are_made_in_the_order_of_the_document(client: Client) -> None:
    body = (
        '<D:propertyupdate xmlns:D="DAV:" xmlns="x:"><D:set><D:prop><a>1</a><b>1</b></D:prop></D:set>'
        "<D:remove><D:prop><a/></D:prop></D:remove><D:set><D:prop><b>2</b></D:prop></D:set></D:propertyupdate>"
    )
    assert client("PROPPATCH", "/a", body).status == 207
    assert (_found(client, "/a", "{x:}a"), _found(client, "/a", "{x:}b")) == (None, "2")
    assert client.patch("/a", remove='<b xmlns="x:"/><never xmlns="x:"/>').status == 207
    assert _found(client, "/a", "{x:}b") is None


def test_values_come_back_as_they_were(client: Client) -> None:
    value = (
        '<p xmlns="x:" xmlns:y="y:" y:at="&lt;&quot;1&quot;">a &amp; b<y:in>é𝄞😀</y:in> tail&#13;'
        '<none xmlns=""/></p>'
    )
    update = f"<D:set><D:prop>{value}</D:prop></D:set>"
    body = f'<D:propertyupdate xmlns:D="DAV:" xml:lang="de">{update}</D:propertyupdate>'
    assert client("PROPPATCH", "/a", body).status == 207
    found = next(client("PROPFIND", "/a", Depth="0").xml.iter("{x:}p"))
    assert found.attrib == {"{y:}at": '<"1"', "{http://www.w3.org/XML/1998/namespace}lang": "de"}
    assert [found.text, found[0].tag, found[0].text, found[0].tail] == ["a & b", "{y:}in", "é𝄞😀", " tail\r"]
    assert found[1].tag == "none"


def test_a_property_without_a_namespace_is_kept(client: Client) -> None:
    assert client.patch("/a", '<p xmlns="">v</p>').properties() == {"p": 200}
    assert _found(client, "/a", "p") == "v"


def test_a_value_that_is_too_large_is_507(client: Client) -> None:
    reply = client.patch("/a", f'<big xmlns="x:">{"x" * 102_400}</big>', '<small xmlns="x:"/>')
    assert reply.properties() == {"{x:}big": 507, "{x:}small": 424}
    assert client.patch("/a", f'<big xmlns="x:">{"x" * 102_000}</big>').properties() == {"{x:}big": 200}


def test_a_time_that_is_none_is_told(client: Client) -> None:
    assert client.patch("/a", "<D:lastmodified>soon</D:lastmodified>").properties() == {
        "{DAV:}lastmodified": 409
    }
    assert client.patch("/a", remove="<D:getlastmodified/>").properties() == {"{DAV:}getlastmodified": 403}


BOMB = '<!DOCTYPE p [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE p [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("doctype", [BOMB, OUTSIDE, '<!DOCTYPE p SYSTEM "http://127.0.0.1/x.dtd">'])
def test_entities_are_refused(client: Client, doctype: str) -> None:
    update = '<D:set><D:prop><p xmlns="x:">&a;</p></D:prop></D:set>'
    body = f'{doctype}<D:propertyupdate xmlns:D="DAV:">{update}</D:propertyupdate>'
    assert client("PROPPATCH", "/a", body).status == 400
    assert client.books.properties(client.key("a")) == {}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<p",
        "<D:p/>",
        '<p xmlns="DAV:"/>',
        '<propertyupdate xmlns="DAV:"/>',
        '<?xml version="1.0" encoding="no"?><p/>',
    ],
)
def test_what_is_no_update_is_400(client: Client, body: str) -> None:
    assert client("PROPPATCH", "/a", body).status == 400


def test_a_body_of_more_than_a_mebibyte_is_413(client: Client) -> None:
    assert client("PROPPATCH", "/a", b"<" + b"x" * 2**20).status == 413


def test_what_is_not_there_has_no_properties(client: Client) -> None:
    assert client.patch("/none", '<p xmlns="x:"/>').status == 404


def test_a_condition_that_does_not_hold_leaves_all_as_it_is(client: Client) -> None:
    for headers in ({"If_Match": '"none"'}, {"If": "(<opaquelocktoken:none>)"}, {"If": '(["none"])'}):
        assert client.patch("/a", '<p xmlns="x:"/>', **headers).status == 412
        assert client.copy("/a", "/b", **headers).status == 412
        assert client.move("/a", "/b", **headers).status == 412
        assert client("DELETE", "/a", **headers).status == 412
        assert client.lock("/new", **headers).status == 412
    assert client("DELETE", "/none", If_Match="*").status == 404
    assert client.books.properties(client.key("a")) == {}
    assert client("PROPFIND", "/new", Depth="0").status == 404
