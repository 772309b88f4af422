"""What goes wrong on purpose, and the admin routes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from skycap.internxt.emulator.faults import Fault, patched
from tests.internxt.emulator.harness import USER, InThread, Visitor, network_refusal, refusal


def _gone(user: Visitor, method: str, url: str, **more: Any) -> bool:
    """Whether the connection was closed before a whole answer came."""
    import httpx

    try:
        user.http.request(method, url, **more)
    except (httpx.RemoteProtocolError, httpx.ReadError):
        return True
    return False


def test_a_status_is_answered_in_the_form_of_the_server(emulator: InThread, user: Visitor) -> None:
    emulator.fault(
        method="GET", path="^/drive/users/usage$", status=503, message="down", headers={"Retry-After": 7}
    )
    emulator.fault(path="/files/start", status=420)
    emulator.fault(path="^/objects/", status=500)
    refused = user.drive("GET", "/users/usage")
    assert (refusal(refused), refused.headers["retry-after"]) == ((503, "down"), "7")
    assert user.drive("GET", "/users/usage").status_code == 200
    assert network_refusal(user.start(1)) == (420, "Max space used")
    [upload] = user.start(3).json()["uploads"]
    put = user.http.put(upload["url"], content=b"abc")
    assert (put.status_code, put.text.startswith("<?xml")) == (500, True)
    assert user.http.put(upload["url"], content=b"abc").status_code == 200


def test_any_text_can_be_answered(emulator: InThread, user: Visitor) -> None:
    emulator.fault(path="/usage", status=200, body="")
    emulator.fault(
        path="/limit", status=403, body="<html>blocked</html>", headers={"content-type": "text/html"}
    )
    empty, blocked = user.drive("GET", "/users/usage"), user.drive("GET", "/users/limit")
    assert (empty.status_code, empty.content) == (200, b"")
    assert (blocked.status_code, blocked.text) == (403, "<html>blocked</html>")
    assert blocked.headers["content-type"] == "text/html"
    assert len({one.headers["x-request-id"] for one in (empty, blocked)}) == 2


def test_a_fault_strikes_after_some_and_for_some_times(emulator: InThread, user: Visitor) -> None:
    number = emulator.fault(path="/users/limit", status=429, skip=1, count=2)

    def statuses() -> list[int]:
        return [user.drive("GET", "/users/limit").status_code for _ in range(4)]

    assert statuses() == [200, 429, 429, 200]
    [armed] = emulator.faults()
    assert (armed["number"], armed["seen"], armed["met"]) == (number, 4, 2)
    emulator.clear_faults()
    emulator.fault(path="/users/limit", status=429, count=None)
    assert statuses() == [429] * 4
    emulator.admin("DELETE", f"/faults/{emulator.faults()[0]['number']}")
    assert statuses() == [200] * 4


def test_one_part_can_fail(emulator: InThread, user: Visitor) -> None:
    emulator.fault(method="PUT", query={"partNumber": 2}, status=503, count=1)
    urls = user.start(104_857_600, parts=2).json()["uploads"][0]["urls"]
    assert [user.http.put(url, content=b"x").status_code for url in (*urls, urls[1])] == [200, 503, 200]


def test_a_connection_is_cut_before_or_after_the_work(emulator: InThread, user: Visitor) -> None:
    body = {"plainName": "x", "parentFolderUuid": user.root}
    headers = {"authorization": f"Bearer {user.token}"}
    url = f"{emulator.drive}/folders"
    emulator.fault(path="/folders", cut="before")
    assert _gone(user, "POST", url, json=body, headers=headers)
    assert user.names(kind="folders") == []
    emulator.fault(path="/folders", cut="after")
    assert _gone(user, "POST", url, json=body, headers=headers)
    assert user.names(kind="folders") == ["x"]


def test_a_download_ends_early(emulator: InThread, user: Visitor) -> None:
    url = user.info(user.upload(b"0123456789"))["shards"][0]["url"]
    emulator.fault(path="^/objects/", send_only=4)
    assert _gone(user, "GET", url)
    assert user.http.get(url).content == b"0123456789"


def test_an_upload_is_stored_short(emulator: InThread, user: Visitor) -> None:
    emulator.fault(method="PUT", path="^/objects/", keep_only=4)
    [upload] = user.start(10).json()["uploads"]
    assert user.http.put(upload["url"], content=b"0123456789").status_code == 200
    assert network_refusal(user.finish({"uuid": upload["uuid"]}))[0] == 409


def test_a_link_expires_before_its_time(emulator: InThread, user: Visitor) -> None:
    url = user.info(user.upload(b"x"))["shards"][0]["url"]
    emulator.fault(path="^/objects/", expire_links=True)
    assert user.http.get(url).status_code == 403
    assert user.http.get(url).status_code == 200


def test_tokens_become_worthless_in_the_middle(emulator: InThread, user: Visitor) -> None:
    emulator.fault(method="POST", path="/drive/files$", refuse_tokens=True)
    assert refusal(user.file("a"))[0] == 401
    assert user.drive("GET", "/users/usage").status_code == 401
    assert user.log_in().drive("GET", "/users/usage").status_code == 200
    emulator.refuse_tokens()
    assert user.drive("GET", "/users/usage").status_code == 401


def test_an_answer_is_changed(emulator: InThread, user: Visitor) -> None:
    entry = user.upload(b"x")
    emulator.fault(path="/info$", patch={"shards.0.hash": "00" * 20, "version": 1, "name": None})
    info = user.info(entry)
    assert (info["shards"][0]["hash"], info["version"], "name" in info) == ("00" * 20, 1, False)
    assert user.info(entry)["version"] == 2
    emulator.fault(path="/trash/add", patch={"x": 1})  # there is nothing to change in an empty answer
    user.trash("folder", user.folder("x")["uuid"])


def test_an_answer_is_late(emulator: InThread, user: Visitor) -> None:
    import time

    emulator.fault(path="/users/usage", delay_ms=60)
    began = time.monotonic()
    user.drive("GET", "/users/usage")
    assert time.monotonic() - began >= 0.06


@pytest.mark.parametrize(
    "wrong",
    [
        {"what": 1},
        {"path": "("},
        {"path": 7},
        {"cut": "never"},
        {"status": 99},
        {"query": "x"},
        {"body": "x"},
    ],
)
def test_a_fault_that_cannot_be_is_refused(emulator: InThread, wrong: dict[str, Any]) -> None:
    with pytest.raises(RuntimeError, match="400"):
        emulator.fault(**wrong)


def test_a_fault_is_told_by_words_or_json() -> None:
    words = (
        "method=put path=/objects query.partNumber=3 status=503 count=2 headers.retry-after=1 message='a b'"
    )
    wanted = Fault("PUT", "/objects", {"partNumber": "3"}, 0, 2, 503, {"retry-after": "1"}, "a b")
    assert Fault.parse(words) == wanted
    given = {"method": "PUT", "path": "/objects", "query": {"partNumber": 3}, "count": 2, "status": 503}
    assert Fault.parse(json.dumps(given | {"headers": {"retry-after": 1}, "message": "a b"})) == wanted
    with pytest.raises(ValueError, match="NAME=VALUE"):
        Fault.parse("nothing")


def test_a_patch_leaves_alone_what_it_does_not_find() -> None:
    assert patched({"a": [1, {"b": 2}]}, {"a.0": 5, "a.1.b": 6, "a.9.b": 7, "a.x": 8, "c.d": 9}) == {
        "a": [5, {"b": 6}]
    }


@pytest.mark.parametrize(
    "flags", [("--fault", "path=/users/usage status=503", "--fault", '{"path": "/limit", "status": 500}')]
)
def test_faults_can_be_given_at_the_start_and_come_back_at_a_reset(emulator: InThread, user: Visitor) -> None:
    for _ in range(2):
        assert user.drive("GET", "/users/usage").status_code == 503
        assert user.drive("GET", "/users/limit").status_code == 500
        assert user.drive("GET", "/users/usage").status_code == 200
        emulator.reset()


def test_what_was_asked_is_told_without_secrets(emulator: InThread, user: Visitor) -> None:
    entry = user.upload(b"x")
    before = emulator.state()["requests"]
    emulator.fault(path="/info", status=500)
    user.network("GET", f"/buckets/{user.bucket}/files/{entry}/info", headers={"internxt-client": "me"})
    user.http.get(user.info(entry)["shards"][0]["url"], headers={"range": "bytes=0-0"})
    failed, fine, got = emulator.requests(before)
    assert (failed["method"], failed["status"], failed["client"], len(failed["faults"])) == (
        "GET",
        500,
        "me",
        1,
    )
    assert (fine["path"], fine["status"]) == (f"/network/buckets/{user.bucket}/files/{entry}/info", 200)
    assert (got["status"], got["range"], got["query"]["signature"]) == (206, "bytes=0-0", "…")
    assert emulator.state()["open_requests"] == 0


def test_a_state_counts_and_names_orphans(emulator: InThread, user: Visitor) -> None:
    user.made_file("a", None, b"123")
    user.folder("x")
    orphan = user.upload(b"12")
    user.start(1)
    state = emulator.state()
    counted = {
        name: state[name]
        for name in ("entries", "objects", "bytes", "uploads", "folders", "files", "trashed")
    }
    assert counted == {
        "entries": 2,
        "objects": 2,
        "bytes": 5,
        "uploads": 1,
        "folders": 1,
        "files": 1,
        "trashed": 0,
    }
    assert state["orphans"] == [orphan]


def test_a_reset_leaves_the_accounts_alone(emulator: InThread, user: Visitor) -> None:
    before = emulator.account(USER)
    user.made_file("a")
    user.folder("x")
    user.network("DELETE", f"/buckets/{user.bucket}")
    emulator.set(quota=7, clock_ahead_s=9.0, tier="free")
    emulator.fault(status=500, count=None)
    emulator.reset()
    state = emulator.state()
    assert (state["files"], state["folders"], state["objects"]) == (0, 0, 0)
    assert list((emulator.data / "objects").glob("??/*")) == []
    assert emulator.account(USER) == before
    fresh = user.log_in()
    assert fresh.root == before["root"]
    fresh.made_file("a")
    assert fresh.names() == ["a"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": 1},
        {"quota": "x"},
        {"search_by_get": 1},
        {"quota": None},
        {"tier": "x"},
        {"tier": {"x": 1}},
        {"tier": 7},
    ],
)
def test_only_some_settings_change_and_only_to_what_they_can_be(
    emulator: InThread, wrong: dict[str, Any]
) -> None:
    before = emulator.admin("GET", "/settings")
    with pytest.raises(RuntimeError, match="400"):
        emulator.set(**wrong)
    assert emulator.admin("GET", "/settings") == before


def test_an_unknown_account_is_told(emulator: InThread) -> None:
    with pytest.raises(RuntimeError, match="404"):
        emulator.account("no@example.com")


@pytest.mark.parametrize("flags", [("--admin-token", "secret")])
def test_admin_routes_can_ask_for_a_token(emulator: InThread, user: Visitor) -> None:
    url = f"{emulator.url}/admin/state"
    assert user.http.get(url).status_code == 403
    assert user.http.get(url, headers={"authorization": "Bearer wrong"}).status_code == 403
    assert user.http.get(url, headers={"authorization": "Bearer secret"}).status_code == 200
