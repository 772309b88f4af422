from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from skycap.core.crypto.compare import same
from skycap.core.crypto.secret import Secret, reveal

WORD = "correct horse"


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{:>20}".format, "%s".__mod__, ascii])
@pytest.mark.parametrize("value", [WORD, WORD.encode()])
def test_a_secret_never_shows_in_text(show: Callable[[object], str], value: Any) -> None:
    assert "horse" not in show(Secret(value))
    assert "horse" not in str([Secret(value)])


def test_a_secret_inside_a_dataclass_does_not_show_either() -> None:
    @dataclass(frozen=True)
    class Login:
        password: Secret[str]

    assert "horse" not in repr(Login(Secret(WORD)))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_secret_refuses_to_be_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps({"key": Secret(WORD)}, protocol)


def test_a_secret_refuses_to_be_json() -> None:
    with pytest.raises(TypeError):
        json.dumps({"key": Secret(WORD)})


def test_a_secret_keeps_nothing_in_a_dictionary_of_attributes() -> None:
    with pytest.raises(TypeError):
        vars(Secret(WORD))


def test_a_secret_is_revealed_by_name_only() -> None:
    assert Secret(WORD).reveal() == WORD
    assert reveal(Secret(b"k")) == reveal(b"k") == b"k"


def test_copies_are_the_same_object() -> None:
    secret = Secret(WORD)
    assert copy.deepcopy([secret])[0] is copy.copy(secret) is secret


def test_secrets_are_equal_by_value_and_only_to_secrets() -> None:
    assert Secret("grün") == Secret("grün")
    assert Secret(WORD) != Secret(WORD + "!")
    assert Secret(WORD) != WORD
    assert Secret("a") != Secret(b"a")
    with pytest.raises(TypeError):
        hash(Secret(WORD))


def test_an_empty_secret_is_false() -> None:
    assert not Secret("")
    assert Secret("x")


def test_comparing_takes_any_text_and_tells_text_from_bytes() -> None:
    assert same("grün\udcff", "grün\udcff")
    assert not same("a", "b")
    assert not same("a", "ab")
    assert not same("a", b"a")
    assert same(b"\xff", b"\xff")
