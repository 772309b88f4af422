"""`skycap webdav test` fires the real methods, tells what came, and leaves nothing behind."""

from __future__ import annotations

import base64
import http.server
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.core.cli.conftest import Skycap
from tests.core.webdav.commands.servers import serving

METHODS = {
    "OPTIONS", "PROPFIND", "MKCOL", "PUT", "GET", "HEAD",
    "PROPPATCH", "COPY", "MOVE", "LOCK", "UNLOCK", "DELETE",
}  # fmt: skip


@pytest.mark.parametrize("kind", ["cheroot", "waitress"])
def test_every_method_of_a_server_of_ours_is_right(kind: str, folder: Path, skycap: Skycap) -> None:
    with serving(folder, "--anonymous", "--server", kind) as server:
        outcome = skycap("webdav", "test")
        steps = skycap("webdav", "test", "--json", server.url).records
    assert outcome.status == 0, outcome.out
    assert "went right" in outcome.err
    assert len(outcome.out.splitlines()) == len(steps)
    assert {step["method"] for step in steps} == METHODS
    assert all(step["passed"] and step["got"] == str(step["expected"]) for step in steps)
    assert os.listdir(folder) == ["a.txt"]


@pytest.mark.parametrize("place", [":memory:", "vault:sub"])
def test_so_it_is_over_other_storages(
    place: str, tmp_path: Path, skycap: Skycap, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "key"
    key.touch(0o600)
    key.write_text(base64.b64encode(bytes(32)).decode())
    for name, value in {"TYPE": "crypt", "REMOTE": tmp_path / "inner", "KEY_FILE": key}.items():
        monkeypatch.setenv(f"SKYCAP_REMOTE_VAULT_{name}", str(value))
    with serving(place, "--anonymous"):
        outcome = skycap("webdav", "test")
    assert outcome.status == 0, outcome.out


def test_over_tls_with_a_login_and_several_shares_too(
    folder: Path, tmp_path: Path, password: Path, skycap: Skycap
) -> None:
    other = tmp_path / "other place"
    other.mkdir()
    login = ("--user", "me", "--password-file", password)
    with serving(folder, other, *login, "--tls", "self-signed"):
        outcome = skycap("webdav", "test", "webdav", "--password-file", password)
        assert outcome.status == 0, outcome.out + outcome.err
        assert skycap("webdav", "test", "--user", "you", "--password-file", password).status == 11
    assert os.listdir(folder) == ["a.txt"]
    assert os.listdir(other) == []


def test_what_can_only_be_read_is_not_written(folder: Path, skycap: Skycap) -> None:
    with serving(folder, "--anonymous", "--read-only"):
        steps = skycap("webdav", "test", "--json").records
    assert [(step["method"], step["got"]) for step in steps] == [
        ("OPTIONS", "200"),
        ("PROPFIND", "207"),
        ("PROPFIND", "207"),
        ("MKCOL", "403"),
    ]


class Forgetful(http.server.BaseHTTPRequestHandler):
    """Says yes to everything, keeps nothing."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str]]

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path))  # type: ignore[attr-defined]
        status = {"MKCOL": 201, "GET": 200, "OPTIONS": 200, "HEAD": 200, "PROPFIND": 207}.get(
            self.command, 500
        )
        self.send_response(status)
        self.send_header("DAV", "1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def log_message(self, *args: object) -> None:
        """Be silent."""


@pytest.fixture
def forgetful() -> Iterator[http.server.ThreadingHTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forgetful) as server:
        server.seen = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_what_is_wrong_is_told_and_its_folder_is_removed(
    forgetful: http.server.ThreadingHTTPServer, skycap: Skycap
) -> None:
    url = f"http://127.0.0.1:{forgetful.server_address[1]}/dav"
    outcome = skycap("webdav", "test", url)
    assert outcome.status == 3
    rows = [line.split("\t") for line in outcome.out.splitlines()]
    assert ["PUT", "a new file", "201", "500"] in [row[:4] for row in rows]
    assert ["GET", "the same bytes", "200", "200, wrong content"] in [row[:4] for row in rows]
    assert all(row[5] == ("" if row[2] == row[3] else "wrong") for row in rows)
    seen: list[tuple[str, str]] = forgetful.seen  # type: ignore[attr-defined]
    (made,) = [path for method, path in seen if method == "MKCOL"]
    assert made.startswith("/dav/skycap-test-")
    assert seen[-1] == ("DELETE", made)


def test_where_nobody_answers_that_is_told(skycap: Skycap) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    outcome = skycap("webdav", "test", f"http://127.0.0.1:{port}/")
    assert outcome.status == 1
    assert "nobody answers there" in outcome.err
    assert skycap("webdav", "test").status == 4
    assert skycap("webdav", "test", "box").status == 4
    assert skycap("webdav", "test", "ftp://h/").status == 2
    secret = skycap("webdav", "test", "http://u:hunter2@127.0.0.1/")
    assert secret.status == 2
    assert "hunter2" not in secret.err
