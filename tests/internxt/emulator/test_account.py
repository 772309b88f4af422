"""What an account holds, the search, and the login page of a browser."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.internxt.emulator import ciphers
from skycap.internxt.emulator.routes.search import similarity
from tests.internxt.emulator.harness import PASSWORD, SECURED, USER, InThread, Visitor, refusal


def test_usage_counts_files_the_trash_and_versions(user: Visitor) -> None:
    assert user.drive("GET", "/users/me/upload-status").json() == {"hasUploadedFiles": False}
    pdf = user.made_file("a", "pdf", b"12345")
    user.drive("PUT", f"/files/{pdf['uuid']}", {"size": 3, "fileId": user.upload(b"123")})
    user.trash("file", user.made_file("b", None, b"12")["uuid"])
    gone = user.made_file("c", None, b"1")
    user.drive("DELETE", f"/files/{gone['uuid']}")
    assert user.drive("GET", "/users/usage").json() == {"drive": 10, "backup": 0, "mail": 0, "total": 10}
    assert user.drive("GET", "/users/me/upload-status").json() == {"hasUploadedFiles": True}


def test_limits_are_told_by_tier(emulator: InThread, user: Visitor) -> None:
    limits = user.drive("GET", "/files/limits").json()
    assert set(limits) == {"versioning", "maxUploadFileSize", "photosAccess"}
    assert set(limits["versioning"]) == {"enabled", "maxFileSize", "retentionDays", "maxVersions"}
    assert limits["maxUploadFileSize"] is None
    emulator.set(tier="essential")
    limits = user.drive("GET", "/files/limits").json()
    assert (limits["maxUploadFileSize"], limits["versioning"]["enabled"]) == (5 << 30, False)


def _search(user: Visitor, text: str, **body: Any) -> list[dict[str, Any]]:
    found = user.drive("POST", f"/fuzzy/{text}", body)
    assert found.status_code == 200
    return found.json()["data"]  # type: ignore[no-any-return]


def test_a_search_finds_exact_names_first_then_similar_ones(user: Visitor, other: Visitor) -> None:
    for name, type_, content in (
        ("report 2025", "pdf", b"1"),
        ("report", "txt", b"12345"),
        ("xyz", "txt", b"1"),
    ):
        user.made_file(name, type_, content)
    folder = user.folder("reports")
    other.made_file("report", "txt")
    user.trash("file", user.made_file("report old")["uuid"])
    found = _search(user, "report")
    assert found[0]["name"] == "report"
    assert {one["name"] for one in found} == {"report", "reports", "report 2025"}
    assert all(0 < one["similarity"] <= 1 for one in found)
    first = found[0]
    assert set(first) == {"id", "itemId", "itemType", "userId", "name", "rank", "similarity", "item"}
    assert set(first["item"]) == {"id", "type", "size", "bucket", "fileId", "plainName"}
    [there] = [one for one in found if one["itemType"] == "folder"]
    assert (there["itemId"], set(there["item"])) == (folder["uuid"], {"id"})


def test_a_search_is_filtered_by_type_size_and_time(user: Visitor) -> None:
    user.made_file("a", "PDF", b"1")
    user.made_file("a", "txt", b"12345")
    user.folder("a")

    def kinds(**body: Any) -> list[str]:
        return sorted(str(one["item"].get("type")) for one in _search(user, "a", **body))

    assert kinds() == ["None", "PDF", "txt"]
    assert kinds(type=["Pdf"]) == kinds(type="pdf") == ["PDF"]
    assert kinds(type=["folder"]) == ["None"]
    assert kinds(minSize=2) == ["txt"]
    assert kinds(maxSize=2) == ["PDF"]
    assert kinds(modifiedAfter="2100-01-01T00:00:00Z") == []
    assert kinds(modifiedBefore="2000-01-01T00:00:00Z") == []
    for wrong in ({"offset": -1}, {"type": 7}, {"type": [7]}, {"minSize": "x"}, {"modifiedAfter": "x"}):
        assert refusal(user.drive("POST", "/fuzzy/a", wrong))[0] == 400


def test_a_search_comes_by_tens(user: Visitor) -> None:
    for number in range(12):
        user.made_file(f"name {number}", None, b"")
    first, second = _search(user, "name"), _search(user, "name", offset=10)
    assert (len(first), len(second)) == (10, 2)
    assert len({one["itemId"] for one in first + second}) == 12
    assert _search(user, "name", offset=20) == []
    assert _search(user, "a%2Fb%20name", offset=0)


def test_a_new_server_searches_by_post_and_an_old_one_by_get(emulator: InThread, user: Visitor) -> None:
    user.made_file("a b", None, b"")
    assert refusal(user.drive("GET", "/fuzzy/a")) == (404, "Cannot GET /api/fuzzy/a")
    emulator.set(search_by_get=True)
    assert refusal(user.drive("POST", "/fuzzy/a", {})) == (404, "Cannot POST /api/fuzzy/a")
    assert len(user.drive("GET", "/fuzzy/a%20b?offset=0").json()["data"]) == 1
    assert user.drive("GET", "/fuzzy/a%20b?offset=1").json()["data"] == []


def test_a_search_can_lag_behind(emulator: InThread, user: Visitor) -> None:
    emulator.set(search_delay_ms=5000)
    user.made_file("a", None, b"")
    assert _search(user, "a") == []
    emulator.set(clock_ahead_s=6.0)
    assert len(_search(user, "a")) == 1


@given(st.text(max_size=12), st.text(max_size=12))
def test_a_similarity_is_symmetric_and_from_0_to_1(one: str, other: str) -> None:
    assert similarity(one, other) == similarity(other, one)
    assert 0 <= similarity(one, other) <= 1


@pytest.mark.parametrize(
    ("one", "other", "wanted"), [("word", "two words", 4 / 11), ("a", "A", 1.0), ("a", "", 0.0)]
)
def test_similarities_are_those_of_the_database(one: str, other: str, wanted: float) -> None:
    assert similarity(one, other) == pytest.approx(wanted)


CALLBACK = "http://127.0.0.1:9/callback"


def _login_page(emulator: InThread, callback: str = CALLBACK) -> str:
    coded = base64.b64encode(callback.encode()).decode()
    return f"{emulator.web}/login?universalLink=true&redirectUri={coded}"


def _handed(emulator: InThread, user: Visitor, location: str, password: str) -> None:
    assert location.startswith(CALLBACK)
    given = {
        name: base64.b64decode(value[0]).decode()
        for name, value in parse_qs(urlsplit(location).query).items()
    }
    assert set(given) == {"mnemonic", "newToken", "privateKey"}
    assert len(given["mnemonic"].split()) == 24
    assert given["privateKey"].startswith("-----BEGIN PGP PRIVATE KEY BLOCK-----")
    headers = {"authorization": f"Bearer {given['newToken']}"}
    refreshed = user.http.get(f"{emulator.drive}/users/cli/refresh", headers=headers).json()
    assert ciphers.unwrap(refreshed["user"]["mnemonic"], password) == given["mnemonic"]


def test_a_browser_logs_in_at_once_when_the_account_is_named(emulator: InThread, user: Visitor) -> None:
    done = user.http.get(f"{_login_page(emulator)}&account={SECURED}")
    assert done.status_code == 302
    _handed(emulator, user, done.headers["location"], PASSWORD)
    assert user.http.get(f"{_login_page(emulator)}&account=no@example.com").status_code == 401


def test_a_browser_logs_in_by_the_form(emulator: InThread, user: Visitor) -> None:
    page = user.http.get(_login_page(emulator))
    assert (page.status_code, "<form" in page.text) == (200, True)
    form = {"redirectUri": base64.b64encode(CALLBACK.encode()).decode(), "email": USER, "password": PASSWORD}
    done = user.http.post(f"{emulator.web}/login", data=form)
    assert done.status_code == 302
    _handed(emulator, user, done.headers["location"], PASSWORD)
    for wrong in ({"password": "x"}, {"email": "no@example.com"}, {"email": SECURED}):
        refused = user.http.post(f"{emulator.web}/login", data=form | wrong)
        assert (refused.status_code, "<form" in refused.text) == (401, True)
    secured = form | {"email": SECURED, "tfa": emulator.account(SECURED)["code"]}
    assert user.http.post(f"{emulator.web}/login", data=secured).status_code == 302


@pytest.mark.parametrize(
    "callback", ["http://example.com/", "file:///etc/passwd", "http://127.0.0.1.example.com/", ""]
)
def test_a_session_is_handed_to_this_machine_only(emulator: InThread, user: Visitor, callback: str) -> None:
    assert user.http.get(f"{_login_page(emulator, callback)}&account={USER}").status_code == 400
    assert user.http.get(f"{emulator.web}/login?redirectUri=%C3").status_code == 400


def test_the_browser_is_told_how_it_went(emulator: InThread, user: Visitor) -> None:
    for page in ("auth-link-ok", "auth-link-error"):
        assert user.http.get(f"{emulator.web}/{page}").status_code == 200
