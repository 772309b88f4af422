"""The promises of the waist, kept by a bucket without versions; and by one with, where that matters."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from skycap.cloudproviders.s3.options import S3Options
from skycap.cloudproviders.s3.storage import S3
from skycap.core.storage import Storage
from skycap.core.testing import StorageConformance
from skycap.core.testing.conformance.conditions import ConditionPromises
from skycap.core.testing.conformance.extras import ExtrasPromises
from skycap.core.testing.conformance.metadata import MetadataPromises
from skycap.core.testing.conformance.moving import MovingPromises
from skycap.core.testing.conformance.reading import ReadingPromises

_forgets = pytest.mark.xfail(reason="a bucket without versioning keeps only the newest state")


class TestS3(StorageConformance):
    @pytest.fixture
    def storage(self, options: Callable[..., S3Options], bucket: str) -> Iterator[S3]:
        with S3(options(part_size="5MiB"), bucket) as storage:
            yield storage

    @_forgets
    def test_an_old_version_can_be_read(self, storage: Storage) -> None:
        super().test_an_old_version_can_be_read(storage)

    @_forgets
    def test_the_history_of_a_file_is_newest_first(self, storage: Storage) -> None:
        super().test_the_history_of_a_file_is_newest_first(storage)

    @_forgets
    def test_a_removed_file_keeps_its_history(self, storage: Storage) -> None:
        super().test_a_removed_file_keeps_its_history(storage)

    @_forgets
    def test_an_old_version_is_restored_as_the_newest(self, storage: Storage) -> None:
        super().test_an_old_version_is_restored_as_the_newest(storage)

    @_forgets
    def test_a_removed_file_comes_back_from_its_history(self, storage: Storage) -> None:
        super().test_a_removed_file_comes_back_from_its_history(storage)

    @_forgets
    def test_what_comes_back_from_its_history_has_its_metadata(self, storage: Storage) -> None:
        super().test_what_comes_back_from_its_history_has_its_metadata(storage)

    @_forgets
    def test_one_version_is_removed_for_good(self, storage: Storage) -> None:
        super().test_one_version_is_removed_for_good(storage)


class TestS3WithVersions(
    ReadingPromises, ConditionPromises, MovingPromises, MetadataPromises, ExtrasPromises
):
    @pytest.fixture
    def storage(self, options: Callable[..., S3Options], versioned: str) -> Iterator[S3]:
        with S3(options(part_size="5MiB"), versioned) as storage:
            yield storage
