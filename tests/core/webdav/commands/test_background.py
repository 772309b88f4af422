"""A server in the background: started, found, told of, stopped."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from skycap.core.server.processes import birth
from skycap.core.server.registering import find, running
from tests.core.cli.conftest import Skycap
from tests.core.webdav.commands.servers import SKYCAP, ask, half_an_upload

pytestmark = pytest.mark.skipif(os.name == "nt", reason="these servers stop by signals")


def test_it_is_started_asked_and_stopped(skycap: Skycap, folder: Path, password: Path) -> None:
    login = ("--user", "me", "--password-file", password)
    started = skycap("webdav", "serve", folder, *login, "--background")
    assert started.status == 0, started.err
    assert started.err == ""
    server = find("webdav")
    assert server is not None
    assert started.out == f"ready {server.urls[0]}\n"
    assert not server.urls[0].endswith(":0/")
    if os.path.exists("/proc/self/environ"):
        for name in ("cmdline", "environ"):
            assert b"correct horse" not in Path(f"/proc/{server.pid}/{name}").read_bytes()
    assert ask(server.urls[0], "PUT", "b.txt", b"beta", login=("me", "correct horse")).status == 201

    assert skycap("webdav", "status").out.split("\t")[:4] == ["webdav", server.urls[0], str(folder), "me"]
    (told,) = skycap("webdav", "status", "--json").records
    assert told["type"] == "server"
    assert told["pid"] == server.pid
    assert told["log"] == server.log
    assert skycap("webdav", "logs").out == f"{server.log}\n"
    assert skycap("webdav", "logs", "--json").records == [{"type": "path", "path": server.log}]
    assert f"ready {server.urls[0]}\n" in skycap("webdav", "logs", "--last", "20").out
    assert skycap("webdav", "logs", "--access").status == 4

    stopped = skycap("webdav", "stop")
    assert stopped.status == 0
    assert "Stopped webdav." in stopped.err
    assert birth(server.pid) is None
    assert "Finishing what is in flight" in skycap("webdav", "logs", "--last", "20").out, "the log stays"


def test_what_is_set_in_the_file_and_by_variables_counts(
    skycap: Skycap, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Path(os.environ["SKYCAP_CONFIG"])
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text("[defaults.webdav]\nanonymous = true\nbackground = true\nread-only = true\n")
    monkeypatch.setenv("SKYCAP_WEBDAV_NAME", "box")
    assert skycap("webdav", "serve", "--mount", f"docs={folder}", "--config", config).status == 0
    server = find("box")
    assert server is not None
    assert server.serves == [f"docs={folder}"]
    assert ask(server.urls[0], "PUT", "docs/b.txt", b"x").status == 403
    rows = {row["key"]: row for row in skycap("webdav", "config", "--json").records}
    assert rows["read_only"] == {
        "type": "setting", "key": "read_only", "value": True, "origin": f"{config} [defaults.webdav]",
    }  # fmt: skip
    assert rows["name"]["origin"] == "environment SKYCAP_WEBDAV_NAME"
    assert rows["server"] == {"type": "setting", "key": "server", "value": "cheroot", "origin": "built in"}
    assert rows["paths.logs"]["value"] == os.path.dirname(server.log or "")
    assert "json" not in rows


def test_a_password_in_the_url_of_locks_is_not_shown(skycap: Skycap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYCAP_WEBDAV_LOCKS", "postgresql://u:hunter2@h/d")
    out = skycap("webdav", "config").out
    assert "hunter2" not in out
    assert "locks\tpostgresql:***\tenvironment SKYCAP_WEBDAV_LOCKS" in out


def test_what_keeps_it_from_starting_is_told_at_once(skycap: Skycap, folder: Path) -> None:
    outcome = skycap("webdav", "serve", folder / "a.txt", "--anonymous", "--background")
    assert outcome.status == 1
    assert "it is no folder" in outcome.err
    assert outcome.out == ""
    assert running() == []


def test_where_several_run_one_must_be_named(skycap: Skycap, folder: Path) -> None:
    for _ in range(2):
        assert skycap("webdav", "serve", folder, "--anonymous", "--background").status == 0
    outcome = skycap("webdav", "stop")
    assert outcome.status == 2
    assert "several servers run: webdav, webdav-2" in outcome.err
    assert skycap("webdav", "stop", "webdav-2", "--now").status == 0
    assert [one.name for one in running()] == ["webdav"]
    assert skycap("webdav", "stop", "--all", "webdav").status == 2
    assert [one["name"] for one in skycap("webdav", "stop", "--all", "--json").records] == ["webdav"]
    assert running() == []


@pytest.mark.parametrize("kind", ["cheroot", "waitress"])
def test_who_stops_a_server_that_is_at_work_is_told_why_it_takes_long(
    kind: str, skycap: Skycap, folder: Path
) -> None:
    assert skycap("webdav", "serve", folder, "--anonymous", "--server", kind, "--background").status == 0
    server = find("webdav")
    assert server is not None
    with half_an_upload(server.urls[0], "slow") as client:
        stopping = subprocess.Popen([*SKYCAP, "webdav", "stop"], stderr=subprocess.PIPE)
        assert stopping.stderr is not None
        assert b"webdav finishes what is in flight; --now ends it at once." in stopping.stderr.readline()
        client.sendall(b"later")
        assert client.recv(1000).startswith(b"HTTP/1.1 201 ")
        assert stopping.stderr.read() == b"Stopped webdav.\n"
        stopping.stderr.close()
        assert stopping.wait(60) == 0
    assert birth(server.pid) is None
    assert (folder / "slow").read_bytes() == b"firstlater"


@pytest.mark.parametrize("kind", ["cheroot", "waitress"])
def test_an_upload_that_comes_in_is_given_up_where_it_is_stopped_now(
    kind: str, skycap: Skycap, folder: Path
) -> None:
    assert skycap("webdav", "serve", folder, "--anonymous", "--server", kind, "--background").status == 0
    server = find("webdav")
    assert server is not None
    with half_an_upload(server.urls[0], "a.txt"):
        assert skycap("webdav", "stop", "--now").status == 0
    assert birth(server.pid) is None
    assert (folder / "a.txt").read_text() == "alpha"


def test_where_none_runs_that_is_told(skycap: Skycap) -> None:
    assert skycap("webdav", "stop").status == 4
    assert skycap("webdav", "stop", "box").status == 4
    assert skycap("webdav", "stop", "--all").status == 0
    status = skycap("webdav", "status")
    assert (status.status, status.out) == (0, "")
    assert "No WebDAV server runs." in status.err
    assert "Nothing was logged yet." in skycap("webdav", "logs", "--last", "3").err
