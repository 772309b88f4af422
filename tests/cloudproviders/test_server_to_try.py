"""The throw-away S3 server of the tutorial: it says how to reach it, serves, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "skycap.core.testing.servers"]


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server puts its folder; the sockets in it need a short path."""
    return tmp_path_factory.mktemp("try")


@pytest.fixture
def server(folder: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        COMMAND,
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    process.terminate()
    process.communicate(timeout=30)


def variables(server: subprocess.Popen[str]) -> dict[str, str]:
    """What it says is to be set, as a shell would take it."""
    assert server.stdout is not None
    lines = [server.stdout.readline() for _ in range(3)]
    return dict(line.removeprefix("export ").rstrip().split("=", 1) for line in lines)


def skycap(folder: Path, env: dict[str, str], *args: str) -> subprocess.CompletedProcess[str]:
    own = {"SKYCAP_CONFIG": str(folder / "config.toml"), "SKYCAP_STATE": str(folder / "state")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SKYCAP_"))}
    return subprocess.run(
        [sys.executable, "-m", "skycap.core", *args],
        env=kept | own | {"AWS_EC2_METADATA_DISABLED": "true"} | env,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_serves_whoever_sets_what_it_says(
    server: subprocess.Popen[str], folder: Path, tmp_path: Path
) -> None:
    env = variables(server)
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "first.txt").write_text("Dear reader,")
    endpoint = env["AWS_ENDPOINT_URL_S3"]
    for command in (
        ["remote", "add", "photos", "s3", f"endpoint={endpoint}"],
        ["mkdir", "photos:my-bucket"],
        ["copy", "letters", "photos:my-bucket/letters"],
        ["check", "letters", "photos:my-bucket/letters"],
    ):
        done = skycap(tmp_path, env, *command)
        assert done.returncode == 0, done.stderr
    assert skycap(tmp_path, env, "cat", "s3://my-bucket/letters/first.txt").stdout == "Dear reader,"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_with_a_signal_and_leaves_nothing(
    number: signal.Signals, server: subprocess.Popen[str], folder: Path
) -> None:
    port = int(variables(server)["AWS_ENDPOINT_URL_S3"].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        pass
    server.send_signal(number)
    _, err = server.communicate(timeout=30)
    assert server.returncode == 0, err
    assert "Stopped" in err
    assert list(folder.iterdir()) == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_signal_while_it_starts_leaves_nothing(server: subprocess.Popen[str], folder: Path) -> None:
    while not list(folder.glob("skycap-s3-*/weed.log")):
        assert server.poll() is None
    server.send_signal(signal.SIGINT)
    _, err = server.communicate(timeout=30)
    assert server.returncode == 0, err
    assert list(folder.iterdir()) == []


def test_it_tells_what_it_is_instead_of_starting_when_asked_for_help() -> None:
    asked = [sys.executable, "-m", "skycap.core.testing.servers", "--help"]
    said = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True)
    assert "Ctrl-C" in said.stdout
