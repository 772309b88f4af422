"""What others call: remotes by configuration and by environment, and what each command must answer."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from skycap.core.testing.proxy import Request, Trouble, TroublingProxy
from tests.e2e.lab import Lab, equal
from tests.e2e.stores import Store
from tests.e2e.trees import KiB, MiB, hashes, names, times, write_file

AWKWARD = (
    "a space.txt",
    "percent%2Fslash%20.txt",
    unicodedata.normalize("NFC", "ünïcödé.txt"),
    unicodedata.normalize("NFD", "ünïcödé.txt"),
    "emoji 🚀🧊/inside 🧭.txt",
    ".hidden/.deeper/.dots",
    "'single' \"double\" `back`.txt",
    "plus+and&equals=hash#question?.txt",
    "semi;colon:and,comma.txt",
    "star*[set]{brace}.txt",
    "-leading-dash",
    "~tilde",
    "trailing.dot.",
    " leading and trailing ",
)


@pytest.fixture
def tree(lab: Lab) -> Path:
    """Awkward names, an empty file, and something larger."""
    root = lab.folder / "tree"
    for number, name in enumerate(AWKWARD):
        write_file(root / name, 100 + number, seed=number)
    write_file(root / "empty", 0, seed=98)
    write_file(root / "deep" / "er" / "larger.bin", 300 * KiB, seed=99)
    return root


@pytest.fixture
def remote(lab: Lab, store: Store, request: pytest.FixtureRequest) -> str:
    """The name of a remote of the server, made in the way that the test asks for."""
    if request.param == "environment":
        return "t"
    for name in [name for name in lab.env if name.startswith("SKYCAP_REMOTE_")]:
        del lab.env[name]
    made = lab.run("remote", "add", "minio", "s3", f"endpoint={store.endpoint}", "region=us-east-1")
    assert made.status == 0, made.err
    assert "[remotes.minio]" in Path(lab.env["SKYCAP_CONFIG"]).read_text()
    return "minio"


both = pytest.mark.parametrize("remote", ["environment", "configuration"], indirect=True)


@both
def test_a_tree_goes_to_the_store_and_back_as_it_is(
    lab: Lab, tree: Path, remote: str, store: Store, bucket: str
) -> None:
    place = f"{remote}:{bucket}/some folder"
    assert lab.run("copy", tree, place).status == 0
    assert store.hashes(bucket, "some folder/") == hashes(tree)
    assert lab.run("check", tree, place).status == 0
    assert lab.run("sync", "--yes", place, lab.folder / "back").status == 0
    assert hashes(lab.folder / "back") == hashes(tree)
    assert times(lab.folder / "back") == times(tree)
    again = lab.reported("sync", "--yes", tree, place)
    assert again.report["counts"]["copied"] == 0
    assert again.report["counts"]["unchanged"] == len(names(tree))


def test_sync_removes_what_the_source_has_not_and_check_tells_differences(
    lab: Lab, tree: Path, bucket: str
) -> None:
    place = f"t:{bucket}"
    assert lab.run("sync", "--yes", tree, place).status == 0
    write_file(tree / "empty", 5, seed=1)
    (tree / ".hidden/.deeper/.dots").unlink()
    differing = lab.run("check", tree, place)
    assert differing.status == 3
    told = [line.partition(" (")[0] for line in differing.out.decode().splitlines()]
    assert sorted(told) == ["different empty", "extra .hidden/.deeper/.dots"]
    assert lab.run("sync", tree, place).status == 31  # nobody agreed
    assert lab.run("check", tree, place).status == 3
    assert lab.run("sync", "--yes", tree, place).status == 0
    equal(lab, tree, place)


def test_check_says_14_where_something_cannot_be_read(
    lab: Lab, store: Store, bucket: str, troubling_proxy: Callable[[str], TroublingProxy]
) -> None:
    proxy = troubling_proxy(store.endpoint)
    # In parts it has no hash that the listing tells, so that `check` has to read it.
    lab.env |= {"SKYCAP_REMOTE_T_UPLOAD_FROM": "5MiB", "SKYCAP_REMOTE_T_PART_SIZE": "5MiB"}
    lab.env |= {"SKYCAP_REMOTE_T_ENDPOINT": proxy.endpoint}
    write_file(lab.folder / "a" / "secret", 6 * MiB, seed=2)
    write_file(lab.folder / "a" / "same", 10, seed=1)
    assert lab.run("copy", lab.folder / "a", f"t:{bucket}").status == 0
    equal(lab, lab.folder / "a", f"t:{bucket}")

    def refuse(request: Request) -> Trouble | None:
        reads = request.method in {"GET", "HEAD"} and "/secret" in request.target
        return Trouble(status=403) if reads else None

    proxy.schedule = refuse
    outcome = lab.run("check", lab.folder / "a", f"t:{bucket}")
    assert outcome.status == 14, outcome.err
    assert b"unreadable secret" in outcome.out


def test_a_name_that_a_store_would_change_is_refused_and_the_rest_is_copied(lab: Lab, bucket: str) -> None:
    write_file(lab.folder / "a" / "back\\slash", 10, seed=1)
    write_file(lab.folder / "a" / "good", 10, seed=2)
    outcome = lab.run("copy", lab.folder / "a", f"t:{bucket}")
    assert outcome.status not in {0, 1}
    assert "back\\slash" in outcome.err
    assert lab.run("cat", f"t:{bucket}/good").status == 0


def test_ls_tells_every_entry_as_a_json_line(lab: Lab, tree: Path, bucket: str) -> None:
    assert lab.run("copy", tree, f"t:{bucket}/x").status == 0
    for place in (str(tree), f"t:{bucket}/x"):
        told = lab.run("ls", "--json", "-R", place)
        assert told.status == 0
        files = {record["path"]: record for record in told.records if record["kind"] == "file"}
        assert sorted(files) == names(tree)
        assert all(record["type"] == "entry" for record in told.records)
        assert {path: record["size"] for path, record in files.items()} == {
            path: os.stat(tree / path).st_size for path in names(tree)
        }
        level = lab.run("ls", "--json", place)
        assert {record["path"] for record in level.records} == {path.split("/")[0] for path in names(tree)}


def test_cat_gives_the_bytes(lab: Lab, tree: Path, bucket: str) -> None:
    assert lab.run("copy", tree, f"t:{bucket}").status == 0
    for path in (*AWKWARD, "empty", "deep/er/larger.bin"):
        assert lab.run("cat", f"t:{bucket}/{path}").out == (tree / path).read_bytes(), path
    absent = lab.run("cat", f"t:{bucket}/absent")
    assert (absent.status, absent.out) == (4, b"")


def test_single_files_and_pipes_go_both_ways(lab: Lab, tree: Path, bucket: str) -> None:
    larger = tree / "deep/er/larger.bin"
    assert lab.run("copy", larger, f"t:{bucket}/one/").status == 0
    assert lab.run("copy", larger, f"t:{bucket}/two.bin").status == 0
    assert lab.run("copy", f"t:{bucket}/one/larger.bin", lab.folder / "three.bin").status == 0
    assert (lab.folder / "three.bin").read_bytes() == larger.read_bytes()
    assert os.stat(lab.folder / "three.bin").st_mtime_ns == os.stat(larger).st_mtime_ns
    assert lab.run("copy", "-", f"t:{bucket}/piped", stdin=larger.read_bytes()).status == 0
    assert lab.run("copy", f"t:{bucket}/piped", "-").out == larger.read_bytes()
    assert lab.run("copy", "-", f"t:{bucket}/nothing", stdin=b"").status == 0
    assert lab.run("copy", f"t:{bucket}/nothing", "-").out == b""
    for name in ("two.bin", "piped"):
        equal(lab, larger, f"t:{bucket}/{name}")


def test_empty_folders_go_from_folder_to_folder(lab: Lab, tree: Path) -> None:
    (tree / "void" / "inner").mkdir(parents=True)
    assert lab.run("copy", tree, lab.folder / "copy").status == 0
    assert (lab.folder / "copy" / "void" / "inner").is_dir()
    assert lab.run("check", tree, lab.folder / "copy").status == 0


def test_an_empty_folder_alone_is_no_failure(lab: Lab, bucket: str) -> None:
    (lab.folder / "void").mkdir()
    assert lab.run("copy", lab.folder / "void", f"t:{bucket}/void").status == 0
    assert lab.run("sync", "--yes", lab.folder / "void", lab.folder / "other").status == 0


def test_the_variables_say_where_settings_and_memory_lie(lab: Lab, tree: Path, bucket: str) -> None:
    lab.env["SKYCAP_CONFIG"] = str(lab.folder / "elsewhere" / "mine.toml")
    lab.env["SKYCAP_STATE"] = str(lab.folder / "memory")
    assert lab.run("remote", "add", "box", "local", f"root={lab.folder}").status == 0
    assert (lab.folder / "elsewhere" / "mine.toml").exists()
    assert lab.run("copy", "box:tree", f"t:{bucket}").status == 0
    assert (lab.folder / "memory" / "transfers.db").exists()
    assert not list((lab.folder / "home").iterdir())


@pytest.mark.parametrize(
    ("args", "status"),
    [
        (("copy", "nowhere", "there"), 4),
        (("ls", "unknown:x"), 4),
        (("copy", "gopher://x/y", "there"), 2),
        (("frobnicate",), 2),
        (("ls", "t:no-such-bucket-here/x"), 4),
    ],
)
def test_bad_input_has_its_status_and_says_what_to_do(args: tuple[str, ...], status: int, lab: Lab) -> None:
    outcome = lab.run(*args)
    assert outcome.status == status, outcome.err
    assert outcome.err.startswith("skycap: ")
    assert "Traceback" not in outcome.err


def test_without_credentials_it_says_so(lab: Lab, bucket: str) -> None:
    without: Mapping[str, str] = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    outcome = lab.run("ls", f"t:{bucket}", env=without)
    assert outcome.status == 11, outcome.err
    assert "hint:" in outcome.err
