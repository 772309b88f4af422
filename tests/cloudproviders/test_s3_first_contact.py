"""What a run does when nobody answers: it says so soon, once, and lets itself be stopped."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cloudproviders.stub import Stub, refusal

SKYCAP = [sys.executable, "-m", "skycap.core"]
KEYS = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "x"}


@pytest.fixture
def nowhere() -> str:
    """An address where nothing listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{found.getsockname()[1]}"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    root.mkdir()
    for number in range(27):
        (root / f"{number}.jpg").write_bytes(b"x" * number)
    return root


def skycap(endpoint: str, *words: str | Path) -> tuple[int, str, float]:
    began = time.monotonic()
    done = subprocess.run(
        [*SKYCAP, *map(str, words)],
        env=os.environ | KEYS | {"AWS_ENDPOINT_URL_S3": endpoint},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.returncode, done.stderr, time.monotonic() - began


@pytest.mark.parametrize("words", [("ls", "s3://bucket"), ("stat", "s3://bucket/a"), ("ls", "s3://")])
def test_a_server_that_refuses_from_the_start_is_told_soon(nowhere: str, words: tuple[str, ...]) -> None:
    status, said, took = skycap(nowhere, *words)
    assert (status, said.count("cannot be reached")) == (13, 1)
    assert took < 10


def test_a_copy_to_nobody_is_one_error(nowhere: str, tree: Path) -> None:
    status, said, took = skycap(nowhere, "copy", tree, "s3://bucket")
    assert (status, said.count("cannot be reached")) == (13, 1)
    assert took < 10


def test_a_copy_with_keys_that_are_refused_is_one_error(tree: Path) -> None:
    with Stub(lambda _: refusal("InvalidAccessKeyId", 403)) as stub:
        status, said, _ = skycap(stub.url, "copy", tree, "s3://bucket")
        assert (status, said.count("does not know the access key id")) == (11, 1)
        assert len(stub.requests) == 1


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("command", ["ls", "copy", "check"])
def test_a_long_wait_is_told_once_and_ends_with_ctrl_c(command: str, tree: Path) -> None:
    words = ["ls", "s3://bucket"] if command == "ls" else [command, str(tree), "s3://bucket"]
    with Stub(lambda _: refusal("SlowDown", 503, retry_after="80")) as stub:
        child = subprocess.Popen(
            [*SKYCAP, *words],
            env=os.environ | KEYS | {"AWS_ENDPOINT_URL_S3": stub.url},
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert child.stderr is not None
            told = next(line for line in child.stderr if "trying again" in line)
            assert re.search(r"slow down.*trying again in 80.0 s", told)
            child.send_signal(signal.SIGINT)
            _, rest = child.communicate(timeout=15)
        finally:
            child.kill()
        assert child.returncode == 130
        assert "trying again" not in rest
