from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.core.crypto import envelope
from skycap.core.crypto.secret import Secret
from skycap.core.errors import ConfigInvalid, IntegrityError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

KEY = bytes(range(32))


def rsa_key(bits: int = 2048) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(65537, bits)


@pytest.fixture(scope="module")
def private() -> RSAPrivateKey:
    return rsa_key()


# The GCM specification (McGrew and Viega), test cases 14 and 16.
GCM = [
    (
        "00" * 32,
        "00" * 12,
        "00" * 16,
        "",
        "cea7403d4d606b6e074ec5d3baf39d18",
        "d0d1c8a799996bf0265b98b5d48ab919",
    ),
    (
        "feffe9928665731c6d6a8f9467308308" * 2,
        "cafebabefacedbaddecaf888",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
        "76fc6ece0f4e1768cddf8853bb2d551b",
    ),
]


@pytest.mark.parametrize(("key", "nonce", "plain", "aad", "ciphertext", "tag"), GCM, ids=["14", "16"])
def test_the_vectors_of_the_gcm_specification(
    key: str, nonce: str, plain: str, aad: str, ciphertext: str, tag: str
) -> None:
    of = bytes.fromhex
    sealed = envelope.seal(of(key), of(plain), aad=of(aad), nonce=of(nonce))
    assert sealed == envelope.Sealed(of(nonce), of(ciphertext), of(tag))
    assert envelope.open_sealed(of(key), sealed, aad=of(aad)) == of(plain)


@given(plain=st.binary(max_size=200), aad=st.binary(max_size=40), where=st.integers(0), bit=st.integers(0, 7))
def test_one_changed_bit_anywhere_is_noticed(plain: bytes, aad: bytes, where: int, bit: int) -> None:
    sealed = envelope.seal(KEY, plain, aad=aad)
    assert envelope.open_sealed(KEY, sealed, aad=aad) == plain
    message = bytearray(sealed.nonce + sealed.tag + sealed.ciphertext)
    message[where % len(message)] ^= 1 << bit
    changed = envelope.Sealed(bytes(message[:12]), bytes(message[28:]), bytes(message[12:28]))
    with pytest.raises(IntegrityError):
        envelope.open_sealed(KEY, changed, aad=aad)
    with pytest.raises(IntegrityError):
        envelope.open_sealed(KEY, sealed, aad=aad + b"!")


def test_a_shortened_tag_or_nonce_is_not_accepted() -> None:
    sealed = envelope.seal(KEY, b"message")
    for changed in (replace(sealed, tag=sealed.tag[:12]), replace(sealed, nonce=sealed.nonce + b"0")):
        with pytest.raises(IntegrityError, match="length"):
            envelope.open_sealed(KEY, changed)


def test_nonces_and_keys_are_fresh() -> None:
    assert envelope.seal(KEY, b"x").nonce != envelope.seal(KEY, b"x").nonce
    assert envelope.new_key() != envelope.new_key()


def test_a_wrapped_key_comes_back_as_a_secret(private: RSAPrivateKey) -> None:
    key = envelope.new_key()
    wrapped = envelope.wrap_key(private.public_key(), key)
    assert len(wrapped) == 256
    assert envelope.unwrap_key(private, wrapped) == key


def test_whatever_is_wrong_with_a_wrapped_key_the_answer_is_the_same(private: RSAPrivateKey) -> None:
    wrapped = envelope.wrap_key(private.public_key(), KEY)
    short_key = private.public_key().encrypt(b"short", envelope._oaep())
    answers = set()
    for wrong in (b"", wrapped[:-1], bytes([wrapped[0] ^ 1]) + wrapped[1:], b"\xff" * 256, short_key):
        with pytest.raises(IntegrityError) as caught:
            envelope.unwrap_key(private, wrong)
        answers.add((str(caught.value), caught.value.__cause__))
    assert len(answers) == 1


def test_another_private_key_does_not_open(private: RSAPrivateKey) -> None:
    wrapped = envelope.wrap_key(private.public_key(), KEY)
    with pytest.raises(IntegrityError):
        envelope.unwrap_key(rsa_key(), wrapped)


def test_weak_keys_and_wrong_lengths_are_refused(private: RSAPrivateKey) -> None:
    with pytest.raises(ConfigInvalid, match="1024 bits"):
        envelope.wrap_key(rsa_key(1024).public_key(), KEY)
    with pytest.raises(ConfigInvalid, match="32 bytes"):
        envelope.wrap_key(private.public_key(), KEY[:16])
    with pytest.raises(ConfigInvalid, match="32 bytes"):
        envelope.seal(Secret(KEY[:16]), b"")
    with pytest.raises(ConfigInvalid, match="12 bytes"):
        envelope.seal(KEY, b"", nonce=b"8 bytes.")


@pytest.mark.foreign
def test_openssl_wraps_what_we_unwrap_and_back(private: RSAPrivateKey, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (tmp_path / "key.pem").write_bytes(pem)
    options = ["rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256"]
    command = ["openssl", "pkeyutl", "-inkey", str(tmp_path / "key.pem")]
    for option in options:
        command += ["-pkeyopt", option]
    theirs = subprocess.run([*command, "-encrypt"], input=KEY, capture_output=True, check=True).stdout
    assert envelope.unwrap_key(private, theirs).reveal() == KEY
    ours = envelope.wrap_key(private.public_key(), KEY)
    assert subprocess.run([*command, "-decrypt"], input=ours, capture_output=True, check=True).stdout == KEY
