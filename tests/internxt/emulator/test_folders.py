"""Folders: made, renamed, moved, restored, removed, as the Drive API does it."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.internxt.emulator.harness import InThread, Visitor, refusal

NOWHERE = str(uuid.uuid4())
FIELDS = {
    "type",
    "id",
    "uuid",
    "parentId",
    "parentUuid",
    "parent",
    "plainName",
    "name",
    "bucket",
    "userId",
    "encryptVersion",
    "size",
    "createdAt",
    "updatedAt",
    "creationTime",
    "modificationTime",
    "deleted",
    "deletedAt",
    "removed",
    "removedAt",
    "status",
}


def test_a_folder_has_the_fields_that_clients_read(user: Visitor) -> None:
    made = user.folder("Documents")
    assert set(made) >= FIELDS
    assert (made["type"], made["plainName"], made["size"], made["bucket"]) == ("folder", "Documents", 0, None)
    assert (made["parentUuid"], made["parentId"]) == (user.root, user.user["root_folder_id"])
    assert (made["status"], made["deleted"], made["removed"]) == ("EXISTS", False, False)
    assert (made["encryptVersion"], made["parent"]) == ("03-aes", None)
    assert made["name"] not in {"", "Documents"}
    assert user.drive("GET", f"/folders/{made['uuid']}/meta").json() == made


def test_the_root_has_no_parent_and_the_bucket(user: Visitor) -> None:
    root = user.drive("GET", f"/folders/{user.root}/meta").json()
    assert (root["uuid"], root["parentUuid"], root["bucket"]) == (user.root, None, user.bucket)


def test_times_are_kept_in_milliseconds(user: Visitor) -> None:
    body = {
        "plainName": "x",
        "parentFolderUuid": user.root,
        "creationTime": "2020-01-02T03:04:05.123456789Z",
        "modificationTime": "2021-01-02T05:04:05+02:00",
    }
    made = user.drive("POST", "/folders", body).json()
    assert made["creationTime"] == "2020-01-02T03:04:05.123Z"
    assert made["modificationTime"] == "2021-01-02T03:04:05.000Z"
    for wrong in ("yesterday", 7, "2020-13-01T00:00:00Z"):
        assert (
            refusal(user.drive("POST", "/folders", body | {"plainName": "y", "creationTime": wrong}))[0]
            == 400
        )


@pytest.mark.parametrize("name", ["", " ", "a/b", "a\\b", None, 7])
def test_a_name_that_cannot_be_is_refused(user: Visitor, name: object) -> None:
    status, message = refusal(
        user.drive("POST", "/folders", {"plainName": name, "parentFolderUuid": user.root})
    )
    assert status == 400
    assert message == ("Invalid folder name" if isinstance(name, str) else ["plainName must be a string"])


def test_a_parent_must_be_there_and_ours(user: Visitor, other: Visitor) -> None:
    body = {"plainName": "x", "parentFolderUuid": NOWHERE}
    assert refusal(user.drive("POST", "/folders", body)) == (404, "Parent folder does not exist")
    assert refusal(user.drive("POST", "/folders", body | {"parentFolderUuid": other.root}))[0] == 403
    assert refusal(user.drive("POST", "/folders", body | {"parentFolderUuid": "x"}))[0] == 400


def test_a_name_is_taken_once_in_a_folder_by_its_exact_letters(user: Visitor) -> None:
    first = user.folder("x")
    body = {"plainName": "x", "parentFolderUuid": user.root}
    taken = (409, "Folder with the same name already exists in this location")
    assert refusal(user.drive("POST", "/folders", body)) == taken
    user.folder("X")
    user.folder("x", first["uuid"])
    user.trash("folder", first["uuid"])
    user.folder("x")


def test_several_folders_are_made_at_once_or_none(user: Visitor) -> None:
    def make(*names: str) -> dict[str, object]:
        return {"parentFolderUuid": user.root, "folders": [{"plainName": name} for name in names]}

    made = user.drive("POST", "/folders", make("a", "b"))
    assert made.status_code == 201
    assert [one["plainName"] for one in made.json()["created"]] == ["a", "b"]
    taken = user.drive("POST", "/folders", make("c", "b"))
    assert taken.status_code == 409
    assert [one["plainName"] for one in taken.json()["existentFolders"]] == ["b"]
    assert user.names(kind="folders") == ["a", "b"]
    assert user.drive("POST", "/folders", make("d", "d")).status_code == 409
    assert user.drive("POST", "/folders", make()).status_code == 400
    assert user.drive("POST", "/folders", make(*"efghij")).status_code == 400
    assert user.drive("POST", "/folders", make("k", "/")).status_code == 400
    assert (
        user.drive("POST", "/folders", {"parentFolderUuid": user.root, "folders": ["x"]}).status_code == 400
    )


def test_a_malformed_uuid_in_a_path_is_told(user: Visitor) -> None:
    assert refusal(user.drive("GET", "/folders/x/meta")) == (400, "Value of 'uuid' is not a valid UUID.")


def test_what_is_not_there_is_404_and_what_is_foreign_403(user: Visitor, other: Visitor) -> None:
    theirs = other.folder("theirs")["uuid"]
    for method, path in (
        ("GET", "/folders/{}/meta"),
        ("DELETE", "/folders/{}"),
        ("GET", "/folders/content/{}"),
    ):
        assert user.drive(method, path.format(NOWHERE)).status_code == 404
        assert user.drive(method, path.format(theirs)).status_code == 403


def test_a_folder_is_renamed_in_place(user: Visitor) -> None:
    one, two = user.folder("one"), user.folder("two")
    path = f"/folders/{one['uuid']}/meta"
    renamed = user.drive("PUT", path, {"plainName": "three"})
    assert renamed.status_code == 200
    assert (renamed.json()["uuid"], renamed.json()["plainName"]) == (one["uuid"], "three")
    assert renamed.json()["updatedAt"] >= one["updatedAt"]
    assert refusal(user.drive("PUT", path, {"plainName": "two"}))[0] == 409
    assert refusal(user.drive("PUT", path, {"plainName": "three"}))[0] == 409
    assert refusal(user.drive("PUT", path, {"plainName": ""})) == (400, "Invalid folder name")
    assert refusal(user.drive("PUT", f"/folders/{user.root}/meta", {"plainName": "r"}))[0] == 422
    assert refusal(user.drive("PUT", f"/folders/{NOWHERE}/meta", {"plainName": "r"}))[0] == 404
    user.drive("DELETE", f"/folders/{two['uuid']}")
    assert refusal(user.drive("PUT", f"/folders/{two['uuid']}/meta", {"plainName": "r"}))[0] == 422


def test_a_folder_is_moved_and_renamed_in_one_step(user: Visitor) -> None:
    one, two = user.folder("one"), user.folder("two")
    path = f"/folders/{one['uuid']}"
    here = {"destinationFolder": user.root}
    assert refusal(user.drive("PATCH", path, here)) == (
        409,
        f"Folder {one['uuid']} was already moved to that location",
    )
    moved = user.drive("PATCH", path, {"destinationFolder": two["uuid"], "name": "new"})
    assert moved.status_code == 200
    assert (moved.json()["parentUuid"], moved.json()["plainName"]) == (two["uuid"], "new")
    assert moved.json()["parentId"] == two["id"]
    user.folder("new")
    taken = (409, "A folder with the same name already exists in destination folder")
    assert refusal(user.drive("PATCH", path, here)) == taken
    assert user.drive("PATCH", path, here | {"name": "newer"}).status_code == 200


def test_a_move_that_cannot_be_is_refused(user: Visitor, other: Visitor) -> None:
    one, gone = user.folder("one"), user.folder("gone")
    user.drive("DELETE", f"/folders/{gone['uuid']}")
    path = f"/folders/{one['uuid']}"

    def move(path: str, to: str, **more: str) -> int:
        return refusal(user.drive("PATCH", path, {"destinationFolder": to} | more))[0]

    assert move(path, NOWHERE) == 404
    assert move(path, gone["uuid"]) == 422
    assert move(path, other.root) == 403
    assert move(path, "x") == 400
    assert move(path, user.root, name="a/b") == 400
    assert move(f"/folders/{user.root}", one["uuid"]) == 422
    assert move(f"/folders/{gone['uuid']}", user.root) == 422
    assert move(f"/folders/{NOWHERE}", user.root) == 404


def test_nothing_keeps_a_folder_from_moving_into_itself(user: Visitor) -> None:
    one = user.folder("one")
    two = user.folder("two", one["uuid"])
    assert (
        user.drive("PATCH", f"/folders/{one['uuid']}", {"destinationFolder": two["uuid"]}).status_code == 200
    )
    for about in ("tree", "ancestors", "stats", "size"):  # and whoever walks it comes to an end
        assert user.drive("GET", f"/folders/{one['uuid']}/{about}").status_code == 200
    assert user.drive("DELETE", f"/folders/{one['uuid']}").status_code == 204


def test_a_removed_folder_takes_all_below_with_it(emulator: InThread, user: Visitor) -> None:
    one = user.folder("one")
    two = user.folder("two", one["uuid"])
    file = user.made_file("a", folderUuid=two["uuid"])
    done = user.drive("DELETE", f"/folders/{one['uuid']}")
    assert (done.status_code, done.content) == (204, b"")
    assert user.names(kind="folders") == []
    assert user.drive("GET", f"/folders/{two['uuid']}/meta").status_code == 404
    assert user.drive("GET", f"/files/{file['uuid']}/meta").json()["status"] == "DELETED"
    assert emulator.state()["objects"] == 0
    assert refusal(user.drive("DELETE", f"/folders/{one['uuid']}"))[0] == 404


def test_the_root_cannot_be_removed(user: Visitor) -> None:
    assert refusal(user.drive("DELETE", f"/folders/{user.root}")) == (406, "Cannot delete root folder")


def test_a_new_folder_stays_invisible_for_as_long_as_it_was_told(emulator: InThread, user: Visitor) -> None:
    emulator.set(folder_delay_ms=60_000)
    made = user.folder("slow")
    assert user.drive("GET", f"/folders/{made['uuid']}/meta").status_code == 404
    assert user.names(kind="folders") == []
    assert user.by_path("folders", "/slow").status_code == 404
    below = {"plainName": "x", "parentFolderUuid": made["uuid"]}
    assert refusal(user.drive("POST", "/folders", below)) == (404, "Parent folder does not exist")
    assert refusal(user.file("a", folderUuid=made["uuid"])) == (404, "Folder not found")
    assert (
        user.drive("POST", "/folders", {"plainName": "slow", "parentFolderUuid": user.root}).status_code
        == 409
    )
    emulator.set(clock_ahead_s=61.0)
    assert user.names(kind="folders") == ["slow"]
    assert user.drive("POST", "/folders", below).status_code == 201


def test_a_tree_an_ancestry_and_sizes_can_be_asked_for(user: Visitor) -> None:
    one = user.folder("one")
    two = user.folder("two", one["uuid"])
    user.made_file("a", "txt", b"12345", folderUuid=two["uuid"])
    user.made_file("b", "txt", b"123", folderUuid=one["uuid"])
    trashed = user.made_file("c", "txt", b"1", folderUuid=one["uuid"])
    user.trash("file", trashed["uuid"])
    tree = user.drive("GET", f"/folders/{one['uuid']}/tree").json()["tree"]
    assert [file["plainName"] for file in tree["files"]] == ["b"]
    assert [file["plainName"] for file in tree["children"][0]["files"]] == ["a"]
    ancestors = user.drive("GET", f"/folders/{two['uuid']}/ancestors").json()
    assert [folder["uuid"] for folder in ancestors] == [two["uuid"], one["uuid"], user.root]
    stats = user.drive("GET", f"/folders/{one['uuid']}/stats").json()
    assert (stats["fileCount"], stats["totalSize"]) == (2, 8)
    assert user.drive("GET", f"/folders/{one['uuid']}/size").json() == {"size": 8}


def test_of_many_that_take_a_name_at_once_one_gets_it(emulator: InThread, user: Visitor) -> None:
    import httpx

    def make(number: int) -> list[int]:
        with httpx.Client(timeout=30, trust_env=False, verify=False) as client:
            rival = Visitor(emulator, client)
            rival.user, rival.token = user.user, user.token
            body = {"plainName": "x", "parentFolderUuid": user.root}
            return [rival.drive("POST", "/folders", body).status_code, rival.file("a", "txt").status_code]

    with ThreadPoolExecutor(8) as pool:
        folders, files = zip(*pool.map(make, range(8)), strict=True)
    for statuses in (folders, files):
        assert sorted(statuses) == [201] + [409] * 7
    assert len(emulator.state()["orphans"]) == 7
