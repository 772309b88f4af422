"""What this distribution adds to skycap: storage types. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterable

from skycap.core.hookspecs import Lazy, hookimpl


@hookimpl
def register_storage_types() -> Iterable[Lazy]:
    """The storage types of the clouds."""
    return [
        Lazy(
            "s3", "Amazon S3 and every store that speaks its protocol", "skycap.cloudproviders.s3.storage:S3"
        ),
        Lazy(
            "webdav",
            "WebDAV servers: Nextcloud, ownCloud, and whatever speaks the protocol",
            "skycap.cloudproviders.webdav.storage:WebDav",
        ),
    ]


@hookimpl
def register_auth_methods() -> Iterable[Lazy]:
    """Logins of the clouds."""
    return [
        Lazy("s3", "Access keys, or those that AWS settings give", "skycap.cloudproviders.s3.login:Login"),
        Lazy("webdav", "A user with a password, or a token", "skycap.cloudproviders.webdav.login:Login"),
    ]
