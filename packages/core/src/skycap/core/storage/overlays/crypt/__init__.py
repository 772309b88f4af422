"""The storage type `crypt`: another remote, of which the store sees neither contents nor names.

The format is specified in `docs/formats/crypt.md`, from which a stranger can write a reader.
"""

from skycap.core.storage.overlays.crypt.credentials import Credential, KeyFile, Passphrase
from skycap.core.storage.overlays.crypt.door import change_credential, check_credential
from skycap.core.storage.overlays.crypt.storage import Crypt, CryptOptions

__all__ = [
    "Credential",
    "Crypt",
    "CryptOptions",
    "KeyFile",
    "Passphrase",
    "change_credential",
    "check_credential",
]
