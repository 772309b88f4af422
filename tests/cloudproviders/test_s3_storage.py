"""What is S3's own about an S3 storage, against a real server."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from skycap.cloudproviders.plugin import register_storage_types
from skycap.cloudproviders.s3.buckets import Buckets
from skycap.cloudproviders.s3.client import Client
from skycap.cloudproviders.s3.options import S3Options
from skycap.cloudproviders.s3.storage import S3
from skycap.core.errors import (
    AccessDenied,
    AuthMissing,
    Conflict,
    NotFound,
    PathInvalid,
    Unsupported,
    UploadFailed,
)
from skycap.core.storage import IF_ABSENT, Kind, LocalFile, Metadata, if_version
from skycap.core.storage.source import BinaryReader
from skycap.core.units import MiB
from tests.cloudproviders.seaweed import SeaweedFS

Options = Callable[..., S3Options]


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def content(storage: S3, path: str, **arguments: Any) -> bytes:
    with storage.read(path, **arguments) as reader:
        return reader.read()


def uploads(client: Client, bucket: str) -> int:
    return client.request("GET", bucket, query=[("uploads", "")]).body.count(b"<Upload>")


@pytest.fixture
def small(options: Options, bucket: str) -> Iterator[S3]:
    """A storage whose parts and thresholds are small."""
    given = options(part_size="5MiB", copy_from="6MiB", copy_part_size="5MiB")
    with S3(given, bucket) as storage:
        yield storage


@pytest.fixture
def opened(options: Options) -> Iterator[Callable[..., S3]]:
    """Open storages, and close them at the end."""
    with ExitStack() as stack:
        yield lambda bucket, **given: stack.enter_context(S3(options(**given), bucket))


def test_the_plugin_offers_the_type() -> None:
    (lazy,) = (one for one in register_storage_types() if one.name == "s3")
    assert lazy.name == S3.type_name == "s3"
    assert lazy.load() is S3


# Locations


def test_the_first_part_of_a_path_is_the_bucket(options: Options) -> None:
    storage, rest = S3.open(options(), "bucket/a/b")
    assert isinstance(storage, S3)
    assert (storage.bucket, rest) == ("bucket", "a/b")
    storage, rest = S3.open(options(bucket="other"), "a/b")
    assert isinstance(storage, S3)
    assert (storage.bucket, rest) == ("other", "a/b")
    storage, rest = S3.open(options(), "")
    assert (type(storage), rest) == (Buckets, "")


def test_two_ways_to_one_bucket_have_one_identity(options: Options, bucket: str) -> None:
    first, second = S3(options(), bucket), S3(options(access_key_id="other"), bucket)
    assert first.identity == second.identity != S3(options(), "other-bucket").identity
    assert first.identity != S3(S3Options(), bucket).identity


def test_the_environment_names_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert "localhost:1/" in S3(S3Options(), "bucket").identity
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:2")
    assert "localhost:2/" in S3(S3Options(), "bucket").identity
    assert "localhost:3/" in S3(S3Options(endpoint="http://127.0.0.1:3"), "bucket").identity


@pytest.mark.parametrize(
    "verb", ["stat", "read", "read_file", "scan", "write", "remove", "remove_many", "versions", "make_dir"]
)
def test_a_bucket_that_is_not_there_is_told_with_the_way_out(
    opened: Callable[..., S3], tmp_path: Path, verb: str
) -> None:
    storage = opened("no-such-bucket")
    local = tmp_path / "local"
    local.touch()
    calls: dict[str, Callable[[], Any]] = {
        "stat": lambda: storage.stat("a"),
        "read": lambda: content(storage, "a"),
        "read_file": lambda: storage.read_file("a", str(local)),
        "scan": lambda: list(storage.scan("")),
        "write": lambda: storage.write("a", b""),
        "remove": lambda: storage.remove("a"),
        "remove_many": lambda: list(storage.remove_many(["a"])),
        "versions": lambda: list(storage.versions().list("a")),
        "make_dir": lambda: storage.make_dir(""),
    }
    with pytest.raises(NotFound, match="there is no bucket") as caught:
        calls[verb]()
    assert "skycap mkdir" in (caught.value.hint or "")


def test_buckets_are_directories(options: Options) -> None:
    with Buckets(options()) as buckets:
        name = f"made-{os.getpid()}"
        buckets.make_dir(name)
        buckets.make_dir(name)
        assert buckets.stat(name).kind is Kind.DIRECTORY
        assert name in [entry.path for entry in buckets.scan("")]
        assert buckets.stat("").kind is Kind.DIRECTORY
        buckets.make_dir("")
        buckets.make_dir(f"{name}/below")
        buckets.write(f"{name}/a/file", b"x")
        assert [entry.path for entry in buckets.scan(name)] == [f"{name}/a"]
        with buckets.read(f"{name}/a/file") as reader:
            assert reader.read() == b"x"
        with pytest.raises(Conflict):
            buckets.remove(name)
        buckets.remove(f"{name}/a/file")
        buckets.remove(name)
        buckets.remove(name)
        with pytest.raises(NotFound):
            buckets.stat(name)
        with pytest.raises(PathInvalid):
            buckets.make_dir("No")
        with pytest.raises(Unsupported):
            buckets.write("", b"x")
        for call in (
            lambda: buckets.write("a-bucket/b", b"x", condition=IF_ABSENT),
            lambda: buckets.remove("a-bucket", condition=if_version("v")),
        ):
            with pytest.raises(Unsupported):
                call()
        assert buckets.identity.startswith("s3:http://localhost:")
        assert "127.0.0.1" in repr(buckets)


# Who may


def test_a_wrong_secret_is_told(opened: Callable[..., S3], bucket: str) -> None:
    for call in (lambda s: s.write("a", b""), lambda s: list(s.scan(""))):
        with pytest.raises(AuthMissing, match="does not fit") as caught:
            call(opened(bucket, secret_access_key="wrong"))
        assert "wrong" not in f"{caught.value} {caught.value.hint}"
    with pytest.raises(AuthMissing, match="does not know"):
        opened(bucket, access_key_id="AKNOBODY").write("a", b"")


def test_a_reader_may_not_write(opened: Callable[..., S3], server: SeaweedFS, s3: S3) -> None:
    s3.write("a", b"x")
    keys = {"access_key_id": server.reader_key_id, "secret_access_key": server.reader_secret}
    reader = opened(s3.bucket, **keys)
    assert content(reader, "a") == b"x"
    for call in (
        lambda: reader.write("b", b""),
        lambda: reader.remove("a"),
        lambda: reader.begin_upload("b"),
        lambda: reader.copy("a", "b"),
    ):
        with pytest.raises(AccessDenied):
            call()
    assert [type(error) for _, error in reader.remove_many(["a"])] == [AccessDenied]
    assert content(s3, "a") == b"x"


# Names


@pytest.mark.parametrize(
    "name",
    [
        "sp ace", "a%2Fb", "100%", "plus+", "é", "e\u0301", "😀", "tab\t", "line\nfeed", "cr\rx", "\x01ctl",
        "\x7f", 'q"<&>\'', "x?y=1&z", "x#y", "~*[]{}|^`", ".hidden", "...", " lead", "trail ", "\u200b",
        "\ufffe", "n" * 255,
    ],
)  # fmt: skip
def test_a_hostile_name_is_one_file(s3: S3, name: str, tmp_path: Path) -> None:
    path = f"dir/{name}"
    local = tmp_path / "local"
    local.touch()
    entry = s3.write(path, b"data", metadata=Metadata(mtime_ns=5))
    assert s3.stat(path).version == entry.version
    assert content(s3, path) == b"data"
    assert s3.read_file(path, str(local)).mtime_ns == 5
    assert local.read_bytes() == b"data"
    assert [e.path for e in s3.scan("dir")] == [e.path for e in s3.scan_all("")] == [path]
    s3.copy(path, f"copy/{name}")
    assert list(s3.remove_many([path])) == [(path, None)]
    assert [e.path for e in s3.scan_all("")] == [f"copy/{name}"]
    with urlopen(s3.shares().create(f"copy/{name}").url) as answer:
        assert answer.read() == b"data"


# Reading and writing


@pytest.mark.parametrize("size", [0, 1, 16 * MiB, 16 * MiB + 1, 33 * MiB])
def test_a_local_file_goes_there_and_back(s3: S3, tmp_path: Path, size: int) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(noise(size))
    target.touch()
    moved: list[int] = []
    entry = s3.write("a", LocalFile(str(source), moved.append), size=size, metadata=Metadata(mtime_ns=7))
    assert sum(moved) == entry.size == size
    back = s3.read_file("a", str(target))
    assert target.read_bytes() == noise(size)
    assert (back.size, back.mtime_ns, back.version) == (size, 7, entry.version)
    assert s3.read_file("a", str(target), version=entry.version).size == size


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("size", [0, 5 * MiB, 17 * MiB, 40 * MiB])
def test_a_stream_of_any_size_is_stored(small: S3, size: int, known: bool) -> None:
    entry = small.write("a", io.BytesIO(noise(size)), size=size if known else None)
    assert entry.size == size
    assert content(small, "a") == noise(size)


def test_a_large_buffer_is_stored_without_a_copy(small: S3) -> None:
    data = memoryview(noise(20 * MiB))
    assert small.write("a", data).version is not None
    assert content(small, "a", offset=19 * MiB) == data[19 * MiB :]


class _Breaking:
    """A source that breaks off."""

    def __init__(self, size: int) -> None:
        self._size = size

    def open(self) -> AbstractContextManager[BinaryReader]:
        reader = io.BytesIO(noise(self._size))
        read = reader.read

        def broken(size: int | None = -1, /) -> bytes:
            data = read(size)
            if not data:
                raise OSError("the disk is gone")
            return data

        reader.read = broken  # type: ignore[method-assign]
        return reader


def test_an_upload_that_fails_leaves_nothing_behind(small: S3, client: Client) -> None:
    with pytest.raises(OSError, match="the disk is gone"):
        small.write("a", _Breaking(12 * MiB))
    assert uploads(client, small.bucket) == 0
    with pytest.raises(NotFound):
        small.stat("a")


def test_a_file_that_changes_while_it_is_sent_is_not_stored(
    small: S3, tmp_path: Path, client: Client
) -> None:
    source = tmp_path / "source"
    source.write_bytes(noise(25 * MiB))

    def touch(_: int) -> None:
        os.utime(source, ns=(1, 1))

    with pytest.raises(UploadFailed, match="changed"):
        small.write("a", LocalFile(str(source), touch))
    with pytest.raises(UploadFailed, match="not 5"):
        small.write("a", LocalFile(str(source)), size=5)

    def shorten(_: int) -> None:
        os.truncate(source, 21 * MiB)

    with pytest.raises(UploadFailed, match=r"shorter|changed"):
        small.write("a", LocalFile(str(source), shorten))
    assert uploads(client, small.bucket) == 0


def test_whoever_watches_may_stop_it(small: S3, tmp_path: Path, client: Client) -> None:
    source = tmp_path / "source"
    source.write_bytes(noise(21 * MiB))

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small.write("a", LocalFile(str(source), stop))
    assert uploads(client, small.bucket) == 0


def test_what_is_no_file_is_not_sent(s3: S3, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Unsupported):
        s3.write("a", tmp_path / "pipe")
    with pytest.raises(NotFound):
        s3.write("a", tmp_path / "absent")
    s3.write("a", b"x")
    with pytest.raises(NotFound):
        s3.read_file("a", str(tmp_path / "absent"))


def test_a_large_file_is_created_under_a_condition(small: S3) -> None:
    data = noise(17 * MiB)
    entry = small.write("a", data, condition=IF_ABSENT)
    with pytest.raises(Conflict):
        small.write("a", data, condition=IF_ABSENT)
    assert entry.version is not None
    small.write("a", data, condition=if_version(entry.version))
    with pytest.raises(Conflict):
        small.write("absent", b"x", condition=if_version(entry.version))


def test_objects_are_stored_as_the_options_say(options: Options, bucket: str, client: Client) -> None:
    given = options(storage_class="STANDARD_IA", acl="bucket-owner-full-control", checksums="when_required")
    with S3(given, bucket) as storage:
        storage.write("a", b"x", metadata=Metadata(content_type="text/x", mode=0o640))
        storage.write("b", noise(17 * MiB))
    headers = client.request("HEAD", bucket, "a", headers={"x-amz-checksum-mode": "ENABLED"}).headers
    assert headers["x-amz-storage-class"] == "STANDARD_IA"
    assert headers["content-type"] == "text/x"
    assert headers["x-amz-meta-mode"] == "640"
    assert "x-amz-checksum-sha256" not in headers
    assert client.request("HEAD", bucket, "b").headers["x-amz-storage-class"] == "STANDARD_IA"


def test_obstore_stores_as_the_options_say_too(options: Options, bucket: str, client: Client) -> None:
    with S3(options(storage_class="STANDARD_IA"), bucket) as storage:
        assert storage.fast.put("a", b"x", Metadata(content_type="text/x", extra={"k": "v"}), None)
    headers = client.request("HEAD", bucket, "a", headers={"x-amz-checksum-mode": "ENABLED"}).headers
    assert headers["x-amz-storage-class"] == "STANDARD_IA"
    assert (headers["content-type"], headers["x-amz-meta-k"]) == ("text/x", "v")
    assert headers["x-amz-checksum-sha256"] == b64encode(hashlib.sha256(b"x").digest()).decode()


def test_forty_programs_end_well(server: SeaweedFS, s3: S3) -> None:
    code = (
        "import json, sys; from skycap.cloudproviders.s3.storage import S3, S3Options;"
        "s = S3(S3Options.parse(json.loads(sys.argv[1]), where='t'), sys.argv[2]);"
        "s.write('a', b'x' * 1000); s.read_file('a', '/dev/null')"
    )

    arguments = [sys.executable, "-c", code, json.dumps(server.options), s3.bucket]
    for _ in range(20):
        pair = [subprocess.Popen(arguments, stderr=subprocess.PIPE) for _ in range(2)]
        for process in pair:
            _, errors = process.communicate(timeout=60)
            assert (process.returncode, errors) == (0, b"")
