"""What is S3's own about an S3 storage, against a real server."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
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
    ConfigInvalid,
    Conflict,
    NotFound,
    PathInvalid,
    Unsupported,
    UploadFailed,
    UsageError,
)
from skycap.core.paths import order_key
from skycap.core.storage import IF_ABSENT, Capability, Kind, LocalFile, Metadata, if_version
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
    (lazy,) = register_storage_types()
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
    assert "127.0.0.1:1/" in S3(S3Options(), "bucket").identity
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:2")
    assert "127.0.0.1:2/" in S3(S3Options(), "bucket").identity
    assert "127.0.0.1:3/" in S3(S3Options(endpoint="http://127.0.0.1:3"), "bucket").identity


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
        assert buckets.identity.startswith("s3:http://127.0.0.1")
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


# Listings


def test_a_long_listing_is_complete_and_in_order(s3: S3) -> None:
    from concurrent.futures import ThreadPoolExecutor

    names = [f"dir/{number:04}" for number in range(1100)] + ["dir-1", "dir.x", "dir/0500-/x", "dir/0500/x"]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: s3.write(name, b"x"), names))
    assert sorted(entry.path for entry in s3.scan_all("")) == sorted(names)
    level = list(s3.scan("dir"))
    assert len(level) == 1102
    keys = [order_key(e.path, is_dir=e.kind is Kind.DIRECTORY) for e in level]
    assert keys == sorted(keys)
    assert all(e.hashes and e.version and e.stored_at_ns for e in level if e.is_file)
    assert sum(1 for _, error in s3.remove_many(names) if error is None) == len(names)


def test_an_object_and_a_prefix_of_one_name_stand_side_by_side(s3: S3) -> None:
    s3.write("a", b"file")
    s3.write("a/b", b"below")
    assert [(e.path, e.kind) for e in s3.scan("")] == [("a", Kind.FILE), ("a", Kind.DIRECTORY)]
    s3.remove("a")
    assert content(s3, "a/b") == b"below"


def test_a_marker_of_another_program_is_an_empty_directory(s3: S3, client: Client) -> None:
    client.request("PUT", s3.bucket, "marked/", body=b"")
    assert s3.stat("marked").kind is Kind.DIRECTORY
    assert list(s3.scan("marked")) == []
    s3.remove("marked")
    assert list(s3.scan_all("")) == []


# Copies, versions, links, uploads


def test_a_large_copy_goes_in_parts(small: S3, client: Client) -> None:
    small.write("a", noise(17 * MiB), metadata=Metadata(mtime_ns=3, extra={"k": "v"}))
    entry = small.copy("a", "b", condition=IF_ABSENT)
    assert entry.size == 17 * MiB
    found = small.stat("b")
    assert found.metadata is not None
    assert (found.mtime_ns, found.metadata.extra) == (3, {"k": "v"})
    assert content(small, "b") == noise(17 * MiB)
    with pytest.raises(Conflict):
        small.copy("a", "b", condition=IF_ABSENT)
    with pytest.raises(Conflict):
        small.copy("a", "absent", condition=if_version('"x"'))
    assert uploads(client, small.bucket) == 0


def test_a_large_copy_that_fails_leaves_nothing(
    small: S3, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.write("a", noise(17 * MiB))
    request = client.request

    def refuse(method: str, path: str, **arguments: Any) -> Any:
        if method == "PUT":
            raise AccessDenied("no")
        return request(method, small.bucket, path, **arguments)

    monkeypatch.setattr(small, "request", refuse)
    with pytest.raises(AccessDenied):
        small.copy("a", "b")
    assert uploads(client, small.bucket) == 0


def test_the_same_content_twice_is_two_states(options: Options, versioned: str) -> None:
    with S3(options(), versioned) as storage:
        for data in (b"one", b"two", b"one"):
            storage.write("a", data)
        storage.remove("a")
        states = list(storage.versions().list("a"))
        assert [state.deleted for state in states] == [True, False, False, False]
        names = [state.entry.version for state in states]
        assert len(set(names)) == 4
        assert [content(storage, "a", version=name) for name in names[1:]] == [b"one", b"two", b"one"]
        assert states[0].entry.version is not None
        storage.versions().remove("a", states[0].entry.version)
        assert content(storage, "a") == b"one"
        storage.versions().remove("a", '"no such etag"')
        with pytest.raises(NotFound):
            content(storage, "a", version='"no such etag"')
        with pytest.raises(NotFound):
            storage.versions().restore("a", '"no such etag"')


def test_a_link_is_good_for_whoever_has_it(s3: S3) -> None:
    s3.write("dir/a b", b"x")
    share = s3.shares().create("dir/a b", expires_s=60)
    with urlopen(share.url) as answer:
        assert answer.read() == b"x"
    assert s3.options.secret_access_key is not None
    assert s3.options.secret_access_key.reveal() not in share.url
    with pytest.raises(HTTPError):
        urlopen(share.url.replace("X-Amz-Expires=60", "X-Amz-Expires=600"))
    assert share.expires_at_ns is not None
    for seconds in (0, 8 * 86_400):
        with pytest.raises(UsageError, match="7 days"):
            s3.shares().create("dir/a b", expires_s=seconds)
    with pytest.raises(Unsupported):
        s3.shares().create("dir/a b", password="p")
    for capability, call in (
        (Capability.SHARE_LIST, lambda: s3.shares().list("a")),
        (Capability.SHARE_REMOVE, lambda: s3.shares().remove("a")),
    ):
        assert not s3.can(capability)
        with pytest.raises(Unsupported):
            call()


def test_an_upload_goes_on_in_another_process_and_sends_only_what_is_missing(
    small: S3, options: Options
) -> None:

    data = noise(12 * MiB)
    upload = small.begin_upload("a", size=len(data), metadata=Metadata(mtime_ns=9))
    upload.put_part(1, memoryview(data)[5 * MiB : 10 * MiB])
    state = json.loads(json.dumps(upload.state))
    state["parts"]["0"] = [5 * MiB, "0" * 64, '"never sent"']
    with S3(options(part_size="8MiB"), small.bucket) as later:
        again = later.resume_upload(state)
        assert again.part_size == 5 * MiB
        assert again.done == {1: 5 * MiB}
        again.put_part(0, data[: 5 * MiB])
        again.put_part(2, data[10 * MiB :], last=True)
        assert again.complete().mtime_ns == 9
    assert content(small, "a") == data
    assert small.stat("a").mtime_ns == 9
    with pytest.raises(NotFound):
        small.resume_upload(state)
    with pytest.raises(NotFound, match="another bucket"):
        small.resume_upload({**state, "bucket": "other"})


def test_parts_that_cannot_be_are_refused(small: S3) -> None:
    with small.begin_upload("a") as upload:
        with pytest.raises(UploadFailed, match="bytes"):
            upload.put_part(0, b"short")
        with pytest.raises(UploadFailed, match="10000"):
            upload.put_part(10_000, b"x", last=True)
        upload.abort()


def test_only_old_leftovers_are_cleaned_up(small: S3) -> None:
    small.begin_upload("dir/a").put_part(0, noise(5 * MiB))
    small.begin_upload("dir-2/b")
    assert list(small.cleanup(older_than_s=60)) == []
    small.client.clock = lambda: time.time() + 120
    (found,) = small.cleanup("dir", older_than_s=60, dry_run=True)
    assert (found.path, found.size) == ("dir/a", 5 * MiB)
    small.client.clock = time.time
    assert len(list(small.cleanup(older_than_s=-60))) == 2
    assert list(small.cleanup(older_than_s=-60)) == []


def test_a_ca_bundle_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    given = {"endpoint": "https://127.0.0.1:9", "anonymous": True, "ca_bundle": str(tmp_path / "absent.pem")}
    storage = S3(S3Options.parse(given, where="t"), "bucket")
    for call in (lambda: storage.stat("a"), lambda: storage.write("a", b"x")):
        with pytest.raises(ConfigInvalid, match="ca_bundle"):
            call()
