"""Pages of folders and files, look-ups by name and by path, and the lists of what changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.internxt.emulator.store.naming import sort_key, split
from tests.internxt.emulator.harness import InThread, Visitor, refusal


def test_pages_come_in_natural_order_and_end_with_an_empty_one(user: Visitor) -> None:
    for name in ("file10", "file2", "File1", "file02x"):
        user.folder(name)
    for name in ("file10", "file2", "File1"):
        user.made_file(name, "txt", b"")
    order = {"sort": "plainName", "order": "ASC"}
    assert user.names(kind="folders", **order) == ["File1", "file2", "file02x", "file10"]
    assert user.names(**order) == ["File1", "file2", "file10"]
    assert user.names(sort="plainName", order="DESC") == ["file10", "file2", "File1"]
    assert user.names(**order, offset=1, limit=1) == ["file2"]
    assert user.names(**order, offset=3) == []
    assert user.names(kind="folders", offset=99) == []


def test_files_are_sorted_by_size_too_and_folders_not(user: Visitor) -> None:
    for name, content in (("b", b"123"), ("a", b"1"), ("c", b"12")):
        user.made_file(name, None, content)
    assert user.names(sort="size") == ["a", "c", "b"]
    path = f"/folders/content/{user.root}/folders?offset=0&limit=5&sort=size"
    assert refusal(user.drive("GET", path))[0] == 400


@pytest.mark.parametrize("kind", ["folders", "files"])
@pytest.mark.parametrize(
    "query",
    [
        "",
        "offset=0",
        "limit=5",
        "offset=0&limit=51",
        "offset=0&limit=0",
        "offset=-1&limit=5",
        "offset=x&limit=5",
    ],
)
def test_a_page_needs_limit_and_offset_within_bounds(user: Visitor, kind: str, query: str) -> None:
    assert refusal(user.drive("GET", f"/folders/content/{user.root}/{kind}?{query}"))[0] == 400


def test_a_slash_before_the_query_changes_nothing(user: Visitor) -> None:
    user.folder("x")
    for slash in ("", "/"):
        found = user.drive("GET", f"/folders/content/{user.root}/folders{slash}?offset=0&limit=50")
        assert [one["plainName"] for one in found.json()["folders"]] == ["x"]


def test_a_folder_comes_with_its_content(user: Visitor) -> None:
    user.folder("x")
    user.made_file("a", "txt")
    found = user.drive("GET", f"/folders/content/{user.root}").json()
    assert found["uuid"] == user.root
    assert [one["plainName"] for one in found["children"]] == ["x"]
    assert [one["plainName"] for one in found["files"]] == ["a"]


def test_an_unknown_route_shows_the_hidden_prefix(user: Visitor) -> None:
    assert refusal(user.drive("GET", "/users/me")) == (404, "Cannot GET /api/users/me")
    assert refusal(user.drive("GET", "/nothing?a=1")) == (404, "Cannot GET /api/nothing?a=1")
    assert refusal(user.drive("PUT", "/folders")) == (404, "Cannot PUT /api/folders")
    assert user.drive("POST", "/trash/restore", {}).status_code == 404
    assert user.network("GET", "/nothing").json() == {"error": "Not Found"}


def test_existence_of_folders_is_told_by_exact_names(user: Visitor) -> None:
    user.folder("x")
    path = f"/folders/content/{user.root}/folders/existence"
    found = user.drive("POST", path, {"plainNames": ["x", "X", "y", "x"], "more": 1})
    assert found.status_code == 201
    assert [one["plainName"] for one in found.json()["existentFolders"]] == ["x"]
    assert user.drive("POST", path, {"plainNames": [1]}).status_code == 400
    assert user.drive("POST", path, {}).status_code == 400


def test_existence_of_files_takes_any_type_where_none_is_given(user: Visitor) -> None:
    user.made_file("a", "txt", b"")
    user.made_file("a", None, b"")
    user.made_file("b", "txt", b"")
    path = f"/folders/content/{user.root}/files/existence"

    def there(*wanted: dict[str, object]) -> list[tuple[str, str | None]]:
        found = user.drive("POST", path, {"files": list(wanted)})
        assert found.status_code == 201
        return [(one["plainName"], one["type"]) for one in found.json()["existentFiles"]]

    assert there({"plainName": "a", "type": "txt", "size": 7}) == [("a", "txt")]
    assert sorted(there({"plainName": "a"}), key=str) == [("a", "txt"), ("a", None)]
    # one name in its two forms, as rclone asks
    assert there({"plainName": "b", "type": "txt"}, {"plainName": "b.txt", "type": ""}) == [("b", "txt")]
    assert there({"plainName": "c"}) == []
    for wrong in ([], [{"plainName": 1}], ["x"], [{"plainName": "x"}] * 201, None):
        assert user.drive("POST", path, {"files": wrong}).status_code == 400


def test_existence_wants_a_parent_that_is_there(user: Visitor, other: Visitor) -> None:
    gone = user.folder("gone")["uuid"]
    user.drive("DELETE", f"/folders/{gone}")
    for kind, body in (("folders", {"plainNames": ["x"]}), ("files", {"files": [{"plainName": "x"}]})):
        assert user.drive("POST", f"/folders/content/{gone}/{kind}/existence", body).status_code == 400
        assert user.drive("POST", f"/folders/content/{other.root}/{kind}/existence", body).status_code == 403


def test_a_folder_is_found_by_its_path_in_both_spellings(user: Visitor) -> None:
    below = user.folder("b c", user.folder("a")["uuid"])
    for path in ("/a/b c", "a/b c", "//a/b c/"):
        found = user.by_path("folders", path)
        assert found.status_code == 200
        row = found.json()
        for snake, camel in (
            ("plain_name", "plainName"),
            ("parent_id", "parentId"),
            ("parent_uuid", "parentUuid"),
            ("user_id", "userId"),
            ("creation_time", "creationTime"),
            ("modification_time", "modificationTime"),
            ("created_at", "createdAt"),
            ("updated_at", "updatedAt"),
            ("removed_at", "removedAt"),
            ("deleted_at", "deletedAt"),
            ("encrypt_version", "encryptVersion"),
        ):
            assert row[snake] == row[camel] == below[camel]
        assert row["uuid"] == below["uuid"]
    assert user.by_path("folders", "/").json()["uuid"] == user.root


def test_a_file_is_found_by_its_path(user: Visitor) -> None:
    folder = user.folder("a")["uuid"]
    for name, type_ in (("x", "txt"), ("x.tar", "gz"), (".bashrc", None), ("plain", None), ("y", "")):
        user.made_file(name, type_, b"", folderUuid=folder)
    for path in ("/a/x.txt", "/a/x.tar.gz", "/a/.bashrc", "/a/plain", "/a/y", "/a/y."):
        assert user.by_path("files", path).status_code == 200, path
    assert refusal(user.by_path("files", "/a/X.txt")) == (404, "File not found")
    assert refusal(user.by_path("files", "/")) == (404, "File not found")
    assert refusal(user.by_path("files", "/b/x.txt")) == (404, "Parent folders not found")


def test_a_path_that_cannot_be_is_refused(user: Visitor) -> None:
    for kind in ("files", "folders"):
        assert refusal(user.by_path(kind, "noslash")) == (400, "Invalid path provided")
        assert refusal(user.drive("GET", f"/{kind}/meta")) == (400, "Invalid path provided")
        assert refusal(user.by_path(kind, "/" + "a" * 1024)) == (400, "Path is too deep")
    assert refusal(user.by_path("folders", "/nothing/at/all")) == (404, "Folder not found")


def test_a_path_does_not_lead_through_the_trash(user: Visitor) -> None:
    folder = user.folder("a")["uuid"]
    file = user.made_file("x", "txt", b"", folderUuid=folder)
    user.folder("b", folder)
    user.trash("folder", folder)
    assert user.by_path("folders", "/a").status_code == 404
    assert user.by_path("folders", "/a/b").status_code == 404
    assert user.by_path("files", "/a/x.txt").status_code == 404
    assert user.drive("GET", f"/files/{file['uuid']}/meta").json()["status"] == "EXISTS"
    user.drive("PATCH", f"/folders/{folder}", {"destinationFolder": user.root})
    user.trash("file", file["uuid"])
    assert user.by_path("files", "/a/x.txt").status_code == 404


def test_all_folders_and_files_come_by_status_and_time(user: Visitor) -> None:
    one, two = user.folder("one"), user.folder("two")
    a, b = user.made_file("a"), user.made_file("b")
    user.trash("folder", two["uuid"])
    user.trash("file", b["uuid"])
    gone = user.made_file("c")
    user.drive("DELETE", f"/files/{gone['uuid']}")

    def uuids(kind: str, **query: object) -> set[str]:
        found = user.drive("GET", f"/{kind}", params={"limit": 1000, "offset": 0} | query)
        assert found.status_code == 200
        return {one["uuid"] for one in found.json()}

    assert uuids("folders") == {user.root, one["uuid"], two["uuid"]}
    assert uuids("folders", status="EXISTS") == {user.root, one["uuid"]}
    assert uuids("folders", status="TRASHED") == {two["uuid"]}
    assert uuids("folders", status="DELETED") == set()
    assert uuids("files", status="ALL") == {a["uuid"], b["uuid"], gone["uuid"]}
    assert uuids("files", status="TRASHED", bucket=user.bucket) == {b["uuid"]}
    assert uuids("files", bucket="0" * 24) == set()
    assert uuids("files", updatedAt="2100-01-01T00:00:00Z") == set()
    assert len(uuids("files", limit=1)) == 1
    for query in ("status=X", "limit=1001", "updatedAt=x"):
        assert user.drive("GET", f"/files?{query}").status_code == 400


def test_a_sync_goes_on_where_it_ended(user: Visitor) -> None:
    names = [f"f{number}" for number in range(5)]
    for name in names:
        user.made_file(name, None, b"")
    found, cursor = [], ""
    for _ in range(3):
        page = user.drive(
            "GET", "/files/sync", params={"limit": 2, **({"cursor": cursor} if cursor else {})}
        ).json()
        found += [one["plainName"] for one in page["files"]]
        cursor = page["nextCursor"]
    assert (found, cursor) == (names, None)
    first = user.drive("GET", "/files/sync?limit=1").json()["nextCursor"]
    mismatch = user.drive("GET", "/files/sync", params={"cursor": first, "status": "EXISTS"})
    assert refusal(mismatch) == (400, "Cursor does not match status filter")
    for cursor in ("x", "bnVsbA==", "WzEsMiwzXQ=="):
        assert refusal(user.drive("GET", "/files/sync", params={"cursor": cursor})) == (400, "Invalid cursor")
    late = user.drive("GET", "/files/sync", params={"updatedAt": "2100-01-01T00:00:00Z", "status": "EXISTS"})
    assert late.json() == {"files": [], "nextCursor": None}


def test_the_last_changed_come_first_among_the_recent(user: Visitor) -> None:
    for name in ("a", "b", "c"):
        user.made_file(name, None, b"")
    found = user.drive("GET", "/files/recents?limit=2").json()
    assert [one["plainName"] for one in found] == ["c", "b"]
    assert user.drive("GET", "/files/recents?limit=51").status_code == 400
    assert user.drive("GET", "/files/recents").status_code == 400


def test_counts_are_told_by_status(user: Visitor) -> None:
    folder = user.folder("x")["uuid"]
    user.folder("y", folder)
    user.made_file("a", None, b"")
    user.trash("file", user.made_file("b", None, b"")["uuid"])
    user.trash("folder", folder)

    def count(kind: str, query: str = "") -> int:
        return int(user.drive("GET", f"/{kind}/count{query}").json()["count"])

    assert (count("files"), count("files", "?status=trashed"), count("files", "?status=orphan")) == (1, 1, 0)
    assert (count("folders"), count("folders", "?status=trashed"), count("folders", "?status=orphan")) == (
        2,
        1,
        0,
    )
    assert user.drive("GET", "/files/count?status=x").status_code == 400


def test_workspaces_are_an_empty_list_for_who_is_logged_in(emulator: InThread, user: Visitor) -> None:
    for path in ("/workspaces", "/workspaces/"):
        assert user.drive("GET", path).json() == {"availableWorkspaces": [], "pendingWorkspaces": []}
    assert user.http.get(f"{emulator.drive}/workspaces").status_code == 401


@given(st.text("0123456789", min_size=1, max_size=9), st.text("0123456789", min_size=1, max_size=9))
def test_numbers_in_names_are_ordered_as_numbers(one: str, other: str) -> None:
    assert (sort_key(f"a{one}b") < sort_key(f"a{other}b")) == (int(one) < int(other))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a.txt", ("a", "txt")),
        (".bashrc", (".bashrc", None)),
        ("a.", ("a", None)),
        ("a.b.c", ("a.b", "c")),
        ("a", ("a", None)),
    ],
)
def test_a_whole_name_is_split_at_its_last_dot(name: str, parts: tuple[str, str | None]) -> None:
    assert split(name) == parts
