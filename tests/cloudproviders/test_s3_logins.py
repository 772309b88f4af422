"""Logins of S3 remotes by the command line: what the store says of the keys, and where others come from."""

from __future__ import annotations

import io
import os
import tomllib
from pathlib import Path

import pytest

from skycap.core.cli.app import run
from tests.cloudproviders.stub import Reply, Request, Stub, refusal

BUCKETS = Reply(
    body=b"<ListAllMyBucketsResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>"
    b"<Buckets></Buckets></ListAllMyBucketsResult>"
)


@pytest.fixture(autouse=True)
def _credential_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYCAP_CREDENTIAL_STORE", "file")
    monkeypatch.setenv("SKYCAP_PASSPHRASE", "correct horse")


def remote(name: str) -> dict[str, str]:
    found: dict[str, str] = tomllib.loads(Path(os.environ["SKYCAP_CONFIG"]).read_text())["remotes"][name]
    return found


def login(monkeypatch: pytest.MonkeyPatch, *answers: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in answers)))
    return run(["auth", "login", "minio"])


def test_keys_that_the_store_refuses_are_not_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def store(request: Request) -> Reply:
        good = "Credential=GOOD/" in request.headers["authorization"]
        return BUCKETS if good else refusal("InvalidAccessKeyId", 403)

    with Stub(store) as stub:
        run(["remote", "add", "minio", "s3", f"endpoint={stub.url}"])
        before = remote("minio")
        assert login(monkeypatch, "BAD", "hunter2hunter2", "") == 11
        assert "does not know the access key id" in capsys.readouterr().err
        assert remote("minio") == before
        assert login(monkeypatch, "GOOD", "hunter2hunter2", "") == 0
        assert "warning" not in capsys.readouterr().err
        assert len(stub.requests) == 2
        assert run(["ls", "minio:"]) == 0


def test_the_status_tells_where_keys_come_from(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["remote", "add", "photos", "s3"])

    def status() -> tuple[int, str]:
        capsys.readouterr()
        return run(["auth", "status", "photos"]), capsys.readouterr().out

    assert status()[0] == 11
    aws = Path(os.environ["HOME"]) / ".aws"
    aws.mkdir(exist_ok=True)
    (aws / "credentials").write_text("[default]\naws_access_key_id=D\naws_secret_access_key=s\n")
    (aws / "config").write_text("[profile work]\nsso_session = w\n")
    code, said = status()
    assert (code, "profile default: access keys" in said) == (0, True)
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert "profile work: single sign-on" in status()[1]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ENV")
    assert status()[0] == 11
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    assert "environment AWS_ACCESS_KEY_ID" in status()[1]
    run(["remote", "edit", "photos", "access_key_id=A"])
    code, said = status()
    assert (code, "secret_access_key is missing" in said) == (11, True)
