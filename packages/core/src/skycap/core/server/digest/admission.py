"""One question for every request that brings a digest: may it come in?"""

from __future__ import annotations

import logging
import math
import os
from dataclasses import dataclass

from skycap.core.crypto.compare import same
from skycap.core.errors import Error
from skycap.core.server.digest.header import Claim, parse
from skycap.core.server.digest.nonces import Nonces
from skycap.core.server.digest.users import ALGORITHMS, REALM, hashed, read_digest_users
from skycap.core.server.throttle import Throttle

_log = logging.getLogger("skycap.server")


@dataclass(frozen=True, slots=True)
class Judged:
    """`user` is who came in. `stale`: all was right but the nonce; `retry_after_s`: nobody even looked."""

    user: str | None = None
    stale: bool = False
    retry_after_s: int | None = None


class DigestAdmission:
    """Users of a file, which is read again when it changes, behind a throttle; threads may share it.

    Opening it raises what `read_digest_users` does.
    """

    def __init__(self, path: str, *, throttle: Throttle | None = None, nonces: Nonces | None = None) -> None:
        self._path = path
        self._throttle = throttle or Throttle()
        self._nonces = nonces or Nonces()
        self._nobody = {algorithm: os.urandom(16).hex() for algorithm in ALGORITHMS}
        self._stamp = self._look()
        self._users = read_digest_users(path)

    def challenges(self, *, stale: bool = False) -> list[str]:
        """The values of `WWW-Authenticate`, the best first."""
        nonce = self._nonces.make()
        more = ", stale=true" if stale else ""
        return [
            f'Digest realm="{REALM}", qop="auth", algorithm={algorithm}, nonce="{nonce}", charset=UTF-8{more}'
            for algorithm in ALGORITHMS
        ]

    def admit(self, address: str, method: str, uri: str, header: str | None) -> Judged:
        """Judge one request. `uri` is what stands in its first line."""
        claim = None if header is None else parse(header)
        if claim is None or claim.uri != uri:
            return Judged()
        wait = self._throttle.allowed(address, claim.user)
        if wait is not None:
            return Judged(retry_after_s=math.ceil(wait))
        if not self._fits(claim, method):
            self._throttle.failed(address, claim.user)
            return Judged()
        if not self._nonces.use(claim.nonce, claim.count):
            return Judged(stale=True)
        self._throttle.succeeded(address, claim.user)
        return Judged(claim.user)

    def _fits(self, claim: Claim, method: str) -> bool:
        self._reload()
        known = self._users.get(claim.user)
        half = self._nobody[claim.algorithm] if known is None else known[claim.algorithm].reveal()
        asked = hashed(claim.algorithm, f"{method}:{claim.uri}")
        text = f"{half}:{claim.nonce}:{claim.count_text}:{claim.cnonce}:auth:{asked}"
        return same(hashed(claim.algorithm, text), claim.response) and known is not None

    def _reload(self) -> None:
        stamp = self._look()
        if stamp is None or stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._users = read_digest_users(self._path)
        except Error as error:
            _log.warning("the users of before stay: %s", error)

    def _look(self) -> tuple[int, int, int, int] | None:
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode
