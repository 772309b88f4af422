"""The access log of a server: a line a request, when its answer has ended, without anything secret."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from skycap.core.server import AccessLog
from skycap.core.webdav.request_log import RequestLog
from tests.core.cli.conftest import Skycap
from tests.core.webdav.commands.servers import serving

SERVERS = ("cheroot", "waitress")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("kind", SERVERS)
def test_each_request_is_one_line(
    kind: str, folder: Path, tmp_path: Path, password: Path, skycap: Skycap
) -> None:
    log = tmp_path / "access.log"
    login = ("--user", "me", "--password-file", password)
    with serving(folder, *login, "--server", kind, "--access-log", log) as server:
        known = ("me", "correct horse")
        server.ask("PUT", "b%20c.txt?signature=hunter2", b"beta", login=known)
        refused = server.ask("PUT", "d.txt", b"delta", login=("me", "hunter2"))
        server.ask("OPTIONS", "", login=known)
        assert skycap("webdav", "logs", "--access").out == f"{log}\n"
        last = skycap("webdav", "logs", "--access", "--last", "1").records
        server.stop()
    put, wrong, options = lines(log)
    assert put["client"] == "127.0.0.1"
    assert (put["method"], put["path"], put["status"], put["bytes"]) == ("PUT", "/b c.txt", 201, 0)
    assert put["user"] == "me"
    assert put["ms"] >= 0
    assert (wrong["status"], wrong["user"], wrong["bytes"]) == (401, None, len(refused.body))
    assert (options["method"], options["path"], options["status"]) == ("OPTIONS", "/", 200)
    assert last == [options]
    assert "hunter2" not in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


def test_it_can_go_to_standard_error(folder: Path) -> None:
    with serving(folder, "--anonymous", "--access-log", "-") as server:
        assert server.ask("PUT", "b.txt", b"beta").status == 201
        ended = server.stop()
    assert ended.out == server.first
    (line,) = [json.loads(line) for line in ended.err.splitlines() if line.startswith("{")]
    assert (line["method"], line["path"], line["user"]) == ("PUT", "/b.txt", None)


def test_a_log_that_cannot_be_written_ends_it_before_it_is_ready(skycap: Skycap, folder: Path) -> None:
    outcome = skycap("webdav", "serve", folder, "--anonymous", "--access-log", folder)
    assert outcome.status == 17
    assert "the access log cannot be opened" in outcome.err


class Defective:
    """An application with a defect."""

    def answer(self, environ: dict[str, Any]) -> Any:
        raise ZeroDivisionError


def test_a_defect_is_a_line_too(tmp_path: Path) -> None:
    with AccessLog(str(tmp_path / "log")) as log:
        app = RequestLog(Defective(), log)  # type: ignore[arg-type]
        with pytest.raises(ZeroDivisionError):
            app({"REQUEST_METHOD": "GET", "PATH_INFO": "/\xc3\xa4 b"}, lambda *_: None)
        with pytest.raises(ZeroDivisionError):
            app({"REQUEST_METHOD": "GET", "REQUEST_URI": "http://u:hunter2@h/a?b"}, lambda *_: None)
    one, two = lines(tmp_path / "log")
    assert (one["status"], one["path"], one["bytes"]) == (500, "/ä b", 0)
    assert two["path"] == "/a"


@pytest.mark.parametrize("kind", SERVERS)
def test_a_download_is_counted_as_far_as_it_was_sent(kind: str, folder: Path, tmp_path: Path) -> None:
    size = 64 * 1024 * 1024
    with open(folder / "large", "wb") as file:
        file.truncate(size)
    log = tmp_path / "access.log"
    with serving(folder, "--anonymous", "--server", kind, "--access-log", log) as server:
        assert len(server.ask("GET", "a.txt").body) == 5
        assert len(server.ask("GET", "large").body) == size
        assert server.ask("HEAD", "large").body == b""
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
            got = 0
            while got < 100_000:  # more than headers
                got += len(client.recv(4096))
        assert server.stop().status == 0
    found = {(line["method"], line["path"], line["bytes"] == size): line["bytes"] for line in lines(log)}
    broken = found.pop(("GET", "/large", False))
    assert 0 < broken < size
    assert found == {
        ("GET", "/a.txt", False): 5,
        ("GET", "/large", True): size,
        ("HEAD", "/large", False): 0,
    }
