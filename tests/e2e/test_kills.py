"""A command that is killed at any moment leaves nothing half done, and its next run finishes the job."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from skycap.core.testing.proxy import TroublingProxy
from tests.e2e.killing import SEED, Moment, Undisturbed, killed, measure, moments
from tests.e2e.lab import Lab
from tests.e2e.stores import Store
from tests.e2e.trees import MiB, hashes, names, times, write_file, write_tree

_FILES = 500
_PART = 5 * MiB
_PARTS = {"SKYCAP_REMOTE_T_UPLOAD_FROM": "10MiB", "SKYCAP_REMOTE_T_PART_SIZE": "5MiB"}
_LARGE_UP = 48 * MiB
_LARGE_DOWN = 80 * MiB  # into a folder, parts are journalled from 64 MiB
NewLab = Callable[..., Lab]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is copied: the small files, and a large one in the middle of them."""
    root = tmp_path_factory.mktemp("source")
    write_tree(root, seed=1, files=_FILES)
    write_file(root / "d2" / "large.bin", _LARGE_UP, seed=3)
    return root


@pytest.fixture(scope="module")
def content(source: Path) -> dict[str, str]:
    return hashes(source)


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory, source: Path) -> Path:
    """The same names with other content."""
    root = tmp_path_factory.mktemp("older")
    write_tree(root, seed=2, files=_FILES)
    write_file(root / "d2" / "large.bin", 9 * MiB, seed=4)
    assert names(root) == names(source)
    return root


@pytest.fixture
def proxy(store: Store) -> Iterator[TroublingProxy]:
    with TroublingProxy(store.endpoint) as found:
        yield found


def journalled(lab: Lab) -> int:
    """Bytes of parts that the killed run had written down."""
    database = lab.state / "transfers.db"
    if not database.exists():
        return 0
    with contextlib.closing(sqlite3.connect(database)) as connection:
        try:
            rows = connection.execute("SELECT state FROM uploads WHERE state <> '{}'").fetchall()
            rows += connection.execute("SELECT patch FROM parts").fetchall()
        except sqlite3.OperationalError:  # killed before it made the tables
            return 0
    return sum(part[0] for row in rows for part in json.loads(row[0]).get("parts", {}).values())


def each(
    count: int, ways: str, kill: Callable[[str, Moment], bool], settle: Callable[[str, Moment], None]
) -> None:
    """Kill so many runs; a moment that came too late is no kill, and another one is taken."""
    print(f"E2E_SEED={SEED}")
    done = 0
    for number, moment in enumerate(moments(SEED, count * 6, ways)):
        name = f"k{number}"
        if not kill(name, moment):
            continue
        print(f"{name}: {moment}")
        settle(name, moment)
        done += 1
        if done == count:
            return
    pytest.fail(f"only {done} of {count} kills hit")


# Local to S3


def kills_of_uploads(
    count: int,
    source: Path,
    content: dict[str, str],
    store: Store,
    bucket: str,
    new_lab: NewLab,
    proxy: TroublingProxy,
) -> None:
    through = {**_PARTS, "SKYCAP_REMOTE_T_ENDPOINT": proxy.endpoint}
    usual = measure(new_lab("usual", **through), "copy", source, f"t:{bucket}/usual", proxy=proxy)
    resumed: list[int] = []

    def kill(name: str, moment: Moment) -> bool:
        lab = new_lab(name, **through)
        return killed(lab, ["copy", source, f"t:{bucket}/{name}"], moment, usual, proxy=proxy)

    def settle(name: str, moment: Moment) -> None:
        there = store.hashes(bucket, f"{name}/")
        assert there.items() <= content.items(), "something half done is at the target"
        lab = new_lab(name, **through)
        kept = 0 if "d2/large.bin" in there else journalled(lab)
        again = lab.reported("copy", source, f"t:{bucket}/{name}")
        assert again.status == 0, again.err
        assert store.hashes(bucket, f"{name}/") == content
        assert store.unfinished(bucket, f"{name}/") == []
        assert again.report["counts"]["bytes_resumed"] >= kept
        if kept:
            resumed.append(again.report["counts"]["bytes_resumed"])

    each(count, "lrlcl", kill, settle)
    print(f"{len(resumed)} of {count} runs went on with {sum(resumed)} bytes")


def test_a_killed_upload_leaves_whole_objects_and_is_finished_by_the_next_run(
    source: Path,
    content: dict[str, str],
    store: Store,
    shared_bucket: str,
    new_lab: NewLab,
    proxy: TroublingProxy,
) -> None:
    kills_of_uploads(5, source, content, store, shared_bucket, new_lab, proxy)


@pytest.mark.long
def test_forty_killed_uploads(
    source: Path,
    content: dict[str, str],
    store: Store,
    shared_bucket: str,
    new_lab: NewLab,
    proxy: TroublingProxy,
) -> None:
    kills_of_uploads(40, source, content, store, shared_bucket, new_lab, proxy)


# Local to local


def kills_of_local_copies(
    count: int, source: Path, content: dict[str, str], older: Path | None, new_lab: NewLab
) -> None:
    old = hashes(older) if older else {}

    def prepared(name: str) -> tuple[Lab, Path]:
        lab = new_lab(name)
        target = lab.folder / "target"
        if older and not target.exists():
            assert lab.run("copy", older, target).status == 0
        return lab, target

    lab, target = prepared("usual")
    usual = measure(lab, "copy", source, target)

    def kill(name: str, moment: Moment) -> bool:
        lab, target = prepared(name)
        return killed(lab, ["copy", source, target], moment, usual)

    def settle(name: str, moment: Moment) -> None:
        lab, target = prepared(name)
        there = {path: found for path, found in hashes(target).items() if ".skycap-" not in path}
        assert all(found in {content[path], old.get(path)} for path, found in there.items()), "a mix"
        assert older is None or there.keys() == content.keys(), "a file is gone"
        again = lab.run("copy", source, target)
        assert again.status == 0, again.err
        assert hashes(target) == content
        assert times(target) == times(source)

    each(count, "fc", kill, settle)


def test_a_killed_local_copy_leaves_whole_files_and_is_finished_by_the_next_run(
    source: Path, content: dict[str, str], new_lab: NewLab
) -> None:
    kills_of_local_copies(2, source, content, None, new_lab)


def test_a_killed_overwriting_copy_leaves_each_file_old_or_new(
    source: Path, content: dict[str, str], older: Path, new_lab: NewLab
) -> None:
    kills_of_local_copies(2, source, content, older, new_lab)


@pytest.mark.long
def test_fifteen_killed_local_copies(source: Path, content: dict[str, str], new_lab: NewLab) -> None:
    kills_of_local_copies(15, source, content, None, new_lab)


@pytest.mark.long
def test_fifteen_killed_overwriting_copies(
    source: Path, content: dict[str, str], older: Path, new_lab: NewLab
) -> None:
    kills_of_local_copies(15, source, content, older, new_lab)


# S3 to local


@pytest.fixture(scope="module")
def downloads(
    source: Path, store: Store, shared_bucket: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[str, str]]:
    """A prefix with the small files and a larger large one, and the content of it."""
    lab = Lab(tmp_path_factory.mktemp("downloads"), store.environment())
    large = lab.folder / "large.bin"
    write_file(large, _LARGE_DOWN, seed=5)
    place = f"t:{shared_bucket}/downloads"
    assert lab.run("copy", "--exclude", "large.bin", source, place).status == 0
    assert lab.run("copy", large, f"{place}/d2/").status == 0
    return place, store.hashes(shared_bucket, "downloads/")


def kills_of_downloads(
    count: int,
    downloads: tuple[str, dict[str, str]],
    new_lab: NewLab,
    proxy: TroublingProxy,
) -> None:
    place, content = downloads
    through = {"SKYCAP_REMOTE_T_ENDPOINT": proxy.endpoint}
    lab = new_lab("usual", **through)
    usual: Undisturbed = measure(lab, "copy", place, lab.folder / "target", proxy=proxy)
    resumed: list[int] = []

    def kill(name: str, moment: Moment) -> bool:
        lab = new_lab(name, **through)
        return killed(lab, ["copy", place, lab.folder / "target"], moment, usual, proxy=proxy)

    def settle(name: str, moment: Moment) -> None:
        lab = new_lab(name, **through)
        target = lab.folder / "target"
        there = {path: found for path, found in hashes(target).items() if ".skycap-" not in path}
        assert there.items() <= content.items(), "something half done is at the target"
        kept = 0 if "d2/large.bin" in there else journalled(lab)
        again = lab.reported("copy", place, target)
        assert again.status == 0, again.err
        assert hashes(target) == content
        assert again.report["counts"]["bytes_resumed"] >= kept
        if kept:
            resumed.append(again.report["counts"]["bytes_resumed"])

    each(count, "lcf", kill, settle)
    print(f"{len(resumed)} of {count} runs went on with {sum(resumed)} bytes")


def test_a_killed_download_leaves_whole_files_and_is_finished_by_the_next_run(
    downloads: tuple[str, dict[str, str]], new_lab: NewLab, proxy: TroublingProxy
) -> None:
    kills_of_downloads(3, downloads, new_lab, proxy)


@pytest.mark.long
def test_thirty_killed_downloads(
    downloads: tuple[str, dict[str, str]], new_lab: NewLab, proxy: TroublingProxy
) -> None:
    kills_of_downloads(30, downloads, new_lab, proxy)
