"""Logging in to a WebDAV server: a user with a password, or a bearer token."""

from __future__ import annotations

from collections.abc import Mapping

from skycap.core.auth.method import SERVICE, Account, Prompt, Status
from skycap.core.auth.options import OptionsMethod
from skycap.core.crypto.secret import Secret
from skycap.core.errors import AuthMissing


class Login(OptionsMethod):
    """Asks for the user's name and password; for a token where no password is given."""

    def login(self, account: Account, prompt: Prompt) -> Mapping[str, str | None]:
        """Ask, keep what is secret in the store, and let go of what the other way to log in had."""
        user = account.values.get("user")
        if user:
            prompt.tell(f"user is {user}, as the configuration says.")
        else:
            user = prompt.ask("user (Enter: none, for a token)")
        written: dict[str, str | None] = {}
        name = "password" if user else "token"
        value = _secret(prompt, f"{name}{' (Enter: none, for a token)' if user else ''}")
        if value is None and user:
            name = "token"
            value = _secret(prompt, "token (Enter: none)")
        if value is None:
            return {}
        account.store.set(SERVICE, account.key(name), value)
        written[name] = account.reference(name)
        if user and not account.values.get("user"):
            written["user"] = str(user)
        other = "token" if name == "password" else "password"
        if other in account.values:
            account.store.delete(SERVICE, account.key(other))
            written[other] = None
        return written

    def status(self, account: Account) -> Status:
        """Who logs in, and by what."""
        found = super().status(account)
        user = account.values.get("user")
        if found.logged_in and user:
            return Status(True, f"{user}, {found.detail}")
        return found


def _secret(prompt: Prompt, question: str) -> Secret[str] | None:
    try:
        return prompt.ask_secret(question) or None
    except AuthMissing:
        return None
