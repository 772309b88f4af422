"""Names of files, in plain name and type and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.internxt.names import forms, join, split

names = st.text(st.sampled_from("ab. né\u0301🔑-nul"), min_size=1, max_size=12) | st.text(min_size=1)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("photo.jpg", ("photo", "jpg")),
        ("archive.tar.gz", ("archive.tar", "gz")),
        ("README", ("README", None)),
        (".bashrc", (".bashrc", None)),
        (".tar.gz", (".tar", "gz")),
        ("a.", ("a.", None)),
        ("a..", ("a..", None)),
        ("..a", (".", "a")),
        ("...", ("...", None)),
        ("x.null", ("x", "null")),
        ("null", ("null", None)),
        (" a. b ", (" a", " b ")),
        ("é.É", ("é", "É")),
    ],
)
def test_a_name_is_split_at_its_last_dot_but_never_loses_one(
    name: str, parts: tuple[str, str | None]
) -> None:
    assert split(name) == parts
    assert join(*parts) == name


@given(names)
def test_a_name_comes_back_from_its_parts_to_the_character(name: str) -> None:
    plain, type_ = split(name)
    assert join(plain, type_) == name
    assert plain
    assert type_ is None or (type_ and "." not in type_)


@given(names)
def test_a_missing_type_is_no_text(name: str) -> None:
    assert join(name, None) == join(name, "") == name


def test_a_file_without_plain_name_is_all_type() -> None:
    assert join("", "bashrc") == join(None, "bashrc") == ".bashrc"


@given(names)
def test_every_form_of_a_name_joins_to_it_and_ours_is_the_first(name: str) -> None:
    found = forms(name)
    assert found[0] == split(name)
    assert {join(*form) for form in found} == {name}
    assert len(found) == len(set(found))


def test_the_forms_of_other_clients_are_known() -> None:
    assert forms("a.b") == [("a", "b"), ("a.b", None)]
    assert forms(".bashrc") == [(".bashrc", None), ("", "bashrc")]
    assert forms("plain") == [("plain", None)]
    assert forms("a.") == [("a.", None)]
