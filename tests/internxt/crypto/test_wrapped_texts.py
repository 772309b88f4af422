"""Texts under a password, and what a password and a link become, are those of the official clients."""

from __future__ import annotations

import base64
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skycap.core.crypto.secret import Secret
from skycap.core.errors import IntegrityError, ProviderError, UsageError
from skycap.internxt.crypto import share_codes
from skycap.internxt.crypto.blobs import seal, unseal
from skycap.internxt.crypto.keys import bucket_key
from skycap.internxt.crypto.passwords import basic, network_password, password_hash
from skycap.internxt.crypto.wrapping import APP_SECRET, unwrap, wrap
from tests.internxt.crypto import vectors as v

texts = st.text(max_size=80)
USER_ID = "$2a$08$abcdefghijklmnopqrstuuJ3rR9vJ1n0g8Qx8mVgUeX0G6n1l3u6W"


def test_the_hash_of_a_password_is_the_known_one_and_made_with_sha_1() -> None:
    found = password_hash(v.PASSWORD, v.SALT).reveal()
    assert found == "3843b312235faba4115777305feeae9ff85fc0a198aeee2170055624362c3101"
    assert found != "5b8b3ad98ee5fbf028bf925f9ce9efaa514148c986575abfde2ad0ff4186b755"


def test_a_password_is_hashed_as_utf_8() -> None:
    found = password_hash(Secret("pässwörd-ключ-🔑"), v.SALT).reveal()
    assert found == "c2f265102e6a8adce384049799bacc13e46ad6e01a53b822040c25c733b6f894"


def test_a_salt_that_is_not_hexadecimal_is_the_fault_of_the_server() -> None:
    with pytest.raises(ProviderError, match="salt"):
        password_hash(v.PASSWORD, "zz")


@pytest.mark.parametrize(
    ("text", "password", "salt", "wrapped"),
    [
        (v.SALT, APP_SECRET, bytes(range(1, 9)), v.WRAPPED_SALT),
        (password_hash(v.PASSWORD, v.SALT).reveal(), APP_SECRET, bytes(range(0x11, 0x19)), v.WRAPPED_HASH),
        (v.A.reveal(), v.PASSWORD, bytes(range(0x21, 0x29)), v.WRAPPED_MNEMONIC),
    ],
    ids=["salt", "hash", "mnemonic"],
)
def test_texts_are_wrapped_to_the_known_bytes_and_open_again(
    text: str, password: Secret[str], salt: bytes, wrapped: str
) -> None:
    assert wrap(Secret(text), password, salt=salt) == wrapped
    assert unwrap(wrapped, password).reveal() == text


def test_the_wrapped_hash_has_the_length_that_the_server_wants() -> None:
    assert len(wrap(password_hash(v.PASSWORD, v.SALT), APP_SECRET)) == 192


@given(texts, texts)
def test_what_was_wrapped_opens_with_its_password(text: str, password: str) -> None:
    first, second = (wrap(Secret(text), Secret(password)) for _ in range(2))
    assert first != second
    assert unwrap(first, Secret(password)).reveal() == text


def test_another_password_does_not_open_a_mnemonic() -> None:
    with pytest.raises(IntegrityError, match="does not open it") as caught:
        unwrap(v.WRAPPED_MNEMONIC, Secret("Test-Passw0rd?"))
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("wrapped", ["", "00", "xyz", v.WRAPPED_SALT[:32], v.WRAPPED_SALT[:-2], "00" * 32])
def test_what_is_not_wrapped_is_told_apart(wrapped: str) -> None:
    with pytest.raises(IntegrityError, match="no text wrapped"):
        unwrap(wrapped, APP_SECRET)


def test_a_salt_for_wrapping_has_eight_bytes() -> None:
    with pytest.raises(IntegrityError, match="8 bytes"):
        wrap(Secret("text"), APP_SECRET, salt=b"short")


def test_the_network_is_shown_a_hash_of_the_user_id() -> None:
    password = network_password(USER_ID)
    assert password.reveal() == "995ccd7e81fdff8b833748963e8a5697f9cbd7ca1cbd3c388a0d7fa6c0cd70bb"
    assert basic("user@example.com", password).reveal() == (
        "Basic dXNlckBleGFtcGxlLmNvbTo5OTVjY2Q3ZTgxZmRmZjhiODMzNzQ4OTYzZThhNTY5N2Y5Y2JkN2NhMWNiZDNjMzg4YTBk"
        "N2ZhNmMwY2Q3MGJi"
    )


def test_texts_are_sealed_to_the_known_blob_and_open_again() -> None:
    found = seal(Secret("secret text"), v.PASSWORD, salt=v.BLOB_SALT, nonce=v.BLOB_NONCE)
    assert found == v.SEALED_TEXT
    assert unseal(found, v.PASSWORD).reveal() == "secret text"


def test_the_private_key_of_an_account_opens_with_its_password() -> None:
    found = unseal(v.PRIVATE_KEY, v.PASSWORD).reveal()
    assert found.startswith("-----BEGIN PGP PRIVATE KEY BLOCK-----")
    assert len(found) == 907


@given(texts, texts)
@settings(max_examples=25)
def test_what_was_sealed_opens_with_its_password(text: str, password: str) -> None:
    first, second = (seal(Secret(text), Secret(password)) for _ in range(2))
    assert first != second
    assert unseal(first, Secret(password)).reveal() == text


@given(st.integers(0, 80 + 16 + len("secret text") - 1), st.integers(1, 255))
@settings(max_examples=25)
def test_a_changed_blob_does_not_open(at: int, change: int) -> None:
    raw = bytearray(base64.b64decode(v.SEALED_TEXT))
    raw[at] ^= change
    with pytest.raises(IntegrityError, match="changed"):
        unseal(base64.b64encode(raw).decode(), v.PASSWORD)


@pytest.mark.parametrize("blob", ["", "AAAA", "not base64!", v.SEALED_TEXT[:100]])
def test_what_is_not_sealed_is_told_apart(blob: str) -> None:
    with pytest.raises(IntegrityError, match="no text sealed"):
        unseal(blob, v.PASSWORD)


def test_the_nonce_and_salt_of_a_blob_have_their_sizes() -> None:
    with pytest.raises(ValueError, match="64"):
        seal(Secret("text"), v.PASSWORD, salt=b"short")


# Share links


def test_a_link_is_sealed_to_the_known_blobs(monkeypatch: pytest.MonkeyPatch) -> None:
    key = bucket_key(v.A, v.BUCKETS["b1"])
    shared = share_codes.shared_key(key)
    assert shared.reveal() == v.SHARED_KEY
    fixed = {"salt": v.BLOB_SALT, "nonce": v.BLOB_NONCE}
    assert seal(shared, v.CODE, **fixed) == v.ENCRYPTION_KEY
    assert seal(v.CODE, shared, **fixed) == v.ENCRYPTED_CODE
    assert seal(Secret("linkpw"), v.CODE, **fixed) == v.ENCRYPTED_PASSWORD
    assert share_codes.recover_code(key, v.ENCRYPTED_CODE) == v.CODE


def test_the_parts_of_a_link_open_each_other() -> None:
    key, code = bucket_key(v.B, v.BUCKETS["b0"]), share_codes.new_code()
    sealed = share_codes.seal_link(key, code, Secret("linkpw"))
    assert share_codes.recover_code(key, sealed.encrypted_code) == code
    assert unseal(sealed.encryption_key, code) == share_codes.shared_key(key)
    assert unseal(sealed.encrypted_password or "", code).reveal() == "linkpw"
    assert share_codes.seal_link(key, code).encrypted_password is None


def test_codes_have_eight_characters_of_the_alphabet_and_differ() -> None:
    codes = [share_codes.new_code().reveal() for _ in range(200)]
    assert len(set(codes)) == 200
    assert {len(code) for code in codes} == {8}
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert set("".join(codes)) == set(alphabet)


def test_a_link_has_the_known_path() -> None:
    sharing = "f32a91da-c799-4e13-aa17-8c4d9e0323c9"
    url = share_codes.link("https://share.example.com/", "file", sharing, v.CODE)
    assert url == "https://share.example.com/sh/file/8yqR2seZThOqF4xNngMjyQ/Ab3-_xYz"
    assert share_codes.parse_link(url) == ("file", sharing, v.CODE)


@given(st.uuids(), st.sampled_from(["file", "folder"]))
def test_any_link_can_be_read_again(sharing: uuid.UUID, kind: share_codes.Kind) -> None:
    assert len(share_codes.short_id(str(sharing))) == 22
    url = share_codes.link("https://x.example", kind, str(sharing), v.CODE)
    assert share_codes.parse_link(url) == (kind, str(sharing), v.CODE)


@pytest.mark.parametrize(
    "path", ["", "sh/file/8yqR2seZThOqF4xNngMjyQ", "sh/disk/8yqR2seZThOqF4xNngMjyQ/c", "a/b/c/d"]
)
def test_what_is_no_link_is_told(path: str) -> None:
    with pytest.raises(UsageError, match="no share link"):
        share_codes.parse_link(f"https://x.example/{path}")


@pytest.mark.parametrize("short", ["", "short", "8yqR2seZThOqF4xNngMj!Q", "8yqR2seZThOqF4xNngMjyQQQ"])
def test_what_is_no_id_of_a_link_is_told(short: str) -> None:
    with pytest.raises(UsageError, match="no id of a share link"):
        share_codes.long_id(short)
