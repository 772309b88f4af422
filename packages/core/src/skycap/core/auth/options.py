"""The way to log in that every storage type has: its secret options, asked for and kept in the store."""

from __future__ import annotations

from collections.abc import Mapping

from skycap.core.auth.method import SERVICE, Account, Prompt, Status
from skycap.core.auth.references import Secrets, points_to
from skycap.core.crypto.secret import Secret
from skycap.core.errors import AuthMissing, Unsupported
from skycap.core.storage.options import OptionInfo


class OptionsMethod:
    """Secret options go to the credential store; the configuration gets references to them."""

    def login(self, account: Account, prompt: Prompt) -> Mapping[str, str | None]:
        """Ask for what a login needs and for each secret; only then keep them.

        Empty answers are left out. Of what a login can do without, an older one goes: a token that belonged
        to other keys would make these fail.
        """
        asked = [info for info in account.options if info.secret or info.login]
        if not asked:
            raise Unsupported(
                f"{account.type} remotes have nothing secret", where=account.name, hint="No login is needed."
            )
        marked = any(info.login for info in asked)
        plain: dict[str, str] = {}
        secrets: dict[str, Secret[str]] = {}
        for info in asked:
            if not info.secret:
                if known := account.values.get(info.name):
                    prompt.tell(f"{info.name} is {known}, as the configuration says.")
                elif answer := prompt.ask(f"{info.name} ({info.help})"):
                    plain[info.name] = answer
                continue
            value = _secret(account, info, prompt, optional=_is_optional(info, marked=marked))
            if value:
                secrets[info.name] = value
        if not (plain or secrets):
            return {}
        have = account.values.keys() | plain.keys() | secrets.keys()
        if missing := [info.name for info in asked if info.login and info.name not in have]:
            raise AuthMissing(
                f"{' and '.join(missing)} is missing, and nothing was changed",
                where=account.name,
                hint=f"It takes {' and '.join(info.name for info in asked if info.login)}.",
            )
        for name, value in secrets.items():
            account.store.set(SERVICE, account.key(name), value)
        gone = [
            info.name
            for info in asked
            if _is_optional(info, marked=marked) and info.name not in secrets and info.name in account.values
        ]
        for name in gone:
            account.store.delete(SERVICE, account.key(name))
        written = plain | {name: account.reference(name) for name in secrets}
        return {**written, **dict.fromkeys(gone)}

    def logout(self, account: Account) -> list[str]:
        """Forget the secrets of this remote; and what belongs to them, which alone would be half a login."""
        names = []
        for info in account.options:
            if info.secret:
                account.store.delete(SERVICE, account.key(info.name))
                if points_to(account.values.get(info.name), SERVICE, account.key(info.name)):
                    names.append(info.name)
        if any(info.login for info in account.options if info.name in names):
            names += [
                info.name
                for info in account.options
                if info.login and not info.secret and info.name in account.values
            ]
        return names

    def status(self, account: Account) -> Status:
        """Which secrets are set, and by what kind of reference."""
        secret = [info.name for info in account.options if info.secret]
        if not secret:
            return Status(True, "needs no login")
        found = []
        for name in secret:
            value = account.values.get(name)
            if value is not None:
                text = str(value)
                kind = text.partition(":")[0] if Secrets.is_reference(text) else "set"
                if kind == "keyring":
                    named = text.split(":")[1:-1]
                    kind = named[0] if named else account.store.name
                found.append(f"{name}: {kind}")
        if not found and account.values.get("key_file"):
            return Status(True, "key_file: set")
        nothing = f"no {secret[0]} is set" if len(secret) == 1 else f"none of {', '.join(secret)} is set"
        return Status(bool(found), ", ".join(found) or nothing)


def _is_optional(info: OptionInfo, *, marked: bool) -> bool:
    """Whether a login can do without this secret; `marked` says that some options are what one needs."""
    return info.secret and marked and not info.login


def _secret(account: Account, info: OptionInfo, prompt: Prompt, *, optional: bool) -> Secret[str] | None:
    question = f"{info.name} ({info.help}{'; Enter: none' if optional else ''})"
    # One that opens nothing yet cannot be found wrong: a slip would lock its owner out.
    twice = info.name == "passphrase" and info.name not in account.values
    try:
        return prompt.ask_secret(question, twice=twice)
    except AuthMissing:
        if optional:
            return None
        raise
