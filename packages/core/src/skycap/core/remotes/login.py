"""Logs in to a remote and out, by the method of its type, and writes the outcome into the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, cast

from skycap.core.auth.method import SERVICE, Account, AuthMethod, CredentialStore, Prompt, Status
from skycap.core.auth.references import Secrets, prefix_of
from skycap.core.config import Setting
from skycap.core.crypto.secret import Secret
from skycap.core.errors import AuthExpired, AuthMissing, Error
from skycap.core.plugins import Plugins, load
from skycap.core.remotes.configuring import write_options
from skycap.core.remotes.opening import Opener
from skycap.core.storage.capability import Capability

ANY_TYPE = "options"
"""The method of all types that have none of their own."""


def _method(plugins: Plugins, type_name: str) -> AuthMethod:
    methods = plugins.auth_methods()
    offer = methods.get(type_name) or methods[ANY_TYPE]
    return cast(AuthMethod, load(offer, "the way to log in", type_name)())


def _account(opener: Opener, plugins: Plugins, name: str) -> Account:
    remote = opener.remotes.get(name)
    store = Secrets(plugins.credential_store).store()
    options = opener.load_options(remote.type, remote.name)
    return Account(remote.name, remote.type, remote.values, options, store, prefix_of(store))


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """What came of a login: the options that were set and taken out, and why it could not be tried."""

    set: list[str]
    taken_out: list[str]
    untried: Error | None = None


def login(opener: Opener, plugins: Plugins, name: str, prompt: Prompt) -> LoggedIn:
    """Log in to a remote, and try whether it lets us in.

    What it refuses is raised, and not kept: what was there before may still be good. Where it cannot be
    asked, the login is kept, and `untried` says why.
    """
    account = _account(opener, plugins, name)
    staged = _Staged(account.store)
    found = _method(plugins, account.type).login(replace(account, store=staged), prompt)
    untried = _tried(opener, account, found, staged) if found else None
    staged.commit()
    write_options(opener, account.name, found)
    gone = [option for option, value in found.items() if value is None]
    return LoggedIn([option for option in found if option not in gone], gone, untried)


class _Staged:
    """Holds what is put into a store until it is known to be worth it."""

    name: ClassVar[str] = "staged"

    def __init__(self, store: CredentialStore) -> None:
        self._store = store
        self._changes: dict[tuple[str, str], Secret[str] | None] = {}

    def available(self) -> bool:
        return self._store.available()

    def get(self, service: str, name: str) -> Secret[str] | None:
        key = (service, name)
        return self._changes[key] if key in self._changes else self._store.get(service, name)

    def set(self, service: str, name: str, value: Secret[str]) -> None:
        self._changes[service, name] = value

    def delete(self, service: str, name: str) -> None:
        self._changes[service, name] = None

    def commit(self) -> None:
        for (service, name), value in self._changes.items():
            if value is None:
                self._store.delete(service, name)
            else:
                self._store.set(service, name, value)


def _tried(
    opener: Opener, account: Account, found: Mapping[str, str | None], store: CredentialStore
) -> Error | None:
    """Ask the place behind a remote with what is new; why that said nothing of the login, if so."""
    remote = opener.remotes.get(account.name)
    settings: dict[str, Setting] = {k: v for k, v in remote.settings.items() if found.get(k, "") is not None}
    for option, value in found.items():
        if value is not None:
            held = store.get(SERVICE, account.key(option)) if value == account.reference(option) else None
            settings[option] = Setting(held if held is not None else value, "login")
    try:
        storage, inside = opener.open(replace(remote, settings=settings), "", _ONCE)
        # A place that stands on another one is tried by opening it: there may be nothing in it yet.
        wraps = getattr(opener.load(remote.type, remote.name), "wraps", None)
        if wraps is None and storage.can(Capability.LIST):
            next(iter(storage.scan(inside)), None)
    except (AuthMissing, AuthExpired) as error:
        error.message = f"the login is refused, and nothing was changed: {error.message}"
        raise
    except Error as error:
        return error
    return None


_ONCE = {"retries": Setting(0, "login"), "timeout": Setting("20s", "login")}
"""Somebody waits for it at the terminal."""


def logout(opener: Opener, plugins: Plugins, name: str) -> tuple[list[str], list[str]]:
    """Log out of a remote: the options that were taken out, and references of theirs that led nowhere."""
    account = _account(opener, plugins, name)
    secrets = Secrets(plugins.credential_store)
    held = {option: secrets.held(str(value)) for option, value in account.values.items()}
    gone = _method(plugins, account.type).logout(account)
    for option in gone:  # it may lie in another store than the one that is chosen now
        for entry in held.get(option, ()):
            entry.forget()
    write_options(opener, account.name, dict.fromkeys(gone))
    values = {option: str(account.values.get(option)) for option in gone}
    return gone, [
        value for option, value in values.items() if value.startswith("keyring:") and not held[option]
    ]


def status(opener: Opener, plugins: Plugins, name: str) -> Status:
    """Who is logged in to a remote."""
    account = _account(opener, plugins, name)
    return _method(plugins, account.type).status(account)
