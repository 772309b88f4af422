"""What a way to log in looks like, and a place where secrets are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from skycap.core.crypto.secret import Secret
from skycap.core.storage.options import OptionInfo

SERVICE = "skycap"


class CredentialStore(Protocol):
    """Keeps secrets by service and name."""

    name: ClassVar[str]

    def available(self) -> bool:
        """Whether it works on this machine, in this session."""
        ...

    def get(self, service: str, name: str) -> Secret[str] | None:
        """The secret, or None if there is none of this name."""
        ...

    def set(self, service: str, name: str, value: Secret[str]) -> None:
        """Keep it, in place of an older one."""
        ...

    def delete(self, service: str, name: str) -> None:
        """Forget it. One that is absent is success."""
        ...


class Prompt(Protocol):
    """Asks the person at the terminal; `AuthMissing` where there is none."""

    def ask(self, question: str, default: str | None = None) -> str:
        """A line of text."""
        ...

    def ask_secret(self, question: str, *, twice: bool = False) -> Secret[str]:
        """The same, not shown while it is typed; `twice` asks a person at a terminal until both agree."""
        ...

    def tell(self, message: str) -> None:
        """Say something, such as where to click."""
        ...


@dataclass(frozen=True)
class Account:
    """The remote that a login is for: its name, its type, what is set, and what its type can be told."""

    name: str
    type: str
    values: Mapping[str, Any]
    options: list[OptionInfo]
    store: CredentialStore
    store_prefix: str = field(default="keyring")

    def reference(self, option: str) -> str:
        """The reference that goes into the configuration for a secret option of this remote."""
        return f"{self.store_prefix}:{SERVICE}/{self.key(option)}"

    def key(self, option: str) -> str:
        """The name under which the store keeps a secret option of this remote."""
        return f"{self.name}.{option}"


@dataclass(frozen=True, slots=True)
class Status:
    """Whether somebody is logged in, and one line about it."""

    logged_in: bool
    detail: str = ""


class AuthMethod(Protocol):
    """A way to log in to remotes of one storage type. Made without arguments."""

    def login(self, account: Account, prompt: Prompt) -> Mapping[str, str | None]:
        """Log in; what to write into the configuration of the remote: references, never secrets.

        None takes an option out. What is put into the store of the account reaches it when the place behind
        the remote did not refuse it.
        """
        ...

    def logout(self, account: Account) -> list[str]:
        """Forget everything; the names of options to take out of the configuration."""
        ...

    def status(self, account: Account) -> Status:
        """Who is logged in, without a network call where that is possible."""
        ...
