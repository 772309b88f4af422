"""What little says of what changed, and what it cannot say."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from skycap.core.storage.patches import apply, difference

leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)
objects = st.dictionaries(st.text("abc", max_size=2), st.deferred(lambda: values), max_size=4)
values: st.SearchStrategy[Any] = leaves | objects


@given(old=objects, new=objects)
def test_a_difference_makes_the_new_state_of_the_old_one(old: dict[str, Any], new: dict[str, Any]) -> None:
    patch = difference(old, new)
    if patch is None:
        assert "null" in json.dumps(new)
        return
    state = copy.deepcopy(old)
    apply(state, patch)
    assert state == new


def test_patches_in_a_row_become_one_that_still_takes_away() -> None:
    first: dict[str, Any] = {"parts": {"1": [5]}, "tails": {"1": "x"}}
    apply(first, {"parts": {"2": [5]}, "tails": {"1": None, "2": "y"}}, keep_nulls=True)
    state = {"parts": {"0": [5]}, "tails": {"1": "older"}, "last": None}
    apply(state, first)
    assert state == {"parts": {"0": [5], "1": [5], "2": [5]}, "tails": {"2": "y"}, "last": None}
