"""Public links: what the owner does, and what a visitor sees."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from skycap.internxt.emulator import ciphers
from tests.internxt.emulator.harness import InThread, Visitor, refusal

CODE = "Ab3-_xYz"
NOWHERE = str(uuid.uuid4())
BUCKET_KEY = bytes(range(32))
"""The client's to derive; the server only opens it."""


@dataclass
class Shared:
    """A sharing as its owner made it, seen by a visitor without a login."""

    emulator: InThread
    owner: Visitor
    sharing: dict[str, Any]

    def get(self, path: str, **more: Any) -> Any:
        return self.owner.http.get(f"{self.emulator.drive}/sharings{path}", **more)

    def meta(self, code: str | None = CODE, password: str | None = None) -> Any:
        headers = {} if password is None else {"x-share-password": password}
        query = {} if code is None else {"code": code}
        return self.get(f"/{self.sharing['id']}/meta", params=query, headers=headers)


def _body(item: str, kind: str, **more: Any) -> dict[str, Any]:
    key = BUCKET_KEY.hex()
    return {
        "itemId": item,
        "itemType": kind,
        "encryptionKey": ciphers.seal(key, CODE),
        "encryptionAlgorithm": "inxt-v3",
        "encryptedCode": ciphers.seal(CODE, key),
        "persistPreviousSharing": True,
    } | more


def _share(user: Visitor, item: dict[str, Any], kind: str, **more: Any) -> Shared:
    made = user.drive("POST", "/sharings", _body(item["uuid"], kind, **more))
    assert made.status_code == 201, made.text
    assert isinstance(user.emulator, InThread)
    return Shared(user.emulator, user, made.json())


def test_a_sharing_is_made_once_and_comes_back_unchanged(user: Visitor) -> None:
    file = user.made_file("a", "txt")
    made = _share(user, file, "file").sharing
    assert made["sharedWith"] == "00000000-0000-0000-0000-000000000000"
    assert (made["itemId"], made["itemType"], made["ownerId"]) == (file["uuid"], "file", user.user["uuid"])
    assert (made["type"], made["encryptionAlgorithm"], made["encryptedPassword"]) == (
        "public",
        "inxt-v3",
        None,
    )
    assert _share(user, file, "file").sharing == made


def test_a_body_that_is_wrong_makes_no_sharing(user: Visitor, other: Visitor) -> None:
    file = user.made_file("a", "txt")
    for wrong in ({"encryptedCode": None}, {"encryptionKey": ""}, {"itemType": "x"}, {"itemId": "x"}):
        assert refusal(user.drive("POST", "/sharings", _body(file["uuid"], "file") | wrong))[0] == 400
    assert refusal(other.drive("POST", "/sharings", _body(file["uuid"], "file")))[0] == 403
    assert refusal(user.drive("POST", "/sharings", _body(NOWHERE, "file")))[0] == 404
    assert refusal(user.drive("POST", "/sharings", _body(other.root, "folder")))[0] == 403
    user.drive("DELETE", f"/files/{file['uuid']}")
    assert refusal(user.drive("POST", "/sharings", _body(file["uuid"], "file")))[0] == 404


def test_the_owner_sees_how_an_item_is_shared(user: Visitor) -> None:
    file = user.made_file("a", "txt")
    path = f"/sharings/file/{file['uuid']}"
    assert refusal(user.drive("GET", f"{path}/info"))[0] == 404
    shared = _share(user, file, "file")
    assert user.drive("GET", f"{path}/info").json() == {
        "publicSharing": {
            "id": shared.sharing["id"],
            "isPasswordProtected": False,
            "encryptedCode": shared.sharing["encryptedCode"],
        },
        "type": "public",
        "invitationsCount": 0,
    }
    assert user.drive("GET", f"/sharings/x/{file['uuid']}/info").status_code == 400
    assert user.drive("DELETE", path).is_success
    assert refusal(user.drive("DELETE", path))[0] == 404
    assert refusal(shared.meta())[0] == 404


def test_what_is_shared_is_listed_and_not_what_is_in_the_trash(user: Visitor, other: Visitor) -> None:
    file, folder, theirs = user.made_file("a", "txt"), user.folder("x"), other.made_file("t")
    _share(user, file, "file")
    sharing = _share(user, folder, "folder").sharing
    _share(other, theirs, "file")
    files = user.drive("GET", "/sharings/files?page=0&perPage=50&orderBy=views:ASC").json()
    assert [one["uuid"] for one in files["files"]] == [file["uuid"]]
    folders = user.drive("GET", "/sharings/folders?page=0&perPage=50").json()
    assert [(one["uuid"], one["sharingId"]) for one in folders["folders"]] == [
        (folder["uuid"], sharing["id"])
    ]
    assert user.drive("GET", "/sharings/folders?page=1&perPage=50").json()["folders"] == []
    user.trash("file", file["uuid"])
    assert user.drive("GET", "/sharings/files?page=0&perPage=50").json()["files"] == []


def test_a_visitor_of_a_file_gets_its_key_and_a_token(user: Visitor) -> None:
    index = bytes(range(32, 64))
    body = {
        "bucket": user.bucket,
        "encryptVersion": "03-aes",
        "folderUuid": user.root,
        "size": 3,
        "plainName": "a",
    }
    file = user.drive("POST", "/files", body | {"fileId": user.upload(b"abc", index)}).json()
    shared = _share(user, file, "file")
    found = shared.meta()
    assert found.status_code == 200
    told = found.json()
    assert told["item"]["uuid"] == file["uuid"]
    assert bytes.fromhex(told["encryptionKey"]) == ciphers.file_key(BUCKET_KEY, index)
    info = user.http.get(
        f"{user.emulator.network}/buckets/{user.bucket}/files/{file['fileId']}/info",
        headers={"x-token": told["itemToken"]},
    ).json()
    assert user.http.get(info["shards"][0]["url"]).content == b"abc"
    assert shared.get(f"/public/{told['id']}/item").json() == {"plainName": "a", "type": None, "size": "3"}
    assert refusal(shared.get(f"/public/{told['id']}/folder/size"))[0] == 404


def test_an_empty_file_is_shared_without_a_key(user: Visitor) -> None:
    told = _share(user, user.made_file("a", None, b""), "file").meta().json()
    assert (told["encryptionKey"], told["itemToken"]) == (None, None)


def test_a_visitor_needs_the_code(user: Visitor) -> None:
    shared = _share(user, user.made_file("a"), "file")
    assert refusal(shared.meta(None))[0] == 400
    assert refusal(shared.meta("wrong"))[0] == 403
    assert refusal(shared.get(f"/{NOWHERE}/meta", params={"code": CODE}))[0] == 404


def test_a_password_is_asked_for_until_it_is_cleared(user: Visitor, other: Visitor) -> None:
    password = "lïnk pw"
    shared = _share(user, user.made_file("a"), "file", encryptedPassword=ciphers.seal(password, CODE))
    needed = (403, "Password Needed for protected sharings")
    assert refusal(shared.meta()) == needed
    assert refusal(shared.meta(password="wrong"))[0] == 403
    assert shared.meta(password="l%C3%AFnk%20pw").status_code == 200
    path = f"/sharings/{shared.sharing['id']}/password"
    assert refusal(other.drive("DELETE", path))[0] == 403
    assert user.drive("DELETE", path).json()["encryptedPassword"] is None
    assert shared.meta().status_code == 200
    assert refusal(user.drive("PATCH", path, {}))[0] == 400
    assert user.drive("PATCH", path, {"encryptedPassword": "no seal"}).is_success
    assert refusal(shared.meta(password="any"))[0] == 403


def test_a_visitor_of_a_folder_walks_it(user: Visitor) -> None:
    top = user.folder("top")
    below = user.folder("below", top["uuid"])
    user.made_file("a", "txt", b"12345", folderUuid=top["uuid"])
    user.made_file("b", "txt", b"123", folderUuid=below["uuid"])
    aside = user.folder("aside")
    shared = _share(user, top, "folder")
    number = shared.sharing["id"]
    told = shared.meta().json()
    assert (told["item"]["uuid"], told["encryptionKey"]) == (top["uuid"], shared.sharing["encryptionKey"])
    assert shared.get(f"/public/{number}/folder/size").json() == {"size": 8}
    assert shared.get(f"/public/{number}/item").json()["plainName"] == "top"
    query = {"code": CODE, "page": 0, "perPage": 50}
    page = shared.get(f"/public/items/{top['uuid']}/folders", params=query).json()
    assert [one["uuid"] for one in page["items"]] == [below["uuid"]]
    assert page["credentials"] == {"networkUser": user.email, "networkPass": user.user["userId"]}
    assert (page["bucket"], page["name"], page["parent"]) == (user.bucket, "top", None)
    page = shared.get(f"/public/items/{top['uuid']}/files", params=query).json()
    assert bytes.fromhex(page["items"][0]["encryptionKey"]) == ciphers.file_key(BUCKET_KEY, bytes(32))
    inner = f"/public/items/{below['uuid']}/files"
    assert refusal(shared.get(inner, params=query))[0] == 403  # without the token
    page = shared.get(inner, params=query | {"token": page["token"]}).json()
    assert [one["plainName"] for one in page["items"]] == ["b"]
    assert page["parent"] == {"uuid": top["uuid"], "name": "top"}
    outside = f"/public/items/{aside['uuid']}/files"
    assert refusal(shared.get(outside, params=query | {"token": page["token"]}))[0] == 403
    assert refusal(shared.get(inner, params=query | {"token": "x"}))[0] == 401
    assert refusal(shared.get(f"/public/items/{NOWHERE}/files", params=query))[0] == 404
    assert refusal(shared.get(inner, params={"page": 0, "perPage": 50}))[0] == 400
    assert refusal(shared.get(inner, params=query | {"perPage": 51}))[0] == 400


def test_share_links_begin_with_a_domain_and_lead_to_a_page(emulator: InThread, user: Visitor) -> None:
    [domain] = user.http.get(f"{emulator.drive}/sharings/public/domains").json()["list"]
    file, folder = user.made_file("a<b", "txt", b"123"), user.folder("x")

    def link(kind: str, sharing: dict[str, Any], code: str = CODE) -> str:
        short = base64.urlsafe_b64encode(uuid.UUID(sharing["id"]).bytes).decode().rstrip("=")
        return f"{domain}/sh/{kind}/{short}/{code}"

    one = _share(user, file, "file", encryptedPassword=ciphers.seal("pw", CODE)).sharing
    two = _share(user, folder, "folder").sharing
    page = user.http.get(link("file", one))
    assert page.status_code == 200
    assert "a&lt;b.txt, 3 bytes" in page.text
    assert "password" in page.text
    assert user.http.get(link("folder", two)).status_code == 200
    for wrong in (link("folder", one), link("file", one, "wrong"), f"{domain}/sh/file/x/{CODE}"):
        assert user.http.get(wrong).status_code == 404


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_deleting_an_item_ends_its_sharing(user: Visitor, kind: str) -> None:
    item = user.made_file("a") if kind == "file" else user.folder("x")
    shared = _share(user, item, kind)
    user.drive("DELETE", f"/{kind}s/{item['uuid']}")
    assert refusal(shared.meta())[0] == 404
