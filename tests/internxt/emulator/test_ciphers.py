"""The server's own cryptography, held to the vectors that official packages made."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.internxt.emulator import accounts, ciphers

PASSWORD = "Test-Passw0rd!"
SALT = "00112233445566778899aabbccddeeff"
HASH = "3843b312235faba4115777305feeae9ff85fc0a198aeee2170055624362c3101"
IV = bytes.fromhex("d139cb9a2cd17092e79e1861cf9d7023")
GCM_SALT = bytes.fromhex(
    "38dce0391b49efba88dbc8c39ebf868f0267eb110bb0012ab27dc52a528d61b1"
    "d1ed9d76f400ff58e3240028442b1eab9bb84e111d9dadd997982dbde9dbd25e"
)
HEAD = (
    "ONzgORtJ77qI28jDnr+GjwJn6xELsAEqsn3FKlKNYbHR7Z129AD/WOMkAChE"
    "Kx6rm7hOER2drdmXmC296dvSXtE5y5os0XCS554YYc+dcC"
)


def test_password_hashes() -> None:
    salt = bytes.fromhex(SALT)
    assert ciphers.password_hash(PASSWORD, salt) == HASH
    assert (
        ciphers.password_hash("pässwörd-ключ-🔑", salt)
        == "c2f265102e6a8adce384049799bacc13e46ad6e01a53b822040c25c733b6f894"
    )


@pytest.mark.parametrize(
    ("text", "salt", "wrapped"),
    [
        (
            SALT,
            "0102030405060708",
            "53616c7465645f5f01020304050607085616b3d0843b31f7fba0136dd668a4a3862dbd7a976c4fe7b3fa74eadac0d6a1"
            "f8dcf24afe6247d44b0ae388be91ab39",
        ),
        (
            HASH,
            "1112131415161718",
            "53616c7465645f5f111213141516171871bf6d35857824a739ea196817d9d1da091c94ed23ad835f2779ca597a1de826"
            "b853f64340fe229dde759e4b9afdfbc877b62b293a027dedfa5cdaea37ea4747f5564c8ffde874e203b65fbb7bd39f70",
        ),
    ],
)
def test_wrapped_texts(text: str, salt: str, wrapped: str) -> None:
    assert ciphers.wrap(text, ciphers.APP_SECRET, bytes.fromhex(salt)) == wrapped
    assert ciphers.unwrap(wrapped, ciphers.APP_SECRET) == text


def test_a_wrapped_mnemonic() -> None:
    words = " ".join(["abandon"] * 23 + ["art"])
    wrapped = (
        "53616c7465645f5f21222324252627287e189634f9b3b906813b253cc9517a691ada9c145de9a53c3516d738f3dc1bb3"
        "db930548033c12fbb8e29722f6110323bddeff5051f783dd1ef62ea664b0616adc0840ef41e2cf375561bac40798f5f9"
        "cf99fe0e1ad0aa5b2a600394d47480c7159977237715a728d0b4c8b3228d25aba7f326d4f0110f9b40725d1ce411ef04"
        "385113dbbed0ee59c79c14b04f378349ae738eb7027de6c3f4ddb89c0e754a665b50a32c391e27f9078ece1899fdbb0f"
        "f202278d0941c09117582d8a98684c43"
    )
    assert ciphers.wrap(words, PASSWORD, bytes.fromhex("2122232425262728")) == wrapped
    assert ciphers.unwrap(wrapped, PASSWORD) == words


@pytest.mark.parametrize(
    ("text", "password", "tail"),
    [
        ("secret text", PASSWORD, "NPCLl236dy32Ihx2OvV1rE3Xy9FkSE9Qwqb/Y="),
        (
            "d3a0765a1e5456fa0ad811d641c69fee206203db0e9d28430a5adca3de46b267",
            "Ab3-_xYz",
            "NL7VYrIZmqTAMguwUmYDfCZpHN5cJXWoVf0xlNybNP0R0iLVykTAVvmrlCIZqg2BwxSamO9T0hSuVlVvHo0N7mxq8i93o+nQYVTeILmpeV"
            "dw==",
        ),
        (
            "Ab3-_xYz",
            "d3a0765a1e5456fa0ad811d641c69fee206203db0e9d28430a5adca3de46b267",
            "NLNCgcrL9XALSasZ42ObQ7zBVv+d8w1B8=",
        ),
        ("linkpw", "Ab3-_xYz", "P4wLTVLLoUj5yzPBXpFfTKbsvCvoUW"),
    ],
)
def test_sealed_texts(text: str, password: str, tail: str) -> None:
    assert ciphers.seal(text, password, GCM_SALT, IV) == HEAD + tail
    assert ciphers.unseal(HEAD + tail, password) == text


def test_file_keys() -> None:
    bucket_key = bytes.fromhex(
        "d3a0765a1e5456fa0ad811d641c69fee206203db0e9d28430a5adca3de46b267"
        "26deb995bca559fb8af7a5ec71e24f4899c4c1f7fb90e7dfd1abb3632395b4af"
    )
    index = bytes(range(32))
    wanted = "d5694dfe5ac5e93345eefaa409f88d645162d9a08eb3e2f97bee21e40e911d2e"
    assert ciphers.file_key(bucket_key, index).hex() == wanted


@pytest.mark.parametrize(
    ("secret", "codes"),
    [
        ("GEZDGNBVGY3TQOJQ", ["263420", "343526", "919219", "068722"]),
        ("JBSWY3DPEHPK3PXP", ["996554", "071271", "742275", "890699"]),
    ],
)
def test_one_time_codes(secret: str, codes: list[str]) -> None:
    times = (59, 1111111109, 1234567890, 2000000000)
    assert [ciphers.one_time_codes(secret, now, 0)[0] for now in times] == codes
    assert codes[1] in ciphers.one_time_codes(secret, times[1] + 60)
    assert codes[1] not in ciphers.one_time_codes(secret, times[1] + 91)
    assert len(ciphers.one_time_codes(secret, 0)) == 3


def test_the_password_of_the_network() -> None:
    user_id = "$2a$08$abcdefghijklmnopqrstuuJ3rR9vJ1n0g8Qx8mVgUeX0G6n1l3u6W"
    wanted = "995ccd7e81fdff8b833748963e8a5697f9cbd7ca1cbd3c388a0d7fa6c0cd70bb"
    assert accounts.network_password(user_id) == wanted == hashlib.sha256(user_id.encode()).hexdigest()


def test_an_address_always_has_the_same_valid_words() -> None:
    from mnemonic import Mnemonic

    words = accounts.mnemonic_of("user@example.com")
    assert words == accounts.mnemonic_of("user@example.com") != accounts.mnemonic_of("other@example.com")
    assert Mnemonic("english").check(words)
    assert len(words.split()) == 24


@given(st.text(), st.text())
def test_what_is_wrapped_or_sealed_comes_back(text: str, password: str) -> None:
    text, password = (one.encode("utf-8", "replace").decode() for one in (text, password))
    assert ciphers.unwrap(ciphers.wrap(text, password), password) == text
    assert ciphers.unseal(ciphers.seal(text, password), password) == text


@pytest.mark.parametrize(
    "blob", ["", "zz", "00" * 32, b"Salted__12345678".hex(), b"Salted__12345678123".hex(), "é"]
)
def test_what_is_no_wrapped_text_is_told(blob: str) -> None:
    with pytest.raises(ciphers.Unreadable):
        ciphers.unwrap(blob, "x")


@pytest.mark.parametrize("blob", ["", "?", "AAAA", HEAD + "NPCLl236dy32Ihx2OvV1rF3Xy9FkSE9Qwqb/Y=", "é"])
def test_what_is_no_sealed_text_is_told(blob: str) -> None:
    with pytest.raises(ciphers.Unreadable):
        ciphers.unseal(blob, PASSWORD)
