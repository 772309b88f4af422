"""What tokens, kept logins, codes and the environment say."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.core.crypto.secret import Secret
from skycap.core.errors import AuthMissing, ProviderError, UsageError
from skycap.internxt.login.account import Account, Kept
from skycap.internxt.login.codes import as_code, code_at, code_now
from skycap.internxt.login.given import Given
from skycap.internxt.login.tokens import claims, is_newer

DAY = 86400.0
USER = {
    "email": "me@example.com",
    "uuid": "f32a91da-c799-4e13-aa17-8c4d9e0323c9",
    "rootFolderId": "0a1b2c3d-0000-4000-8000-000000000001",
    "bucket": "6610a1b2c3d4e5f60718293a",
    "bridgeUser": "me@example.com",
    "userId": "$2a$08$abcdefghijklmnopqrstuuJ3rR9vJ1n0g8Qx8mVgUeX0G6n1l3u6W",
}
PHRASE = Secret("abandon " * 23 + "art")


def token(**found: object) -> Secret[str]:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return Secret(f"{part({'alg': 'HS256'})}.{part(found)}.c2lnbmF0dXJl")


def test_a_token_is_due_when_half_of_its_life_is_over() -> None:
    found = claims(token(iat=1000, exp=1000 + 6 * DAY, payload={"uuid": "x"}))
    assert found.payload == {"uuid": "x"}
    assert not found.is_due(1000 + 3 * DAY - 1)
    assert found.is_due(1000 + 3 * DAY)
    assert not found.is_over(1000 + 6 * DAY - 1)
    assert found.is_over(1000 + 6 * DAY)


def test_one_that_does_not_tell_when_it_was_made_is_due_at_its_end() -> None:
    for found in (claims(token(exp=500)), claims(token(iat=500, exp=500))):
        assert not found.is_due(499)
        assert found.is_due(500)


@given(
    st.text(max_size=40) | st.sampled_from(["a.b.c", "a.W10.c", "a.bnVsbA.c", "..", "a.eyJleHAiOiJ4In0.c"])
)
def test_one_that_cannot_be_read_is_never_due(text: str) -> None:
    found = claims(Secret(text))
    assert not found.is_due(1e12)
    assert not found.is_over(1e12)


def test_of_two_tokens_the_one_issued_later_is_newer() -> None:
    assert is_newer(token(iat=2), token(iat=1))
    assert is_newer(token(iat=1), token(iat=1))
    assert not is_newer(token(iat=1), token(iat=2))
    assert is_newer(Secret("x"), token(iat=2))


def test_what_is_kept_of_a_login_comes_back() -> None:
    account = Account.of_user(USER, PHRASE, where="test")
    assert account.network_password.reveal() == (
        "995ccd7e81fdff8b833748963e8a5697f9cbd7ca1cbd3c388a0d7fa6c0cd70bb"
    )
    for reference in ("keyring:skycap/drive.session", None):
        kept = Kept(account, Secret("a.kept.token-73"), reference)
        assert Kept.of_secret(kept.as_secret()) == kept
        assert Kept.of_secret(kept.with_token(Secret("b.other.token-73")).as_secret()).token == Secret(
            "b.other.token-73"
        )


def test_nothing_of_it_shows_by_accident() -> None:
    kept = Kept(Account.of_user(USER, PHRASE, where="test"), Secret("sesame-token"))
    shown = f"{kept!r} {kept}"
    assert "abandon" not in shown
    assert "sesame" not in shown
    assert "995ccd7e" not in shown


@pytest.mark.parametrize("name", USER)
def test_an_account_that_lacks_a_part_is_the_fault_of_the_server(name: str) -> None:
    for broken in ({**USER, name: None}, {**USER, name: ""}, {k: v for k, v in USER.items() if k != name}):
        with pytest.raises(ProviderError, match=name):
            Account.of_user(broken, PHRASE, where="test")


@pytest.mark.parametrize("user", [None, [], "text", {**USER, "bucket": "XYZ"}])
def test_an_account_that_is_none_is_the_fault_of_the_server(user: object) -> None:
    with pytest.raises(ProviderError):
        Account.of_user(user, PHRASE, where="test")


@pytest.mark.parametrize(
    "text", ["", "not json", "[]", "{}", '{"version": 2}', '{"version": 1, "email": "x"}']
)
def test_what_no_login_put_there_is_told_without_being_quoted(text: str) -> None:
    with pytest.raises(AuthMissing, match="cannot be used") as caught:
        Kept.of_secret(Secret(text), where="drive")
    assert "not json" not in str(caught.value)
    assert "login" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("secret", "moment", "code"),
    [
        ("GEZDGNBVGY3TQOJQ", 59, "263420"),
        ("GEZDGNBVGY3TQOJQ", 1111111109, "343526"),
        ("GEZDGNBVGY3TQOJQ", 1234567890, "919219"),
        ("GEZDGNBVGY3TQOJQ", 2000000000, "068722"),
        ("JBSWY3DPEHPK3PXP", 59, "996554"),
        ("JBSWY3DPEHPK3PXP", 1111111109, "071271"),
        ("JBSWY3DPEHPK3PXP", 1234567890, "742275"),
        ("jbsw y3dp-ehpk 3pxp", 2000000000.9, "890699"),
    ],
)
def test_codes_of_the_second_factor_are_the_known_ones(secret: str, moment: float, code: str) -> None:
    assert code_at(Secret(secret), moment) == code
    assert code_now(Secret(secret), lambda: moment) == code


@pytest.mark.parametrize("secret", ["", " ", "0189", "ABC!"])
def test_a_secret_that_makes_no_codes_is_told_and_not_quoted(secret: str) -> None:
    with pytest.raises(UsageError, match="base32") as caught:
        code_at(Secret(secret), 59)
    assert caught.value.__cause__ is None


def test_a_code_may_be_typed_with_blanks_and_has_six_digits() -> None:
    assert as_code(" 123 456\n") == "123456"
    for wrong in ("", "12345", "1234567", "12345a", "١٢٣٤٥٦"):
        with pytest.raises(UsageError, match="six digits"):
            as_code(wrong)


def test_the_environment_is_read_by_both_families_of_names() -> None:
    short = {
        "INXT_USER": "me@example.com",
        "INXT_PASSWORD": "secret",
        "INXT_TWOFACTORCODE": "123456",
        "INXT_OTPTOKEN": "GEZDGNBVGY3TQOJQ",
    }
    found = Given.from_environ(short)
    assert found == Given("me@example.com", Secret("secret"), Secret("123456"), Secret("GEZDGNBVGY3TQOJQ"))
    assert Given.from_environ({name.replace("INXT_", "INTERNXT_"): v for name, v in short.items()}) == found
    assert Given.from_environ({"INTERNXT_2FA_TOKEN": "654321"}).code == Secret("654321")
    assert Given.from_environ({**short, "INTERNXT_USER": "you@example.com"}) == found
    assert Given.from_environ({"INXT_USER": ""}) == Given()


def test_what_is_given_counts_more_than_the_environment() -> None:
    there = Given("me@example.com", Secret("env"), Secret("123456"))
    found = Given(code=Secret("654321"), keep_password=True, port=5).over(there)
    assert found == Given("me@example.com", Secret("env"), Secret("654321"), keep_password=True, port=5)


def test_the_password_of_another_account_is_not_taken_from_the_environment() -> None:
    there = Given("me@example.com", Secret("env"))
    assert Given(email="ME@example.com ").over(there).password == Secret("env")
    assert Given(email="you@example.com").over(there) == Given(email="you@example.com")
