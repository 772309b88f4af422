from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.core.crypto.names import MAX_PLAIN, NameCipher, may_be_sealed
from skycap.core.crypto.secret import Secret
from skycap.core.errors import ConfigInvalid, IntegrityError, PathInvalid

KEY = bytes(range(64))
NAMES = NameCipher(Secret(KEY))


def double(block: bytes) -> bytes:
    shifted = int.from_bytes(block, "big") << 1
    return ((shifted ^ (0x87 if shifted >> 128 else 0)) % 2**128).to_bytes(16, "big")


def xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def siv_by_the_book(key: bytes, plain: bytes, aad: bytes) -> bytes:
    """RFC 5297, sections 2.4 and 2.6, out of CMAC and CTR."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.cmac import CMAC

    def cmac(data: bytes) -> bytes:
        mac = CMAC(algorithms.AES(key[: len(key) // 2]))
        mac.update(data)
        return mac.finalize()

    mixed = xor(double(cmac(bytes(16))), cmac(aad))
    if len(plain) >= 16:
        siv = cmac(plain[:-16] + xor(plain[-16:], mixed))
    else:
        siv = cmac(xor((plain + b"\x80").ljust(16, b"\0"), double(mixed)))
    counter = bytearray(siv)
    counter[8] &= 0x7F
    counter[12] &= 0x7F
    cipher = Cipher(algorithms.AES(key[len(key) // 2 :]), modes.CTR(bytes(counter))).encryptor()
    return siv + cipher.update(plain)


def part_names() -> st.SearchStrategy[str]:
    raw = st.binary(min_size=1, max_size=MAX_PLAIN)
    legal = raw.filter(lambda name: name not in (b".", b"..") and b"/" not in name and b"\0" not in name)
    return legal.map(lambda name: name.decode("utf-8", "surrogateescape"))


def test_rfc_5297_a_1() -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    key = bytes.fromhex("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
    aad = bytes.fromhex("101112131415161718191a1b1c1d1e1f2021222324252627")
    plain = bytes.fromhex("112233445566778899aabbccddee")
    sealed = bytes.fromhex("85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c")
    assert AESSIV(key).encrypt(plain, [aad]) == siv_by_the_book(key, plain, aad) == sealed


@given(name=part_names(), aad=st.binary(max_size=40))
def test_a_sealed_name_is_what_the_rfc_says_and_opens_again(name: str, aad: bytes) -> None:
    sealed = NAMES.seal(name, aad=aad)
    expected = siv_by_the_book(KEY, name.encode("utf-8", "surrogateescape"), aad)
    assert base64.b32hexdecode(sealed.upper() + "=" * (-len(sealed) % 8)) == expected
    assert NAMES.open(sealed, aad=aad) == name


@given(name=part_names())
def test_sealed_names_suit_every_store(name: str) -> None:
    sealed = NAMES.seal(name)
    assert re.fullmatch(r"[0-9a-v]{1,255}", sealed)
    assert NAMES.open(sealed.upper()) == name


def test_a_stored_name_stays_readable() -> None:
    sealed = "l9dp20gbb2eskr9p4hvdo6vn2b1b1pmsjvd6h0p6i5hg"
    assert NAMES.seal("Grüße.txt", aad=b"folder") == sealed
    assert NAMES.open(sealed, aad=b"folder") == "Grüße.txt"


def test_bytes_that_are_no_text_come_back() -> None:
    name = b"caf\xe9\xff.txt".decode("utf-8", "surrogateescape")
    assert NAMES.open(NAMES.seal(name)) == name


def test_equal_names_look_equal_only_in_one_place() -> None:
    assert NAMES.seal("a", aad=b"x") == NAMES.seal("a", aad=b"x")
    assert NAMES.seal("a", aad=b"x") != NAMES.seal("a", aad=b"y")
    with pytest.raises(IntegrityError):
        NAMES.open(NAMES.seal("a", aad=b"x"), aad=b"y")


def test_the_longest_name_fits_and_one_byte_more_is_refused_with_the_limit() -> None:
    assert len(NAMES.seal("é" * 71 + "x")) == 255
    with pytest.raises(PathInvalid, match=r"144 bytes long.* 143.* 255"):
        NAMES.seal("é" * 72)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/", "a\0", "\ud800"])
def test_what_is_no_name_is_not_sealed(name: str) -> None:
    with pytest.raises(PathInvalid):
        NAMES.seal(name)


@pytest.mark.parametrize("name", [b"", b"..", b"../etc", b"a\0b"])
def test_a_name_that_would_leave_the_folder_is_not_opened(name: bytes) -> None:
    sealed = base64.b32hexencode(siv_by_the_book(KEY, name, b"")).decode().rstrip("=").lower()
    with pytest.raises(IntegrityError):
        NAMES.open(sealed)


@given(name=part_names(), where=st.integers(0), other=st.sampled_from("0123456789abcdefghijklmnopqrstuv"))
def test_any_changed_character_is_noticed(name: str, where: int, other: str) -> None:
    sealed = NAMES.seal(name)
    at = where % len(sealed)
    changed = sealed[:at] + other + sealed[at + 1 :]
    if changed != sealed:
        with pytest.raises(IntegrityError):
            NAMES.open(changed)


@pytest.mark.parametrize("name", ["", "README.md", "0", "w" * 30, "é" * 30, "0" * 26 + "=", "a b"])
def test_a_foreign_name_is_an_integrity_error(name: str) -> None:
    with pytest.raises(IntegrityError):
        NAMES.open(name)


@given(part_names(), st.sampled_from(["", "x", " (1)", ".tmp"]))
def test_a_sealed_name_may_be_one_whatever_was_put_around_it(name: str, more: str) -> None:
    sealed = NAMES.seal(name)
    assert all(may_be_sealed(found) for found in (sealed, sealed.upper(), sealed + more, more + sealed))


@pytest.mark.parametrize(
    "name", [".DS_Store", "desktop.ini", "0" * 27, "w" * 99, "2024-01-31 12.00.00 holiday"]
)
def test_other_names_were_never_sealed(name: str) -> None:
    assert not may_be_sealed(name)


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ConfigInvalid, match="64 bytes"):
        NameCipher(KEY[:32])
