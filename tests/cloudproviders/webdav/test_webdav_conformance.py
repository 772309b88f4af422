"""The promises of the waist, kept on every server there is; what one of them cannot is said with a reason."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from skycap.cloudproviders.webdav.storage import _EXTRAS, _SHARES, WebDav
from skycap.core.storage import Storage
from skycap.core.storage.capability import Capability
from skycap.core.testing import StorageConformance
from skycap.core.testing.conformance.names import _PAIRS
from tests.cloudproviders.webdav.nextcloud import Nextcloud
from tests.cloudproviders.webdav.servers import Rclone, Skycap, WsgiDav

_replaces_in_two_steps = pytest.mark.xfail(
    reason="the server removes the target before it moves another file there", strict=False
)

_meets_others = pytest.mark.xfail(
    reason="the server answers with errors where several replace one file at once", strict=False
)


class TestSkycap(StorageConformance):
    @pytest.fixture
    def storage(self, skycap: Skycap) -> Iterator[WebDav]:
        with skycap.fresh() as storage:
            yield storage

    def test_it_is_known_for_what_it_can(self, storage: WebDav) -> None:
        assert storage.traits.vendor == "skycap"
        assert storage.traits.atomic_put
        # Of deep listings, a server of ours gives bounded ones only.
        lacking = {Capability.SCAN_ALL, Capability.UPLOAD} | _SHARES | _EXTRAS
        assert storage.capabilities == WebDav.capabilities - lacking


class TestSkycapOverMemory(StorageConformance):
    @pytest.fixture
    def storage(self, skycap_memory: Skycap) -> Iterator[WebDav]:
        with skycap_memory.fresh() as storage:
            yield storage


class TestRclone(StorageConformance):
    @pytest.fixture
    def storage(self, rclone: Rclone) -> Iterator[WebDav]:
        with rclone.fresh() as storage:
            yield storage

    @_replaces_in_two_steps
    def test_whoever_reads_while_others_write_sees_old_or_new(self, storage: Storage) -> None:
        super().test_whoever_reads_while_others_write_sees_old_or_new(storage)

    @_meets_others
    def test_threads_may_share_it(self, storage: Storage) -> None:
        super().test_threads_may_share_it(storage)

    @_meets_others
    def test_of_two_writers_one_wins_whole(self, storage: Storage) -> None:
        super().test_of_two_writers_one_wins_whole(storage)

    @pytest.mark.xfail(reason="rclone takes both Unicode forms of a name for one", strict=False)
    @pytest.mark.parametrize("pair", _PAIRS)
    def test_names_that_look_alike_are_two_files(self, storage: Storage, pair: str) -> None:
        super().test_names_that_look_alike_are_two_files(storage, pair)


class TestWsgiDav(StorageConformance):
    @pytest.fixture
    def storage(self, wsgidav: WsgiDav) -> Iterator[WebDav]:
        with wsgidav.fresh() as storage:
            yield storage

    @_replaces_in_two_steps
    def test_whoever_reads_while_others_write_sees_old_or_new(self, storage: Storage) -> None:
        super().test_whoever_reads_while_others_write_sees_old_or_new(storage)

    @_meets_others
    def test_threads_may_share_it(self, storage: Storage) -> None:
        super().test_threads_may_share_it(storage)

    @_meets_others
    def test_of_two_writers_one_wins_whole(self, storage: Storage) -> None:
        super().test_of_two_writers_one_wins_whole(storage)


_names_by_time = pytest.mark.xfail(reason="a cloud names old versions by their time, not by their ETag")


class TestNextcloud(StorageConformance):
    @pytest.fixture
    def storage(self, nextcloud: Nextcloud) -> Iterator[WebDav]:
        nextcloud.cloud.shares.clear()
        nextcloud.cloud.uploads.clear()
        with nextcloud.fresh(chunk_size="5MiB") as storage:
            yield storage

    @_names_by_time
    def test_an_old_version_can_be_read(self, storage: Storage) -> None:
        super().test_an_old_version_can_be_read(storage)

    @_names_by_time
    def test_an_old_version_is_restored_as_the_newest(self, storage: Storage) -> None:
        super().test_an_old_version_is_restored_as_the_newest(storage)

    @pytest.mark.xfail(reason="the history of a removed file is in the trash with it")
    def test_a_removed_file_keeps_its_history(self, storage: Storage) -> None:
        super().test_a_removed_file_keeps_its_history(storage)

    @pytest.mark.xfail(reason="the history of a removed file is in the trash with it")
    def test_a_removed_file_comes_back_from_its_history(self, storage: Storage) -> None:
        super().test_a_removed_file_comes_back_from_its_history(storage)

    @_names_by_time
    def test_what_comes_back_from_its_history_has_its_metadata(self, storage: Storage) -> None:
        super().test_what_comes_back_from_its_history_has_its_metadata(storage)
