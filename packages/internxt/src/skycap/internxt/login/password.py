"""Logging in with e-mail and password. The password stays here: the server gets a hash of it."""

from __future__ import annotations

from collections.abc import Callable

from skycap.core.crypto.secret import Secret
from skycap.core.errors import IntegrityError, ProviderError
from skycap.core.http import register_secret
from skycap.internxt.crypto.keys import require_mnemonic
from skycap.internxt.crypto.passwords import password_hash
from skycap.internxt.crypto.wrapping import APP_SECRET, unwrap, wrap
from skycap.internxt.login.account import Account, Kept
from skycap.internxt.login.gate import Gate


def log_in(
    gate: Gate, email: str, password: Secret[str], code: Callable[[], str | None] = lambda: None
) -> Kept:
    """Log in. `code` is asked for the second factor only where the account has one.

    `AuthMissing` for a wrong e-mail, password or code; `AccessDenied` where the plan or a block says no.
    """
    email = email.strip().lower()
    register_secret(password)
    challenge = gate.challenge(email)
    try:
        salt = unwrap(challenge.wrapped_salt, APP_SECRET).reveal()
    except IntegrityError:
        raise ProviderError("the salt that the server sent cannot be opened", where=email) from None
    hashed = password_hash(password, salt)
    register_secret(hashed)
    entered = gate.access(email, wrap(hashed, APP_SECRET), code() if challenge.needs_code else None)
    mnemonic = opened_mnemonic(entered.user.get("mnemonic"), password, where=email)
    return Kept(Account.of_user(entered.user, mnemonic, where=email), entered.token)


def opened_mnemonic(wrapped: object, password: Secret[str], *, where: str) -> Secret[str]:
    """The recovery phrase of the account, looked at; `IntegrityError` if the password does not open it."""
    if not isinstance(wrapped, str):
        raise ProviderError("the server sent an account without mnemonic", where=where)
    try:
        found = unwrap(wrapped, password)
    except IntegrityError:
        raise IntegrityError(
            "the password let us in, but does not open the recovery phrase of the account",
            where=where,
            hint="Log in on the web to see whether the files open there.",
        ) from None
    register_secret(found)
    return require_mnemonic(found, where=where)
