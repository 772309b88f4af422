"""S3 listings, copies, versions, links and uploads, over a real server."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from skycap.cloudproviders.s3.client import Client
from skycap.cloudproviders.s3.options import S3Options
from skycap.cloudproviders.s3.storage import S3
from skycap.core.errors import (
    AccessDenied,
    ConfigInvalid,
    Conflict,
    NotFound,
    Unsupported,
    UploadFailed,
    UsageError,
)
from skycap.core.paths import order_key
from skycap.core.storage import IF_ABSENT, Capability, Kind, Metadata, if_version
from skycap.core.storage.patches import apply
from skycap.core.units import MiB

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
        with pytest.raises(NotFound):
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
    state = json.loads(json.dumps(upload.state))
    upload.put_part(1, memoryview(data)[5 * MiB : 10 * MiB])
    apply(state, json.loads(json.dumps(upload.part_state(1))))
    assert state == json.loads(json.dumps(upload.state))
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
