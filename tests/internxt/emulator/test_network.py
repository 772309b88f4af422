"""The Network API beside uploads, and the object storage behind presigned links."""

from __future__ import annotations

import pytest

from tests.internxt.emulator.harness import InThread, Visitor, network_refusal

NOTHING = "0" * 24


def test_a_wrong_user_or_password_is_refused(emulator: InThread, user: Visitor, other: Visitor) -> None:
    url = f"{emulator.network}/buckets"
    name, password = user.basic
    refused = (401, "Invalid email or password")
    for auth in (
        (name, "x"),
        (name, other.basic[1]),
        ("nobody@example.com", password),
        (name, user.user["userId"]),
    ):
        assert network_refusal(user.http.get(url, auth=auth)) == refused
    for header in ("Basic ?", "Basic /w==", f"Bearer {user.token}", "Basic"):
        assert network_refusal(user.http.get(url, headers={"authorization": header})) == refused
    assert network_refusal(user.http.get(url)) == refused


def test_an_entry_is_told_and_what_is_none_is_refused(user: Visitor, other: Visitor) -> None:
    entry = user.upload(b"x")
    base = f"/buckets/{user.bucket}/files"
    assert network_refusal(user.network("GET", f"{base}/{NOTHING}/info")) == (
        404,
        f"Bucket entry {NOTHING} not found",
    )
    assert network_refusal(user.network("GET", f"{base}/x/info")) == (400, "File id is malformed")
    assert network_refusal(user.network("GET", f"/buckets/x/files/{entry}/info")) == (
        400,
        "Bucket id is malformed",
    )
    assert network_refusal(other.network("GET", f"{base}/{entry}/info")) == (403, "Unauthorized")
    foreign = f"/buckets/{other.bucket}/files/{entry}/info"
    assert network_refusal(other.network("GET", foreign))[0] == 404


def test_links_by_part_can_be_asked_for(user: Visitor) -> None:
    entry = user.upload(b"12345")
    [shard] = user.network("GET", f"/buckets/{user.bucket}/files/{entry}/info?partSize=2").json()["shards"]
    assert len(shard["urls"]) == 3


def test_an_object_is_told_in_the_older_forms_too(user: Visitor) -> None:
    one, two = user.upload(b"one"), user.upload(b"two")
    mirrors = user.network("GET", f"/v2/buckets/{user.bucket}/files/{one}/mirrors").json()
    assert set(mirrors) == {"bucket", "index", "created", "shards"}
    [pointer] = user.network("GET", f"/buckets/{user.bucket}/files/{one}").json()
    assert user.http.get(pointer["url"]).content == b"one"
    both = user.network("GET", f"/buckets/{user.bucket}/bulk-files?fileIds={one},{two},{NOTHING},x").json()
    assert [entry["fileId"] for entry in both] == [one, two]


def test_buckets_are_made_and_removed_with_what_is_in_them(emulator: InThread, user: Visitor) -> None:
    assert [one["id"] for one in user.network("GET", "/buckets").json()] == [user.bucket]
    made = user.network("POST", "/buckets", {"name": "more"})
    assert (made.status_code, made.json()["name"]) == (201, "more")
    assert user.network("DELETE", f"/buckets/{made.json()['id']}").status_code == 204
    user.upload(b"x")
    assert user.network("DELETE", f"/buckets/{user.bucket}").status_code == 204
    assert emulator.state()["objects"] == 0


def test_an_entry_is_removed(emulator: InThread, user: Visitor) -> None:
    path = f"/buckets/{user.bucket}/files/{user.upload(b'x')}"
    assert user.network("DELETE", path).status_code == 204
    assert user.network("DELETE", path).status_code == 404
    assert emulator.state()["objects"] == 0


def test_a_token_opens_one_object_to_whoever_has_it(emulator: InThread, user: Visitor) -> None:
    one, two = user.upload(b"one"), user.upload(b"two")
    path = f"/buckets/{user.bucket}/tokens"
    made = user.network("POST", path, {"operation": "PULL", "file": one})
    assert made.status_code == 201
    assert {"token", "encryptionKey", "mimetype", "size"} <= set(made.json())
    headers = {"x-token": made.json()["token"]}
    info = user.http.get(f"{emulator.network}/buckets/{user.bucket}/files/{one}/info", headers=headers)
    assert info.json()["id"] == one
    refused = user.http.get(f"{emulator.network}/buckets/{user.bucket}/files/{two}/info", headers=headers)
    assert network_refusal(refused) == (401, "Invalid email or password")
    for body in ({}, {"operation": "PULL"}, {"operation": "PULL", "file": "x"}):
        assert user.network("POST", path, body).status_code == 400


def _link(user: Visitor, content: bytes = b"0123456789") -> str:
    return str(user.info(user.upload(content))["shards"][0]["url"])


@pytest.mark.parametrize(
    ("asked", "status", "content", "told"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
        ("bytes=0-", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=9-9", 206, b"9", "bytes 9-9/10"),
        ("bytes=5-4", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
    ],
)
def test_a_range_is_answered_as_s3_does(
    user: Visitor, asked: str, status: int, content: bytes, told: str | None
) -> None:
    found = user.http.get(_link(user), headers={"range": asked})
    assert (found.status_code, found.content, found.headers.get("content-range")) == (status, content, told)


def test_a_range_past_the_end_cannot_be_satisfied(user: Visitor) -> None:
    for asked in ("bytes=10-", "bytes=10-20", "bytes=-0"):
        found = user.http.get(_link(user), headers={"range": asked})
        assert (found.status_code, "InvalidRange" in found.text) == (416, True)


def test_a_head_tells_the_size_and_an_empty_object_is_one(user: Visitor) -> None:
    found = user.http.head(_link(user))
    assert (found.status_code, found.headers["content-length"], found.content) == (200, "10", b"")
    assert user.http.get(_link(user, b"")).content == b""


def test_a_body_in_chunks_is_taken(user: Visitor) -> None:
    [upload] = user.start(300_000).json()["uploads"]
    put = user.http.put(upload["url"], content=(b"x" * 100 for _ in range(3000)))
    assert put.status_code == 200
    assert user.finish({"uuid": upload["uuid"]}).status_code == 200


def test_a_link_opens_one_thing_one_way(user: Visitor) -> None:
    [upload] = user.start(1).json()["uploads"]
    put, get = upload["url"], _link(user)
    assert user.http.get(put).status_code == 403
    assert user.http.put(get, content=b"x").status_code == 403
    assert user.http.delete(get).status_code == 405
    bare = get.partition("?")[0]
    for broken in (
        bare,
        get.replace("operation=get", "operation=put"),
        get[:-1],
        get.replace("expires=", "expires=9"),
    ):
        refused = user.http.get(broken)
        assert (refused.status_code, refused.text.startswith("<?xml")) == (403, True)
    assert user.http.get(get.replace("expires=", "expires=x")).status_code == 403
    assert user.http.head(bare).content == b""


def test_credentials_do_not_belong_to_a_link(user: Visitor) -> None:
    [upload] = user.start(1).json()["uploads"]
    for refused in (
        user.http.get(_link(user), auth=user.basic),
        user.http.put(upload["url"], auth=user.basic),
    ):
        assert (refused.status_code, "InvalidArgument" in refused.text) == (400, True)


def test_a_link_ends_with_its_time(emulator: InThread, user: Visitor) -> None:
    emulator.set(link_lifetime_s=60)
    link = _link(user)
    [upload] = user.start(1).json()["uploads"]
    assert user.http.get(link).status_code == 200
    emulator.set(clock_ahead_s=61.0)
    for refused in (user.http.get(link), user.http.put(upload["url"], content=b"x")):
        assert (refused.status_code, "Request has expired" in refused.text) == (403, True)
    assert user.http.get(_link(user)).status_code == 200


def test_an_object_that_was_removed_is_not_found(user: Visitor) -> None:
    made = user.made_file("a")
    link = user.info(made["fileId"])["shards"][0]["url"]
    user.drive("DELETE", f"/files/{made['uuid']}")
    found = user.http.get(link)
    assert (found.status_code, "NoSuchKey" in found.text) == (404, True)


def test_a_reader_that_goes_away_harms_nobody(emulator: InThread, user: Visitor) -> None:
    import socket
    from urllib.parse import urlsplit

    link = _link(user, bytes(20 << 20))
    parts = urlsplit(link)
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall(f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    while emulator.state()["open_requests"]:
        pass
    assert len(user.http.get(link).content) == 20 << 20


def test_five_gibibytes_are_the_most_of_one_put(user: Visitor) -> None:
    import http.client
    from urllib.parse import urlsplit

    [upload] = user.start(1).json()["uploads"]
    parts = urlsplit(upload["url"])
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        connection.request(
            "PUT", f"{parts.path}?{parts.query}", headers={"content-length": str((5 << 30) + 1)}
        )
        assert connection.getresponse().status == 400
    finally:
        connection.close()


def test_a_client_that_goes_away_leaves_nothing(emulator: InThread, user: Visitor) -> None:
    import socket
    from urllib.parse import urlsplit

    [upload] = user.start(10 << 20).json()["uploads"]
    parts = urlsplit(upload["url"])
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        head = f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: x\r\nContent-Length: {10 << 20}\r\n\r\n"
        connection.sendall(head.encode() + b"x" * (3 << 20))
    while not any(one["method"] == "PUT" for one in emulator.requests()) or emulator.state()["open_requests"]:
        pass
    assert emulator.state()["objects"] == 0
    assert list((emulator.data / "objects").glob("??/*")) == []
    assert network_refusal(user.finish({"uuid": upload["uuid"]}))[0] == 404


@pytest.mark.parametrize("flags", [("--public-url", "https://gateway.example.com/")])
def test_links_begin_with_the_public_address(user: Visitor) -> None:
    [upload] = user.start(1).json()["uploads"]
    assert upload["url"].startswith("https://gateway.example.com/objects/")


def test_links_begin_with_the_address_that_was_asked(emulator: InThread, user: Visitor) -> None:
    body = {"uploads": [{"index": 0, "size": 1}]}
    url = f"{emulator.network}/v2/buckets/{user.bucket}/files/start"
    started = user.http.post(url, json=body, auth=user.basic, headers={"host": "elsewhere:81"})
    assert started.json()["uploads"][0]["url"].startswith("http://elsewhere:81/objects/")


def test_an_answer_to_bytes_can_be_held_back(emulator: InThread, user: Visitor) -> None:
    import time

    emulator.set(put_delay_ms=50)
    [upload] = user.start(1).json()["uploads"]
    began = time.monotonic()
    user.http.put(upload["url"], content=b"x")
    assert time.monotonic() - began >= 0.05
