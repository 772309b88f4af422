"""What the books keep of properties, times and empty folders, and how it follows the resources."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skycap.core.errors import Error, StateReadFailed, UsageError
from skycap.core.webdav.books import Books

RED = {"{x:}colour": '<c xmlns="x:">red</c>'}


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    opened = Books(str(tmp_path / "state" / "webdav.db"))
    yield opened
    opened.close()


def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "webdav.db")
    first = Books(path)
    first.add_folder("s/a")
    first.set_time("s/f", "v1", 5)
    first.set_properties("s/f", RED)
    first.close()
    first.close()
    second = Books(path)
    assert second.has_folder("s/a")
    assert second.time("s/f", "v1") == 5
    assert second.properties("s/f") == RED
    second.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_only_its_owner_can_read_the_file(books: Books) -> None:
    books.add_folder("s/a")
    folder = Path(books.path).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


def test_a_time_is_that_of_one_version_only(books: Books) -> None:
    books.set_time("s/f", "v1", 5)
    assert (books.time("s/f", "v1"), books.time("s/f", "v2"), books.time("s/f", None)) == (5, None, None)
    books.set_time("s/f", None, 7)
    assert (books.time("s/f", "v1"), books.time("s/f", None)) == (None, 7)
    assert books.times_in("s") == {"f": (None, 7)}


def test_a_time_that_no_file_can_have_is_refused(books: Books) -> None:
    with pytest.raises(UsageError):
        books.set_time("s/f", None, 2**63)


def test_one_look_tells_all_that_is_directly_in_a_folder_and_no_more(books: Books) -> None:
    for key in ("s/d", "s/d/a", "s/d/a/deep", "s/d0", "s/d/b\udcff"):
        books.add_folder(key)
        books.set_time(key, "v", 1)
        books.set_properties(key, RED)
    assert books.folders_in("s/d") == ["a", "b\udcff"]
    assert dict(books.times_in("s/d")) == {"a": ("v", 1), "b\udcff": ("v", 1)}
    assert dict(books.properties_in("s/d")) == {"a": RED, "b\udcff": RED}


def test_of_several_changes_one_that_fails_undoes_all(books: Books) -> None:
    with pytest.raises(Error):
        books.set_properties("s/f", {"{x:}a": "<a/>", "{x:}b": "\ud800"})
    assert books.properties("s/f") == {}


def test_a_copy_with_depth_zero_takes_what_is_below_away_from_the_target_and_brings_nothing(
    books: Books,
) -> None:
    for key in ("s/a", "s/a/x", "s/b", "s/b/y"):
        books.set_properties(key, {"{x:}p": f"<p>{key}</p>"})
    books.copied("s/a", "s/b", deep=False)
    assert books.properties("s/b") == {"{x:}p": "<p>s/a</p>"}
    assert books.properties("s/b/x") == {}
    assert books.properties("s/b/y") == {}
    assert books.properties("s/a/x") == {"{x:}p": "<p>s/a/x</p>"}


NAMES = st.sampled_from(["a", "b", "a0", "a-", "A", "é", "𝄞", "n\udcff", "%", "_"])
KEYS = st.lists(NAMES, min_size=1, max_size=3).map(lambda parts: "/".join(["local:", *parts]))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), KEYS, KEYS),
        st.tuples(st.just("moved"), KEYS, KEYS),
        st.tuples(st.just("copied"), KEYS, KEYS),
        st.tuples(st.just("removed"), KEYS, KEYS),
    ),
    max_size=12,
)


def _within(key: str, top: str) -> bool:
    return key == top or key.startswith(f"{top}/")


@given(STEPS)
@settings(max_examples=60, deadline=None)
def test_books_follow_trees_as_a_dictionary_of_paths_would(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, str]]
) -> None:
    model: dict[str, str] = {}
    books = Books(str(tmp_path_factory.mktemp("books") / "webdav.db"))
    try:
        for number, (verb, one, other) in enumerate(steps):
            if verb == "set":
                model[one] = str(number)
                books.set_properties(one, {"p": str(number)})
                books.add_folder(one)
                books.set_time(one, one, number)
                continue
            if verb == "removed":
                model = {key: value for key, value in model.items() if not _within(key, one)}
                books.removed(one)
                continue
            if _within(one, other) or _within(other, one):
                continue
            taken = {key: value for key, value in model.items() if _within(key, one)}
            model = {
                key: value
                for key, value in model.items()
                if not _within(key, other) and not (verb == "moved" and key in taken)
            }
            model |= {other + key.removeprefix(one): value for key, value in taken.items()}
            if verb == "moved":
                books.moved(one, other)
            else:
                books.copied(one, other, deep=True)
        seen = {key for _, one, other in steps for key in (one, other)} | set(model)
        assert {key: books.properties(key).get("p") for key in seen} == {key: model.get(key) for key in seen}
        assert {key for key in seen if books.has_folder(key)} == set(model)
    finally:
        books.close()


def test_another_process_sees_at_once_what_was_written(books: Books) -> None:
    assert books.properties("s/f") == {}
    code = (
        "import sys; from skycap.core.webdav.books import Books; b = Books(sys.argv[1]);"
        "b.set_properties('s/f', {'p': '<p/>'}); b.close()"
    )
    subprocess.run([sys.executable, "-c", code, books.path], check=True)
    assert books.properties("s/f") == {"p": "<p/>"}


def test_threads_share_it(books: Books) -> None:
    def work(number: int) -> None:
        for round_ in range(20):
            books.set_properties(f"s/{number}", {"p": str(round_)})
            books.moved(f"s/{number}", f"s/{number}-{round_}")
            books.moved(f"s/{number}-{round_}", f"s/{number}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: dict(kept) for name, kept in books.properties_in("s").items()} == {
        str(number): {"p": "19"} for number in range(6)
    }


def test_a_damaged_file_is_told_of_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "webdav.db"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(StateReadFailed) as caught:
        Books(str(path))
    assert caught.value.where == str(path)
    assert "moved away" in (caught.value.hint or "")


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "webdav.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StateReadFailed, match="newer skycap"):
        Books(str(path))
