"""The promises of `skycap.core.storage`, as tests that any storage can be put through.

    class TestBox(StorageConformance):
        @pytest.fixture
        def storage(self, box_server):
            with Box(box_server.url, root=box_server.new_folder()) as storage:
                yield storage

The fixture gives an empty storage to each test: a fresh one, or one below a root nobody else has. Tests are
skipped by what the storage declares, never by its type. One that cannot be kept is overridden with an
`xfail` that says why; one that is overridden without is a failure.
"""

# ruff: noqa: D102 - the name of a test is its promise

from __future__ import annotations

from skycap.core.testing.conformance.bulk import BulkPromises
from skycap.core.testing.conformance.conditions import ConditionPromises
from skycap.core.testing.conformance.declared import DeclaredPromises
from skycap.core.testing.conformance.extras import ExtrasPromises
from skycap.core.testing.conformance.listing import ListingPromises
from skycap.core.testing.conformance.metadata import MetadataPromises
from skycap.core.testing.conformance.moving import MovingPromises
from skycap.core.testing.conformance.names import NamePromises
from skycap.core.testing.conformance.reading import ReadingPromises
from skycap.core.testing.conformance.uploads import UploadPromises
from skycap.core.testing.conformance.writing import WritingPromises


class StorageConformance(
    DeclaredPromises,
    ReadingPromises,
    ListingPromises,
    WritingPromises,
    NamePromises,
    ConditionPromises,
    UploadPromises,
    BulkPromises,
    MovingPromises,
    MetadataPromises,
    ExtrasPromises,
):
    """All of them."""

    def test_nothing_is_overridden_quietly(self) -> None:
        for name in dir(StorageConformance):
            mine = getattr(type(self), name)
            if not name.startswith("test_") or mine is getattr(StorageConformance, name):
                continue
            marks = [mark for mark in getattr(mine, "pytestmark", []) if mark.name == "xfail"]
            assert any(mark.kwargs.get("reason") for mark in marks), f"{name} is overridden without a reason"


__all__ = ["StorageConformance"]
