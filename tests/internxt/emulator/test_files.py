"""Files: made of objects, replaced, renamed, moved, removed, kept as versions."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.internxt.emulator.harness import InThread, Visitor, refusal

NOWHERE = str(uuid.uuid4())
FIELDS = {
    "id",
    "uuid",
    "fileId",
    "plainName",
    "type",
    "name",
    "size",
    "bucket",
    "folderId",
    "folderUuid",
    "encryptVersion",
    "userId",
    "creationTime",
    "modificationTime",
    "createdAt",
    "updatedAt",
    "status",
    "deleted",
    "deletedAt",
    "removed",
    "removedAt",
    "thumbnails",
    "sharings",
}


def test_a_file_has_the_fields_that_clients_read(user: Visitor) -> None:
    made = user.made_file("report", "pdf", b"12345")
    assert set(made) >= FIELDS
    assert (made["plainName"], made["type"], made["size"]) == ("report", "pdf", "5")
    assert (made["folderUuid"], made["folderId"]) == (user.root, user.user["root_folder_id"])
    assert (made["bucket"], made["encryptVersion"], made["status"]) == (user.bucket, "03-aes", "EXISTS")
    assert (made["thumbnails"], made["sharings"]) == ([], [])
    assert user.drive("GET", f"/files/{made['uuid']}/meta").json() == made


def test_an_empty_file_has_no_object(emulator: InThread, user: Visitor) -> None:
    made = user.made_file("empty", "txt", b"")
    assert (made["fileId"], made["size"]) == (None, "0")
    assert emulator.state()["entries"] == 0
    assert refusal(user.file("x", None, b"", fileId="0" * 24))[0] == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"fileId": None},
        {"fileId": ""},
        {"fileId": "0" * 25},
        {"size": -1},
        {"size": 1.5},
        {"size": True},
        {"size": None},
        {"bucket": None},
        {"encryptVersion": "02"},
        {"encryptVersion": None},
        {"folderUuid": "x"},
        {"plainName": None},
        {"type": 7},
        {"creationTime": "x"},
        {"date": "x"},
        {"plainName": "", "type": None},
    ],
)
def test_a_body_that_is_wrong_is_refused(user: Visitor, wrong: dict[str, Any]) -> None:
    assert refusal(user.file("a", "txt", **wrong))[0] == 400


def test_a_folder_must_be_there_and_ours(user: Visitor, other: Visitor) -> None:
    assert refusal(user.file("a", folderUuid=NOWHERE)) == (404, "Folder not found")
    assert refusal(user.file("a", folderUuid=other.root)) == (403, "Folder is not yours")


def test_a_name_is_taken_by_name_and_type(user: Visitor) -> None:
    user.made_file("a", "txt")
    user.made_file("a", None)
    assert refusal(user.file("a", "txt")) == (409, "File already exists")
    for blank in (None, "", "  "):
        assert refusal(user.file("a", blank)) == (409, "File already exists")
    for fine in (("A", "txt"), ("a", "TXT"), ("", "txt"), ("\u00e9", None), ("e\u0301", None)):
        user.made_file(*fine)


def test_the_retired_command_line_must_be_new_enough(user: Visitor) -> None:
    body = {
        "bucket": user.bucket,
        "encryptVersion": "03-aes",
        "folderUuid": user.root,
        "size": 0,
        "plainName": "a",
    }
    for version, status in (("1.5.0", 400), ("1.4.9", 400), ("", 400), ("1.5.1", 201)):
        headers = {"internxt-client": "@internxt/cli", "internxt-version": version}
        assert user.drive("POST", "/files", body, headers=headers).status_code == status


def test_times_with_nanoseconds_are_taken(user: Visitor) -> None:
    made = user.made_file(
        "a", None, b"", modificationTime="2020-01-02T03:04:05.123456789Z", date="2020-01-02"
    )
    assert made["modificationTime"] == "2020-01-02T03:04:05.123Z"


def test_a_tier_limits_sizes_and_empty_files(emulator: InThread, user: Visitor) -> None:
    emulator.set(tier={"max_upload": 4, "empty_files": False})
    large = user.file("a", None, b"12345")
    assert (large.status_code, large.json()["error"]) == (402, "FILE_UPLOAD_SIZE_EXCEEDED")
    assert refusal(user.file("a", None, b"")) == (402, "You can not have empty files")
    assert user.drive("GET", "/files/limits").json()["maxUploadFileSize"] == 4
    emulator.set(tier={"empty_files": True, "max_empty_files": 1})
    made = user.made_file("a", None, b"")
    assert refusal(user.file("b", None, b"")) == (400, "You can not have more empty files")
    assert user.drive("PUT", f"/files/{made['uuid']}", {"size": 0}).status_code == 200


def test_a_file_is_replaced_under_its_uuid(emulator: InThread, user: Visitor) -> None:
    made = user.made_file("a", "txt", b"old")
    new = user.upload(b"newer")
    path = f"/files/{made['uuid']}"
    done = user.drive("PUT", path, {"fileId": new, "size": 5, "modificationTime": "2020-01-01T00:00:00Z"})
    assert done.status_code == 200
    replaced = done.json()
    assert (replaced["uuid"], replaced["fileId"], replaced["size"]) == (made["uuid"], new, 5)
    assert replaced["modificationTime"] == "2020-01-01T00:00:00.000Z"
    assert (replaced["plainName"], replaced["type"]) == ("a", "txt")
    assert emulator.state()["objects"] == 1  # the old one is gone
    assert user.drive("PUT", path, {"size": 0}).json()["fileId"] is None
    assert emulator.state()["objects"] == 0


def test_a_replacement_that_cannot_be_is_refused(emulator: InThread, user: Visitor, other: Visitor) -> None:
    made = user.made_file("a", "txt", b"old")
    path = f"/files/{made['uuid']}"
    for body in ({}, {"size": 3}, {"size": 0, "fileId": "0" * 24}, {"size": 1, "fileId": "0" * 25}):
        assert refusal(user.drive("PUT", path, body))[0] == 400
    assert refusal(user.drive("PUT", f"/files/{NOWHERE}", {"size": 0}))[0] == 404
    assert refusal(other.drive("PUT", path, {"size": 0}))[0] == 403
    emulator.set(tier={"max_upload": 2})
    assert refusal(user.drive("PUT", path, {"size": 3, "fileId": "0" * 24}))[0] == 402
    user.trash("file", made["uuid"])
    assert refusal(user.drive("PUT", path, {"size": 0}))[0] == 400


def test_a_file_is_renamed_by_name_and_type(user: Visitor) -> None:
    made = user.made_file("a", "txt")
    user.made_file("b", "txt")
    path = f"/files/{made['uuid']}/meta"
    taken = (409, "A file with this name already exists in this location")
    assert refusal(user.drive("PUT", path, {"plainName": "b"})) == taken
    assert (
        refusal(user.drive("PUT", path, {"plainName": "a", "type": "txt"})) == taken
    )  # nothing would change
    assert refusal(user.drive("PUT", path, {"plainName": "", "type": ""})) == (
        400,
        "Filename cannot be empty",
    )
    done = user.drive("PUT", path, {"plainName": "  c ", "type": "md  "}).json()
    assert (done["uuid"], done["plainName"], done["type"]) == (made["uuid"], "c ", "md")
    assert user.drive("PUT", path, {"plainName": "", "type": "hidden"}).json()["plainName"] == ""
    assert user.drive("PUT", path, {"plainName": "whole.name", "type": ""}).json()["type"] == ""
    user.trash("file", made["uuid"])
    assert refusal(user.drive("PUT", path, {"plainName": "d"})) == (404, "File not found")
    assert refusal(user.drive("PUT", f"/files/{NOWHERE}/meta", {"plainName": "d"}))[0] == 404


def test_a_file_is_moved_and_renamed_in_one_step(user: Visitor) -> None:
    made, folder = user.made_file("a", "txt"), user.folder("x")
    path = f"/files/{made['uuid']}"
    here = {"destinationFolder": user.root}
    assert refusal(user.drive("PATCH", path, here)) == (
        409,
        f"File {made['uuid']} was already moved to that location",
    )
    moved = user.drive("PATCH", path, {"destinationFolder": folder["uuid"], "name": "b", "type": "md"})
    assert moved.status_code == 200
    body = moved.json()
    assert (body["folderUuid"], body["folderId"], body["plainName"], body["type"]) == (
        folder["uuid"],
        folder["id"],
        "b",
        "md",
    )
    user.made_file("b", "md")
    taken = (409, "A file with the same name already exists in destination folder")
    assert refusal(user.drive("PATCH", path, here)) == taken
    assert user.drive("PATCH", path, here | {"name": "c"}).status_code == 200


def test_a_move_of_a_file_that_cannot_be_is_refused(user: Visitor, other: Visitor) -> None:
    made, gone, folder = user.made_file("a", "txt"), user.made_file("b"), user.folder("gone")
    user.drive("DELETE", f"/files/{gone['uuid']}")
    user.drive("DELETE", f"/folders/{folder['uuid']}")
    path = f"/files/{made['uuid']}"

    def move(path: str, to: str, **more: str) -> tuple[int, Any]:
        return refusal(user.drive("PATCH", path, {"destinationFolder": to} | more))

    assert move(path, folder["uuid"])[0] == 422
    assert move(path, NOWHERE)[0] == 404
    assert move(path, other.root)[0] == 403
    assert move(path, user.root, name="", type="") == (400, "Filename is not valid")
    assert move(f"/files/{gone['uuid']}", user.root)[0] == 422
    assert move(f"/files/{NOWHERE}", user.root)[0] == 404


def test_a_file_is_removed_for_good_with_its_object(
    emulator: InThread, user: Visitor, other: Visitor
) -> None:
    made = user.made_file("a", "txt")
    path = f"/files/{made['uuid']}"
    assert refusal(other.drive("DELETE", path))[0] == 403
    assert user.drive("DELETE", path).json() == {"deleted": True}
    assert refusal(user.drive("DELETE", path))[0] == 404
    assert user.drive("GET", f"{path}/meta").json()["status"] == "DELETED"
    assert emulator.state()["objects"] == 0


def test_a_file_is_removed_by_its_object_and_an_orphan_too(
    emulator: InThread, user: Visitor, other: Visitor
) -> None:
    made, orphan = user.made_file("a", "txt"), user.upload(b"orphan")
    assert emulator.state()["orphans"] == [orphan]
    assert refusal(other.drive("DELETE", f"/files/{user.bucket}/{orphan}"))[0] == 403
    for file_id in (made["fileId"], orphan, "0" * 24):
        done = user.drive("DELETE", f"/files/{user.bucket}/{file_id}")
        assert (done.status_code, done.content) == (200, b"")
    assert user.names() == []
    assert emulator.state()["entries"] == 0


def test_objects_can_outlive_their_file_for_a_while(emulator: InThread, user: Visitor) -> None:
    emulator.set(purge_delay_ms=60_000)
    made = user.made_file("a", "txt")
    user.drive("DELETE", f"/files/{made['uuid']}")
    state = emulator.state()
    assert (state["objects"], state["waiting_for_purge"], state["orphans"]) == (1, 1, [])
    emulator.set(clock_ahead_s=61.0)
    assert emulator.state()["objects"] == 0


def _versions(user: Visitor, file: dict[str, Any]) -> list[dict[str, Any]]:
    return user.drive("GET", f"/files/{file['uuid']}/versions").json()  # type: ignore[no-any-return]


def _replace(user: Visitor, file: dict[str, Any], content: bytes) -> str:
    new = user.upload(content)
    body = {"fileId": new, "size": len(content)}
    assert user.drive("PUT", f"/files/{file['uuid']}", body).status_code == 200
    return new


def test_a_document_keeps_its_former_content_as_a_version(user: Visitor) -> None:
    made = user.made_file("report", "PDF", b"one")
    second = _replace(user, made, b"second")
    [version] = _versions(user, made)
    assert (version["fileId"], version["networkFileId"], version["size"]) == (
        made["uuid"],
        made["fileId"],
        "3",
    )
    assert version["status"] == "EXISTS"
    assert {"modificationTime", "createdAt", "updatedAt", "expiresAt"} <= set(version)
    assert user.download(made["fileId"]) == b"one"
    path = f"/files/{made['uuid']}/versions/{version['id']}"
    restored = user.drive("POST", f"{path}/restore")
    assert (restored.status_code, restored.json()["fileId"], restored.json()["size"]) == (
        201,
        made["fileId"],
        "3",
    )
    [version] = _versions(user, made)
    assert version["networkFileId"] == second
    path = f"/files/{made['uuid']}/versions/{version['id']}"
    assert user.drive("DELETE", path).status_code == 204
    assert _versions(user, made) == []
    assert user.drive("DELETE", path).status_code == 404
    user.trash("file", made["uuid"])
    assert user.drive("POST", f"{path}/restore").status_code == 400


def test_only_some_types_and_tiers_keep_versions(emulator: InThread, user: Visitor) -> None:
    text = user.made_file("a", "txt", b"one")
    _replace(user, text, b"two")
    assert _versions(user, text) == []
    pdf = user.made_file("a", "pdf", b"one")
    emulator.set(tier={"version_max_size": 2})
    _replace(user, pdf, b"two")
    assert _versions(user, pdf) == []
    emulator.set(tier={"version_max_size": 100, "versioning": False})
    _replace(user, pdf, b"three")
    assert _versions(user, pdf) == []
    assert emulator.state()["objects"] == 2
    assert user.drive("GET", "/files/limits").json()["versioning"]["enabled"] is False


def test_the_oldest_versions_make_room_and_all_expire(emulator: InThread, user: Visitor) -> None:
    emulator.set(tier={"max_versions": 2})
    pdf = user.made_file("a", "pdf", b"0")
    ids = [pdf["fileId"]] + [_replace(user, pdf, b"%d" % number) for number in range(1, 4)]
    assert [one["networkFileId"] for one in _versions(user, pdf)] == ids[2:0:-1]
    assert emulator.state()["objects"] == 3
    emulator.set(clock_ahead_s=31 * 86400.0)
    fresh = user.log_in()
    assert _versions(fresh, pdf) == []


def test_a_thumbnail_comes_with_its_file_and_goes_with_it(emulator: InThread, user: Visitor) -> None:
    made = user.made_file("a", "png", b"picture")
    body = {
        "fileUuid": made["uuid"],
        "type": "png",
        "size": 4,
        "maxWidth": 300,
        "maxHeight": 300,
        "bucketId": user.bucket,
        "bucketFile": user.upload(b"tiny"),
        "encryptVersion": "03-aes",
    }
    done = user.drive("POST", "/files/thumbnail", body)
    assert done.status_code == 201
    told = done.json()
    assert told["bucket_id"] == told["bucketId"] == user.bucket
    assert told["bucket_file"] == told["bucketFile"] == body["bucketFile"]
    assert (told["fileUuid"], told["fileId"], told["maxWidth"]) == (made["uuid"], made["id"], 300)
    assert user.drive("GET", f"/files/{made['uuid']}/meta").json()["thumbnails"] == [told]
    assert emulator.state()["orphans"] == []
    user.drive("POST", "/files/thumbnail", body | {"bucketFile": user.upload(b"tini")})
    assert emulator.state()["objects"] == 2  # a new one takes the place of the old
    assert user.drive("POST", "/files/thumbnail", body | {"encryptVersion": "x"}).status_code == 400
    user.drive("DELETE", f"/files/{made['uuid']}")
    assert emulator.state()["objects"] == 0
