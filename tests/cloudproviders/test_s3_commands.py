"""Commands over S3, as people type them: what is said where something is not as they think."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from skycap.core.cli.app import run
from tests.cloudproviders.seaweed import SeaweedFS

Said = tuple[int, str, str]
Skycap = Callable[..., Said]


@pytest.fixture
def skycap(server: SeaweedFS, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Skycap:
    """Runs a command, with the remote `minio`; status, standard output, standard error."""
    monkeypatch.setenv("SKYCAP_REMOTE_MINIO_TYPE", "s3")
    for name, value in server.options.items():
        monkeypatch.setenv(f"SKYCAP_REMOTE_MINIO_{name.upper()}", str(value))

    def call(*words: str | Path) -> Said:
        capsys.readouterr()
        status = run([str(word) for word in words])
        return status, *capsys.readouterr()

    return call


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    (root / "2024").mkdir(parents=True)
    (root / "a.jpg").write_bytes(b"a")
    (root / "2024" / "b.jpg").write_bytes(b"b")
    return root


def test_a_check_against_a_bucket_that_is_not_there_is_one_error(skycap: Skycap, tree: Path) -> None:
    for words in (("check", tree, "minio:no-bucket"), ("check", "minio:no-bucket", tree)):
        status, out, err = skycap(*words)
        assert (status, out) == (4, "")
        assert err.count("there is no bucket") == 1
