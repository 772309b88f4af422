"""One bucket under two addresses: whatever is moved from the one to the other stays there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from skycap.cloudproviders.s3.client import Client
from skycap.cloudproviders.s3.options import S3Options
from skycap.cloudproviders.s3.storage import S3
from skycap.core.errors import Conflict, UsageError
from skycap.core.location import Location
from skycap.core.storage import Storage
from skycap.core.storage.overlays.crypt import Crypt, KeyFile
from skycap.core.storage.overlays.retry import Retrying
from skycap.core.testing.proxy import TroublingProxy
from skycap.core.transfer.compare import Compare
from skycap.core.transfer.engine import Transfer
from skycap.core.transfer.options import TransferOptions
from skycap.core.units import MiB
from tests.cloudproviders.seaweed import SeaweedFS

TREE = {"top/a": b"alpha", "top/d/b": b"beta" * 1000, "top/empty": b"", "top/large": bytes(11 * MiB)}
# Large files go in parts.
PARTS = {"part_size": 5 * MiB, "upload_from": 10 * MiB}


@pytest.fixture
def alias(server: SeaweedFS) -> Iterator[str]:
    """The server under an address that nobody can know to be the same."""
    with TroublingProxy(server.endpoint) as proxy:
        yield proxy.endpoint


@pytest.fixture
def opened(options: Callable[..., S3Options], bucket: str) -> Iterator[Callable[..., S3]]:
    """The bucket at an address."""
    with ExitStack() as stack:
        yield lambda endpoint: stack.enter_context(S3(options(endpoint=endpoint, **PARTS), bucket))


def filled(storage: Storage) -> Storage:
    for path, content in TREE.items():
        storage.write(path, content)
    return storage


def assert_all_there(storage: Storage) -> None:
    for path, content in TREE.items():
        with storage.read(path) as reader:
            assert reader.read() == content, path


def moved(tmp_path: Path, ours: Location, theirs: Location, **more: Any) -> Transfer:
    transfer = Transfer(ours, theirs, state_folder=str(tmp_path / "state"), **more)
    transfer.move()
    return transfer


@pytest.mark.parametrize("host", ["localhost", "127.1", "[::1]", "0.0.0.0", "LOCALHOST.", "any.localhost"])
def test_a_move_between_two_names_of_this_machine_is_refused(
    tmp_path: Path, opened: Callable[..., S3], server: SeaweedFS, host: str
) -> None:
    here, there = filled(opened(server.endpoint)), opened(f"http://{host}:{server.port}")
    for ours, theirs in (("top", "top"), ("top", "top/d"), ("top/d", "top"), ("", "")):
        with pytest.raises(UsageError):
            moved(tmp_path, Location(here, ours), Location(there, theirs))
        with pytest.raises(UsageError):
            moved(tmp_path, Location(there, ours), Location(here, theirs))
    assert_all_there(here)


@pytest.mark.parametrize("compare", list(Compare))
@pytest.mark.parametrize("verify", [False, True])
@pytest.mark.parametrize("back", [False, True])
def test_a_move_to_itself_under_an_unknown_address_removes_nothing(
    tmp_path: Path, opened: Callable[..., S3], server: SeaweedFS, alias: str, *,
    compare: Compare, verify: bool, back: bool,
) -> None:  # fmt: skip
    here, there = filled(opened(server.endpoint)), opened(alias)
    assert here.identity != there.identity
    pair = (there, here) if back else (here, there)
    options = TransferOptions(compare=compare, verify=verify)
    for _ in range(2):  # the second one remembers what the first one saw
        result = moved(tmp_path, *(Location(one, "top") for one in pair), options=options).result
        assert result.counts.removed == 0
        assert len(result.failures) == len(TREE)
        assert all(isinstance(failure.error, Conflict) for failure in result.failures)
        assert_all_there(here)


def test_a_single_file_stays_too(
    tmp_path: Path, opened: Callable[..., S3], server: SeaweedFS, alias: str
) -> None:
    here, there = filled(opened(server.endpoint)), opened(alias)
    for path in TREE:
        result = moved(tmp_path, Location(here, path), Location(there, path), single=True).result
        (failure,) = result.failures
        assert isinstance(failure.error, Conflict)
    assert_all_there(here)


def test_what_is_sealed_or_tried_again_stays_too(
    tmp_path: Path, opened: Callable[..., S3], server: SeaweedFS, alias: str
) -> None:
    (tmp_path / "key").write_bytes(bytes(range(32)))
    key = KeyFile(str(tmp_path / "key"))
    here, there = (Crypt(Retrying(opened(url)), key, base="v") for url in (server.endpoint, alias))
    here.make_dir("")
    filled(here)
    result = moved(tmp_path, Location(here, "top"), Location(there, "top")).result
    assert (result.counts.removed, len(result.failures)) == (0, len(TREE))
    assert_all_there(here)


def test_a_versioned_bucket_gets_no_delete_markers(
    tmp_path: Path, client: Client, versioned: str, options: Callable[..., S3Options], alias: str
) -> None:
    with S3(options(), versioned) as here, S3(options(endpoint=alias), versioned) as there:
        filled(here)
        moved(tmp_path, Location(here, "top"), Location(there, "top"))
        assert_all_there(here)
        assert not any(version.deleted for version in here.versions().list("top/a"))


def test_a_move_into_a_folder_of_itself_under_an_unknown_address_loses_nothing(
    tmp_path: Path, opened: Callable[..., S3], server: SeaweedFS, alias: str
) -> None:
    here, there = filled(opened(server.endpoint)), opened(alias)
    moved(tmp_path, Location(here, "top"), Location(there, "top/in"))
    sizes = sorted(entry.size or 0 for entry in here.scan_all(""))
    assert sizes == sorted(len(content) for content in TREE.values())
