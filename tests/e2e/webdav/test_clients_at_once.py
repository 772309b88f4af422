"""Two clients at once, and 22: each finds its own as it left it, and what all want, one gets."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tests.e2e.webdav.door import Door, Reply

many = pytest.mark.parametrize("count", [2, 22])


def _all(count: int, one: Callable[[int], Reply]) -> Counter[int]:
    """All begin together; how often which status came."""
    start = threading.Barrier(count)

    def run(number: int) -> int:
        start.wait(60)
        return one(number).status

    with ThreadPoolExecutor(count) as pool:
        return Counter(pool.map(run, range(count)))


@many
def test_clients_at_once_do_not_meet(door: Door, count: int) -> None:
    texts = [f"client {number} ".encode() * 3000 for number in range(count)]
    door("PUT", "shared", texts[0])

    def work(number: int) -> None:
        mine = f"c{number}"
        with closing(door.connect()) as line:
            assert door("MKCOL", mine, on=line).status == 201
            assert door("PUT", f"{mine}/a", texts[number], on=line).status == 201
            assert door("GET", f"{mine}/a", on=line).body == texts[number]
            assert door("PUT", "shared", texts[number], on=line).status == 204
            got = door("GET", "shared", on=line)
            assert got.body in texts, "one whole version of it"
            assert got.headers["content-length"] == str(len(got.body))
            assert door("COPY", f"{mine}/a", Destination=f"{door.base}{mine}/b", on=line).status == 201
            assert door("MOVE", mine, Destination=f"{door.base}m{number}", on=line).status == 201
            listed = door("PROPFIND", f"m{number}", Depth="1", on=line)
            assert len(listed.hrefs) == 3
            assert door("DELETE", f"m{number}/a", on=line).status == 204
            assert door("GET", f"m{number}/b", on=line).body == texts[number]

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(work, range(count)))
    assert len(door.find("", "1", "getetag").hrefs) == count + 2


@many
def test_of_all_who_make_a_file_one_makes_it(door: Door, count: int) -> None:
    outcome = _all(count, lambda number: door("PUT", "new", f"{number}", If_None_Match="*"))
    assert outcome == {201: 1, 412: count - 1}


@many
def test_of_all_who_replace_one_version_one_does(door: Door, count: int) -> None:
    etag = door("PUT", "a", b"at first").headers["etag"]
    outcome = _all(count, lambda number: door("PUT", "a", f"{number}", If_Match=etag))
    assert outcome == {204: 1, 412: count - 1}


@many
def test_of_all_who_move_to_a_free_name_one_gets_there(door: Door, count: int) -> None:
    for number in range(count):
        door("PUT", f"f{number}", f"{number}")
    outcome = _all(count, lambda number: door.move(f"f{number}", "target", Overwrite="F"))
    assert outcome == {201: 1, 412: count - 1}
    assert len(door.find("", "1", "getetag").hrefs) == count + 1, "whoever was refused has its file still"


@many
def test_of_all_who_lock_a_file_one_holds_it(door: Door, count: int) -> None:
    door("PUT", "a", b"text")
    outcome = _all(count, lambda _: door.lock("a"))
    assert outcome == {200: 1, 423: count - 1}
