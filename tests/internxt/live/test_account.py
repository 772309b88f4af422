"""What skycap promises, shown on a real account. Left out unless asked for: `make live`."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from tests.internxt.live.conftest import Live

pytestmark = pytest.mark.live
MTIME = 1_600_000_000
CONTENTS = {
    "empty": b"",
    "one.bin": b"1",
    "block.bin": bytes(range(16)),
    ".bashrc": b"alias ll='ls -l'\n",
    "a.": b"its dot stays",
    "no extension": b"x" * 17,
    "sub/ä é 文.txt": "ä é 文".encode(),
    "sub/deep/large.bin": bytes(range(256)) * 4096,
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    for number, (name, content) in enumerate(CONTENTS.items()):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (MTIME + number, MTIME + number))
    (root / "void").mkdir()
    return root


def test_the_server_knows_who_is_logged_in(live: Live) -> None:
    (account,) = live.done("internxt", "whoami", "live", "--json").records
    (status,) = live.done("internxt", "status", "live", "--json").records
    assert "@" in account["email"]
    assert (status["logged_in"], status["uuid"]) == (True, account["uuid"])
    (quota,) = live.done("quota", "--json", "live:").records
    assert quota["used"] >= 0


def test_a_tree_goes_up_and_comes_down_the_same(live: Live, tree: Path, tmp_path: Path) -> None:
    live.done("copy", tree, live.place("tree"))
    live.done("check", tree, live.place("tree"))
    live.done("copy", live.place("tree"), tmp_path)
    for number, (name, content) in enumerate(CONTENTS.items()):
        assert (tmp_path / name).read_bytes() == content
        assert (tmp_path / name).stat().st_mtime == MTIME + number
    assert (tmp_path / "void").is_dir()
    again = live.done("copy", "--json", tree, live.place("tree")).records[-1]
    assert again["copied"] == 0


def test_a_listing_has_names_sizes_and_times(live: Live) -> None:
    live.put("list/b.txt", b"four")
    live.put("list/sub/c.txt", b"")
    records = live.done("ls", "-R", "--json", live.place("list")).records
    assert {(one["path"], one["kind"], one.get("size", 0)) for one in records} == {
        ("b.txt", "file", 4),
        ("sub", "directory", 0),
        ("sub/c.txt", "file", 0),
    }


def test_a_new_content_keeps_the_file(live: Live) -> None:
    live.put("replaced.txt", b"one")
    before = live.id_of("replaced.txt")
    live.put("replaced.txt", b"three")
    assert live.cat("replaced.txt") == b"three"
    assert live.id_of("replaced.txt") == before


def test_renaming_and_moving_send_no_bytes_and_keep_ids(live: Live) -> None:
    live.put("from/a.txt", b"moved")
    file, folder = live.id_of("from/a.txt"), live.id_of("from")
    live.done("move", live.place("from/a.txt"), live.place("from/b.md"))
    assert live.id_of("from/b.md") == file
    live.done("move", live.place("from/b.md"), live.place("to/b.md"))
    assert live.id_of("to/b.md") == file
    assert live.cat("to/b.md") == b"moved"
    assert live("cat", live.place("from/b.md")).status == 4
    assert live.id_of("from") == folder


def test_what_was_removed_comes_back(live: Live) -> None:
    live.put("removed/a.txt", b"precious")
    live.done("remove", "--yes", live.place("removed/a.txt"))
    assert live("cat", live.place("removed/a.txt")).status == 4
    live.done("internxt", "trash", "restore", live.place("removed/a.txt"))
    assert live.cat("removed/a.txt") == b"precious"
    live.done("internxt", "trash", "put", live.place("removed"))
    live.put("removed/a.txt", b"newer")
    live.done("internxt", "trash", "restore", "--on-conflict", "rename", live.place("removed"))
    assert live.cat("removed (1)/a.txt") == b"precious"
    assert live.cat("removed/a.txt") == b"newer"


def test_an_old_version_comes_back_where_the_plan_keeps_any(live: Live) -> None:
    live.put("report.docx", b"first")
    live.put("report.docx", b"second!")
    newest, *older = live.done("internxt", "versions", "list", "--json", live.place("report.docx")).records
    assert (newest["latest"], newest["size"]) == (True, 7)
    for old in older:
        live.done("internxt", "versions", "restore", live.place("report.docx"), old["version"])
        assert live.cat("report.docx") == b"first"


def test_any_range_of_a_file_can_be_read(live: Live) -> None:
    content = os.urandom(100_003)
    live.put("ranges.bin", content)
    for offset, count in ((0, 1), (15, 2), (16, 16), (4095, 70_000), (100_000, 50), (200_000, 1)):
        found = live.cat("ranges.bin", "--offset", str(offset), "--count", str(count))
        assert found == content[offset : offset + count]


def test_a_link_is_made_and_taken_back(live: Live) -> None:
    live.put("shared.txt", b"for all")
    (made,) = live.done("internxt", "share", "create", "--json", live.place("shared.txt")).records
    assert "/sh/file/" in made["url"]
    (told,) = live.done("internxt", "share", "info", "--json", live.place("shared.txt")).records
    assert told["url"] == made["url"]
    live.done("internxt", "share", "remove", live.place("shared.txt"))
    assert live("internxt", "share", "info", live.place("shared.txt")).status == 4


@pytest.fixture
def served(live: Live) -> Iterator[http.client.HTTPConnection]:
    """A WebDAV server over the folder of this run."""
    login = {"SKYCAP_REMOTE_LIVE_SESSION": "env:LIVE_SESSION", "LIVE_SESSION": live.secret}
    words = ["webdav", "serve", live.place(), "--anonymous", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "skycap.core", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=live.environment | login,
    )
    assert process.stdout is not None
    try:
        url = urlsplit(json.loads(process.stdout.readline())["url"])
        connection = http.client.HTTPConnection(url.hostname or "", url.port or 0, timeout=120)
        yield connection
        connection.close()
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_a_webdav_server_over_it_reads_and_writes(live: Live, served: http.client.HTTPConnection) -> None:
    def asked(method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        served.request(method, quote(path), body, headers)
        answer = served.getresponse()
        return answer.status, answer.read()

    content = bytes(range(256)) * 100
    assert asked("MKCOL", "/dav")[0] == 201
    assert asked("PUT", "/dav/ä.bin", content)[0] == 201
    assert asked("GET", "/dav/ä.bin") == (200, content)
    assert asked("GET", "/dav/ä.bin", Range="bytes=255-300") == (206, content[255:301])
    status, listing = asked("PROPFIND", "/dav", Depth="1")
    assert status == 207
    assert quote("ä.bin").encode() in listing
    assert asked("MOVE", "/dav/ä.bin", Destination="/dav/b.bin")[0] == 201
    assert live.cat("dav/b.bin") == content
    assert asked("DELETE", "/dav/b.bin")[0] == 204
    assert asked("GET", "/dav/b.bin")[0] == 404
