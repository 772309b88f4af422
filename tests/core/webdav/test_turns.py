"""Whoever changes a tree is alone in it; whoever changes something else need not wait."""

from __future__ import annotations

import threading

import pytest

from skycap.core.webdav.turns import Turns


def enters(turns: Turns, *keys: str) -> tuple[threading.Event, threading.Thread]:
    """Somebody who asks for a turn, and whether they have had it."""
    had = threading.Event()

    def run() -> None:
        with turns.at(*keys):
            had.set()

    thread = threading.Thread(target=run)
    thread.start()
    return had, thread


@pytest.mark.parametrize("wanted", ["s/a", "s/a/b", "s/a/b/c", "s"])
def test_what_is_in_it_and_what_it_is_in_waits(wanted: str) -> None:
    turns = Turns()
    with turns.at("s/a/b", "s/z"):
        had, thread = enters(turns, wanted)
        assert not had.wait(0.05)
    thread.join(10)
    assert had.is_set()


@pytest.mark.parametrize("wanted", ["s/b", "s/ab", "t", "s/a.txt"])
def test_what_is_beside_it_does_not_wait(wanted: str) -> None:
    turns = Turns()
    with turns.at("s/a"):
        had, thread = enters(turns, wanted)
        assert had.wait(10)
        thread.join(10)


def test_one_who_waits_is_not_overtaken_by_who_comes_later() -> None:
    turns = Turns()
    with turns.at("s/a"):
        first, one = enters(turns, "s")
        assert not first.wait(0.05)
        second, two = enters(turns, "s/b")
        assert not second.wait(0.05)
    for thread in (one, two):
        thread.join(10)
    assert first.is_set()
    assert second.is_set()


def test_a_block_that_raises_gives_its_turn_back() -> None:
    turns = Turns()
    with pytest.raises(RuntimeError), turns.at("s/a"):
        raise RuntimeError
    with turns.at("s"):
        pass


def test_moves_that_cross_do_not_wait_for_each_other_for_ever() -> None:
    turns = Turns()
    threads = [
        threading.Thread(target=_often, args=(turns, keys))
        for keys in (("a/x", "b"), ("b/y", "a"), ("a", "b/x"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def _often(turns: Turns, keys: tuple[str, str]) -> None:
    for _ in range(300):
        with turns.at(*keys):
            pass
