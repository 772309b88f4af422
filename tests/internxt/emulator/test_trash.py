"""The trash: in by uuid, out by a move, for good by three routes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.internxt.emulator.harness import InThread, Visitor, refusal


def _listed(user: Visitor, kind: str, **query: Any) -> list[dict[str, Any]]:
    found = user.drive(
        "GET", "/storage/trash/paginated", params={"limit": 50, "offset": 0, "type": kind} | query
    )
    assert found.status_code == 200
    return found.json()["result"]  # type: ignore[no-any-return]


def test_what_was_put_in_is_listed_with_its_parent(user: Visitor) -> None:
    folder = user.folder("x")
    below = user.made_file("below", "txt", folderUuid=folder["uuid"])
    file = user.made_file("a", "txt")
    user.trash("folder", folder["uuid"])
    user.trash("file", file["uuid"])
    [item] = _listed(user, "files", root="true")  # not what only lies in a trashed folder
    assert (item["uuid"], item["status"], item["deleted"], item["expiresAt"]) == (
        file["uuid"],
        "TRASHED",
        True,
        None,
    )
    root = user.drive("GET", f"/folders/{user.root}/meta").json()["plainName"]
    assert item["parent"] == {"plainName": root, "status": "EXISTS", "uuid": user.root}
    [item] = _listed(user, "folders")
    assert (item["uuid"], item["status"]) == (folder["uuid"], "TRASHED")
    assert user.names() == user.names(kind="folders") == []
    assert user.drive("GET", f"/folders/{folder['uuid']}/meta").json()["status"] == "TRASHED"
    user.trash("file", below["uuid"])
    parents = {one["uuid"]: one["parent"]["status"] for one in _listed(user, "files")}
    assert parents == {file["uuid"]: "EXISTS", below["uuid"]: "TRASHED"}
    assert len(_listed(user, "files", limit=1, offset=1, sort="plainName", order="DESC")) == 1


def test_a_move_brings_an_item_back(user: Visitor) -> None:
    folder, file = user.folder("x"), user.made_file("a", "txt")
    user.trash("folder", folder["uuid"])
    user.trash("file", file["uuid"])
    here = {"destinationFolder": user.root}
    back = user.drive("PATCH", f"/files/{file['uuid']}", here).json()
    assert (back["status"], back["deletedAt"]) == ("EXISTS", None)
    back = user.drive("PATCH", f"/folders/{folder['uuid']}", here).json()
    assert (back["status"], back["deleted"], back["deletedAt"]) == ("EXISTS", False, None)
    assert (user.names(), user.names(kind="folders")) == (["a"], ["x"])


def test_a_restore_meets_a_name_that_was_taken_meanwhile(user: Visitor) -> None:
    file = user.made_file("a", "txt")
    user.trash("file", file["uuid"])
    user.made_file("a", "txt")
    assert refusal(user.drive("PATCH", f"/files/{file['uuid']}", {"destinationFolder": user.root}))[0] == 409
    done = user.drive("PATCH", f"/files/{file['uuid']}", {"destinationFolder": user.root, "name": "a2"})
    assert done.status_code == 200


def test_unknown_and_foreign_items_and_the_root_are_passed_over(user: Visitor, other: Visitor) -> None:
    theirs = other.made_file("t")
    items = [
        {"uuid": theirs["uuid"], "type": "file"},
        {"uuid": other.root, "type": "folder"},
        {"uuid": user.root, "type": "folder"},
        {"uuid": "6f1e5a0e-3d9b-4c5c-8f5e-0a8a2d1b7c11", "type": "file"},
        {"id": "123", "type": "folder"},
    ]
    assert user.drive("POST", "/storage/trash/add", {"items": items}).status_code == 200
    assert user.drive("DELETE", "/storage/trash", {"items": items}).status_code == 202
    assert other.names() == ["t"]
    assert user.drive("GET", f"/folders/{user.root}/meta").json()["status"] == "EXISTS"


def test_the_older_form_names_items_by_their_numbers(user: Visitor) -> None:
    folder, file = user.folder("x"), user.made_file("a", "txt")
    items = [{"id": folder["id"], "type": "folder"}, {"id": file["fileId"], "type": "file"}]
    assert user.drive("POST", "/storage/trash/add", {"items": items}).status_code == 200
    assert (user.names(), user.names(kind="folders")) == ([], [])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"items": [{"type": "file"}]},
        {"items": [{"uuid": "x", "type": "file"}]},
        {"items": [{"uuid": "x"}]},
        {"items": ["x"]},
    ],
)
def test_items_that_are_none_are_refused(user: Visitor, body: dict[str, Any]) -> None:
    assert refusal(user.drive("POST", "/storage/trash/add", body))[0] == 400


def test_fifty_items_are_the_most(user: Visitor) -> None:
    items = [{"uuid": user.root, "type": "folder"}] * 51
    assert refusal(user.drive("POST", "/storage/trash/add", {"items": items}))[0] == 400
    assert user.drive("POST", "/storage/trash/add", {"items": items[:50]}).status_code == 200


@pytest.mark.parametrize(
    "query", ["", "type=x&limit=5&offset=0", "type=files", "type=files&limit=51&offset=0"]
)
def test_a_listing_of_the_trash_is_checked(user: Visitor, query: str) -> None:
    assert refusal(user.drive("GET", f"/storage/trash/paginated?{query}"))[0] == 400


def test_items_are_removed_for_good(emulator: InThread, user: Visitor) -> None:
    folder, file = user.folder("x"), user.made_file("a", "txt")
    user.made_file("below", None, folderUuid=folder["uuid"])
    user.trash("folder", folder["uuid"])
    user.trash("file", file["uuid"])
    items = [{"uuid": folder["uuid"], "type": "folder"}, {"uuid": file["uuid"], "type": "file"}]
    done = user.http.request(
        "DELETE",
        f"{emulator.drive}/storage/trash",
        json={"items": items},
        headers={"authorization": f"Bearer {user.token}"},
    )
    assert done.status_code == 202
    assert _listed(user, "files") == _listed(user, "folders") == []
    assert emulator.state()["objects"] == 0


@pytest.mark.parametrize("route", ["/storage/trash/all", "/storage/trash/all/request"])
def test_the_whole_trash_is_emptied(emulator: InThread, user: Visitor, other: Visitor, route: str) -> None:
    folder, file, kept = user.folder("x"), user.made_file("a", "txt"), user.made_file("kept")
    theirs = other.made_file("t")
    user.made_file("below", None, folderUuid=folder["uuid"])
    user.trash("folder", folder["uuid"])
    user.trash("file", file["uuid"])
    other.trash("file", theirs["uuid"])
    assert user.drive("DELETE", route).json()["status"] == "completed"
    assert user.names() == [kept["plainName"]]
    assert (emulator.state()["objects"], emulator.state()["trashed"]) == (2, 1)


def test_single_items_are_removed_by_object_and_by_number(user: Visitor) -> None:
    folder, file = user.folder("x"), user.made_file("a", "txt")
    user.trash("folder", folder["uuid"])
    user.trash("file", file["uuid"])
    for path in (f"file/{file['fileId']}", f"folder/{folder['id']}"):
        assert user.drive("DELETE", f"/storage/trash/{path}").status_code == 204
        assert user.drive("DELETE", f"/storage/trash/{path}").status_code == 404
    assert user.drive("DELETE", f"/storage/trash/folder/{user.user['root_folder_id']}").status_code == 406


def test_old_trash_is_hidden_and_then_gone(emulator: InThread, user: Visitor) -> None:
    emulator.set(tier={"trash_days": 2})
    folder, file = user.folder("x"), user.made_file("a", "txt")
    user.trash("folder", folder["uuid"])
    user.trash("file", file["uuid"])
    assert _listed(user, "files")[0]["expiresAt"] > file["createdAt"]
    emulator.set(clock_ahead_s=2.5 * 86400)
    assert _listed(user, "files") == _listed(user, "folders") == []
    assert emulator.state()["objects"] == 0
    assert user.drive("GET", f"/files/{file['uuid']}/meta").json()["status"] == "DELETED"
