"""The tree of errors is what its docstring draws, and one of many decides the exit status."""

from __future__ import annotations

import itertools
import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.core import errors
from skycap.core.errors import Error, exit_status


def classes(top: type[Error] = Error) -> list[type[Error]]:
    """Every class of the module, as the tree is drawn: a class, then what is below it."""
    found = [top]
    for below in top.__subclasses__():
        if below.__module__ == errors.__name__:
            found += classes(below)
    return found


ALL = classes()


def drawn() -> list[tuple[str, str, int]]:
    """Name, parent and exit status of every line of the tree."""
    found: list[tuple[str, str, int]] = []
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"^([│├└─ ]*)([A-Z]\w+) +(\d+)  \S", line):
            depth = len(match[1]) // 4
            above[depth:] = [match[2]]
            found.append((match[2], above[depth - 1] if depth else "", int(match[3])))
    return found


def test_the_tree_in_the_docstring_is_the_tree_of_classes() -> None:
    assert sorted(drawn()) == sorted(
        (cls.__name__, "" if cls is Error else cls.__bases__[0].__name__, cls.exit_status) for cls in ALL
    )


def test_no_class_is_drawn_twice() -> None:
    names = [name for name, _, _ in drawn()]
    assert len(names) == len(set(names)) == len(ALL)


@pytest.mark.parametrize(
    ("cls", "builtin"),
    [
        (errors.NotFound, FileNotFoundError),
        (errors.AccessDenied, PermissionError),
        (errors.Timeout, TimeoutError),
    ],
)
def test_where_python_has_a_name_it_is_that_too(cls: type[Error], builtin: type[Exception]) -> None:
    assert issubclass(cls, builtin)
    assert f"also a {builtin.__name__}" in (errors.__doc__ or "")


@pytest.mark.parametrize("cls", ALL)
def test_every_error_survives_pickling_with_all_it_knows(cls: type[Error]) -> None:
    error = cls("what", where="photos:a", hint="do this", retryable=True, retry_after=3.5)
    error.add_note("gave up")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        copy = pickle.loads(pickle.dumps(error, protocol))
        assert type(copy) is cls
        assert vars(copy) == vars(error)
        assert str(copy) == "photos:a: what"


@pytest.mark.parametrize("cls", ALL)
def test_an_error_of_a_class_looks_like_its_class(cls: type[Error]) -> None:
    error = cls("what")
    assert (error.where, error.hint, error.retryable, error.retry_after) == (None, None, cls.retryable, None)
    assert str(error) == "what"
    assert error.exit_status == cls.exit_status


def test_another_try_is_only_for_what_can_pass() -> None:
    assert {cls for cls in ALL if cls.retryable} == {
        errors.TransferFailed,
        errors.UploadFailed,
        errors.DownloadFailed,
        errors.RateLimited,
        errors.Timeout,
    }


def test_one_error_can_say_otherwise_and_its_class_does_not_change() -> None:
    assert not errors.UploadFailed("x", retryable=False).retryable
    assert errors.UploadFailed("x").retryable


def of(status: int) -> Error:
    cls = type("Other", (Error,), {"exit_status": status})
    return cls("x")


# The order of the table of exit statuses; what it does not name is "other".
ORDER = [130, 28, 27, 15, 17, 13, 14, 29, 34, 19, 21, 4, 7, 3]


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(ORDER, 2)))
def test_the_earlier_in_the_table_is_the_exit_status(first: int, second: int) -> None:
    assert exit_status([of(first), of(second)]) == first
    assert exit_status([of(second), of(first)]) == first


def test_a_run_without_errors_ends_with_nothing() -> None:
    assert exit_status([]) == 0


def test_other_signals_go_first_too() -> None:
    assert exit_status([of(28), of(143)]) == 143


@given(st.lists(st.sampled_from([*ORDER, 1, 2, 6, 12, 16, 24, 32, 33]), min_size=1))
def test_the_exit_status_is_one_of_those_that_happened_in_any_order(statuses: list[int]) -> None:
    found = exit_status([of(status) for status in statuses])
    assert found in {3 if status == 2 else status for status in statuses}
    assert found == exit_status([of(status) for status in sorted(statuses)])
