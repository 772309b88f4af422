"""The store where new secrets go, and how stored ones are forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from skycap.core.auth.method import CredentialStore
from skycap.core.auth.references import Secrets

Stores = Callable[[str], CredentialStore | None]


def default_store(stores: Stores) -> CredentialStore:
    """Where new secrets go."""
    return Secrets(stores).store()


def forget(references: Iterable[str], stores: Stores) -> list[str]:
    """Delete what `keyring:` references point to, wherever it is kept; those of which nothing was found."""
    secrets = Secrets(stores)
    absent = []
    for reference in references:
        if not reference.startswith("keyring:"):
            continue
        held = secrets.held(reference)
        for entry in held:
            entry.forget()
        if not held:
            absent.append(reference)
    return absent
