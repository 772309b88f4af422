"""The way to log in that every storage type has: its secret options, asked for and kept in the store."""

from __future__ import annotations

from collections.abc import Mapping

from skycap.core.auth.method import SERVICE, Account, Prompt, Status
from skycap.core.auth.references import Secrets
from skycap.core.errors import Unsupported


class OptionsMethod:
    """Secret options go to the credential store; the configuration gets references to them."""

    def login(self, account: Account, prompt: Prompt) -> Mapping[str, str]:
        """Ask for each secret option; an empty answer leaves it out."""
        found: dict[str, str] = {}
        for info in account.options:
            if not info.secret:
                continue
            value = prompt.ask_secret(f"{info.name} ({info.help})")
            if value:
                account.store.set(SERVICE, account.key(info.name), value)
                found[info.name] = account.reference(info.name)
        if not any(info.secret for info in account.options):
            raise Unsupported(
                f"{account.type} remotes have nothing secret", where=account.name, hint="No login is needed."
            )
        return found

    def logout(self, account: Account) -> list[str]:
        """Forget the secrets of this remote."""
        names = []
        for info in account.options:
            if info.secret:
                account.store.delete(SERVICE, account.key(info.name))
                if account.values.get(info.name) == account.reference(info.name):
                    names.append(info.name)
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
                found.append(f"{name}: {kind}")
        return Status(bool(found), ", ".join(found) or f"none of {', '.join(secret)} is set")
