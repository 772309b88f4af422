"""Who may come in: one user with a password, or a file of users with hashes.

A hash costs tens of milliseconds on purpose, and a client of Basic authentication sends its password with
every request. So what was right is remembered for a while, as an HMAC under a key that lives and dies with
this process. Requests with the same password that come while it is being looked at wait for that one answer.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import threading
import time
from collections.abc import Callable

from skycap.core.crypto.compare import same
from skycap.core.crypto.kdf import Argon2Parameters
from skycap.core.crypto.secret import Secret
from skycap.core.errors import Error
from skycap.core.server.passwords import PARAMETERS, Hash, hash_password, is_possible, require_usable
from skycap.core.server.users import read_users

_log = logging.getLogger("skycap.server")
_Stamp = tuple[int, int, int]


class Remembered:
    """Fingerprints of what was right, at most `most`, each for `seconds`. Threads may share it."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], float]) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._until: dict[bytes, float] = {}
        self._lock = threading.Lock()

    def __contains__(self, mark: bytes) -> bool:
        with self._lock:
            return self._until.get(mark, -1.0) > self._clock()

    def add(self, mark: bytes) -> None:
        """Remember it; the oldest makes room."""
        with self._lock:
            self._until.pop(mark, None)
            self._until[mark] = self._clock() + self._seconds
            if len(self._until) > self._most:
                del self._until[next(iter(self._until))]

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._until.clear()


class _Looking:
    """One password being looked at; others wait for the answer."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.right = False


class Logins:
    """Verifies users. Made by `of_user` or `of_file`; threads may share it.

    `at_once` bounds the hashes that are computed at the same time, and so their memory.
    """

    def __init__(
        self,
        look: Callable[[str, Secret[str]], bool],
        *,
        changed: Callable[[], bool] = lambda: False,
        at_once: int = 2,
        most: int = 1024,
        seconds: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self._changed = changed
        self._key = os.urandom(32)
        self._right = Remembered(most, seconds, clock)
        self._slots = threading.BoundedSemaphore(at_once)
        self._lock = threading.Lock()
        self._looking: dict[bytes, _Looking] = {}
        self._generation = 0

    @classmethod
    def of_user(cls, user: str, password: Secret[str]) -> Logins:
        """One user, whose password this process knows anyway; `ConfigInvalid` if it is empty."""
        require_usable(password)

        def look(name: str, given: Secret[str]) -> bool:
            # Both are compared, whichever is wrong.
            return bool(int(same(_digest(name), _digest(user))) & int(given == password))

        return cls(look)

    @classmethod
    def of_file(
        cls,
        path: str,
        *,
        weak: bool = False,
        parameters: Argon2Parameters = PARAMETERS,
        clock: Callable[[], float] = time.monotonic,
    ) -> Logins:
        """The users of a file, which is read again when it changes; the errors of `read_users`.

        `parameters` is what it costs to refuse an unknown user where the file has none; `weak` lets cheap
        hashes pass.
        """
        file = _UsersFile(path, weak=weak, parameters=parameters)
        return cls(file.look, changed=file.reload, clock=clock)

    def verify(self, user: str, password: Secret[str]) -> bool:
        """Whether this is the user's password. An unknown user takes as long to refuse as a known one."""
        if not is_possible(password):
            return False
        mark, generation = self._mark(user, password), self._fresh()
        if mark in self._right:
            return True
        with self._lock:
            looking = self._looking.get(mark)
            mine = looking is None
            if looking is None:
                looking = self._looking[mark] = _Looking()
        if not mine:
            looking.done.wait()
            return looking.right
        try:
            with self._slots:
                looking.right = self._look(user, password)
            with self._lock:
                if looking.right and generation == self._generation:
                    self._right.add(mark)
        finally:
            with self._lock:
                del self._looking[mark]
            looking.done.set()
        return looking.right

    def remembers(self, user: str, password: Secret[str]) -> bool:
        """Whether this was found right a short while ago: an answer without work."""
        if not is_possible(password):
            return False
        self._fresh()
        return self._mark(user, password) in self._right

    def _fresh(self) -> int:
        with self._lock:
            if self._changed():
                self._generation += 1
                self._right.clear()
            return self._generation

    def _mark(self, user: str, password: Secret[str]) -> bytes:
        name = _bytes(user)
        text = len(name).to_bytes(8, "big") + name + _bytes(password.reveal())
        return hmac.digest(self._key, text, "sha256")


class _UsersFile:
    """The users of a file as they are now."""

    def __init__(self, path: str, *, weak: bool, parameters: Argon2Parameters) -> None:
        self._path = path
        self._weak = weak
        self._parameters = parameters
        self._stamp = self._look_at()
        self._use(read_users(path, weak=weak))

    def reload(self) -> bool:
        """Read it again if it changed, and tell. One that is broken or gone leaves what was known."""
        stamp = self._look_at()
        if stamp is None or stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            self._use(read_users(self._path, weak=self._weak))
        except Error as error:
            _log.warning("the users of before stay: %s", error)
            return False
        return True

    def look(self, user: str, password: Secret[str]) -> bool:
        """Hash and compare; for an unknown user with a hash that nothing fits."""
        found = self._users.get(user)
        fits = (found or self._nobody).fits(password)
        return fits and found is not None

    def _use(self, users: dict[str, Hash]) -> None:
        costs = [one.parameters for one in users.values()]
        dearest = max(costs, key=lambda one: one.work, default=self._parameters)
        self._nobody = hash_password(Secret(os.urandom(32).hex()), parameters=dearest)
        self._users = users

    def _look_at(self) -> _Stamp | None:
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _digest(text: str) -> bytes:
    return hashlib.sha256(_bytes(text)).digest()
