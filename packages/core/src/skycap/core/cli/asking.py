"""Secrets and options that a command of `skycap remote` is given: as words, from a file, or by a question."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from skycap.core.cli.prompt import TerminalPrompt
from skycap.core.cli.session import Session
from skycap.core.crypto.secret import Secret

if TYPE_CHECKING:
    from skycap.core.auth.method import CredentialStore


def new_passphrase(run: Session, name: str, source: str | None) -> Secret[str]:
    """The one a remote shall have: asked for twice, or from a file, or with `-` a line of standard input."""
    if source is not None and source != "-":
        return run.opener.secrets.fetch(f"file:{source}", where="--new-passphrase-file")
    return TerminalPrompt().ask_secret(f"The new passphrase of {name}", twice=source is None)


def shown(value: object) -> str:
    """A secret option for people: a reference as it is, all else as stars."""
    from skycap.core.auth.references import Secrets

    return str(value) if Secrets.is_reference(str(value)) else "***"


def secret_store() -> Callable[[], CredentialStore]:
    """Finds where new secrets go, when there is one."""
    from skycap.core.auth.login import default_store
    from skycap.core.plugins import plugins

    return lambda: default_store(plugins().credential_store)


def answered(run: Session, type_name: str, name: str, pairs: list[str] | None) -> dict[str, str | None]:
    """The options as given, `-` replaced by the answer to a question."""
    from skycap.core.remotes.configuring import parse_pairs

    values = parse_pairs(pairs or [])
    secret = {info.name for info in run.opener.load_options(type_name, name) if info.secret}
    from skycap.core.auth.references import Secrets

    prompt = TerminalPrompt()
    for option, value in values.items():
        if value == "-":
            values[option] = prompt.ask_secret(option).reveal() if option in secret else prompt.ask(option)
        elif option in secret and value and not Secrets.is_reference(value):
            run.warn(
                f"{option} stood on the command line, where the shell's history keeps it; {option}=- asks"
            )
    return values
