"""XML that means harm: nothing is expanded, fetched or built up, whatever the method."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from skycap.core.storage.interface import Storage
from skycap.core.units import MiB
from skycap.core.webdav.methods import LOCK, PROPFIND, PROPPATCH
from tests.core.webdav.attacks.conftest import FILES
from tests.core.webdav.attacks.raw import Heard, ask, head, quiet, whole, wire
from tests.core.webdav.served import Client, tree

METHODS = {PROPFIND: "propfind", PROPPATCH: "propertyupdate", LOCK: "lockinfo"}
INNER = {
    PROPFIND: "<D:prop>{}</D:prop>",
    PROPPATCH: "<D:set><D:prop>{}</D:prop></D:set>",
    LOCK: "<D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner>{}</D:owner>",
}
by_method = pytest.mark.parametrize("method", METHODS)


def document(method: str, inner: str, before: str = "") -> str:
    root = METHODS[method]
    return f'{before}<D:{root} xmlns:D="DAV:">{INNER[method].format(inner)}</D:{root}>'


def said(client: Client, method: str, body: str | bytes) -> Heard:
    data = body if isinstance(body, bytes) else body.encode()
    return quiet(ask(client.port, whole(method, "/a", data, "Depth: 0")))


def bomb() -> str:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    return f'<!DOCTYPE D [<!ENTITY e0 "ha">{levels}]>'


@by_method
@pytest.mark.parametrize(
    "before",
    [
        bomb(),
        f'<!DOCTYPE D [<!ENTITY e11 "{"x" * 50_000}">]>',
        '<!DOCTYPE D [<!ENTITY e11 SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE D [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
        "<!DOCTYPE D [<!ELEMENT D ANY>]>",
    ],
    ids=["nested", "long", "a file", "a parameter", "a declaration"],
)
def test_entities_are_refused_and_not_expanded(
    client: Client, storage: Storage, method: str, before: str
) -> None:
    heard = said(client, method, document(method, "<D:x>&e11;</D:x>", before))
    assert heard.status == 400
    assert len(heard.body) < 1000
    assert "root:" not in heard.text
    assert tree(storage) == FILES


@by_method
def test_nothing_is_fetched(client: Client, method: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as elsewhere:
        url = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/x"
        for before in (
            f'<!DOCTYPE D SYSTEM "{url}">',
            f'<!DOCTYPE D [<!ENTITY e SYSTEM "{url}">]>',
            f'<?xml-stylesheet href="{url}"?>',
        ):
            said(
                client,
                method,
                document(
                    method,
                    f'<D:x xmlns:i="http://www.w3.org/2001/XInclude"><i:include href="{url}"/></D:x>',
                    before,
                ),
            )
        elsewhere.setblocking(False)
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


@by_method
def test_ten_thousand_levels_are_refused(client: Client, method: str) -> None:
    assert said(client, method, document(method, "<D:x>" * 10_000 + "</D:x>" * 10_000)).status == 400


@by_method
def test_a_body_that_is_too_large_is_413(client: Client, method: str) -> None:
    with wire(client.port) as line:
        line.send(head(method, "/a", f"Content-Length: {10 * MiB}", "Depth: 0") + b" " * (10 * MiB))
        assert line.answer().status == 413
    with wire(client.port) as line:
        line.send(head(method, "/a", "Transfer-Encoding: chunked", "Depth: 0"))
        line.send((b"100000\r\n" + b" " * MiB + b"\r\n") * 10 + b"0\r\n\r\n")
        assert line.answer().status == 413
    assert client("GET", "/a").status == 200


@by_method
@pytest.mark.parametrize(
    "body",
    [
        "<",
        "nonsense",
        "\0",
        "<a/>",
        "<D:propfind/>",
        "<propfind><prop><x/></prop></propfind>",
        '<propfind xmlns="dav:"><prop/></propfind>',
        '<D:propfind xmlns:D=""/>',
        '<D:propfind xmlns:D="DAV:"><E:x/></D:propfind>',
        '<D:propfind xmlns:D="DAV:">',
        '<D:propfind xmlns:D="DAV:" xmlns:D="DAV:"/>',
        '<?xml version="9"?><a/>',
    ],
)
def test_what_is_no_such_document_is_400(client: Client, storage: Storage, method: str, body: str) -> None:
    assert said(client, method, body).status == 400
    assert tree(storage) == FILES


@by_method
@pytest.mark.parametrize("name", ["xml:x", "xml:lang"])
def test_a_name_in_the_namespace_of_xml_itself_is_refused(client: Client, method: str, name: str) -> None:
    assert said(client, method, document(method, f"<{name}/>")).status == 400


@by_method
@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-16-be", "iso-8859-1", "us-ascii", "windows-1252"]
)
def test_other_encodings_are_read_where_xml_has_them(client: Client, method: str, encoding: str) -> None:
    declared = "utf-16" if encoding.startswith("utf-16") else encoding
    text = document(method, "<D:x/>", f'<?xml version="1.0" encoding="{declared}"?>')
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    assert said(client, method, mark + text.encode(encoding)).status in {200, 207}


@by_method
@pytest.mark.parametrize(
    "encoding", ["utf-7", "utf-32", "nonsense", "idna", "rot13", "base64", "punycode", "cp037", "shift_jis"]
)
def test_what_is_in_no_encoding_of_xml_is_400_or_read(client: Client, method: str, encoding: str) -> None:
    text = document(method, "<D:x/>", f'<?xml version="1.0" encoding="{encoding}"?>')
    assert said(client, method, text).status in {200, 207, 400}


@by_method
def test_bytes_that_are_no_text_are_400(client: Client, method: str) -> None:
    assert said(client, method, document(method, "<D:x>").encode() + b"\xff\xfe\xc0\xae").status == 400


def test_markup_in_a_value_stays_a_value(client: Client) -> None:
    value = "]]&gt;&lt;/D:prop&gt;&lt;D:injected/&gt;&amp;&quot;&apos;"
    assert client.patch("/a", f'<x:p xmlns:x="urn:&amp;x">{value}</x:p>').status == 207
    found = client("PROPFIND", "/a", document(PROPFIND, '<x:p xmlns:x="urn:&amp;x"/>'), depth="0").xml
    (prop,) = found.iter("{urn:&x}p")
    assert prop.text == "]]></D:prop><D:injected/>&\"'"
    assert not list(found.iter("{DAV:}injected"))
