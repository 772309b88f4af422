"""The promises of the waist, kept by a bucket with versions and by one without."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from skycap.cloudproviders.s3.options import S3Options
from skycap.cloudproviders.s3.storage import S3
from skycap.core.testing import StorageConformance


class TestS3(StorageConformance):
    @pytest.fixture
    def storage(self, options: Callable[..., S3Options], versioned: str) -> Iterator[S3]:
        with S3(options(part_size="5MiB"), versioned) as storage:
            yield storage
