"""Entries come in merging order, however few of them fit into memory."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from skycap.core.storage.entry import Entry, Kind
from skycap.core.transfer.sorting import in_order

names = st.binary(min_size=1, max_size=4).map(os.fsdecode)
entries = st.lists(st.builds(Entry, names, st.sampled_from([Kind.FILE, Kind.DIRECTORY]), st.integers(0, 9)))


@given(entries, st.integers(1, 5))
def test_entries_sorted_on_disk_are_those_sorted_in_memory(found: list[Entry], run: int) -> None:
    assert list(in_order(iter(found), run)) == sorted(found, key=lambda entry: entry.order)
