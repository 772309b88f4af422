"""One repository's keys, and a stored object of every kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from skycap.backup.format.blobs import OVERHEAD, BlobOpener, BlobSealer
from skycap.backup.format.compression import Codec, Compressor
from skycap.backup.format.config import Header, Settings, open_config, read_header, seal_config
from skycap.backup.format.contents import Content
from skycap.backup.format.index import IndexObject, open_index, seal_index
from skycap.backup.format.keys import Keys, Kind
from skycap.backup.format.leases import Lease, LeaseKind, open_lease, seal_lease
from skycap.backup.format.limits import MIB
from skycap.backup.format.marks import Mark, open_mark, seal_mark
from skycap.backup.format.packs import PackWriter, verify_pack
from skycap.backup.format.snapshots import Snapshot, open_snapshot, seal_snapshot
from skycap.backup.format.suites import Suite

MASTER = bytes(range(32))
REPOSITORY = b"repository one.."
RUN = b"the run has 16.."
NOW = "2026-11-25T10:00:00.000000000Z"
NAME = b"n" * 32


@pytest.fixture(params=list(Suite), ids=lambda suite: suite.name)
def keys(request: pytest.FixtureRequest) -> Keys:
    return Keys(MASTER, REPOSITORY, request.param)


@dataclass(frozen=True)
class Case:
    """A stored object, and what reads it wholly."""

    stored: bytes
    read: Callable[[Keys, bytes], Any]


def sealed_blob(keys: Keys, kind: Kind, raw: bytes, *, compress: bool = False) -> tuple[bytes, bytes, int]:
    """Id, stored bytes and codec of a blob."""
    packed, codec = Compressor().pack(raw, sample=False) if compress else (raw, Codec.RAW)
    out = memoryview(bytearray(memoryview(packed).nbytes + OVERHEAD))
    blob_id = keys.blob_id(kind, raw)
    BlobSealer(keys, kind).seal_into(blob_id, packed, out)
    return blob_id, bytes(out), codec


def pack_of(keys: Keys, kind: Kind, *raws: bytes) -> bytes:
    writer = PackWriter(keys, kind, 4 * MIB)
    for raw in raws:
        writer.add(keys.blob_id(kind, raw), raw, len(raw), Codec.RAW)
    return bytes(writer.finish()[1])


def read_whole_pack(keys: Keys, stored: bytes, kind: Kind = Kind.DATA) -> Any:
    return verify_pack(keys, kind, stored, BlobOpener(keys, kind), memoryview(bytearray(MIB)))


def cases(keys: Keys) -> dict[str, Case]:
    """One of each kind."""
    words, zeros = b"words of a file", bytes(2000)
    blob_id, blob, _ = sealed_blob(keys, Kind.DATA, words)
    zeros_id, small, codec = sealed_blob(keys, Kind.TREE, zeros, compress=True)
    pack = pack_of(keys, Kind.DATA, b"one", b"two")
    info = read_whole_pack(keys, pack)
    snapshot = Snapshot(NOW, NOW, Content(0, NAME), RUN.hex(), host="box", paths=(b"/srv/caf\xe9",))
    lease = Lease(LeaseKind.WRITER, 1, 2, RUN)
    return {
        "blob": Case(blob, lambda k, s: BlobOpener(k, Kind.DATA).open(blob_id, s, len(words), Codec.RAW)),
        "compressed blob": Case(
            small, lambda k, s: BlobOpener(k, Kind.TREE).open(zeros_id, s, len(zeros), codec)
        ),
        "data pack": Case(pack, read_whole_pack),
        "tree pack": Case(pack_of(keys, Kind.TREE, b"tree"), lambda k, s: read_whole_pack(k, s, Kind.TREE)),
        "index": Case(seal_index(keys, IndexObject((info,), {NAME: 9}, (NAME,))), open_index),
        "snapshot": Case(seal_snapshot(keys, snapshot), open_snapshot),
        "mark": Case(seal_mark(keys, Mark(5, RUN, data=(NAME,), tree=(NAME,))), open_mark),
        "lease": Case(seal_lease(keys, lease, RUN), lambda k, s: open_lease(k, s, RUN)),
        "config": Case(
            seal_config(keys, Header(REPOSITORY, keys.suite, NOW), Settings()),
            lambda k, s: open_config(MASTER, read_header(s)),
        ),
    }


KINDS = (
    "blob",
    "compressed blob",
    "data pack",
    "tree pack",
    "index",
    "snapshot",
    "mark",
    "lease",
    "config",
)
