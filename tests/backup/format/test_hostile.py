"""Whatever a store makes of an object, it is noticed: one bit, a shorter end, another object in its place."""

from __future__ import annotations

import itertools
import os

import pytest

from skycap.backup.format.blobs import BlobOpener, BlobSealer
from skycap.backup.format.compression import Codec
from skycap.backup.format.keys import Keys, Kind, ObjectType
from skycap.backup.format.leases import open_lease
from skycap.backup.format.names import Folder, name_of, object_path, verify_name
from skycap.backup.format.packs import footer_size, read_footer, read_pack
from skycap.backup.format.sealed import OVERHEAD, open_sealed, seal
from skycap.backup.format.suites import Suite
from skycap.core.errors import Damaged, Error, FormatUnsupported, TamperDetected
from tests.backup.format.conftest import (
    KINDS,
    MASTER,
    REPOSITORY,
    RUN,
    Case,
    cases,
    pack_of,
    sealed_blob,
)

SEEN = (Damaged, TamperDetected, FormatUnsupported)


@pytest.fixture
def case(request: pytest.FixtureRequest, keys: Keys) -> Case:
    return cases(keys)[request.param]


@pytest.mark.parametrize("case", KINDS, indirect=True)
def test_it_reads_as_it_is(case: Case, keys: Keys) -> None:
    case.read(keys, case.stored)


@pytest.mark.parametrize("case", KINDS, indirect=True)
def test_every_single_bit_is_noticed_without_the_name(case: Case, keys: Keys) -> None:
    changed = bytearray(case.stored)
    for at, bit in itertools.product(range(len(changed)), range(8)):
        changed[at] ^= 1 << bit
        with pytest.raises(SEEN):
            case.read(keys, bytes(changed))
        changed[at] ^= 1 << bit


@pytest.mark.parametrize("case", KINDS, indirect=True)
def test_every_truncation_and_a_longer_end_are_noticed(case: Case, keys: Keys) -> None:
    for size in range(len(case.stored)):
        with pytest.raises(SEEN):
            case.read(keys, case.stored[:size])
    with pytest.raises(SEEN):
        case.read(keys, case.stored + b"\0")


@pytest.mark.parametrize("case", KINDS, indirect=True)
def test_the_object_of_another_repository_does_not_open(case: Case, keys: Keys) -> None:
    others = [
        Keys(os.urandom(32), REPOSITORY, keys.suite),
        Keys(MASTER, b"repository two..", keys.suite),
    ]
    for other in others:
        theirs = cases(other)
        for name, one in cases(keys).items():
            if one.stored[:8] == case.stored[:8] and name != "config":
                with pytest.raises(SEEN):
                    one.read(keys, theirs[name].stored)


def test_no_object_opens_as_one_of_another_kind(keys: Keys) -> None:
    for reader, stored in itertools.permutations(cases(keys).values(), 2):
        with pytest.raises(SEEN):
            reader.read(keys, stored.stored)


def test_no_type_opens_as_another_even_under_its_number(keys: Keys) -> None:
    for made, read in itertools.permutations(ObjectType, 2):
        changed = bytearray(seal(keys, made, b"body"))
        with pytest.raises(TamperDetected):
            open_sealed(keys, read, changed)
        changed[6] = read
        with pytest.raises(TamperDetected):
            open_sealed(keys, read, changed)


def test_an_object_of_the_other_suite_is_refused() -> None:
    gcm, chacha = (Keys(MASTER, REPOSITORY, suite) for suite in Suite)
    for name, one in cases(gcm).items():
        if name != "config":
            with pytest.raises(SEEN):
                one.read(chacha, one.stored)


def test_an_object_under_the_name_of_another_is_noticed() -> None:
    path = object_path(Folder.SNAPSHOTS, name_of(b"mine"))
    verify_name(path, b"mine")
    for where, stored in [
        (path, b"yours"),
        ("config", b"mine"),
        ("keys/" + "0" * 32, b"mine"),
        ("x", b"mine"),
    ]:
        with pytest.raises(Damaged) as caught:
            verify_name(where, stored)
        assert caught.value.exit_status == 27
        assert caught.value.hint


def test_a_lease_opens_under_its_own_name_only(keys: Keys) -> None:
    one = cases(keys)["lease"].stored
    with pytest.raises(TamperDetected):
        open_lease(keys, one, RUN[::-1])


def test_a_blob_in_the_place_of_another_is_noticed(keys: Keys) -> None:
    mine, _, _ = sealed_blob(keys, Kind.DATA, b"mine")
    _, stored, codec = sealed_blob(keys, Kind.DATA, b"your")
    with pytest.raises(Damaged):
        BlobOpener(keys, Kind.DATA).open(mine, stored, 4, codec)
    tree, stored, codec = sealed_blob(keys, Kind.TREE, b"mine")
    assert tree != mine
    with pytest.raises(Damaged):
        BlobOpener(keys, Kind.DATA).open(tree, stored, 4, codec)


def test_a_wrong_content_under_a_right_tag_is_noticed_and_wiped(keys: Keys) -> None:
    blob_id = keys.blob_id(Kind.DATA, b"what was meant")
    stored = memoryview(bytearray(14 + 28))
    BlobSealer(keys, Kind.DATA).seal_into(blob_id, b"what was wrong", stored)
    out = memoryview(bytearray(b"x" * 20))
    with pytest.raises(TamperDetected) as caught:
        BlobOpener(keys, Kind.DATA).open_into(blob_id, stored, 14, Codec.RAW, out)
    assert caught.value.exit_status == 28
    assert out == bytes(14) + b"x" * 6


def test_what_does_not_authenticate_leaves_nothing_behind(keys: Keys) -> None:
    for compress in (False, True):
        raw = b"secret words " * 50
        blob_id, stored, codec = sealed_blob(keys, Kind.DATA, raw, compress=compress)
        changed = bytearray(stored)
        changed[-1] ^= 1
        out = memoryview(bytearray(b"x" * len(raw)))
        with pytest.raises(Damaged):
            BlobOpener(keys, Kind.DATA).open_into(blob_id, changed, len(raw), codec, out)
        assert out == bytes(len(raw))


def test_swapped_footers_and_kinds_are_noticed(keys: Keys) -> None:
    one, two = pack_of(keys, Kind.DATA, b"one"), pack_of(keys, Kind.DATA, b"longer")
    tail = footer_size(two, len(two))
    with pytest.raises(Damaged):
        read_pack(keys, Kind.DATA, one[: 8 + 31] + two[-tail:])
    with pytest.raises((Damaged, TamperDetected)):
        read_footer(keys, Kind.TREE, one, len(one))
    with pytest.raises(Damaged):
        read_footer(keys, Kind.DATA, one, len(one) + 512)
    with pytest.raises(Damaged):
        read_pack(keys, Kind.TREE, one)


@pytest.mark.parametrize("size", [0, 7, 8, 200, 170 * 1024 * 1024])
def test_no_pack_has_an_impossible_size(keys: Keys, size: int) -> None:
    with pytest.raises(Damaged):
        footer_size(bytes(8), size)
    with pytest.raises(Damaged):
        footer_size(b"", 4096)


def test_a_tail_shorter_than_the_footer_is_said_to_be_so(keys: Keys) -> None:
    pack = pack_of(keys, Kind.DATA, b"one")
    need = footer_size(pack[-8:], len(pack))
    assert read_footer(keys, Kind.DATA, pack[-need:], len(pack)).codecs == b"\0"
    with pytest.raises(Damaged, match="missing"):
        read_footer(keys, Kind.DATA, pack[1 - need :], len(pack))


def test_a_later_version_is_said_to_be_one(keys: Keys) -> None:
    for name in ("mark", "data pack"):
        case = cases(keys)[name]
        changed = bytearray(case.stored)
        changed[4] = 2
        with pytest.raises(FormatUnsupported) as caught:
            case.read(keys, bytes(changed))
        assert caught.value.exit_status == 26


def test_random_bytes_are_nothing(keys: Keys) -> None:
    for size in (0, 3, OVERHEAD - 1, OVERHEAD, 600):
        for case in cases(keys).values():
            with pytest.raises(Error):
                case.read(keys, os.urandom(size))
