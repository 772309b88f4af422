"""The real process: its command line, how it ends, what it keeps."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from skycap.core.server.issuing import make_ca, make_leaf
from skycap.internxt.emulator.running import Emulator, running
from tests.internxt.emulator.harness import ACCOUNTS, PASSWORD, USER, Visitor

if TYPE_CHECKING:
    import httpx


def _command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "skycap.internxt.emulator", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_keeps_everything_over_a_restart_and_over_a_kill(tmp_path: Path, http: httpx.Client) -> None:
    with running(tmp_path / "data", ACCOUNTS) as emulator:
        user = Visitor(emulator, http).log_in()
        file = user.made_file("a", "txt", b"content")
        link = user.info(file["fileId"])["shards"][0]["url"]
        [upload] = user.start(4).json()["uploads"]
        first = emulator.account(USER)
        assert emulator.stop() == 0
        emulator.start()
        assert emulator.account(USER) == first
        assert user.names() == ["a"]  # the token holds
        assert http.get(link).content == b"content"
        assert http.put(upload["url"], content=b"late").status_code == 200
        (emulator.data / "objects" / "ab").mkdir(exist_ok=True)
        (emulator.data / "objects" / "ab" / ("ab" * 16)).write_bytes(b"half written")
        emulator.kill()
        emulator.start()
        assert user.finish({"uuid": upload["uuid"]}).status_code == 200
        assert user.download(file["fileId"]) == b"content"
        assert len(list((emulator.data / "objects").glob("??/*"))) == 2


def test_what_it_keeps_is_for_its_owner_alone(tmp_path: Path, http: httpx.Client) -> None:
    with running(tmp_path / "data", ACCOUNTS) as emulator:
        Visitor(emulator, http).log_in().upload(b"x")
        for path in emulator.data.rglob("*"):
            assert path.stat().st_mode & 0o077 == 0, path
        assert emulator.data.stat().st_mode & 0o077 == 0


def test_another_password_at_a_restart_ends_old_tokens(tmp_path: Path, http: httpx.Client) -> None:
    with running(tmp_path, [f"{USER}:{PASSWORD}"]) as emulator:
        user = Visitor(emulator, http).log_in()
        user.folder("kept")
        emulator.set(clock_ahead_s=-10.0)
        old = Visitor(emulator, http).log_in()
    with running(tmp_path, [f"{USER}:another"]) as emulator:
        old.emulator = emulator
        assert old.drive("GET", "/users/usage").status_code == 401
        fresh = Visitor(emulator, http, password="another").log_in()
        assert fresh.names(kind="folders") == ["kept"]
        assert fresh.root == user.root


def test_accounts_can_come_from_a_file_and_ctrl_c_ends_it(tmp_path: Path, http: httpx.Client) -> None:
    accounts = tmp_path / "accounts"
    accounts.write_text("\n".join(ACCOUNTS) + "\n\n")
    with running(
        tmp_path / "data", [], account_file=accounts, quota=1000, tier="full,versioning=false"
    ) as emulator:
        user = Visitor(emulator, http).log_in()
        assert user.drive("GET", "/users/limit").json() == {"maxSpaceBytes": 1000}
        assert user.drive("GET", "/files/limits").json()["versioning"]["enabled"] is False
        os.kill(emulator.pid, signal.SIGINT)
        assert emulator.stop() == 0


def test_it_serves_tls_and_links_say_so(tmp_path: Path, http: httpx.Client) -> None:
    import ssl

    import httpx as library

    now = datetime.now(UTC)
    ca = make_ca(["localhost"], "skycap tests", now)
    leaf = make_leaf(ca, ["localhost", "127.0.0.1"], now)
    pem, authority = tmp_path / "server.pem", tmp_path / "ca.pem"
    pem.write_bytes(leaf.pem(ca.certificate))
    authority.write_bytes(ca.pem())
    content = os.urandom(3_000_000)
    with (
        running(tmp_path / "data", ACCOUNTS, tls=f"{pem},{pem}", admin_token="secret") as emulator,
        library.Client(verify=ssl.create_default_context(cafile=str(authority)), trust_env=False) as client,
    ):
        assert emulator.url.startswith("https://127.0.0.1:")
        user = Visitor(emulator, client).log_in()
        entry = user.upload(content)
        assert user.info(entry)["shards"][0]["url"].startswith(f"{emulator.url}/objects/")
        assert user.download(entry) == content
        assert emulator.state()["entries"] == 1


def test_arguments_that_cannot_be_are_told(tmp_path: Path) -> None:
    data = ("--data", tmp_path)
    for arguments, word in (
        ((*data, "--account", "nobody"), "EMAIL:PASSWORD"),
        ((*data, "--tier", "golden"), "tier"),
        ((*data, "--tls", "only"), "CERT,KEY"),
        ((*data, "--fault", "status=1"), "status"),
    ):
        done = _command(*arguments)
        assert (done.returncode, word in done.stderr) == (2, True), done.stderr


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with running(tmp_path / "one", []) as emulator:
        port = emulator.url.rpartition(":")[2]
        done = _command("--data", tmp_path / "two", "--port", port)
        assert (done.returncode, "cannot listen" in done.stderr) == (1, True)
        with pytest.raises(RuntimeError, match="did not start"):
            Emulator(tmp_path / "three", [], port=port).start()


def test_the_clients_are_pointed_at_it_by_three_variables(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path, [])
    emulator.url = "http://127.0.0.1:1"
    assert emulator.env == {
        "DRIVE_NEW_API_URL": "http://127.0.0.1:1/drive",
        "NETWORK_URL": "http://127.0.0.1:1/network",
        "DRIVE_WEB_URL": "http://127.0.0.1:1/web",
    }
    assert emulator.stop() == 0
    emulator.kill()


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "fastapi.py").write_text("raise ModuleNotFoundError('no', name='fastapi')")
    done = subprocess.run(
        [sys.executable, "-m", "skycap.internxt.emulator", "--data", str(tmp_path / "data")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    assert (done.returncode, done.stderr) == (
        1,
        "fastapi is missing: pip install 'skycap-internxt[emulator]'\n",
    )
