"""Commands over S3, as people type them: what is said where something is not as they think."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from skycap.cloudproviders.s3.options import S3Options
from skycap.cloudproviders.s3.storage import S3
from skycap.core.cli.app import run
from skycap.core.errors import NotFound
from tests.cloudproviders.seaweed import SeaweedFS
from tests.cloudproviders.stub import Reply, Stub, refusal

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


@pytest.mark.parametrize("given", [{}, {"x-amz-version-id": "another"}])
def test_a_store_that_heeds_no_version_ids_has_no_such_version(
    given: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "A")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    reply = Reply(body=b"now", headers={"etag": '"e"', "content-range": "bytes 0-2/3", **given})
    local = tmp_path / "local"
    local.touch()
    with Stub(lambda _: reply) as stub:
        assert run(["cat", "--version-id", "zz", f':s3,endpoint="{stub.url}",region=x:bucket/a']) == 4
        assert capsys.readouterr().out == ""
        options = S3Options.parse({"endpoint": stub.url, "region": "x"}, where="test")
        with S3(options, "bucket") as storage:
            for ask in (
                lambda: storage.read_file("a", str(local), version="zz"),
                lambda: storage.head("a", "zz"),
                lambda: storage.read("a", offset=0, length=2, version="zz").__enter__(),
            ):
                with pytest.raises(NotFound, match="no such version"):
                    ask()
    assert local.read_bytes() == b""


def test_a_tree_makes_no_buckets(skycap: Skycap, tree: Path) -> None:
    buckets = skycap("ls", "minio:")[1]
    for words in (
        ("copy", tree, "minio:"),
        ("sync", "--yes", tree, "minio:"),
        ("copy", tree / "a.jpg", "minio:"),
    ):
        status, _, err = skycap(*words)
        assert status == 2
        assert "skycap mkdir minio:BUCKET" in err
    assert skycap("ls", "minio:")[1] == buckets
    assert (tree / "2024" / "b.jpg").exists()
    assert skycap("mkdir", "minio:made-by-mkdir")[0] == 0
    assert "made-by-mkdir/" in skycap("ls", "minio:")[1]
    assert skycap("remove", "-r", "--yes", "minio:made-by-mkdir")[0] == 0


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [("SignatureDoesNotMatch", 11, "secret access key does not fit"), ("AccessDenied", 6, "access denied")],
)
def test_a_look_at_one_file_says_what_is_wrong_with_the_keys(
    code: str, status: int, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "A")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    with Stub(lambda _: refusal(code, 403)) as stub:
        assert run(["stat", f':s3,endpoint="{stub.url}",region=x:bucket/a']) == status
        assert words in capsys.readouterr().err
        assert [(r.method, r.headers.get("range")) for r in stub.requests] == [
            ("HEAD", None),
            ("GET", "bytes=0-0"),
        ]


def test_a_wrong_secret_is_told_by_stat_as_by_ls(
    skycap: Skycap, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYCAP_REMOTE_MINIO_SECRET_ACCESS_KEY", "another")
    for words in (
        ("ls", f"minio:{bucket}"),
        ("stat", f"minio:{bucket}/a"),
        ("check", f"minio:{bucket}/a", f"minio:{bucket}/b"),
    ):
        status, _, err = skycap(*words)
        assert (status, "secret access key does not fit" in err) == (11, True)


def test_a_check_of_a_remote_tells_why_it_failed_and_reads_nothing_then(skycap: Skycap) -> None:
    status, out, _ = skycap("remote", "check", "minio:no-bucket")
    assert status == 3
    (listing,) = (line for line in out.splitlines() if line.startswith("list"))
    assert "there is no bucket 'no-bucket'" in listing
    assert not any(line.startswith("read ") for line in out.splitlines())


def test_a_made_up_version_takes_no_file_with_it(skycap: Skycap, s3: S3) -> None:
    s3.write("f", b"alive")
    place = f"minio:{s3.bucket}/f"
    status, _, err = skycap("versions", "--yes", "--remove", "MADEUP", place)
    assert status == 4
    assert "no such version" in err
    assert "lists those there are" in err
    assert skycap("versions", "--restore", "MADEUP", place)[0] == 4
    assert skycap("cat", place)[1] == "alive"
    status, _, err = skycap("versions", "--restore", "a", "--remove", "b", place)
    assert (status, "exclude each other" in err) == (2, True)


def test_a_version_id_is_sent_only_if_the_store_listed_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "A")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    listing = b"<ListVersionsResult><Version><Key>a</Key><VersionId>null</VersionId><ETag>e</ETag></Version>"
    with Stub(lambda _: Reply(body=listing + b"</ListVersionsResult>")) as stub:
        place = f':s3,endpoint="{stub.url}",region=x:bucket/a'
        assert run(["versions", "--yes", "--remove", "zz", place]) == 4
        assert "DELETE" not in {request.method for request in stub.requests}
        assert run(["versions", "--yes", "--remove", "null", place]) == 0
        assert stub.requests[-1].query == {"versionId": "null"}


def test_errors_name_a_place_as_it_was_typed(
    skycap: Skycap, s3: S3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bucket = s3.bucket
    status, _, err = skycap("ls", "minio:no-bucket")
    assert (status, err.startswith("skycap: minio:no-bucket: there is no bucket")) == (4, True)
    assert "skycap mkdir minio:no-bucket" in err
    assert "s3://" not in err
    for place in (f"minio:{bucket}/a/nope", f"minio:{bucket}/nope"):
        assert skycap("cat", place)[2].startswith(f"skycap: {place}: ")
    (tmp_path / "phrase").write_text("a passphrase that is long enough\n")
    monkeypatch.setenv("SKYCAP_REMOTE_VAULT_TYPE", "crypt")
    monkeypatch.setenv("SKYCAP_REMOTE_VAULT_REMOTE", f"minio:{bucket}/sealed")
    monkeypatch.setenv("SKYCAP_REMOTE_VAULT_PASSPHRASE", f"file:{tmp_path / 'phrase'}")
    assert skycap("copy", tmp_path / "phrase", "vault:here")[0] == 0
    for place in ("vault:a/nope", "vault:nope"):
        status, _, err = skycap("cat", place)
        assert (status, f"skycap: {place}: " in err) == (4, True)
    monkeypatch.setenv("SKYCAP_REMOTE_VAULT_REMOTE", "minio:no-bucket/sealed")
    status, _, err = skycap("ls", "vault:")
    assert (status, "no-bucket" in err, "s3://" in err) == (4, True, False)


@pytest.mark.parametrize(
    ("words", "told", "hint"),
    [
        (("remote", "cleanup", "minio:"), "minio: no bucket is named", "minio:BUCKET"),
        (("link", "--list", "minio:"), "minio: no bucket is named", "minio:BUCKET"),
        (("versions", "minio:"), "minio: no bucket is named", "minio:BUCKET"),
        (("link", "--list", "minio:bucket"), "S3 keeps no list of links; each ends at its time", ""),
        (("link", "--remove", "x", "minio:bucket/a"), "an S3 link cannot be taken back", ""),
        (("trash", "list", "minio:bucket"), "s3 storages have no trash", ""),
    ],
)
def test_what_s3_cannot_do_is_told_in_words(
    words: tuple[str, ...], told: str, hint: str, skycap: Skycap
) -> None:
    status, _, err = skycap(*words)
    assert status == 7
    assert told in err
    assert hint in err
    assert "_" not in err


def test_a_folder_is_told_where_a_file_is_wanted(skycap: Skycap, s3: S3) -> None:
    s3.write("folder/file", b"x")
    for place in (f"minio:{s3.bucket}/folder", f"minio:{s3.bucket}"):
        for words in (("cat", place), ("copy", place, "-"), ("link", place)):
            status, out, err = skycap(*words)
            assert (status, out) == (7, "")
            assert f"skycap: {place}: it is a folder" in err
    assert skycap("cat", f"minio:{s3.bucket}/nope")[0] == 4


def test_what_remove_leaves_of_an_empty_bucket_is_told(skycap: Skycap, s3: S3) -> None:
    status, _, err = skycap("remove", "-r", "--yes", f"minio:{s3.bucket}")
    assert status == 0
    assert "is empty; it stays" in err


def test_a_scheme_without_slashes_is_told(skycap: Skycap) -> None:
    assert "s3://bucket/a" in skycap("ls", "s3:bucket/a")[2]
