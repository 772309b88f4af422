"""`skycap webdav serve` says one line when it is ready, finishes what it does, and leaves nothing behind."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from contextlib import closing
from pathlib import Path

import pytest

from skycap.core.server.registering import find, running
from skycap.core.state import state_folder
from tests.cloudproviders.stub import Reply as S3Reply
from tests.cloudproviders.stub import Request, Stub
from tests.core.webdav.commands.servers import fails, half_an_upload, serving

pytestmark = pytest.mark.skipif(os.name == "nt", reason="these servers stop by signals")
SERVERS = ("cheroot", "waitress")


@pytest.mark.parametrize("kind", SERVERS)
def test_one_line_says_where_and_the_rest_goes_to_people(kind: str, folder: Path) -> None:
    with serving(folder, "--anonymous", "--server", kind) as server:
        assert server.first == f"ready http://127.0.0.1:{server.port}/\n"
        assert server.ask("PUT", "b.txt", b"beta").status == 201
        known = find("webdav")
        assert known is not None
        assert known.urls == [server.url]
        assert known.pid == server.process.pid
        assert known.log is None
        ended = server.stop()
    assert ended.status == 0
    assert ended.out == server.first
    assert f"{folder} is served at {server.url}" in ended.err
    assert (folder / "b.txt").read_bytes() == b"beta"
    assert running() == []


@pytest.mark.parametrize("kind", SERVERS)
def test_a_page_that_points_its_name_at_this_machine_is_not_let_in(kind: str, folder: Path) -> None:
    with serving(folder, "--anonymous", "--server", kind) as server:
        for method in ("GET", "PROPFIND", "OPTIONS", "DELETE"):
            said = server.ask(method, "a.txt", Host=f"evil.example:{server.port}")
            assert said.status == 421
            assert b"localhost" in said.body
        assert server.ask("GET", "a.txt", Host=f"localhost:{server.port}").status == 200
        assert server.ask("GET", "a.txt").status == 200


def test_who_logs_in_or_said_so_may_use_any_name(folder: Path, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("hunter2\n")
    with serving(folder, "--user", "ada", "--password-file", password) as server:
        assert server.ask("GET", "a.txt", login=("ada", "hunter2"), Host="cloud.example").status == 200
    with serving(folder, "--anonymous", "--insecure") as server:
        assert server.ask("GET", "a.txt", Host="cloud.example").status == 200


def test_for_programs_the_line_is_an_object(folder: Path) -> None:
    with serving("--json", folder, "--anonymous", "--name", "box") as server:
        ready = json.loads(server.first)
        assert ready["type"] == "ready"
        assert ready["name"] == "box"
        assert ready["pid"] == server.process.pid
        assert ready["server"] == "cheroot"
        assert ready["url"].startswith("http://127.0.0.1:")
        assert ready["shares"] == [{"name": "", "location": str(folder), "read_only": False}]
        assert len(server.stop().out.splitlines()) == 1


def test_ctrl_c_ends_it_as_it_ends_every_command(folder: Path) -> None:
    with serving(folder, "--anonymous") as server:
        ended = server.stop(signal.SIGINT)
    assert ended.status == 130
    assert "Traceback" not in ended.err
    assert running() == []


@pytest.mark.parametrize("kind", SERVERS)
def test_an_upload_that_runs_is_finished_before_it_ends(kind: str, folder: Path) -> None:
    with (
        serving(folder, "--anonymous", "--server", kind) as server,
        half_an_upload(server.url, "slow") as client,
        socket.create_connection(("127.0.0.1", server.port)) as idle,
    ):
        idle.sendall(b"OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(10_000).startswith(b"HTTP/1.1 200 ")
        server.process.send_signal(signal.SIGTERM)
        server.wait_until_it_says("Finishing what is in flight")
        assert idle.recv(1) == b"", "who asks nothing is not waited for"
        assert not (folder / "slow").exists()
        client.sendall(b"later")
        assert client.recv(1000).startswith(b"HTTP/1.1 201 ")
        assert server.end().status == 0
    assert (folder / "slow").read_bytes() == b"firstlater"


@pytest.mark.parametrize("kind", SERVERS)
def test_a_client_that_asks_on_and_on_keeps_no_server_from_its_end(kind: str, folder: Path) -> None:
    with (
        serving(folder, "--anonymous", "--server", kind) as server,
        closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as client,
    ):

        def ask(number: int) -> None:
            client.request("OPTIONS", "/")
            client.getresponse().read()
            client.auto_open = 0  # the next one goes over the same connection, or nowhere
            if number == 50:
                server.process.send_signal(signal.SIGTERM)

        with pytest.raises((ConnectionError, http.client.HTTPException)):
            deque(map(ask, itertools.count()), maxlen=0)
        assert server.end().status == 0


def test_it_ends_in_order_when_nobody_reads_what_it_says(folder: Path) -> None:
    with serving(folder, "--anonymous") as server:
        server.wait_until_it_says("tells how to mount it")
        assert server.process.stderr is not None
        server.process.stderr.close()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0
    assert running() == []


@pytest.mark.parametrize("kind", SERVERS)
def test_a_second_signal_ends_it_now_and_the_old_file_stays(kind: str, folder: Path) -> None:
    with serving(folder, "--anonymous", "--server", kind) as server, half_an_upload(server.url, "a.txt"):
        server.process.send_signal(signal.SIGTERM)
        server.wait_until_it_says("Finishing what is in flight")
        assert server.stop().status == 128 + signal.SIGTERM
    assert (folder / "a.txt").read_text() == "alpha"
    assert running() == []


def test_after_kill_9_the_next_one_starts_under_the_same_name_and_port(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    args = (folder, "--anonymous", "--name", "box", "--port", str(port))
    with serving(*args) as server, half_an_upload(server.url, "a.txt"):
        assert server.stop(signal.SIGKILL).status == -signal.SIGKILL
    with serving(*args) as again:
        assert again.port == port
        assert again.ask("PUT", "b.txt", b"beta").status == 201
        assert again.stop().status == 0
    assert (folder / "a.txt").read_text() == "alpha"


def test_a_second_server_gets_a_name_of_its_own_unless_one_is_named(folder: Path) -> None:
    with serving(folder, "--anonymous") as one, serving(folder, "--anonymous", "--read-only") as two:
        assert {known.name for known in running()} == {"webdav", "webdav-2"}
        refused = fails("serve", folder, "--anonymous", "--name", "webdav")
        assert refused.status == 24
        assert f"as process {one.process.pid}" in refused.err
        assert refused.out == ""
        assert two.ask("PUT", "b.txt", b"beta").status == 403
        assert one.ask("PUT", "b.txt", b"beta").status == 201


def test_a_port_that_is_taken_is_told_and_not_registered(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for kind in SERVERS:
            ended = fails("serve", folder, "--anonymous", "--port", str(port), "--server", kind)
            assert ended.status == 2
            assert f"127.0.0.1:{port}: cannot listen there" in ended.err
            assert ended.out == ""
    assert running() == []


def test_several_places_stand_below_their_names(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    places = (folder, "--mount", f"odd name={other}")
    with serving(*places, "--anonymous") as server:
        assert server.ask("PUT", "files/b.txt", b"beta").status == 201
        assert server.ask("PUT", "odd%20name/c.txt", b"gamma").status == 201
        assert server.ask("PUT", "nothing/d.txt", b"delta").status in {403, 404}
        ended = server.stop()
    assert (folder / "b.txt").read_bytes() == b"beta"
    assert (other / "c.txt").read_bytes() == b"gamma"
    assert f"{server.url}odd%20name/" in ended.err


def test_a_remote_is_served_by_its_name(folder: Path) -> None:
    env = {"SKYCAP_REMOTE_BOX_TYPE": "local", "SKYCAP_REMOTE_BOX_ROOT": str(folder)}
    with serving("box:sub/deep", "--anonymous", env=env) as server:
        assert server.ask("PUT", "new.txt", b"new").status == 201
    assert (folder / "sub" / "deep" / "new.txt").read_bytes() == b"new"


@pytest.mark.skipif(not os.path.isdir("/sys/kernel"), reason="there is no folder that nobody can write")
def test_an_error_of_the_storage_is_a_status_and_the_server_goes_on() -> None:
    with serving("/sys/kernel", "--anonymous") as server:
        assert server.ask("PUT", "new", b"x").status in {403, 500, 502, 503}
        assert server.ask("OPTIONS").status == 200
        assert server.stop().status == 0


def test_an_unknown_remote_ends_it_before_it_is_ready() -> None:
    ended = fails("serve", "nowhere:", "--anonymous")
    assert ended.status == 4
    assert ended.out == ""
    assert "nowhere" in ended.err


def test_without_the_extra_it_says_what_to_install(folder: Path) -> None:
    code = (
        "import sys; sys.modules['wsgidav'] = None\n"
        f"sys.argv = ['skycap', 'webdav', 'serve', {str(folder)!r}, '--anonymous']\n"
        "from skycap.core.__main__ import main\nsys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 10
    assert "needs wsgidav" in done.stderr
    assert "hint: pip install 'skycap-core[webdav]'" in done.stderr


def test_nothing_is_made_before_the_flags_make_sense(folder: Path) -> None:
    assert fails("serve", folder).status == 2
    assert not os.path.exists(os.path.join(state_folder(), "webdav.db"))


def test_a_store_that_fails_is_503_and_serves_again_when_it_is_well() -> None:
    ill = [True]

    def answer(request: Request) -> S3Reply:
        if request.method == "HEAD":
            return S3Reply(404)
        if request.method == "GET":
            return S3Reply(200, b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
        return S3Reply(503) if ill[0] else S3Reply(200, headers={"etag": '"1"'})

    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    with Stub(answer) as store:
        place = f':s3,endpoint="{store.url}",region=x,retries=1:bucket'
        with serving(place, "--anonymous", env=keys) as server:
            failed = server.ask("PUT", "new", b"x")
            assert failed.status == 503
            assert int(failed.headers["retry-after"]) > 0
            assert not [one for one in store.requests if one.method == "PUT"][1:], "a stream is sent once"
            ill[0] = False
            assert server.ask("PUT", "new", b"x").status == 201
            assert server.stop().status == 0
