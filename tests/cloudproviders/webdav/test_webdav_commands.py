"""Commands over WebDAV, as people type them, against the emulated cloud and plain servers."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from skycap.core.cli.app import run
from tests.cloudproviders.webdav.nextcloud import Nextcloud
from tests.cloudproviders.webdav.servers import DavServer, WsgiDav

Said = tuple[int, str, str]
Skycap = Callable[..., Said]
MTIME = 1_600_000_000


@pytest.fixture
def skycap(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Skycap:
    """Runs a command; status, standard output, standard error."""
    monkeypatch.setenv("SKYCAP_CREDENTIAL_STORE", "file")
    monkeypatch.setenv("SKYCAP_PASSPHRASE", "correct horse")

    def call(*words: str | Path) -> Said:
        capsys.readouterr()
        status = run([str(word) for word in words])
        return status, *capsys.readouterr()

    return call


def name(server: DavServer, monkeypatch: pytest.MonkeyPatch, **more: str) -> None:
    """The remote `dav` is a new folder on the server."""
    with server.fresh() as storage:
        url = storage.dav.place.url()
    options = {"type": "webdav", **server.options(url=url), **more}
    for option, value in options.items():
        monkeypatch.setenv(f"SKYCAP_REMOTE_DAV_{option.upper()}", str(value))


@pytest.fixture
def cloud(nextcloud: Nextcloud, skycap: Skycap, monkeypatch: pytest.MonkeyPatch) -> Skycap:
    nextcloud.cloud.shares.clear()
    name(nextcloud, monkeypatch)
    return skycap


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    for number in range(20):
        path = root / f"{number % 3}" / f"{number} é.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d" % number * number)
        os.utime(path, (MTIME + number, MTIME + number))
    return root


def test_a_tree_goes_to_the_cloud_and_a_second_sync_has_nothing_to_do(
    cloud: Skycap, nextcloud: Nextcloud, tree: Path, tmp_path: Path
) -> None:
    assert cloud("copy", tree, "dav:photos")[0] == 0
    before = nextcloud.cloud.tree.etag()
    status, out, err = cloud("sync", "--json", tree, "dav:photos")
    assert status == 0, err
    summary = json.loads(out.splitlines()[-1])
    assert summary["type"] == "summary"
    assert int(nextcloud.cloud.tree.etag(), 16) == int(before, 16) + 1, "something was written again"
    assert cloud("check", tree, "dav:photos")[0] == 0
    assert cloud("copy", "dav:photos", tmp_path / "back")[0] == 0
    for path in tree.rglob("*.jpg"):
        again = tmp_path / "back" / path.relative_to(tree)
        assert again.read_bytes() == path.read_bytes()
        assert again.stat().st_mtime == path.stat().st_mtime


def test_a_changed_file_is_noticed_and_a_removed_one_goes(cloud: Skycap, tree: Path) -> None:
    cloud("copy", tree, "dav:photos")
    (tree / "0" / "0 é.jpg").write_bytes(b"changed")
    (tree / "1" / "1 é.jpg").unlink()
    assert cloud("check", tree, "dav:photos")[0] == 3
    assert cloud("sync", "--yes", tree, "dav:photos")[0] == 0
    assert cloud("check", tree, "dav:photos")[0] == 0
    assert cloud("cat", "dav:photos/0/0 é.jpg")[1] == "changed"
    assert "1 é.jpg" not in cloud("ls", "dav:photos/1")[1]


def test_a_listing_in_json_has_sizes_and_times(cloud: Skycap, tree: Path) -> None:
    cloud("copy", tree, "dav:photos")
    records = [json.loads(line) for line in cloud("ls", "--json", "dav:photos/1")[1].splitlines()]
    found = {record["path"]: record for record in records if record.get("size")}
    (record,) = (one for path, one in found.items() if path.endswith("10 é.jpg"))
    assert record["size"] == 20
    assert "2020-09-13T12:26:50" in json.dumps(record)


def test_a_link_is_made_listed_and_taken_back(
    cloud: Skycap, nextcloud: Nextcloud, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud("copy", tree, "dav:photos")
    monkeypatch.setattr("sys.stdin", io.StringIO("s3cret words\n"))
    status, out, err = cloud("link", "--expires", "36h", "--password", "dav:photos/1/1 é.jpg")
    assert status == 0, err
    assert out.strip().startswith(f"{nextcloud.endpoint}/s/")
    (share,) = nextcloud.cloud.shares.values()
    assert (share["password"], share["expiration"][10:]) == ("***", " 00:00:00")
    record = json.loads(cloud("link", "--list", "--json", "dav:")[1].splitlines()[-1])
    assert (record["path"], record["password"]) == ("photos/1/1 é.jpg", True)
    assert cloud("link", "--remove", record["id"], "dav:")[0] == 0
    assert nextcloud.cloud.shares == {}


def test_what_was_removed_comes_back_from_the_trash(cloud: Skycap, tree: Path) -> None:
    cloud("copy", tree, "dav:photos")
    assert cloud("remove", "--yes", "dav:photos/2/2 é.jpg")[0] == 0
    record = json.loads(cloud("trash", "list", "--json", "dav:")[1].splitlines()[0])
    assert record["path"] == "photos/2/2 é.jpg"
    assert cloud("trash", "restore", "dav:", record["id"])[0] == 0
    assert cloud("cat", "dav:photos/2/2 é.jpg")[1] == "22"
    assert cloud("trash", "put", "dav:photos/2")[0] == 0
    assert cloud("trash", "clear", "--yes", "dav:")[0] == 0
    assert cloud("trash", "list", "--json", "dav:")[1] == ""


def test_an_old_version_is_listed_read_and_restored(cloud: Skycap, tmp_path: Path) -> None:
    note = tmp_path / "note"
    for text in ("one", "second", "and third"):
        note.write_text(text)
        os.utime(note, (MTIME + len(text), MTIME + len(text)))
        assert cloud("copy", note, "dav:note")[0] == 0
    records = [json.loads(line) for line in cloud("versions", "--json", "dav:note")[1].splitlines()]
    assert [record["size"] for record in records] == [9, 6, 3]
    assert [record["latest"] for record in records] == [True, False, False]
    oldest = records[-1]["version"]
    assert cloud("cat", "--version-id", oldest, "dav:note")[1] == "one"
    assert cloud("versions", "--restore", oldest, "dav:note")[0] == 0
    assert cloud("cat", "dav:note")[1] == "one"
    assert cloud("versions", "--restore", "12", "dav:note")[0] == 4
    assert cloud("cat", "--version-id", "nonsense", "dav:note")[0] == 4


def test_the_quota_and_what_a_remote_can_do_are_told(cloud: Skycap) -> None:
    record = json.loads(cloud("quota", "--json", "dav:")[1])
    assert record["free"] == 1 << 30
    status, out, _ = cloud("remote", "check", "dav")
    assert status == 0
    assert "trash" in out
    assert "upload" in out


def test_five_hundred_small_files_arrive_on_a_plain_server(
    wsgidav: WsgiDav, skycap: Skycap, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name(wsgidav, monkeypatch)
    root = tmp_path / "many"
    for number in range(500):
        path = root / f"d{number % 10}" / f"{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d" % number)
    assert skycap("sync", root, "dav:many")[0] == 0
    found = [path for path in wsgidav.folder.glob("*/many/*/*") if path.is_file()]
    assert sorted(path.read_text() for path in found) == sorted(str(number) for number in range(500))
    assert skycap("check", root, "dav:many")[0] == 0


def test_a_login_asks_for_user_and_password_and_keeps_what_the_server_takes(
    nextcloud: Nextcloud, skycap: Skycap, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert skycap("remote", "add", "mine", "webdav", f"url={nextcloud.url}", "vendor=nextcloud")[0] == 0
    config = Path(os.environ["SKYCAP_CONFIG"])
    monkeypatch.setattr("sys.stdin", io.StringIO("ada\nwrong horse\n"))
    status, _, err = skycap("auth", "login", "mine")
    assert status == 11
    assert "refuses the login" in err
    assert "user" not in config.read_text()
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{nextcloud.user}\n{nextcloud.password}\n"))
    status, _, err = skycap("auth", "login", "mine")
    assert status == 0, err
    assert nextcloud.password not in config.read_text()
    assert skycap("ls", "mine:")[0] == 0
    assert "ada" in skycap("auth", "status")[1]
    assert skycap("auth", "logout", "mine")[0] == 0
    assert skycap("ls", "mine:")[0] == 11


def test_a_token_takes_the_place_of_a_password(skycap: Skycap, monkeypatch: pytest.MonkeyPatch) -> None:
    skycap("remote", "add", "mine", "webdav", "url=http://127.0.0.1:9/", "vendor=nextcloud", "user=ada")
    monkeypatch.setattr("sys.stdin", io.StringIO("first password\n"))
    skycap("auth", "login", "mine")
    monkeypatch.setattr("sys.stdin", io.StringIO("\nsome token\n"))
    skycap("auth", "login", "mine")
    text = Path(os.environ["SKYCAP_CONFIG"]).read_text()
    assert "token" in text
    assert "password" not in text
    monkeypatch.setattr("sys.stdin", io.StringIO("\n\n"))
    assert "Nothing was entered" in skycap("auth", "login", "mine")[2]


def test_credentials_in_an_address_are_refused_and_not_shown(skycap: Skycap) -> None:
    for place in ("webdav://ada:hunter2@127.0.0.1/x", ':webdav,url="http://ada:hunter2@127.0.0.1/x":y'):
        status, _, err = skycap("ls", place)
        assert status == 33
        assert "does not hold the credentials" in err
        assert "hunter2" not in err.replace(place, "")
    assert skycap("ls", "webdav://")[0] in {2, 33}
