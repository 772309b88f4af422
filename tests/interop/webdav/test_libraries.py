"""Round trips with the WebDAV libraries of Python."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from skycap.core.webdav.serving import ServerName
from tests.interop.webdav.names import DECOMPOSED, ODD
from tests.interop.webdav.places import Served, both_servers

CONTENT = bytes(range(256)) * 300


@pytest.fixture
def webdav4(served: Served) -> Iterator[Any]:
    import httpx
    from webdav4.client import Client

    with closing(httpx.Client()) as connections:
        yield Client(served.url, http_client=connections)


@pytest.fixture
def webdavclient3(served: Served) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its source, when it is compiled
        from webdav3.client import Client

    client = Client({"webdav_hostname": served.url, "webdav_login": "me", "webdav_password": "x"})
    with closing(client.session):
        yield client


def _content(served: Served, path: str) -> bytes:
    with served.storage.read(path) as reader:
        return reader.read()


@both_servers
def test_webdav4_does_all_it_can(webdav4: Any, served: Served, tmp_path: Path) -> None:
    (tmp_path / "local").write_bytes(CONTENT)
    webdav4.mkdir("folder")
    webdav4.upload_file(tmp_path / "local", "folder/a.bin")
    assert _content(served, "folder/a.bin") == CONTENT
    webdav4.copy("folder/a.bin", "folder/b.bin")
    webdav4.move("folder", "moved")
    assert sorted(webdav4.ls("moved", detail=False)) == ["moved/a.bin", "moved/b.bin"]
    told = webdav4.info("moved/a.bin")
    assert told["content_length"] == len(CONTENT)
    assert told["type"] == "file"
    entry = served.storage.stat("moved/a.bin")
    assert entry is not None
    assert entry.mtime_ns is not None
    assert int(told["modified"].timestamp()) == entry.mtime_ns // 10**9
    assert webdav4.etag("moved/a.bin").startswith('"')
    with webdav4.open("moved/a.bin", "rb") as file:
        file.seek(70_000)
        assert file.read(100) == CONTENT[70_000:70_100]
    webdav4.download_file("moved/b.bin", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == CONTENT
    webdav4.remove("moved")
    assert not webdav4.exists("moved")
    assert list(served.storage.scan("")) == []


def test_webdav4_keeps_odd_names(webdav4: Any, served: Served) -> None:
    from io import BytesIO

    # What a URL has a meaning for it does not escape, so these names it cannot say.
    names = {name for name in (*ODD, DECOMPOSED) if not set(name) & set("?#%")}
    for name in names:
        webdav4.upload_fileobj(BytesIO(name.encode()), name)
    assert {entry.path for entry in served.storage.scan("")} == names
    assert set(webdav4.ls("", detail=False)) == names
    for name in names:
        assert _content(served, name) == name.encode()


@both_servers
def test_fsspec_walks_reads_pieces_and_removes(webdav4: Any, served: Served) -> None:
    from webdav4.fsspec import WebdavFileSystem

    system = WebdavFileSystem(served.url, client=webdav4)
    system.makedirs("deep/down")
    with system.open("deep/down/a.bin", "wb") as file:
        file.write(CONTENT)
    system.pipe_file("deep/b.txt", b"beta")
    assert _content(served, "deep/down/a.bin") == CONTENT
    assert sorted(system.find("")) == ["deep/b.txt", "deep/down/a.bin"]
    assert system.cat_file("deep/down/a.bin", start=1000, end=1010) == CONTENT[1000:1010]
    assert system.size("deep/down/a.bin") == len(CONTENT)
    system.cp_file("deep/b.txt", "c.txt")
    system.mv("c.txt", "d.txt")
    assert system.cat_file("d.txt") == b"beta"
    system.rm("deep", recursive=True)
    assert [entry.path for entry in served.storage.scan("")] == ["d.txt"]


@both_servers
def test_webdavclient3_does_all_it_can(webdavclient3: Any, served: Served, tmp_path: Path) -> None:
    client = webdavclient3
    (tmp_path / "local").write_bytes(CONTENT)
    assert client.mkdir("folder")
    client.upload_sync(remote_path="folder/a.bin", local_path=str(tmp_path / "local"))
    assert _content(served, "folder/a.bin") == CONTENT
    client.copy("folder/a.bin", "folder/b.bin")
    client.move("folder/b.bin", "folder/c.bin")
    assert sorted(client.list("folder"))[-2:] == ["a.bin", "c.bin"]
    assert client.info("folder/a.bin")["size"] == str(len(CONTENT))
    client.download_sync(remote_path="folder/c.bin", local_path=str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == CONTENT
    client.clean("folder")
    assert not client.check("folder")


@both_servers
def test_webdavclient3_sets_properties_though_it_says_depth_1(webdavclient3: Any, served: Served) -> None:
    served.storage.write("a.bin", CONTENT)
    webdavclient3.set_property("a.bin", {"namespace": "urn:x", "name": "colour", "value": "blue"})
    assert webdavclient3.get_property("a.bin", {"namespace": "urn:x", "name": "colour"}) == "blue"


def test_webdavclient3_pushes_and_pulls_a_tree(
    webdavclient3: Any, served: Served, tmp_path: Path, server: ServerName
) -> None:
    source = tmp_path / "source"
    (source / "in").mkdir(parents=True)
    (source / "a.txt").write_text("alpha")
    (source / "in/ünï cödé.txt").write_text("beta")
    webdavclient3.mkdir("tree")
    webdavclient3.push("tree", str(source))
    assert _content(served, "tree/in/ünï cödé.txt") == b"beta"
    (tmp_path / "back").mkdir()
    webdavclient3.pull("tree", str(tmp_path / "back"))
    assert (tmp_path / "back/in/ünï cödé.txt").read_text() == "beta"
