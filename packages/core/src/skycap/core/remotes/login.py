"""Logs in to a remote and out, by the method of its type, and writes the outcome into the configuration."""

from __future__ import annotations

from typing import cast

from skycap.core.auth.method import Account, AuthMethod, Prompt, Status
from skycap.core.auth.references import Secrets
from skycap.core.plugins import Plugins, load
from skycap.core.remotes.configuring import write_options
from skycap.core.remotes.opening import Opener

ANY_TYPE = "options"
"""The method of all types that have none of their own."""


def _method(plugins: Plugins, type_name: str) -> AuthMethod:
    methods = plugins.auth_methods()
    offer = methods.get(type_name) or methods[ANY_TYPE]
    return cast(AuthMethod, load(offer, "the way to log in", type_name)())


def _account(opener: Opener, plugins: Plugins, name: str) -> Account:
    remote = opener.remotes.get(name)
    return Account(
        remote.name,
        remote.type,
        remote.values,
        opener.load_options(remote.type, remote.name),
        Secrets(plugins.credential_store).store(),
    )


def login(opener: Opener, plugins: Plugins, name: str, prompt: Prompt) -> list[str]:
    """Log in to a remote; the options that were written."""
    account = _account(opener, plugins, name)
    found = _method(plugins, account.type).login(account, prompt)
    write_options(opener, account.name, found)
    return list(found)


def logout(opener: Opener, plugins: Plugins, name: str) -> list[str]:
    """Log out of a remote; the options that were taken out."""
    account = _account(opener, plugins, name)
    gone = _method(plugins, account.type).logout(account)
    write_options(opener, account.name, dict.fromkeys(gone))
    return gone


def status(opener: Opener, plugins: Plugins, name: str) -> Status:
    """Who is logged in to a remote."""
    account = _account(opener, plugins, name)
    return _method(plugins, account.type).status(account)
