"""Gives the vault of a remote another passphrase, in an order that no crash spoils.

1. The new one is laid beside the old one in the credential store, if the old one is kept there.
2. The file of the vault is written anew, in one step, and read back.
3. The new one takes the place of the old one.

At each moment the store holds one that opens the vault. Where a run was cut off after the second step, the
next one finds that what is stored opens nothing and what lies beside it does, and begins with the third.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace

from skycap.core.auth.method import Prompt
from skycap.core.auth.references import Entry
from skycap.core.config import Setting
from skycap.core.crypto.secret import Secret
from skycap.core.errors import AuthMissing, Conflict, Error, Unsupported
from skycap.core.location import Location
from skycap.core.remotes.opening import Opener
from skycap.core.remotes.settings import Remote
from skycap.core.storage.overlays.crypt import CryptOptions, Passphrase, change_credential, check_credential

OPTION = "passphrase"
_BESIDE = ".new"


def change_passphrase(
    opener: Opener, name: str, new: Callable[[], Secret[str]], prompt: Prompt
) -> tuple[bool, str]:
    """Change the passphrase of a remote's vault; whether it is stored here, and what the user is left to do.

    `new` is asked when the old one was found right. `prompt` is asked for the old one where nothing is set.
    """
    remote = opener.remotes.get(name)
    place = _place(opener, remote)
    setting = remote.settings.get(OPTION)
    entry = None
    if setting is None:
        old = prompt.ask_secret(f"The passphrase that {remote.name} has now")
    else:
        old = opener.secret(OPTION, setting, remote)
        entry = opener.secrets.entry(str(setting.value))
        if entry is not None:
            _refuse_shared(opener, remote, str(setting.value))
            old = _current(place, entry, old, prompt)
    check_credential(place, Passphrase(old))
    wanted = new()
    if not wanted:
        raise AuthMissing("the new passphrase is empty", hint="An empty one would protect nothing.")
    if entry is None:
        change_credential(place, Passphrase(old), Passphrase(wanted))
        return False, _advice(remote, setting)
    _changed(place, entry, old, wanted, remote)
    return True, f'On other machines, run "skycap auth login {remote.name}".'


def _place(opener: Opener, remote: Remote) -> Location:
    """Where the vault lies; refused for a remote that has no passphrase."""
    others = {option: found for option, found in remote.settings.items() if option != OPTION}
    options, extra = opener.options(replace(remote, settings=others))
    if not isinstance(options, CryptOptions):
        raise Unsupported(
            f"a remote of type {remote.type} has no passphrase",
            where=remote.name,
            hint='Only one of type crypt has. "skycap auth login NAME" changes what others log in with.',
        )
    if options.key_file:
        raise Unsupported(
            "a key file opens it, and no passphrase",
            where=remote.name,
            hint="The library can change that: skycap.core.storage.overlays.crypt.change_credential.",
        )
    # A power cut must not leave an empty file where the only key was.
    return opener.resolve(options.remote, for_writing=True, overrides={**extra, "fsync": "file"})


def _refuse_shared(opener: Opener, remote: Remote, reference: str) -> None:
    """`Conflict` if another remote would be given a passphrase that is not its own."""
    for other in opener.remotes.names():
        found = None
        with contextlib.suppress(Error):  # one that is broken has its own error when it is used
            found = opener.remotes.get(other)
        if found is not None and other != remote.name and reference in found.values.values():
            raise Conflict(
                f"{other} takes its passphrase from the same place, {reference}",
                where=remote.name,
                hint=f'Give it one of its own first: "skycap auth login {other}".',
            )


def _current(place: Location, entry: Entry, stored: Secret[str], prompt: Prompt) -> Secret[str]:
    """The stored one; or the one beside it, put into its place, if a run before this was cut off."""
    beside = entry.store.get(entry.service, entry.name + _BESIDE)
    if not beside:
        return stored
    try:
        check_credential(place, Passphrase(stored))
    except AuthMissing:
        check_credential(place, Passphrase(beside))
        entry.keep(beside)
        prompt.tell(
            "A change before this was cut off: the vault had the new passphrase, and now it is stored."
        )
        return beside
    return stored


def _changed(place: Location, entry: Entry, old: Secret[str], new: Secret[str], remote: Remote) -> None:
    beside = replace(entry, name=entry.name + _BESIDE)
    beside.keep(new)
    try:
        change_credential(place, Passphrase(old), Passphrase(new))
    except Error:
        with contextlib.suppress(Error):
            check_credential(place, Passphrase(old))
            beside.forget()
        raise
    try:
        entry.keep(new)
    except Error as error:
        error.hint = (
            f'The vault has its new passphrase. Run "skycap remote passphrase {remote.name}" again, '
            f'or "skycap auth login {remote.name}", to store it.'
        )
        raise
    beside.forget()


def _advice(remote: Remote, setting: Setting | None) -> str:
    """Where the user has to put the new one."""
    if setting is None:
        return f'It is stored nowhere; "skycap auth login {remote.name}" would keep it.'
    kind, _, rest = str(setting.value).partition(":")
    if kind == "file":
        return f"Write the new one into the first line of {rest} now: {setting.origin} takes it from there."
    if kind == "command":
        return f"See to it that {rest.split()[0]} prints the new one: {setting.origin} asks it."
    variable = rest if kind == "env" else setting.origin.removeprefix("environment ")
    return f"Set the environment variable {variable} to the new one, wherever it is set."
