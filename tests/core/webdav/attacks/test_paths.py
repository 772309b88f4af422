"""Paths and names that mean harm: nothing outside a share is reached, nothing taken for another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from skycap.core.storage.interface import Storage
from skycap.core.webdav.methods import ALL, COPY, DELETE, GET, MOVE, PROPFIND, PUT
from tests.core.webdav.attacks.conftest import FILES
from tests.core.webdav.attacks.raw import ask, head, quiet, whole
from tests.core.webdav.served import Client, tree

SECRET = "what is none of yours"

OUTSIDE = {
    "dots": "/../secret",
    "dots below": "/d/../../secret",
    "escaped dots": "/%2e%2e/secret",
    "half escaped dots": "/.%2e/secret",
    "dots with an escaped slash": "/..%2fsecret",
    "dots with an escaped slash in capitals": "/d/..%2F..%2Fsecret",
    "dots escaped twice": "/%252e%252e/secret",
    "dots with a backslash": "/..\\secret",
    "dots with an escaped backslash": "/..%5csecret",
    "overlong dots": "/%c0%ae%c0%ae/secret",
    "an overlong slash": "/..%c0%afsecret",
    "a dot": "/./../secret",
    "a NUL": "/..%00/secret",
    "dots and a space": "/..%20/secret",
    "dots at the end": "/d/..",
    "many slashes": "//..//secret",
    "a drive": "/C:/secret",
    "a drive escaped": "/c%3a%5csecret",
    "a share of Windows": "/%5c%5chost%5csecret",
    "a parameter": "/..;/secret",
    "as a query": "/?/../secret",
}


@pytest.fixture(autouse=True)
def secret(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "secret"
    path.write_text(SECRET)
    yield path
    assert path.read_text() == SECRET
    assert sorted(os.listdir(tmp_path)) == ["secret", "served", "state"]


@pytest.mark.parametrize("case", OUTSIDE)
def test_nothing_outside_is_read_or_changed(client: Client, tmp_path: Path, case: str) -> None:
    for method in ALL:
        body = b"" if method != PUT else b"overwritten"
        heard = quiet(
            ask(client.port, whole(method, OUTSIDE[case], body, "Destination: /stolen")), str(tmp_path)
        )
        assert SECRET not in heard.text
        assert client("GET", "/stolen").status == 404 or case == "as a query"
        client("DELETE", "/stolen")
    for method in (COPY, MOVE):
        heard = quiet(ask(client.port, whole(method, "/a", b"", f"Destination: {OUTSIDE[case]}")))
        assert heard.status in {201, 204, 400, 403, 405, 409, 404}


NAMES_OF_NOTHING = {
    "a dot": "/.",
    "two dots": "/..",
    "dots within": "/d/../a",
    "escaped dots within": "/d/%2e%2e/a",
    "an escaped slash": "/d%2Fx",
    "a NUL": "/a%00",
    "a NUL and an ending": "/a%00.txt",
    "a fragment": "/a#b",
}


@pytest.mark.parametrize("case", NAMES_OF_NOTHING)
@pytest.mark.parametrize("method", ALL)
def test_what_no_storage_can_hold_is_400(client: Client, storage: Storage, method: str, case: str) -> None:
    heard = quiet(ask(client.port, whole(method, NAMES_OF_NOTHING[case], b"", "Destination: /n")))
    assert heard.status == 400
    assert tree(storage) == FILES


@pytest.mark.parametrize("case", NAMES_OF_NOTHING)
def test_nor_can_it_be_a_destination(client: Client, storage: Storage, case: str) -> None:
    heard = quiet(ask(client.port, whole(MOVE, "/a", b"", f"Destination: {NAMES_OF_NOTHING[case]}")))
    assert heard.status == 400
    assert tree(storage) == FILES


ODD = {
    "a backslash": "a%5Cb",
    "a slash escaped twice": "a%252Fb",
    "dots escaped twice": "%252e%252e",
    "bytes that are no UTF-8": "%ff%fe",
    "overlong UTF-8": "%c0%ae%c0%ae",
    "a surrogate in UTF-8": "%ed%a0%80",
    "UTF-8 that is not escaped": "\N{GREEK SMALL LETTER ALPHA}",
    "a percent sign by itself": "100%",
    "what escapes nothing": "%zz",
    "a line feed": "a%0Ab",
    "a header in a name": "a%0D%0ASet-Cookie:%20x=y",
    "a drive": "C:",
    "a stream": "a:b",
    "a device": "NUL",
    "a device with an ending": "con.txt",
    "a dot at the end": "name.",
    "a space at the end": "name%20",
    "a star": "*",
    "markup": "%3Cscript%3Ealert(1)%3C%2Fscript%3E".replace("%2F", ""),
    "quotes": "%22%27",
    "a name from right to left": "%e2%80%aetxt.exe",
}


@pytest.mark.skipif(os.name == "nt", reason="Windows refuses some of them, with 400")
@pytest.mark.parametrize("case", ODD)
def test_a_name_is_kept_as_it_is_or_refused_and_says_nothing_more(
    client: Client, storage: Storage, case: str
) -> None:
    target = f"/d/{ODD[case]}"
    made = quiet(ask(client.port, whole(PUT, target, b"content")))
    assert made.status in {201, 400}
    assert "set-cookie" not in made.headers
    if made.status == 400:
        assert tree(storage) == FILES
        return
    assert quiet(ask(client.port, head(GET, target))).body == b"content"
    listed = quiet(ask(client.port, head(PROPFIND, "/d", "Depth: 1")))
    assert "<script>" not in listed.text
    hrefs = [one.text or "" for one in client("PROPFIND", "/d", depth="1").xml.iter("{DAV:}href")]
    assert len(hrefs) == 4
    assert all(href.isascii() and href.isprintable() and " " not in href for href in hrefs)
    (href,) = [href for href in hrefs if href not in {"/d/", "/d/x", "/d/s/"}]
    assert quiet(ask(client.port, head(GET, href))).body == b"content"
    page = quiet(ask(client.port, head(GET, "/d/")))
    assert "<script>" not in page.text
    moved = quiet(ask(client.port, whole(MOVE, href, b"", f"Destination: {target}2")))
    assert "set-cookie" not in moved.headers
    assert moved.status in {201, 400}
    assert quiet(ask(client.port, head(DELETE, f"{target}2" if moved.status == 201 else href))).status == 204
    assert tree(storage) == FILES


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize("target", ["/" + "n" * 300, "/" + "n/" * 3000, "/" + "%ce%b1" * 200])
def test_what_is_too_long_for_the_storage_is_refused(
    client: Client, storage: Storage, method: str, target: str
) -> None:
    heard = quiet(ask(client.port, whole(method, target, b"", "Destination: /n")), str(storage.identity))
    # What no name can be is not there, or cannot be made.
    assert heard.status in {400, 404, 409, 414}
    assert tree(storage) == FILES


@pytest.mark.skipif(os.name == "nt", reason="not everybody may make links on Windows")
@pytest.mark.parametrize("method", ALL)
def test_a_link_that_leads_outside_leads_nowhere(
    client: Client, folder: Path, tmp_path: Path, method: str
) -> None:
    outside = tmp_path / "state" / "outside"
    outside.mkdir()
    (outside / "inner").write_text(SECRET)
    (folder / "file").symlink_to(tmp_path / "secret")
    (folder / "up").symlink_to("..")
    (folder / "tree").symlink_to(outside)
    (folder / "d" / "deep").symlink_to(outside)
    before = sorted(os.listdir(folder))
    for target in ("/file", "/tree", "/tree/inner", "/up/secret", "/tree/new", "/d/deep/inner", "/d/deep"):
        body = b"overwritten" if method == PUT else b""
        heard = quiet(ask(client.port, whole(method, target, body, "Destination: /d/n")), str(tmp_path))
        assert SECRET not in heard.text
        assert heard.status in {400, 403, 404, 405, 409} or method == "OPTIONS", (target, heard)
    for link in ("/file", "/tree/new", "/up/new", "/d/deep/new"):
        heard = quiet(ask(client.port, whole(COPY, "/a", b"", f"Destination: {link}")), str(tmp_path))
        assert heard.status in {400, 403, 409}, (link, heard)
    assert sorted(os.listdir(folder)) == before
    assert sorted(os.listdir(outside)) == ["inner"]
    assert sorted(os.listdir(folder / "d")) == ["deep", "s", "x"]


@pytest.mark.skipif(os.name == "nt", reason="not everybody may make links on Windows")
def test_a_tree_with_such_a_link_goes_without_what_it_leads_to(
    client: Client, folder: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "state" / "outside"
    outside.mkdir()
    (outside / "inner").write_text(SECRET)
    (folder / "d" / "deep").symlink_to(outside)
    listed = quiet(ask(client.port, head(PROPFIND, "/d", "Depth: infinity")))
    assert "inner" not in listed.text
    assert client.copy("/d", "/copy").status == 201
    assert sorted(os.listdir(folder / "copy")) == ["s", "x"]
    assert client("DELETE", "/d").status == 204
    assert (outside / "inner").read_text() == SECRET
