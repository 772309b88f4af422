"""What authenticates and still cannot be right: made by a faulty program, or by somebody who has the key."""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from typing import Any

import msgpack
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from skycap.backup.format import canonical, limits, packed
from skycap.backup.format.blobs import OVERHEAD, BlobOpener, BlobSealer
from skycap.backup.format.compression import Codec, Decompressor
from skycap.backup.format.index import open_index
from skycap.backup.format.keys import Keys, Kind, ObjectType
from skycap.backup.format.leases import open_lease
from skycap.backup.format.marks import open_mark
from skycap.backup.format.sealed import HEADER_SIZE, open_sealed, seal
from skycap.backup.format.snapshots import open_snapshot
from skycap.backup.format.suites import Suite
from skycap.backup.format.tables import read_columns
from skycap.core.errors import Damaged, FormatUnsupported, TamperDetected
from tests.backup.format.conftest import MASTER, NOW, REPOSITORY, RUN

KEYS = Keys(MASTER, REPOSITORY, Suite.AES_256_GCM)
NAME = b"n" * 32
OPENER = BlobOpener(KEYS, Kind.DATA)


def sealed_frame(raw: bytes, frame: bytes) -> tuple[bytes, memoryview]:
    out = memoryview(bytearray(len(frame) + OVERHEAD))
    blob_id = KEYS.blob_id(Kind.DATA, raw)
    BlobSealer(KEYS, Kind.DATA).seal_into(blob_id, frame, out)
    return blob_id, out


class TestDecompression:
    def test_a_bomb_is_not_unpacked(self) -> None:
        raw = b"small"
        bomb = zstandard.ZstdCompressor().compress(bytes(64 * limits.MIB))
        blob_id, stored = sealed_frame(raw, bomb)
        with pytest.raises(Damaged, match="another size"):
            OPENER.open(blob_id, stored, len(raw), Codec.ZSTD)

    def test_a_bomb_that_does_not_say_its_size_is_not_unpacked(self) -> None:
        raw = b"small"
        silent = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(64 * limits.MIB))
        blob_id, stored = sealed_frame(raw, silent)
        with pytest.raises(Damaged, match="another size"):
            OPENER.open(blob_id, stored, len(raw), Codec.ZSTD)

    def test_a_frame_that_lies_about_its_size_fills_no_more_than_promised(self) -> None:
        raw = bytes(5_000)
        frame = bytearray(zstandard.ZstdCompressor().compress(bytes(60_000)))
        assert zstandard.frame_content_size(bytes(frame)) == 60_000
        at = frame.index(struct.pack("<H", 60_000 - 256))
        frame[at : at + 2] = struct.pack("<H", 5_000 - 256)
        blob_id, stored = sealed_frame(raw, bytes(frame))
        with pytest.raises((Damaged, TamperDetected)):
            OPENER.open(blob_id, stored, len(raw), Codec.ZSTD)

    def test_a_sealed_object_does_not_unpack_to_more_than_its_type_may_hold(self) -> None:
        body = zstandard.ZstdCompressor().compress(bytes(limits.LEASE_RAW + 1))
        with pytest.raises(Damaged):
            open_sealed(KEYS, ObjectType.LEASE, frame_of(1, len(body), limits.LEASE_RAW + 1, body))

    @pytest.mark.parametrize("frame", [b"", b"no frame", b"\x28\xb5\x2f\xfd"])
    def test_what_is_no_frame_is_said_to_be_none(self, frame: bytes) -> None:
        with pytest.raises(Damaged):
            Decompressor().unpack_into(frame, memoryview(bytearray(9)))

    def test_a_frame_that_is_cut_off_is_noticed(self) -> None:
        frame = zstandard.ZstdCompressor().compress(os.urandom(300_000))
        for size in (len(frame) // 2, len(frame) - 1):
            with pytest.raises(Damaged):
                Decompressor().unpack_into(frame[:size], memoryview(bytearray(300_000)))


@pytest.mark.parametrize(
    ("raw_length", "codec", "stored"),
    [
        (0, 0, bytes(40)),
        (17 * limits.MIB, 0, bytes(40)),
        (12, 2, bytes(40)),
        (13, 0, bytes(40)),
        (1, 0, bytes(28)),
        (1, 0, b""),
    ],
)
def test_impossible_lengths_are_refused_before_they_are_used(
    raw_length: int, codec: int, stored: bytes
) -> None:
    with pytest.raises(Damaged):
        OPENER.open(NAME, stored, raw_length, codec)
    with pytest.raises(Damaged):
        OPENER.open_into(NAME, stored, raw_length, codec, memoryview(bytearray(20 * limits.MIB)))


def frame_of(codec: int, size: int, raw_length: int, stored: bytes, zeros: bytes = b"") -> bytes:
    """A sealed lease with any lengths in it."""
    header = seal(KEYS, ObjectType.LEASE, b"x")[:HEADER_SIZE]
    plain = struct.pack("<BxxxII", codec, size, raw_length) + stored + zeros
    cipher = KEYS.make_cipher(KEYS.seal_key(ObjectType.LEASE, header[8:]))
    return header + cipher.encrypt(bytes(12), plain, header + REPOSITORY)


@pytest.mark.parametrize(
    "frame",
    [
        (0, 5, 5, b"four"),
        (0, 4, 5, b"four"),
        (0, 3, 3, b"four"),
        (0, 4, 4, b"four", b"\0\1"),
        (2, 4, 4, b"four"),
        (1, 4, 4, b"four"),
    ],
    ids=repr,
)
def test_lengths_in_an_object_that_do_not_fit_are_refused(frame: tuple[Any, ...]) -> None:
    with pytest.raises(Damaged):
        open_sealed(KEYS, ObjectType.LEASE, frame_of(*frame))
    assert open_sealed(KEYS, ObjectType.LEASE, frame_of(0, 4, 4, b"four", bytes(9))) == b"four"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x91",
        b"\x91\x01\x01",
        b"\xd6\xff\0\0\0\0",
        b"\x91\xd4\x05\x01",
        b"\x91" * 5_000,
        b"\xdd\xff\xff\xff\xff",
        b"\x91\xa1\xff",
        b"\x91\x81\x01\x02",
        b"\x81\xa1a\x01",
        b"\x92\x01\x02",
        b"\x05",
        b"\x91\x81\x90\x01",
    ],
)
def test_msgpack_is_strict(data: bytes) -> None:
    with pytest.raises(Damaged):
        packed.loads(data, "it", length=1)


@given(data=st.binary(max_size=60))
def test_any_bytes_are_an_array_or_an_error(data: bytes) -> None:
    with suppress(Damaged):
        assert len(packed.loads(data, "it", length=1)) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"1",
        b'{"a":1.0}',
        b'{"a":NaN}',
        b'{"a": 1}',
        b'{"b":1,"a":1}',
        b'{"a":1,"a":1}',
        b'{"a":"\\u0041"}',
        b'{"a":"\\/"}',
        b'{"a":9223372036854775808}',
        b'{"a":[-9223372036854775809]}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":1}\n',
        b'{"a":' + b"[" * 100_000,
        b'{"a":01}',
        b'{"a":-0}',
        b'{"a":1e2}',
    ],
)
def test_json_has_one_form(data: bytes) -> None:
    with pytest.raises(Damaged):
        canonical.loads(data, "it")


@pytest.mark.parametrize("text", ["base64:", "base64:eA==", "base64:?", "base64:/x==", "base64:/w", "\ud800"])
def test_a_path_has_one_form(text: str) -> None:
    with pytest.raises(Damaged):
        canonical.unpack_path(text)


def columns(*lengths: tuple[int, int, int]) -> list[Any]:
    """Stored length, raw length and codec of blobs, as columns."""
    stored, raws, codecs = zip(*lengths, strict=True)
    count = len(lengths)
    return [
        bytes(32 * count),
        struct.pack(f"<{count}I", *stored),
        struct.pack(f"<{count}I", *raws),
        bytes(codecs),
    ]


GOOD = columns((40, 12, 0), (40, 500, 1))


def test_a_good_table_is_read() -> None:
    assert [entry[1:] for entry in read_columns(Kind.DATA, tuple(GOOD), "it")] == [
        (8, 40, 12, 0),
        (48, 40, 500, 1),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        GOOD[:3],
        [*GOOD[:3], 5],
        [b"", b"", b"", b""],
        [bytes(32), *GOOD[1:]],
        [GOOD[0], bytes(4), *GOOD[2:]],
        columns((28, 12, 1)),
        columns((40, 13, 0)),
        columns((40, 0, 1)),
        columns((40, 12, 2)),
        columns((40, 16 * limits.MIB + 1, 1)),
        columns((16 * limits.MIB + 29, 5, 1)),
        columns(*[(16 * limits.MIB, 5, 1)] * 10),
        [bytes(32 * 65_537), bytes(4 * 65_537), bytes(4 * 65_537), bytes(65_537)],
    ],
)
def test_a_table_that_cannot_be_is_refused(wrong: list[Any]) -> None:
    with pytest.raises(Damaged):
        read_columns(Kind.DATA, tuple(wrong), "it")


def test_tree_blobs_are_smaller() -> None:
    large = tuple(columns((40, 5 * limits.MIB, 1)))
    assert len(read_columns(Kind.DATA, large, "it")) == 1
    with pytest.raises(Damaged):
        read_columns(Kind.TREE, large, "it")


def sealed(kind: ObjectType, body: Any) -> bytes:
    context = RUN if kind is ObjectType.LEASE else b""
    return seal(KEYS, kind, packed.dumps(body), context=context)


PACK = [NAME, 4_096, 1, *GOOD]


@pytest.mark.parametrize(
    "body",
    [
        [],
        [2, [], [], b"", {}],
        [1, {}, [], b"", {}],
        [1, [], {}, b"", {}],
        [1, [], [], b"", []],
        [1, [], [], b"x", {}],
        [1, [], [], 5, {}],
        [1, [], [5], b"", {}],
        [1, [], [["x", NAME]], b"", {}],
        [1, [], [[5, b"x"]], b"", {}],
        [1, [5], [], b"", {}],
        [1, [PACK[:6]], [], b"", {}],
        [1, [[b"short", *PACK[1:]]], [], b"", {}],
        [1, [[NAME, "x", *PACK[2:]]], [], b"", {}],
        [1, [[NAME, 4_096, 3, *GOOD]], [], b"", {}],
        [1, [[NAME, 4_096, True, *GOOD]], [], b"", {}],
        [1, [[NAME, 88, 1, *GOOD]], [], b"", {}],
        [1, [[NAME, limits.PACK + 1, 1, *GOOD]], [], b"", {}],
        [1, [[NAME, 4_096, 1, *GOOD[:3], b"\2\2"]], [], b"", {}],
    ],
    ids=lambda body: msgpack.packb(body)[:20].hex(),
)
def test_an_index_object_that_cannot_be_is_refused(body: Any) -> None:
    with pytest.raises(Damaged):
        open_index(KEYS, sealed(ObjectType.INDEX, body))
    assert open_index(KEYS, sealed(ObjectType.INDEX, [1, [PACK], [], b"", {}])).blobs == 2


@pytest.mark.parametrize(
    "body",
    [
        [],
        [2, 5, RUN, b"", b"", b"", {}],
        [1, "5", RUN, b"", b"", b"", {}],
        [1, 5, b"run", b"", b"", b"", {}],
        [1, 5, RUN, b"x", b"", b"", {}],
        [1, 5, RUN, b"", b"", b"", 5],
    ],
)
def test_a_mark_that_cannot_be_is_refused(body: Any) -> None:
    with pytest.raises(Damaged):
        open_mark(KEYS, sealed(ObjectType.MARK, body))


@pytest.mark.parametrize(
    "body",
    [
        [],
        [2, 1, 0, 5, 5, RUN, b"", {}],
        [1, 3, 0, 5, 5, RUN, b"", {}],
        [1, True, 0, 5, 5, RUN, b"", {}],
        [1, 1, "0", 5, 5, RUN, b"", {}],
        [1, 1, 0, 5, 5, b"run", b"", {}],
        [1, 1, 0, 5, 5, RUN, "host", {}],
        [1, 1, 0, 5, 5, RUN, b"", []],
    ],
)
def test_a_lease_that_cannot_be_is_refused(body: Any) -> None:
    with pytest.raises(Damaged):
        open_lease(KEYS, sealed(ObjectType.LEASE, body), RUN)


SNAPSHOT: dict[str, Any] = {
    "v": 1, "state": "complete", "start": NOW, "time": NOW, "host": "", "user": "", "paths": [],
    "names": "bytes", "root": {"depth": 0, "ids": []}, "name": "", "comment": "",
    "tags": {}, "parent": None, "original": None,
    "supersedes": [], "run": RUN.hex(), "chain": None, "pinned": False, "locked_until": None,
    "errors_total": 0,
    "objects": None, "stats": {}, "tool": {"name": "", "version": ""}, "profile": None,
}  # fmt: skip


def snapshot(change: dict[str, Any], **beside: Any) -> bytes:
    whole = {"body": {**SNAPSHOT, **change}, "sigs": [], **beside}
    return seal(KEYS, ObjectType.SNAPSHOT, canonical.dumps(whole))


@pytest.mark.parametrize(
    "change",
    [
        {"v": 0},
        {"v": "1"},
        {"state": "done"},
        {"time": "2026-11-25T10:00:00Z"},
        {"paths": ["base64:?"]},
        {"paths": "x"},
        {"names": "utf-16"},
        {"root": {"depth": 9, "ids": []}},
        {"root": {"depth": 0, "ids": ["ab"]}},
        {"root": {"depth": 0}},
        {"tags": {"a": 1}},
        {"tags": []},
        {"parent": "latest"},
        {"supersedes": [None]},
        {"run": "x"},
        {"chain": {"series": RUN.hex(), "seq": -1, "prev": None}},
        {"pinned": 1},
        {"locked_until": 5},
        {"errors_total": -1},
        {"errors_total": True},
        {"objects": {"count": 1}},
        {"stats": {"files": "many"}},
        {"tool": {}},
    ],
    ids=repr,
)
def test_a_snapshot_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Damaged):
        open_snapshot(KEYS, snapshot(change))
    open_snapshot(KEYS, snapshot({}))


def test_no_member_of_a_snapshot_may_be_missing() -> None:
    for name in SNAPSHOT:
        body = {other: value for other, value in SNAPSHOT.items() if other != name}
        with pytest.raises(Damaged):
            open_snapshot(KEYS, snapshot({}, body=body))
    for beside in ({"more": 1}, {"sigs": [5]}, {"sigs": None}, {"body": 5}):
        with pytest.raises(Damaged):
            open_snapshot(KEYS, snapshot({}, **beside))


def test_a_snapshot_of_a_later_version_is_said_to_be_one() -> None:
    with pytest.raises(FormatUnsupported):
        open_snapshot(KEYS, snapshot({"v": 2}))
