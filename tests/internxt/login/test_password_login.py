"""A login by password, as the server sees it, and what every refusal of it means."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import pytest

from skycap.core.crypto.secret import Secret
from skycap.core.errors import AccessDenied, AuthMissing, Error, IntegrityError, ProviderError
from skycap.core.http import redact
from skycap.internxt.crypto.wrapping import APP_SECRET, wrap
from skycap.internxt.emulator.running import Emulator
from skycap.internxt.login.account import Kept
from skycap.internxt.login.codes import code_now
from skycap.internxt.login.failures import expiry
from skycap.internxt.login.gate import Gate
from skycap.internxt.login.password import log_in
from tests.internxt.login.people import ADA, BEA, CYR

Enter = Callable[..., Kept]


def asked(emulator: Emulator, after: int = 0) -> list[str]:
    return [one["path"] for one in emulator.requests(after)]


def last(emulator: Emulator) -> int:
    return max((one["number"] for one in emulator.requests()), default=0)


def never() -> str:
    raise AssertionError("no code was to be asked for")


def test_a_login_gives_all_that_the_storage_needs(enter: Enter, emulator: Emulator) -> None:
    kept = enter(ADA, code=never)
    there = emulator.account(ADA.email)
    account = kept.account
    assert account.email == ADA.email
    assert account.mnemonic.reveal() == there["mnemonic"]
    assert account.uuid == there["uuid"]
    assert account.bucket == there["bucket"]
    assert account.root_folder == there["root"]
    assert kept.reference is None


def test_the_case_and_blanks_of_an_address_do_not_matter(gate: Gate) -> None:
    assert log_in(gate, f" {ADA.email.upper()} ", Secret(ADA.password)).account.email == ADA.email


def test_a_second_factor_is_passed_by_a_code_and_a_password_may_hold_any_letters(enter: Enter) -> None:
    kept = enter(BEA, code=lambda: code_now(Secret(BEA.totp)))
    assert kept.account.email == BEA.email


def test_a_refused_password_shows_in_no_traceback_and_no_log(enter: Enter) -> None:
    password = "-".join(("open", "sesame", "73"))  # so that this line does not hold it
    with pytest.raises(AuthMissing) as caught:
        enter(CYR, password=password)
    assert password not in "".join(traceback.format_exception(caught.value))
    assert password not in redact(f"log line with {password}")


@pytest.mark.parametrize("email", [CYR.email, "nobody@example.com"])
def test_a_wrong_password_and_an_unknown_address_are_told_alike(email: str, gate: Gate) -> None:
    with pytest.raises(AuthMissing, match="e-mail address or the password is wrong") as caught:
        log_in(gate, email, Secret("wrong"))
    assert "ten failures" in (caught.value.hint or "")


@pytest.mark.parametrize("code", [None, "000000"])
def test_a_missing_or_wrong_code_is_told_apart_from_a_wrong_password(enter: Enter, code: str | None) -> None:
    with pytest.raises(AuthMissing, match="code of the second factor") as caught:
        enter(BEA, code=lambda: code)
    assert "clock" in (caught.value.hint or "")


def test_an_account_that_is_blocked_says_that_trying_does_not_help(enter: Enter) -> None:
    for _ in range(10):
        with pytest.raises(AuthMissing):
            enter(CYR, password="wrong")
    with pytest.raises(AccessDenied, match="blocked") as caught:
        enter(CYR)
    assert "support" in (caught.value.hint or "")


def test_a_plan_without_access_for_programs_is_told(enter: Enter, emulator: Emulator) -> None:
    emulator.set(tier={"rclone": False})
    with pytest.raises(AccessDenied, match="the plan of this account") as caught:
        enter()
    assert "password was right" in (caught.value.hint or "")
    assert not caught.value.retryable


def test_an_address_that_is_none_is_told(gate: Gate) -> None:
    with pytest.raises(ProviderError, match="does not take this login") as caught:
        log_in(gate, "no address", Secret("x"))
    assert "e-mail" in (caught.value.hint or "")


def test_a_server_that_asks_to_slow_down_is_waited_for(enter: Enter, emulator: Emulator) -> None:
    before = last(emulator)
    for path in ("auth/login$", "login/access$"):
        emulator.fault(path=path, status=429, headers={"retry-after": "0"}, count=2)
    assert enter().account.email == ADA.email
    assert asked(emulator, before).count("/drive/auth/login") == 3
    assert asked(emulator, before).count("/drive/auth/cli/login/access") == 3


def test_a_login_takes_two_requests_and_names_itself(enter: Enter, emulator: Emulator) -> None:
    before = last(emulator)
    enter()
    assert asked(emulator, before) == ["/drive/auth/login", "/drive/auth/cli/login/access"]
    assert {one["client"] for one in emulator.requests(before)} == {"skycap"}


@pytest.mark.parametrize(
    ("path", "patch", "kind", "text"),
    [
        ("auth/login$", {"sKey": None}, ProviderError, "no salt"),
        ("auth/login$", {"sKey": None, "useOpaqueLogin": True}, ProviderError, "does not know"),
        ("auth/login$", {"sKey": "00"}, ProviderError, "salt"),
        ("auth/login$", {"sKey": wrap(Secret("xyz"), APP_SECRET)}, ProviderError, "hexadecimal"),
        ("login/access$", {"newToken": None}, ProviderError, "without a token"),
        ("login/access$", {"user": None}, ProviderError, "without a token"),
        ("login/access$", {"user.mnemonic": None}, ProviderError, "without mnemonic"),
        ("login/access$", {"user.mnemonic": "00"}, IntegrityError, "does not open the recovery phrase"),
        (
            "login/access$",
            {"user.mnemonic": wrap(Secret("not 24 words"), Secret(ADA.password))},
            IntegrityError,
            "no recovery phrase",
        ),
        ("login/access$", {"user.bucket": None}, ProviderError, "without bucket"),
        ("login/access$", {"user.rootFolderId": 7}, ProviderError, "without rootFolderId"),
    ],
)
def test_an_answer_that_is_not_whole_is_no_login(
    path: str, patch: dict[str, Any], kind: type[Error], text: str, enter: Enter, emulator: Emulator
) -> None:
    emulator.fault(path=path, patch=patch)
    with pytest.raises(kind, match=text):
        enter()


def test_what_is_no_object_is_no_login(gate: Gate) -> None:
    from skycap.core.http import Response
    from skycap.internxt.login.gate import _object

    with pytest.raises(ProviderError, match="something else"):
        _object(Response(200, {}, b"[]", "http://x"), "me@example.com")
    for body in (b"[]", b"not json", b"{}", b'{"message": ["a", 1, "b"]}'):
        error = expiry(Response(402, {}, body, "http://x"), where="me@example.com")
        assert isinstance(error, AccessDenied)


def test_a_token_that_is_over_already_can_be_ended_and_another_route_says_so(
    enter: Enter, gate: Gate
) -> None:
    from skycap.core.errors import AuthExpired

    token = enter().token
    assert gate.ask("/users/limit", token)["maxSpaceBytes"] > 0
    gate.logout(token)
    gate.logout(token)
    with pytest.raises(AuthExpired, match="expired or was ended"):
        gate.ask("/users/limit", token)
