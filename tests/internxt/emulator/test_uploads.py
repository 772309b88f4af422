"""Uploads: start, bytes, finish, in one piece and in parts."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from skycap.internxt.emulator.objects import PART_AT_LEAST
from tests.internxt.emulator.harness import PARTS_FROM, InThread, Visitor, network_refusal

NOBUCKET = "0" * 24


def test_an_upload_in_one_piece_becomes_an_entry(emulator: InThread, user: Visitor) -> None:
    started = user.start(7)
    assert started.status_code == 200
    [upload] = started.json()["uploads"]
    assert (upload["index"], upload["urls"], set(upload)) == (0, None, {"index", "uuid", "url", "urls"})
    assert upload["url"].startswith(f"{emulator.url}/objects/")
    headers = {"content-type": "application/octet-stream"}
    put = user.http.put(upload["url"], content=b"content", headers=headers)
    assert (put.status_code, put.content) == (200, b"")
    assert put.headers["etag"].startswith('"')
    hmac = {"type": "sha512", "value": "cd" * 64}
    index = bytes(range(32))
    finished = user.finish({"uuid": upload["uuid"]}, index, hmac=hmac)
    assert finished.status_code == 200
    entry = finished.json()
    assert len(entry["id"]) == 24
    assert (entry["index"], entry["bucket"], entry["size"], entry["version"]) == (
        index.hex(),
        user.bucket,
        7,
        2,
    )
    assert entry["hmac"] == hmac
    assert {"name", "created", "renewal", "mimetype", "filename"} <= set(entry)
    info = user.info(entry["id"])
    [shard] = info.pop("shards")
    assert info == entry
    assert (shard["index"], shard["size"], shard["hash"]) == (0, 7, "ab" * 20)
    assert user.http.get(shard["url"]).content == b"content"


def test_the_hash_is_kept_as_it_was_said_and_hmac_only_if_it_was(user: Visitor) -> None:
    assert "hmac" not in user.info(user.upload(b"x"))


def test_several_uploads_can_be_started_at_once(user: Visitor) -> None:
    uploads = user.start(1, 2).json()["uploads"]
    assert [one["index"] for one in uploads] == [0, 1]
    assert uploads[0]["uuid"] != uploads[1]["uuid"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, 'Missing "uploads" field'),
        ({"uploads": 1}, "Uploads is not an array"),
        ({"uploads": [{"index": 0}]}, "Invalid size"),
        ({"uploads": [{"index": 0, "size": "7"}]}, "Invalid size"),
        ({"uploads": [{"index": 0, "size": -1}]}, "Invalid size"),
        ({"uploads": [{"size": 1}]}, "Invalid index"),
        ({"uploads": [{"index": -1, "size": 1}]}, "Invalid index"),
        ({"uploads": ["x"]}, "Invalid index"),
    ],
)
def test_a_start_that_is_wrong_is_refused(user: Visitor, body: dict[str, Any], error: str) -> None:
    path = f"/v2/buckets/{user.bucket}/files/start"
    assert network_refusal(user.network("POST", path, body)) == (400, error)


def test_an_index_comes_once(user: Visitor) -> None:
    body = {"uploads": [{"index": 0, "size": 1}] * 2}
    assert user.network("POST", f"/v2/buckets/{user.bucket}/files/start", body).status_code == 409


@pytest.mark.parametrize("parts", ["0", "-1", "10001", "x", ""])
def test_a_count_of_parts_is_from_1_to_10000(user: Visitor, parts: str) -> None:
    path = f"/v2/buckets/{user.bucket}/files/start?multiparts={parts}"
    body = {"uploads": [{"index": 0, "size": PARTS_FROM}]}
    assert network_refusal(user.network("POST", path, body)) == (400, "Invalid multiparts value")


def test_parts_are_for_100_mebibytes_and_more(user: Visitor) -> None:
    refused = network_refusal(user.start(PARTS_FROM - 1, parts=2))
    assert refused == (400, "Multipart is not allowed for files smaller than 100MB")
    [upload] = user.start(PARTS_FROM, parts=3).json()["uploads"]
    assert (upload["url"], len(upload["urls"]), bool(upload["UploadId"])) == (None, 3, True)
    assert len(user.start(PARTS_FROM, parts=10_000).json()["uploads"][0]["urls"]) == 10_000


@pytest.mark.parametrize("route", ["start", "finish"])
def test_a_bucket_must_be_well_formed_there_and_ours(user: Visitor, other: Visitor, route: str) -> None:
    body = {
        "uploads": [{"index": 0, "size": 1}],
        "index": "00" * 32,
        "shards": [{"uuid": str(uuid.uuid4()), "hash": "ab" * 20}],
    }

    def ask(bucket: str) -> tuple[int, str]:
        return network_refusal(user.network("POST", f"/v2/buckets/{bucket}/files/{route}", body))

    assert ask("x") == (400, "Bucket id is malformed")
    assert ask(NOBUCKET) == (404, f"Bucket {NOBUCKET} not found")
    assert ask(other.bucket) == (403, "Unauthorized")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"index": None}, "Missing parameters"),
        ({"shards": None}, "Missing parameters"),
        ({"index": "00" * 31}, "Invalid index"),
        ({"index": "zz" * 32}, "Invalid index"),
        ({"index": 7}, "Invalid index"),
        ({"shards": 7}, "Shards is not an array"),
        ({"shards": [{"hash": "ab"}]}, "Invalid UUID"),
        ({"shards": ["x"]}, "Invalid UUID"),
        ({"shards": [{"uuid": "x", "hash": "ab"}]}, "Invalid UUID"),
        ({"shards": [{"uuid": "6f1e5a0e-3d9b-4c5c-8f5e-0a8a2d1b7c11"}]}, "Missing hash"),
    ],
)
def test_a_finish_that_is_wrong_is_refused(user: Visitor, change: dict[str, Any], error: str) -> None:
    right = {"index": "00" * 32, "shards": [{"uuid": str(uuid.uuid4()), "hash": "ab" * 20}]}
    path = f"/v2/buckets/{user.bucket}/files/finish"
    assert network_refusal(user.network("POST", path, right | change)) == (400, error)


@pytest.mark.parametrize("more", [{"UploadId": "x"}, {"parts": []}])
def test_an_upload_id_and_parts_come_together(user: Visitor, more: dict[str, Any]) -> None:
    [upload] = user.start(1).json()["uploads"]
    status, error = network_refusal(user.finish({"uuid": upload["uuid"]} | more))
    assert (status, error.startswith("For multipart: ")) == (400, True)


def test_a_finish_looks_at_what_was_stored(user: Visitor) -> None:
    [upload] = user.start(7).json()["uploads"]
    shard = {"uuid": upload["uuid"]}
    assert network_refusal(user.finish(shard)) == (404, "Upload not found in storage")
    user.http.put(upload["url"], content=b"short")
    status, error = network_refusal(user.finish(shard))
    assert (status, error.startswith("Size does not match")) == (409, True)
    user.http.put(upload["url"], content=b"content")
    assert user.finish(shard).status_code == 200
    missing = (409, "Missing uploads to complete the upload")
    assert network_refusal(user.finish(shard)) == missing  # a second time
    assert network_refusal(user.finish({"uuid": str(uuid.uuid4())})) == missing
    body = {"index": "00" * 32, "shards": []}
    assert network_refusal(user.network("POST", f"/v2/buckets/{user.bucket}/files/finish", body)) == missing


def test_a_full_quota_is_told_at_start_and_at_finish(emulator: InThread, user: Visitor) -> None:
    emulator.set(quota=10)
    assert user.drive("GET", "/users/limit").json() == {"maxSpaceBytes": 10}
    full = (420, "Max space used")
    assert network_refusal(user.start(11)) == full
    started = [user.start(6).json()["uploads"][0] for _ in range(2)]
    for one in started:
        user.http.put(one["url"], content=b"123456")
    assert user.finish({"uuid": started[0]["uuid"]}).status_code == 200
    assert network_refusal(user.finish({"uuid": started[1]["uuid"]})) == full
    assert network_refusal(user.start(5)) == full  # an orphan counts
    assert user.start(4).status_code == 200
    emulator.set(quota=12)
    assert user.finish({"uuid": started[1]["uuid"]}).status_code == 200


def test_too_many_starts_are_slowed_down(emulator: InThread, user: Visitor, other: Visitor) -> None:
    emulator.set(starts_per_minute=2)
    assert [user.start(1).status_code for _ in range(3)] == [200, 200, 429]
    refused = user.start(1)
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert other.start(1).status_code == 200
    emulator.set(clock_ahead_s=61.0)
    assert user.start(1).status_code == 200


def _parts(user: Visitor, *sizes: int) -> tuple[dict[str, Any], list[dict[str, Any]], bytes]:
    """A started upload with its parts put, the last first."""
    whole = b"".join(bytes([65 + number]) * size for number, size in enumerate(sizes))
    [upload] = user.start(max(len(whole), PARTS_FROM), parts=len(sizes)).json()["uploads"]
    parts = []
    for number in reversed(range(len(sizes))):
        put = user.http.put(upload["urls"][number], content=bytes([65 + number]) * sizes[number])
        assert put.status_code == 200
        parts.insert(0, {"PartNumber": number + 1, "ETag": put.headers["etag"]})
    return upload, parts, whole


def test_parts_in_any_order_become_one_object(emulator: InThread, user: Visitor) -> None:
    upload, parts, whole = _parts(user, 60 << 20, (40 << 20) + 5)
    shard = {"uuid": upload["uuid"], "UploadId": upload["UploadId"]}
    parts[1]["ETag"] = parts[1]["ETag"].strip('"')  # one client sends it bare
    finished = user.finish(shard | {"parts": parts})
    assert finished.status_code == 200, finished.text
    assert finished.json()["size"] == len(whole)
    url = user.info(finished.json()["id"])["shards"][0]["url"]
    edge = 60 << 20
    for first, last in ((0, 9), (edge - 5, edge + 4), (edge, edge), (len(whole) - 5, len(whole) - 1)):
        found = user.http.get(url, headers={"range": f"bytes={first}-{last}"})
        assert (found.status_code, found.content) == (206, whole[first : last + 1])
    assert len(user.http.get(url).content) == len(whole)
    again = user.http.put(upload["urls"][0], content=b"late")
    assert again.status_code == 404
    assert emulator.state()["bytes"] == len(whole)


@pytest.mark.parametrize("how", ["order", "etag", "missing", "nothing", "number", "other upload"])
def test_parts_that_do_not_fit_are_refused(user: Visitor, how: str) -> None:
    upload, parts, _ = _parts(user, PART_AT_LEAST, 5)
    shard: dict[str, Any] = {"uuid": upload["uuid"], "UploadId": upload["UploadId"]}
    status = 500
    if how == "order":
        parts.reverse()
    elif how == "etag":
        parts[0]["ETag"] = "x"
    elif how == "missing":
        parts.append({"PartNumber": 3, "ETag": "x"})
    elif how == "nothing":
        parts = []
    elif how == "number":
        parts[0] = {"PartNumber": "x", "ETag": "y"}
        status = 400
    else:
        shard["UploadId"] = "x"
        status = 404
    assert network_refusal(user.finish(shard | {"parts": parts}))[0] == status


def test_small_parts_and_other_sums_are_refused(user: Visitor) -> None:
    for sizes, status in (((PART_AT_LEAST - 1, 5), 500), ((PART_AT_LEAST, 5), 409)):
        upload, parts, _ = _parts(user, *sizes)
        shard = {"uuid": upload["uuid"], "UploadId": upload["UploadId"], "parts": parts}
        assert network_refusal(user.finish(shard))[0] == status


def test_parts_that_are_not_named_do_not_count(user: Visitor) -> None:
    upload, parts, _ = _parts(user, PART_AT_LEAST, 5)
    shard = {"uuid": upload["uuid"], "UploadId": upload["UploadId"], "parts": parts[:1]}
    status, error = network_refusal(user.finish(shard))
    assert (status, f"stored {PART_AT_LEAST}" in error) == (409, True)
