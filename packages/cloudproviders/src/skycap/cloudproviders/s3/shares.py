"""Links that let whoever holds them read one object for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skycap.cloudproviders.s3.signing import presign
from skycap.core.errors import AuthMissing, Unsupported, UsageError
from skycap.core.storage.capability import Capability
from skycap.core.storage.extras import Share, Shares
from skycap.core.units import format_duration

if TYPE_CHECKING:
    from skycap.cloudproviders.s3.storage import S3

LONGEST_S = 7 * 86_400


def refusal(capability: Capability, path: str) -> Unsupported | None:
    """What is said of links that are to be listed or taken back; None of all else."""
    if capability is Capability.SHARE_LIST:
        return Unsupported("S3 keeps no list of links; each ends at its time", where=path or None)
    if capability is Capability.SHARE_REMOVE:
        return Unsupported("an S3 link cannot be taken back; it ends at its time", where=path or None)
    return None


class Links(Shares):
    """Signed here, known to nobody: they cannot be listed or taken back."""

    def __init__(self, storage: S3) -> None:
        self._storage = storage

    def create(self, path: str, *, expires_s: float | None = None, password: str | None = None) -> Share:
        """A link for one hour, or for `expires_s` seconds, seven days at most. It must be there."""
        storage = self._storage
        where = storage.where(path)
        if password is not None:
            raise Unsupported("an S3 link has no password", where=where)
        lives = int(3600 if expires_s is None else expires_s)
        if not 1 <= lives <= LONGEST_S:
            raise UsageError(
                f"an S3 link lives between one second and 7 days, not {format_duration(lives)}",
                where=where,
                hint="For longer, make the object public by a bucket policy.",
            )
        storage.head(path)
        client = storage.client
        keys = client.credentials.keys()
        if keys is None:
            raise AuthMissing("a link must be signed, and this remote is anonymous", where=where)
        now = client.clock() + client.skew_s
        expires_at = now + lives
        if keys.expires_at is not None:
            # No link outlives the session that signed it.
            expires_at = min(expires_at, keys.expires_at)
        endpoint = client.endpoint
        target = endpoint.path(storage.bucket, storage.key(path))
        host = endpoint.authority(storage.bucket)
        query = presign(keys, endpoint.region, "GET", host, target, expires_s=lives, now=now)
        return Share(
            f"{endpoint.scheme}://{host}{target}?{query}", path, None, int(expires_at) * 1_000_000_000
        )
