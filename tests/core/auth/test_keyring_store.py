"""The keyring of the desktop, where there is one."""

from __future__ import annotations

from collections.abc import Iterator

import keyring  # noqa: TID253 - a fake of its backend
import pytest
from keyring.backend import KeyringBackend  # noqa: TID253 - a fake of its backend
from keyring.backends import fail  # noqa: TID253 - a fake of its backend
from keyring.errors import KeyringLocked  # noqa: TID253 - a fake of its backend

from skycap.core.auth.keyring_store import KeyringStore
from skycap.core.crypto.secret import Secret
from skycap.core.errors import AuthMissing


class InMemory(KeyringBackend):
    """A backend that obeys the protocol."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("locked")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise KeyringLocked("locked")
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def backend() -> Iterator[InMemory]:
    before = keyring.get_keyring()
    found = InMemory()
    keyring.set_keyring(found)
    yield found
    keyring.set_keyring(before)


def test_secrets_are_kept_and_forgotten(backend: InMemory) -> None:
    store = KeyringStore()
    assert store.available()
    assert store.get("skycap", "a") is None
    store.set("skycap", "a", Secret("value"))
    assert store.get("skycap", "a") == Secret("value")
    store.delete("skycap", "a")
    store.delete("skycap", "a")
    assert store.get("skycap", "a") is None


def test_a_locked_keyring_says_so(backend: InMemory) -> None:
    backend.locked = True
    with pytest.raises(AuthMissing, match="KeyringLocked") as caught:
        KeyringStore().get("skycap", "a")
    assert "SKYCAP_CREDENTIAL_STORE=file" in (caught.value.hint or "")
    with pytest.raises(AuthMissing):
        KeyringStore().set("skycap", "a", Secret("x"))


def test_a_backend_that_only_says_no_is_none(backend: InMemory) -> None:
    keyring.set_keyring(fail.Keyring())
    assert not KeyringStore().available()
