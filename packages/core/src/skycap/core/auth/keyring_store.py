"""The keyring of the desktop as a credential store."""

from __future__ import annotations

from typing import ClassVar

from skycap.core.crypto.secret import Secret
from skycap.core.errors import AuthMissing


class KeyringStore:
    """Whatever backend the `keyring` package finds, unless it is one that only says no."""

    name: ClassVar[str] = "keyring"

    def available(self) -> bool:
        """Whether there is a real backend in this session."""
        return self.backend() is not None

    @staticmethod
    def backend() -> str | None:
        """The name of the backend, None where there is none that keeps anything."""
        import keyring
        from keyring.backends import fail, null

        found = keyring.get_keyring()
        return None if isinstance(found, fail.Keyring | null.Keyring) else str(found.name)

    def get(self, service: str, name: str) -> Secret[str] | None:
        """The secret, or None."""
        import keyring
        from keyring.errors import KeyringError

        try:
            value = keyring.get_password(service, name)
        except KeyringError as error:
            raise _refused(error) from None
        return None if value is None else Secret(value)

    def set(self, service: str, name: str, value: Secret[str]) -> None:
        """Keep it."""
        import keyring
        from keyring.errors import KeyringError

        try:
            keyring.set_password(service, name, value.reveal())
        except KeyringError as error:
            raise _refused(error) from None

    def delete(self, service: str, name: str) -> None:
        """Forget it."""
        import keyring
        from keyring.errors import KeyringError

        try:
            if keyring.get_password(service, name) is not None:
                keyring.delete_password(service, name)
        except KeyringError as error:
            raise _refused(error) from None


def _refused(error: Exception) -> AuthMissing:
    return AuthMissing(
        f"the keyring refused ({type(error).__name__}: {error})",
        hint="Unlock it, or use the encrypted file: SKYCAP_CREDENTIAL_STORE=file.",
    )
