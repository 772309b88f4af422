from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skycap.core.crypto.ctr import Ctr, counter_at
from skycap.core.errors import ConfigInvalid

# NIST SP 800-38A, F.5.5: CTR-AES256.Encrypt
KEY = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
COUNTER = bytes.fromhex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
PLAIN = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)
SEALED = bytes.fromhex(
    "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
    "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6"
)


def key_stream(counter: int, blocks: int) -> bytes:
    """The definition: each counter block through the block cipher, one by one."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    block_cipher = Cipher(algorithms.AES256(KEY), modes.ECB()).encryptor()
    numbers = ((counter + block) % 2**128 for block in range(blocks))
    return b"".join(block_cipher.update(number.to_bytes(16, "big")) for number in numbers)


def test_the_vector_of_sp_800_38a() -> None:
    assert Ctr(KEY, COUNTER).update(PLAIN) == SEALED
    assert Ctr(KEY, COUNTER).update(SEALED) == PLAIN


@given(offset=st.integers(0, 64), first=st.integers(0, 64))
def test_any_offset_gives_the_bytes_of_the_whole(offset: int, first: int) -> None:
    stream = Ctr(KEY, COUNTER, offset=offset)
    assert stream.update(PLAIN[offset : offset + first]) == SEALED[offset : offset + first]
    assert stream.tell() == min(offset + first, 64)
    stream.seek(offset)
    assert stream.tell() == offset
    assert stream.update(PLAIN[offset:]) == SEALED[offset:]


@given(before=st.integers(0, 4), offset=st.integers(0, 100), bits=st.sampled_from([8, 32, 64, 96, 128]))
@example(before=1, offset=16, bits=64)
@example(before=1, offset=16, bits=128)
def test_the_counter_carries_through_all_its_bits(before: int, offset: int, bits: int) -> None:
    counter = 2**bits - before
    expected = key_stream(counter, 10)[offset:160]
    start = (counter % 2**128).to_bytes(16, "big")
    assert Ctr(KEY, start, offset=offset).update(bytes(160 - offset)) == expected


def test_a_seek_over_many_gigabytes_carries_too() -> None:
    block = 2**40 + 3
    start = 2**64 - 5
    stream = Ctr(KEY, start.to_bytes(16, "big"), offset=block * 16 + 7)
    assert stream.update(bytes(25)) == key_stream(start + block, 2)[7:]
    assert counter_at(b"\xff" * 16, 1) == bytes(16)


def test_a_buffer_can_be_worked_on_in_place() -> None:
    buffer = bytearray(PLAIN)
    stream = Ctr(KEY, COUNTER)
    assert stream.update_into(buffer, buffer) == 64
    assert (bytes(buffer), stream.tell()) == (SEALED, 64)


@pytest.mark.parametrize(("key", "counter"), [(KEY[:16], COUNTER), (KEY, COUNTER[:12])])
def test_a_key_or_counter_of_another_length_is_refused(key: bytes, counter: bytes) -> None:
    with pytest.raises(ConfigInvalid, match="bytes"):
        Ctr(key, counter)


def test_a_negative_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="before the start"):
        Ctr(KEY, COUNTER).seek(-1)
