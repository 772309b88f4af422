from __future__ import annotations

import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.core.crypto.hashing import keyed_blake3, kinds, new_hasher
from skycap.core.errors import ConfigInvalid, DependencyMissing, Unsupported

# The check values of each algorithm's own publication, or its digest of "abc".
KNOWN = [
    ("md5", b"abc", "900150983cd24fb0d6963f7d28e17f72"),
    ("sha1", b"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    ("sha256", b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
        "sha512",
        b"abc",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    ),
    ("blake3", b"", "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
    ("crc32", b"123456789", "cbf43926"),
    ("dropbox", b"hello", "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50"),
]

# test_vectors.json of the BLAKE3 repository: the first 32 bytes of "keyed_hash" by input length.
BLAKE3_KEY = b"whats the Elvish word for friend"
BLAKE3_KEYED = {
    0: "92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26",
    1: "6d7878dfff2f485635d39013278ae14f1454b8c0a3a2d34bc1ab38228a80c95b",
    1023: "c951ecdf03288d0fcc96ee3413563d8a6d3589547f2c2fb36d9786470f1b9d6e",
    1024: "75c46f6f3d9eb4f55ecaaee480db732e6c2105546f1e675003687c31719c7ba4",
    1025: "357dc55de0c7e382c900fd6e320acc04146be01db6a8ce7210b7189bd664ea69",
    2048: "879cf1fa2ea0e79126cb1063617a05b6ad9d0b696d0d757cf053439f60a99dd1",
    8193: "954a2a75420c8d6547e3ba5b98d963e6fa6491addc8c023189cc519821b4a1f5",
    31744: "efa53b389ab67c593dba624d898d0f7353ab99e4ac9d42302ee64cbf9939a419",
    102400: "1c35d1a5811083fd7119f5d5d1ba027b4d01c0c6c49fb6ff2cf75393ea5db4a7",
}


def pattern(length: int) -> bytes:
    return (bytes(range(251)) * (length // 251 + 1))[:length]


@pytest.mark.parametrize(("kind", "data", "expected"), KNOWN, ids=[known[0] for known in KNOWN])
def test_each_kind_gives_its_published_digest(kind: str, data: bytes, expected: str) -> None:
    hasher = new_hasher(kind)
    hasher.update(data)
    assert hasher.hexdigest() == hasher.digest().hex() == expected


@pytest.mark.parametrize(("kind", "expected"), [("crc32c", "e3069283"), ("crc64nvme", "ae8b14860a799888")])
def test_the_checksums_of_awscrt_give_their_check_values(kind: str, expected: str) -> None:
    pytest.importorskip("awscrt")
    hasher = new_hasher(kind)
    hasher.update(memoryview(b"12345"))
    hasher.update(bytearray(b"6789"))
    assert hasher.hexdigest() == expected


@pytest.mark.parametrize("kind", ["crc32c", "crc64nvme"])
def test_without_awscrt_its_checksums_say_what_to_install(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "awscrt", None)
    monkeypatch.setitem(sys.modules, "awscrt.checksums", None)
    with pytest.raises(DependencyMissing, match=kind) as caught:
        new_hasher(kind)
    assert "awscrt" in (caught.value.hint or "")


@pytest.mark.parametrize("length", BLAKE3_KEYED)
def test_keyed_blake3_gives_the_published_vectors(length: int) -> None:
    hasher = keyed_blake3(BLAKE3_KEY)
    hasher.update(pattern(length))
    assert hasher.hexdigest() == BLAKE3_KEYED[length]


def test_threads_do_not_change_a_keyed_hash() -> None:
    hasher = keyed_blake3(BLAKE3_KEY, max_threads=2)
    hasher.update(pattern(102400))
    assert hasher.hexdigest() == BLAKE3_KEYED[102400]


def test_keyed_blake3_wants_a_whole_key() -> None:
    with pytest.raises(ConfigInvalid, match="32 bytes"):
        keyed_blake3(b"short")


@pytest.mark.parametrize("kind", sorted(kinds() - {"crc32c", "crc64nvme"}))
@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=6))
def test_pieces_hash_like_the_whole(kind: str, data: bytes, cuts: list[int]) -> None:
    whole, pieces = new_hasher(kind), new_hasher(kind)
    whole.update(data)
    for begin, end in pairwise([0, *sorted(cuts), len(data)]):
        pieces.update(memoryview(data)[begin:end])
        pieces.digest()
    assert pieces.digest() == whole.digest()


@pytest.mark.parametrize("size", [0, 1, 4 * 2**20 - 1, 4 * 2**20, 4 * 2**20 + 1, 9 * 2**20])
def test_the_dropbox_hash_follows_its_description_at_every_block_border(size: int) -> None:
    import hashlib

    data = pattern(size)
    blocks = [data[begin : begin + 4 * 2**20] for begin in range(0, size, 4 * 2**20)]
    expected = hashlib.sha256(b"".join(hashlib.sha256(block).digest() for block in blocks))
    hasher = new_hasher("dropbox")
    for begin in range(0, size, 3_000_001):
        hasher.update(data[begin : begin + 3_000_001])
    assert hasher.digest() == expected.digest()


def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(Unsupported, match="sha3000") as caught:
        new_hasher("sha3000")
    assert "blake3" in (caught.value.hint or "")
