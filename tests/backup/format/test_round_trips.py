"""What is written is read again, whatever it is."""

from __future__ import annotations

import hashlib
import io
import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skycap.backup.format import canonical, limits, packed
from skycap.backup.format.blobs import BlobOpener, BlobSealer
from skycap.backup.format.chunkers import FixedChunker, chunker_for
from skycap.backup.format.compression import Codec, Compressor
from skycap.backup.format.contents import INLINE, Content, ContentWriter, expand
from skycap.backup.format.index import IndexObject, merged, needless, open_index, replacement, seal_index
from skycap.backup.format.keys import Keys, Kind, ObjectType
from skycap.backup.format.leases import Lease, LeaseKind, new_lease_name, open_lease, seal_lease
from skycap.backup.format.marks import Mark, open_mark, seal_mark
from skycap.backup.format.names import CONFIG, Folder, name_of, object_path, parse_path
from skycap.backup.format.nodes import LargeValue, Node, NodeType
from skycap.backup.format.packs import PackInfo, PackWriter, read_pack, verify_pack
from skycap.backup.format.padding import padded
from skycap.backup.format.sealed import open_sealed, seal
from skycap.backup.format.snapshots import Snapshot, State, open_snapshot, seal_snapshot, signed_bytes
from skycap.backup.format.suites import Suite
from skycap.backup.format.tables import BlobTable
from skycap.backup.format.trees import link_group, nodes_of, pieces
from skycap.core.errors import ConfigInvalid
from tests.backup.format.conftest import MASTER, NOW, REPOSITORY, RUN, sealed_blob

KEYS = Keys(MASTER, REPOSITORY, Suite.AES_256_GCM)
HASHES = st.binary(min_size=32, max_size=32)
IDS = st.lists(HASHES, max_size=4).map(b"".join)
CONTENTS = st.builds(Content, st.integers(0, limits.DEPTH), IDS)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
FILE_NAMES = st.binary(min_size=1, max_size=12).filter(
    lambda name: name not in (b".", b"..") and b"/" not in name and 0 not in name
)
XATTRS = st.dictionaries(
    st.binary(min_size=1, max_size=8),
    st.binary(max_size=20) | st.builds(LargeValue, st.integers(0, 2**40), st.integers(0, limits.DEPTH), IDS),
    max_size=3,
).map(lambda values: tuple(sorted(values.items())))
EXTRAS = st.dictionaries(
    st.text(max_size=6), INTEGERS | st.binary(max_size=9) | st.text(max_size=9) | st.booleans() | st.none()
)
COMMON: dict[str, Any] = {
    "mode": st.integers(0, 0o7777),
    "uid": st.integers(0, 2**32 - 1),
    "gid": st.integers(0, 2**32 - 1),
    "user": st.binary(max_size=9),
    "group": st.binary(max_size=9),
    "mtime_ns": INTEGERS,
    "ctime_ns": INTEGERS,
    "inode": st.integers(0, 2**64 - 1),
    "link": st.none() | st.binary(min_size=16, max_size=16),
    "xattrs": XATTRS,
    "extra": EXTRAS,
}
HOLES = st.none() | st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=4).map(
    lambda steps: tuple((sum(map(sum, steps[:at])) + gap, length) for at, (gap, length) in enumerate(steps))
)


def nodes_like(
    kind: st.SearchStrategy[NodeType], **fields: st.SearchStrategy[Any]
) -> st.SearchStrategy[Node]:
    every = {"name": FILE_NAMES, "type": kind, **COMMON, **fields}
    return st.fixed_dictionaries(every).map(lambda values: Node(**values))


NUMBERS = st.tuples(st.integers(0, 2**32), st.integers(0, 2**32))
DEVICES = st.sampled_from([NodeType.CHARACTER_DEVICE, NodeType.BLOCK_DEVICE])
NODES = st.one_of(
    nodes_like(st.just(NodeType.FILE), size=st.integers(100, 2**63 - 1), content=CONTENTS, holes=HOLES),
    nodes_like(st.just(NodeType.DIRECTORY), content=CONTENTS),
    nodes_like(st.just(NodeType.SYMLINK), target=st.binary(min_size=1, max_size=30)),
    nodes_like(st.just(NodeType.FIFO)),
    nodes_like(DEVICES, target=NUMBERS),
)


@given(kind=st.sampled_from(ObjectType), body=st.binary(max_size=3_000), context=st.binary(max_size=9))
def test_sealed_objects(kind: ObjectType, body: bytes, context: bytes) -> None:
    for compress in (False, True):
        stored = seal(KEYS, kind, body, context=context, compress=compress)
        assert len(stored) % 512 == 0
        assert open_sealed(KEYS, kind, stored, context=context) == body
    assert seal(KEYS, kind, body) != seal(KEYS, kind, body)


def test_a_body_over_its_limit_is_not_sealed() -> None:
    with pytest.raises(ConfigInvalid):
        seal(KEYS, ObjectType.LEASE, bytes(limits.LEASE_RAW + 1))


@given(raw=st.binary(min_size=1, max_size=5_000), kind=st.sampled_from(Kind), compress=st.booleans())
def test_blobs(raw: bytes, kind: Kind, compress: bool) -> None:
    blob_id, stored, codec = sealed_blob(KEYS, kind, raw, compress=compress)
    opener = BlobOpener(KEYS, kind)
    assert opener.open(blob_id, stored, len(raw), codec) == raw
    out = memoryview(bytearray(len(raw) + 7))
    assert opener.open_into(blob_id, memoryview(stored), len(raw), codec, out) == raw
    assert not any(out[len(raw) :])


def test_a_buffer_of_the_wrong_size_is_refused() -> None:
    blob_id, stored, codec = sealed_blob(KEYS, Kind.DATA, b"four")
    with pytest.raises(ConfigInvalid):
        BlobOpener(KEYS, Kind.DATA).open_into(blob_id, stored, 4, codec, memoryview(bytearray(3)))
    with pytest.raises(ConfigInvalid):
        BlobSealer(KEYS, Kind.DATA).seal_into(blob_id, b"four", memoryview(bytearray(31)))


def test_large_blobs_that_shrink_and_that_do_not() -> None:
    compressor = Compressor()
    noise, words = os.urandom(100_000), b"words and " * 10_000
    assert compressor.pack(noise)[1] is Codec.RAW
    assert compressor.pack(words)[1] is Codec.ZSTD
    assert compressor.pack(noise + words)[1] is Codec.ZSTD, "the middle is looked at as well"
    for raw in (noise, words, noise + words):
        packed_, codec = compressor.pack(raw)
        out = memoryview(bytearray(memoryview(packed_).nbytes + 28))
        blob_id = KEYS.blob_id(Kind.DATA, raw)
        BlobSealer(KEYS, Kind.DATA).seal_into(blob_id, packed_, out)
        assert BlobOpener(KEYS, Kind.DATA).open(blob_id, out, len(raw), codec) == raw


@settings(max_examples=30)
@given(raws=st.lists(st.binary(min_size=1, max_size=900), min_size=1, max_size=20, unique=True))
def test_packs(raws: list[bytes]) -> None:
    writer = PackWriter(KEYS, Kind.DATA, 4 * limits.MIB)
    for _ in range(2):
        for raw in raws:
            writer.add(KEYS.blob_id(Kind.DATA, raw), raw, len(raw), Codec.RAW)
        assert len(writer) == len(raws)
        info, view = writer.finish()
        opener = BlobOpener(KEYS, Kind.DATA)
        out = memoryview(bytearray(1_000))
        again = verify_pack(KEYS, Kind.DATA, view, opener, out)
        assert (again.name, again.size, list(again.table)) == (info.name, info.size, list(info.table))
        assert info.size == padded(info.size) == len(view)
        assert info.name == name_of(view)
        for raw, (blob_id, offset, length, raw_length, codec) in zip(raws, info.table, strict=True):
            assert opener.open(blob_id, view[offset : offset + length], raw_length, codec) == raw
        copied = PackWriter(KEYS, Kind.DATA, 4 * limits.MIB)
        for blob_id, offset, length, raw_length, codec in info.table:
            copied.add_sealed(blob_id, view[offset : offset + length], raw_length, codec)
        moved, moved_view = copied.finish()
        assert moved.name != info.name
        assert list(moved.table) == list(info.table)
        verify_pack(KEYS, Kind.DATA, moved_view, opener, out)
        writer.reset()


def test_a_pack_is_full_by_size_or_by_number() -> None:
    writer = PackWriter(KEYS, Kind.DATA, 4 * limits.MIB)
    with pytest.raises(ConfigInvalid):
        writer.finish()
    raw = os.urandom(limits.MIB)
    for _ in range(4):
        assert not writer.full
        writer.add(KEYS.blob_id(Kind.DATA, raw), raw, len(raw), Codec.RAW)
    assert writer.full
    with pytest.raises(ConfigInvalid):
        writer.add(bytes(32), b"x", 1, Codec.RAW)
    assert read_pack(KEYS, Kind.DATA, writer.finish()[1]).size <= writer.finish()[0].size
    writer.reset()
    for number in range(limits.PACK_BLOBS_WRITTEN):
        writer.add_sealed(number.to_bytes(32, "big"), bytes(29), 1, Codec.RAW)
    assert writer.full
    assert len(read_pack(KEYS, Kind.DATA, writer.finish()[1]).table) == limits.PACK_BLOBS_WRITTEN
    writer.reset()
    with pytest.raises(ConfigInvalid):
        writer.add_sealed(bytes(32), bytes(28), 1, Codec.RAW)
    with pytest.raises(ConfigInvalid):
        PackWriter(KEYS, Kind.DATA, limits.MIB)


def table(count: int, seed: int = 0) -> BlobTable:
    ids = hashlib.shake_128(f"{seed}".encode()).digest(32 * count)
    return BlobTable(ids, (100,) * count, (72,) * count, bytes(count))


PACKS = st.builds(PackInfo, HASHES, st.just(4_096), st.sampled_from(Kind), st.builds(lambda: table(3)))


@given(
    packs=st.lists(PACKS, max_size=3),
    dropped=st.dictionaries(HASHES, st.integers(0, 2**40), max_size=4),
    replaces=st.lists(HASHES, max_size=3).map(tuple),
)
def test_index_objects(packs: list[PackInfo], dropped: dict[bytes, int], replaces: tuple[bytes, ...]) -> None:
    index = IndexObject(tuple(packs), dropped, replaces)
    again = open_index(KEYS, seal_index(KEYS, index))
    assert (again.dropped, again.replaces, again.blobs) == (dropped, replaces, 3 * len(packs))
    for one, other in zip(again.packs, packs, strict=True):
        assert (one.name, one.size, one.kind) == (other.name, other.size, other.kind)
        assert list(one.table) == list(other.table)


def test_what_was_dropped_stays_so_in_any_order() -> None:
    pack, other = (PackInfo(name * 32, 4_096, Kind.DATA, table(2)) for name in (b"p", b"o"))
    objects = [
        IndexObject((pack, other)),
        IndexObject((), {pack.name: 5}),
        IndexObject((pack,), {pack.name: 3}),
    ]
    for order in (objects, objects[::-1]):
        packs, dropped = merged(order)
        assert packs.keys() == {other.name}
        assert dropped == {pack.name: 5}


def test_a_replacement_carries_over_young_drops() -> None:
    month = 30 * 24 * 3600
    objects = {
        b"a" * 32: IndexObject((), {b"y" * 32: 9 * month, b"z" * 32: month}, (b"c" * 32,)),
        b"b" * 32: IndexObject((), {}, (b"a" * 32, b"b" * 32)),
    }
    assert needless(objects) == {b"a" * 32}
    names = [b"b" * 32, b"a" * 32]
    assert replacement(objects, names, 10 * month) == ({b"y" * 32: 9 * month}, tuple(sorted(names)))


@given(names=st.lists(HASHES, max_size=4, unique=True), time_ns=INTEGERS)
def test_marks(names: list[bytes], time_ns: int) -> None:
    mark = Mark(time_ns, RUN, tuple(sorted(names)), (), tuple(sorted(names[:2])))
    assert open_mark(KEYS, seal_mark(KEYS, mark)) == mark


@given(kind=st.sampled_from(LeaseKind), seq=st.integers(0, 99), host=st.binary(max_size=20))
def test_leases(kind: LeaseKind, seq: int, host: bytes) -> None:
    lease, name = Lease(kind, 5, 6, RUN, seq, host), new_lease_name()
    assert open_lease(KEYS, seal_lease(KEYS, lease, name), name) == lease


@given(
    tags=st.dictionaries(st.text(), st.text(), max_size=3),
    stats=st.dictionaries(st.text(), INTEGERS, max_size=3),
    paths=st.lists(st.binary(max_size=12), max_size=3).map(tuple),
    root=CONTENTS,
    state=st.sampled_from(State),
    text=st.text(max_size=9),
    digest=st.none() | HASHES.map(bytes.hex),
    many=st.booleans(),
)
def test_snapshots(
    tags: dict[str, str],
    stats: dict[str, int],
    paths: tuple[bytes, ...],
    root: Content,
    state: State,
    text: str,
    digest: str | None,
    many: bool,
) -> None:
    later: dict[str, Any] = {
        "chain": {"series": RUN.hex(), "seq": 3, "prev": digest},
        "objects": {"count": 1, "bytes": 2, "digest": "ab" * 32},
        "pinned": True,
        "locked_until": NOW,
        "more": {"verified_by": [text]},
        "supersedes": ("cd" * 32,),
        "profile": text,
    }
    taken = Snapshot(
        NOW, NOW, root, RUN.hex(), state, text, text, paths, "wtf-8", text, text, tags, digest, digest,
        stats=stats, **(later if many else {}),
    )  # fmt: skip
    signatures = ({"alg": "ed25519", "key_id": "k", "sig": "s"},) if many else ()
    again = open_snapshot(KEYS, seal_snapshot(KEYS, taken, signatures=signatures))
    assert again.snapshot == taken
    assert again.signatures == signatures
    assert again.signed == signed_bytes(KEYS, taken)


@given(nodes=st.lists(NODES, max_size=6, unique_by=lambda node: node.name))
def test_directories(nodes: list[Node]) -> None:
    nodes.sort(key=lambda node: node.name)
    assert list(nodes_of(pieces(KEYS, nodes))) == nodes
    shuffled = [node._replace(extra=dict(reversed(node.extra.items()))) for node in nodes]
    assert list(pieces(KEYS, shuffled)) == list(pieces(KEYS, nodes))


def many_nodes(count: int) -> list[Node]:
    return [Node(f"file {number:07}".encode(), NodeType.FILE, content=Content()) for number in range(count)]


def test_a_large_directory_changes_by_one_piece() -> None:
    nodes = many_nodes(30_000)
    before = list(pieces(KEYS, nodes))
    assert len(before) > 5
    assert max(map(len, before)) <= limits.MIB + limits.KIB
    assert list(nodes_of(before)) == nodes
    nodes.insert(12_345, nodes[12_344]._replace(name=b"file 0012344!"))
    after = list(pieces(KEYS, nodes))
    assert len(set(after) - set(before)) <= 2


def test_the_entries_of_a_directory_must_rise() -> None:
    nodes = many_nodes(2)
    for wrong in (nodes[::-1], nodes[:1] * 2):
        with pytest.raises(ConfigInvalid):
            list(pieces(KEYS, wrong))
    with pytest.raises(ConfigInvalid):
        list(pieces(KEYS, [nodes[0]._replace(xattrs=((b"user.x", bytes(limits.NODE)),))]))


def id_of(number: int) -> bytes:
    return hashlib.sha256(number.to_bytes(8, "big")).digest()


class Blobs(dict[bytes, bytes]):
    def store(self, raw: bytes) -> bytes:
        blob_id = KEYS.blob_id(Kind.TREE, raw)
        self[blob_id] = raw
        return blob_id


def content_of(blobs: Blobs, ids: list[bytes]) -> Content:
    writer = ContentWriter(blobs.store)
    for one in ids:
        writer.add(one)
    return writer.finish()


@pytest.mark.parametrize("count", [0, 1, INLINE, INLINE + 1, 1_023, 1_024, 20_000])
def test_contents_of_any_length(count: int) -> None:
    blobs = Blobs()
    ids = [id_of(number) for number in range(count)]
    content = content_of(blobs, ids)
    assert (content.depth > 0) == (count > INLINE)
    assert len(content.ids) <= 32 * INLINE
    assert list(expand(content, blobs.__getitem__)) == ids


def test_a_long_content_changes_by_few_lists() -> None:
    blobs = Blobs()
    ids = [id_of(number) for number in range(100_000)]
    content = content_of(blobs, ids)
    before = len(blobs)
    ids.insert(50_000, id_of(-1 % 2**40))
    assert content_of(blobs, ids) != content
    assert len(blobs) - before <= 3


def test_contents_of_several_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    from skycap.backup.format import contents

    for name, value in (("INLINE", 2), ("_LEAST", 2), ("_MOST", 3), ("_EVERY", 2)):
        monkeypatch.setattr(contents, name, value)
    blobs = Blobs()
    ids = [id_of(number) for number in range(60)]
    content = content_of(blobs, ids)
    assert content.depth >= 3
    assert list(expand(content, blobs.__getitem__)) == ids


JSON = st.recursive(
    st.none() | st.booleans() | INTEGERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(value=st.dictionaries(st.text(), JSON, max_size=4))
def test_canonical_json(value: dict[str, Any]) -> None:
    assert canonical.loads(canonical.dumps(value), "it") == value


@given(path=st.binary(max_size=30) | st.text(max_size=9).map(lambda text: b"base64:" + text.encode()))
def test_paths_in_json(path: bytes) -> None:
    text = canonical.pack_path(path)
    assert canonical.unpack_path(text) == path
    text.encode()


@given(value=st.lists(INTEGERS | st.binary(max_size=9) | st.text(max_size=9) | st.none(), max_size=5))
def test_packed_arrays(value: list[Any]) -> None:
    assert packed.loads(packed.dumps(value), "it", length=len(value)) == tuple(value)


@given(size=st.integers(1, 2**28))
def test_padded_lengths_are_few_and_cheap(size: int) -> None:
    grown = padded(size)
    assert size <= grown == padded(grown)
    assert grown % 512 == 0
    assert grown - size < max(512, size / 64 + 1)
    assert padded(size + 1) >= grown


def test_there_are_few_padded_lengths() -> None:
    assert len({padded(size) for size in range(2**20, 2**21, 512)}) == 65


@pytest.mark.parametrize("folder", list(Folder))
def test_names(folder: Folder) -> None:
    name = os.urandom(16 if folder in (Folder.KEYS, Folder.LEASES) else 32)
    path = object_path(folder, name)
    if folder is Folder.RUNS:
        path = path.replace("runs/", "runs/2026/")
    assert parse_path(path) == (folder, name)
    assert len(path) <= 80
    for foreign in (path.upper(), path + "0", path[:-1], "x" + path, path + "\n", "/" + path, CONFIG):
        assert parse_path(foreign) is None


def test_a_pack_in_the_folder_of_another_is_foreign() -> None:
    path = object_path(Folder.DATA, b"\xaa" * 32)
    assert parse_path(path.replace("data/aa", "data/ab")) is None


def test_the_chunkers() -> None:
    content = os.urandom(100_000)
    cut = {"kind": "fastcdc", "min": 1024, "avg": 4096, "max": 16384, "normalization": 2}
    for chunking in (cut, {"kind": "fixed", "size": 4_096}):
        chunker = chunker_for(chunking, KEYS)
        ends = chunker.cut(content)
        streamed = [len(chunk) for chunk in chunker.chunks(io.BytesIO(content))]
        assert ends[-1] == len(content) == sum(streamed)
        assert [end - begin for begin, end in zip([0, *ends], ends, strict=False)] == streamed
        assert chunker.cut(b"") == []
        assert list(chunker.chunks(io.BytesIO())) == []
    other = Keys(MASTER, REPOSITORY, Suite.AES_256_GCM, chunker_secret=os.urandom(32))
    assert chunker_for(cut, other).cut(content) != chunker_for(cut, KEYS).cut(content)
    assert FixedChunker(50_000).cut(content) == [50_000, 100_000]
    assert [len(one) for one in FixedChunker(50_000).chunks(io.BytesIO(content))] == [50_000, 50_000]


def test_hard_links_are_told_apart_without_telling_the_device() -> None:
    groups = {link_group(KEYS, 1, 2), link_group(KEYS, 2, 1), link_group(KEYS, 1, 2)}
    assert {len(group) for group in groups} == {16}
    assert len(groups) == 2
