"""Policies come from a remote's configuration and from the command, a kind of work at a time."""

from __future__ import annotations

from typing import Any

import pytest

from skycap.core.errors import ConfigInvalid
from skycap.core.retry import OPTION_NAMES, Operation, Policies, Policy

DEFAULT = Policies()


def test_without_a_word_nothing_changes() -> None:
    assert DEFAULT.merge({}, where="x") == DEFAULT


def test_options_of_the_storage_type_are_left_alone() -> None:
    assert DEFAULT.merge({"endpoint": "http://x", "part_size": 5}, where="x") == DEFAULT


def test_retries_count_the_tries_after_the_first_of_every_kind() -> None:
    merged = DEFAULT.merge({"retries": "5"}, where="x")
    assert {merged.of(kind).attempts for kind in Operation} == {6}
    assert DEFAULT.merge({"retries": 0}, where="x").upload.attempts == 1


def test_times_are_read_as_people_write_them() -> None:
    merged = DEFAULT.merge(
        {"timeout": "2m", "retry_base": "250ms", "retry_cap": 5, "retry_total": "0", "retry_multiplier": "3"},
        where="x",
    )
    assert merged.list == Policy(8, 0.25, 5.0, 3.0, 120.0, None)


def test_one_kind_has_words_of_its_own() -> None:
    merged = DEFAULT.merge({"retries": 2, "retry": {"upload": {"attempts": 12, "base": "1s"}}}, where="x")
    assert (merged.upload.attempts, merged.upload.base_s) == (12, 1.0)
    assert merged.download.attempts == 3


def test_the_same_in_one_word_for_the_environment() -> None:
    merged = DEFAULT.merge({"retry_delete_attempts": "1", "retry_list_timeout": "10s"}, where="x")
    assert merged.delete.attempts == 1
    assert merged.list.per_try_timeout_s == 10
    assert merged.upload == DEFAULT.upload
    assert {"retry_delete_attempts", "retry_list_timeout", "retries", "retry"} <= OPTION_NAMES


def test_a_command_wins_over_its_remote() -> None:
    remote = DEFAULT.merge({"retries": 9, "timeout": "9s"}, where="remote x")
    merged = remote.merge({"retries": "1"}, where="command line")
    assert (merged.upload.attempts, merged.upload.per_try_timeout_s) == (2, 9)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"retries": "many"}, "'retries'"),
        ({"retries": -2}, "at least one attempt"),
        ({"retries": "1.5"}, "'retries'"),
        ({"retries": True}, "'retries'"),
        ({"timeout": "soon"}, "'timeout'"),
        ({"timeout": -3}, "time limit"),
        ({"retry_multiplier": "0.1"}, "multiplier"),
        ({"retry": 3}, "table"),
        ({"retry": {"upload": 3}}, "'retry.upload' is a table"),
        ({"retry": {"uplaod": {}}}, "'retry.uplaod'"),
        ({"retry": {"upload": {"atempts": 3}}}, "'retry.upload.atempts'"),
        ({"retry": {"upload": {"attempts": []}}}, "'retry.upload.attempts'"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigInvalid, match=r"^remote photos: ") as caught:
        DEFAULT.merge(values, where="remote photos")
    assert said in str(caught.value)


def test_the_nearest_word_is_offered() -> None:
    with pytest.raises(ConfigInvalid) as caught:
        DEFAULT.merge({"retry": {"upload": {"atempts": 3}}}, where="x")
    assert caught.value.hint == "Did you mean 'attempts'?"
