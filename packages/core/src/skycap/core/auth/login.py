"""The store where new secrets go, and how stored ones are forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from skycap.core.auth.method import CredentialStore
from skycap.core.auth.references import STORES, Secrets

Stores = Callable[[str], CredentialStore | None]


def default_store(stores: Stores) -> CredentialStore:
    """Where new secrets go."""
    return Secrets(stores).store()


def forget(references: Iterable[str], stores: Stores) -> None:
    """Delete what `keyring:` references point to, wherever it is kept."""
    for reference in references:
        kind, _, rest = reference.partition(":")
        service, _, name = rest.rpartition("/")
        if kind == "keyring":
            for store_name in STORES:
                store = stores(store_name)
                if store is not None and store.available():
                    store.delete(service, name)
