"""Login as the protocol has it: the wrapped salt and hash, the second factor, the doors that close."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

import jwt
import pytest

from skycap.internxt.emulator import ciphers, key_pair
from skycap.internxt.emulator.accounts import Login
from tests.internxt.emulator.harness import PASSWORD, SECURED, USER, InThread, Visitor, refusal

Come = Callable[..., Visitor]
ACCESS = pytest.mark.parametrize("route", ["/auth/cli/login/access", "/auth/login/access"])


def test_the_salt_comes_wrapped_and_names_no_second_factor(visitor: Come) -> None:
    for _ in range(2):  # clients ask twice in a row
        said = visitor().drive("POST", "/auth/login", {"email": USER.upper()})
        assert said.status_code == 200
        body = said.json()
        assert len(bytes.fromhex(ciphers.unwrap(body.pop("sKey"), "6KYQBP847D4ATSFA"))) == 16
        assert body == {"hasKeys": True, "tfa": False, "hasKyberKeys": False, "hasEccKeys": True}


def test_an_account_with_a_second_factor_says_so(visitor: Come) -> None:
    assert visitor().drive("POST", "/auth/login", {"email": SECURED}).json()["tfa"] is True


def test_an_unknown_address_and_a_malformed_one_are_refused_apart(visitor: Come) -> None:
    assert refusal(visitor().drive("POST", "/auth/login", {"email": "no@example.com"})) == (
        401,
        "Wrong login credentials",
    )
    assert refusal(visitor().drive("POST", "/auth/login", {"email": "no"})) == (
        400,
        ["email must be an email"],
    )
    assert refusal(visitor().drive("POST", "/auth/login", {}))[0] == 400


def test_a_body_that_is_not_said_to_be_json_is_not_read(emulator: InThread, visitor: Come) -> None:
    raw = visitor().http.post(f"{emulator.drive}/auth/login", content=b'{"email": "user@example.com"}')
    assert raw.status_code == 400
    broken = visitor().http.post(
        f"{emulator.drive}/auth/login", content=b"{", headers={"content-type": "application/json"}
    )
    assert broken.status_code == 400


@ACCESS
def test_a_login_gives_the_user_and_both_tokens(visitor: Come, route: str) -> None:
    come = visitor()
    found = come.drive("POST", route, come.credentials())
    assert found.status_code == 200
    body = found.json()
    assert set(body) == {"user", "token", "newToken", "userTeam"}
    user = body["user"]
    assert user["username"] == user["bridgeUser"] == user["email"] == USER
    assert re.fullmatch(r"\$2a\$08\$.{53}", user["userId"])
    assert re.fullmatch(r"[0-9a-f]{24}", user["bucket"])
    assert 224 <= len(user["mnemonic"]) <= 480
    words = ciphers.unwrap(user["mnemonic"], PASSWORD).split()
    assert len(words) == 24
    assert ciphers.unseal(user["keys"]["ecc"]["privateKey"], PASSWORD) == ciphers.unseal(
        key_pair.PRIVATE_KEY, key_pair.PASSWORD
    )
    assert user["keys"]["kyber"] == {"publicKey": None, "privateKey": None}
    assert (user["registerCompleted"], user["teams"], user["appSumoDetails"]) == (True, False, None)
    claims = jwt.decode(body["newToken"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 3 * 86400
    assert claims["sub"] == claims["payload"]["uuid"] == user["uuid"]
    assert claims["payload"]["networkCredentials"] == {"user": USER}


def test_the_platform_of_a_command_line_is_in_its_token(visitor: Come) -> None:
    come = visitor()
    for client, platform in ((None, "rclone"), ("somebody", "rclone"), ("internxt-cli", "cli")):
        headers = {} if client is None else {"internxt-client": client}
        found = come.drive("POST", "/auth/cli/login/access", come.credentials(), headers=headers)
        claims = jwt.decode(found.json()["newToken"], options={"verify_signature": False})
        assert claims["payload"]["platform"] == platform


@ACCESS
def test_a_wrong_password_is_refused(visitor: Come, route: str) -> None:
    come = visitor()
    assert refusal(come.drive("POST", route, come.credentials(password="wrong"))) == (
        401,
        "Wrong login credentials",
    )
    unknown = come.credentials() | {"email": "nobody@example.com"}
    assert refusal(come.drive("POST", route, unknown)) == (401, "Wrong login credentials")
    garbage = come.credentials() | {"password": "ab" * 96}
    assert refusal(come.drive("POST", route, garbage)) == (401, "Wrong login credentials")


@pytest.mark.parametrize("password", [None, 7, "", "ab" * 95, "ab" * 97, "zz" * 96])
def test_a_password_field_is_192_hexadecimal_characters(visitor: Come, password: object) -> None:
    come = visitor()
    status, messages = refusal(
        come.drive("POST", "/auth/cli/login/access", come.credentials() | {"password": password})
    )
    assert (status, isinstance(messages, list)) == (400, True)


def test_a_second_factor_must_be_right_within_two_steps(emulator: InThread, visitor: Come) -> None:
    come = visitor(SECURED)
    codes = ciphers.one_time_codes("JBSWY3DPEHPK3PXP", emulator.services.settings.now(), 2)
    emulator.set(clock_ahead_s=0.0)
    for code in (None, "", "000000" if "000000" not in codes else "000001"):
        assert refusal(come.drive("POST", "/auth/cli/login/access", come.credentials(code))) == (
            401,
            "Wrong 2-factor auth code",
        )
    assert come.drive("POST", "/auth/cli/login/access", come.credentials(codes[1])).status_code == 200
    assert come.drive("POST", "/auth/cli/login/access", come.credentials(codes[3])).status_code == 200
    emulator.set(clock_ahead_s=180.0)
    assert come.drive("POST", "/auth/cli/login/access", come.credentials(codes[2])).status_code == 401
    assert come.log_in(emulator.account(SECURED)["code"]).token


def test_ten_failures_block_an_account_and_a_success_forgets_them(emulator: InThread, visitor: Come) -> None:
    come = visitor()
    wrong = come.credentials(password="wrong")
    right = come.credentials()
    for _ in range(9):
        assert come.drive("POST", "/auth/login/access", wrong).status_code == 401
    assert come.drive("POST", "/auth/login/access", right).status_code == 200
    assert emulator.account(USER)["failures"] == 0
    for _ in range(10):
        assert come.drive("POST", "/auth/login/access", wrong).status_code == 401
    blocked = (403, "Your account has been blocked for security reasons. Please reach out to us")
    assert refusal(come.drive("POST", "/auth/login/access", right)) == blocked
    emulator.unblock(USER)
    assert come.drive("POST", "/auth/login/access", right).status_code == 200


def test_wrong_codes_count_as_failures(emulator: InThread, visitor: Come) -> None:
    come = visitor(SECURED)
    for _ in range(10):
        come.drive("POST", "/auth/cli/login/access", come.credentials(""))
    assert come.drive("POST", "/auth/cli/login/access", come.credentials("")).status_code == 403


def test_a_tier_can_shut_out_command_lines_but_not_the_web(emulator: InThread, visitor: Come) -> None:
    come, cli = visitor(), {"internxt-client": "internxt-cli"}
    emulator.set(tier={"cli": False})
    refused = come.drive("POST", "/auth/cli/login/access", come.credentials(), headers=cli)
    assert refusal(refused) == (402, "cli access not allowed for this user tier")
    come.log_in()  # counts as rclone
    emulator.set(tier={"rclone": False})
    refused = come.drive("POST", "/auth/cli/login/access", come.credentials())
    assert refusal(refused) == (402, "rclone access not allowed for this user tier")
    assert refusal(come.drive("GET", "/users/cli/refresh")) == (
        402,
        "rclone access not allowed for this user tier",
    )
    assert come.drive("GET", "/users/refresh").status_code == 200
    assert come.drive("POST", "/auth/login/access", come.credentials()).status_code == 200


def _keys(**more: object) -> dict[str, object]:
    return {"ecc": {"publicKey": key_pair.PUBLIC_KEY, "privateKey": key_pair.PRIVATE_KEY}} | more


def test_keys_are_taken_as_the_official_command_line_sends_them(visitor: Come) -> None:
    come = visitor()
    nothing = {"publicKey": None, "privateKey": None}
    for keys in (_keys(), _keys(kyber=nothing)):
        body = come.credentials() | {"keys": keys}
        assert come.drive("POST", "/auth/cli/login/access", body).status_code == 200


@pytest.mark.parametrize(
    ("route", "keys"),
    [
        ("/auth/cli/login/access", {}),
        ("/auth/cli/login/access", "text"),
        ("/auth/cli/login/access", {"ecc": {"publicKey": "eA==", "privateKey": key_pair.PRIVATE_KEY}}),
        ("/auth/cli/login/access", {"ecc": {"publicKey": key_pair.PUBLIC_KEY, "privateKey": "eA=="}}),
        ("/auth/cli/login/access", {"ecc": {"publicKey": key_pair.PUBLIC_KEY, "privateKey": "?"}}),
        ("/auth/login/access", _keys(kyber={"publicKey": None, "privateKey": None})),
        ("/auth/login/access", _keys(kyber="text")),
    ],
)
def test_keys_that_are_none_are_refused(visitor: Come, route: str, keys: object) -> None:
    come = visitor()
    assert refusal(come.drive("POST", route, come.credentials() | {"keys": keys}))[0] == 400


def test_the_web_takes_a_second_pair_of_keys_of_the_right_length(visitor: Come) -> None:
    come = visitor()
    pair = {
        "publicKey": base64.b64encode(bytes(800)).decode(),
        "privateKey": base64.b64encode(bytes(96 + 2176)).decode(),
    }
    body = come.credentials() | {"keys": _keys(kyber=pair)}
    assert come.drive("POST", "/auth/login/access", body).status_code == 200


def test_a_refresh_gives_new_tokens_and_the_whole_user(user: Visitor) -> None:
    for route in ("/users/cli/refresh", "/users/refresh"):
        found = user.drive("GET", route)
        assert found.status_code == 200
        body = found.json()
        assert set(body) == {"user", "oldToken", "token", "newToken"}
        assert body["user"] == user.user
        claims = jwt.decode(body["newToken"], options={"verify_signature": False})
        assert claims["exp"] - claims["iat"] == 7 * 86400
        assert user.drive(
            "GET", "/users/usage", headers={"authorization": f"Bearer {body['newToken']}"}
        ).is_success


def test_only_a_good_new_token_opens_a_route(emulator: InThread, user: Visitor) -> None:
    old = user.drive("GET", "/users/refresh").json()["token"]
    for header in (None, "", "Bearer", "Bearer x.y.z", "Bearer .", f"Bearer {old}", f"Basic {user.token}"):
        headers = {} if header is None else {"authorization": header}
        refused = user.http.get(f"{emulator.drive}/users/usage", headers=headers)
        assert (refused.status_code, refused.json()) == (401, {"message": "Unauthorized", "statusCode": 401})


def test_a_token_is_worthless_after_logout_and_others_are_not(visitor: Come) -> None:
    one, two = visitor().log_in(), visitor().log_in()
    assert one.drive("GET", "/auth/logout").json() == {"logout": True}
    assert one.drive("GET", "/users/usage").status_code == 401
    assert two.drive("GET", "/users/usage").status_code == 200


def test_a_token_ends_with_its_time(emulator: InThread, user: Visitor) -> None:
    emulator.set(clock_ahead_s=3 * 86400 - 60)
    assert user.drive("GET", "/users/usage").status_code == 200
    emulator.set(clock_ahead_s=3 * 86400 + 60)
    assert user.drive("GET", "/users/usage").status_code == 401


def test_credentials_can_be_checked(user: Visitor) -> None:
    salt = emulated_salt(user)
    right = ciphers.password_hash(PASSWORD, salt)
    path = "/auth/are-credentials-correct?hashedPassword="
    assert user.drive("GET", path + right).json() is True
    assert user.drive("GET", path + "00").json() is False


def emulated_salt(user: Visitor) -> bytes:
    wrapped = user.drive("POST", "/auth/login", {"email": user.email}).json()["sKey"]
    return bytes.fromhex(ciphers.unwrap(wrapped, ciphers.APP_SECRET))


def test_a_second_factor_can_be_switched_on_and_off(emulator: InThread, user: Visitor) -> None:
    fresh = user.drive("GET", "/auth/tfa").json()
    assert re.fullmatch(r"[A-Z2-7]{16}", fresh["code"])
    assert fresh["qr"].startswith("data:image/png;base64,")
    assert refusal(user.drive("PUT", "/auth/tfa", {"key": "no base32", "code": "1"}))[0] == 400
    assert user.drive("PUT", "/auth/tfa", {"key": fresh["code"], "code": "x"}).status_code == 401
    assert user.drive("DELETE", "/auth/tfa", {"code": "1"}).status_code == 404

    def code() -> str:
        return ciphers.one_time_codes(fresh["code"], emulator.services.settings.now(), 0)[0]

    assert user.drive("PUT", "/auth/tfa", {"key": fresh["code"], "code": code()}).is_success
    assert user.drive("POST", "/auth/login", {"email": USER}).json()["tfa"] is True
    assert user.drive("GET", "/auth/tfa").status_code == 409
    assert user.drive("PUT", "/auth/tfa", {"key": fresh["code"], "code": code()}).status_code == 409
    assert user.drive("DELETE", "/auth/tfa", {"pass": "00"}).status_code == 400
    assert user.drive("DELETE", "/auth/tfa", {"code": "x"}).status_code == 401
    assert user.drive("DELETE", "/auth/tfa", {"code": code()}).is_success
    assert user.drive("POST", "/auth/login", {"email": USER}).json()["tfa"] is False


@pytest.mark.parametrize(
    ("text", "login"),
    [
        ("A@b.co:pw", Login("a@b.co", "pw")),
        ("a@b.co:pw:JBSWY3DPEHPK3PXP", Login("a@b.co", "pw", "JBSWY3DPEHPK3PXP")),
        ("a@b.co:pw:with:colons", Login("a@b.co", "pw:with:colons")),
        ("a@b.co:Test-Passw0rd!", Login("a@b.co", "Test-Passw0rd!")),
    ],
)
def test_accounts_are_told_by_colons(text: str, login: Login) -> None:
    assert Login.parse(text) == login


@pytest.mark.parametrize("text", ["", "a@b.co", "a@b.co:", "nobody:pw"])
def test_an_account_without_address_or_password_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="EMAIL:PASSWORD"):
        Login.parse(text)
