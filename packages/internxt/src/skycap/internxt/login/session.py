"""The token that requests show, and how a new one takes its place.

A token is refreshed early, when half its life is over, and when the server refused it. One refreshes at a
time: threads wait for each other, processes by a lock in the state folder; who waited takes what the other
one got from the credential store. An early refresh that fails changes nothing, for the old token is still
good; and no failure of the network ever forgets one.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping

from skycap.core.crypto.secret import Secret
from skycap.core.errors import AuthExpired, AuthMissing, Error, Locked
from skycap.core.http import Request, Timeouts, Tls
from skycap.internxt.endpoints import Endpoints
from skycap.internxt.login.account import LOG_IN, Account, Kept
from skycap.internxt.login.again import Again
from skycap.internxt.login.codes import NO_CODE, as_code, code_now
from skycap.internxt.login.gate import Gate
from skycap.internxt.login.given import Given
from skycap.internxt.login.keeper import Keeper
from skycap.internxt.login.password import log_in
from skycap.internxt.login.tokens import claims, is_newer
from skycap.internxt.options import InternxtOptions

_PAUSE_S = 60.0
"""After an early refresh that failed."""
_WAITS = 6
"""Times that another process is waited for, ten seconds each."""
_log = logging.getLogger("skycap.internxt")


class Session:
    """Who is logged in, and the token for each request. Threads share one.

    `again` logs in anew where a refresh is refused; it is tried once, since failed logins block an account.
    """

    def __init__(
        self,
        kept: Kept,
        endpoints: Endpoints,
        *,
        tls: Tls | None = None,
        timeouts: Timeouts | None = None,
        again: Again | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.account: Account = kept.account
        self.endpoints = endpoints
        self._kept = kept
        self._keeper = Keeper(kept)
        self._tls = tls
        self._timeouts = timeouts
        self._again = again
        self._clock = clock
        self._refreshing = threading.Lock()
        self._not_before = 0.0
        self._shown = threading.local()

    def __repr__(self) -> str:
        return f"Session({self.account.email!r})"

    @classmethod
    def open(cls, options: InternxtOptions, environ: Mapping[str, str] = os.environ) -> Session:
        """The session of a remote: what its login kept, else a login with what the environment says.

        `AuthMissing` where there is neither. The latter lasts as long as the process.
        """
        if options.session is not None:
            kept = Kept.of_secret(options.session)
            again = None
            if options.password is not None:
                again = Again(kept.account.email, options.password, options.twofactortoken)
        else:
            again, code = _from_environment(options, environ)
            with Gate(
                options.endpoints, tls=options.tls, timeouts=options.timeouts, where=again.email
            ) as gate:
                kept = log_in(gate, again.email, again.password, code)
        return cls(kept, options.endpoints, tls=options.tls, timeouts=options.timeouts, again=again)

    def token(self) -> Secret[str]:
        """The token to show; refreshed before, if it is time and no other thread is at it."""
        now = self._clock()
        known = claims(self._kept.token)
        if known.is_due(now) and now >= self._not_before:
            over = known.is_over(now)
            # While the old one is good, only the first thread to notice waits for a new one.
            if self._refreshing.acquire(blocking=over):
                try:
                    self._early(self._kept.token, over=over)
                finally:
                    self._refreshing.release()
        return self._kept.token

    def renewed(self, refused: Secret[str]) -> Secret[str]:
        """The token to show after the server refused that one.

        `AuthExpired` if there is none to be had without a person; errors of the network as they are.
        """
        with self._refreshing:
            if self._kept.token == refused:
                self._refresh(refused)
            return self._kept.token

    def authorize(self, request: Request) -> dict[str, str]:
        """The header for a request to the Drive API: for the `authorize` of an HTTP client."""
        shown: Secret[str] | None = getattr(self._shown, "token", None)
        token = self.renewed(shown) if request.refused and shown is not None else self.token()
        self._shown.token = token
        return {"authorization": f"Bearer {token.reveal()}"}

    def _early(self, old: Secret[str], *, over: bool) -> None:
        if self._kept.token != old or not claims(self._kept.token).is_due(self._clock()):
            return  # somebody else was faster
        try:
            self._refresh(old, patient=over)
        except Error as error:
            if over and isinstance(error, AuthExpired | AuthMissing):
                raise
            self._not_before = self._clock() + _PAUSE_S
            _log.log(
                logging.WARNING if over else logging.INFO,
                "the token of %s could not be refreshed yet: %s",
                self.account.email,
                error,
            )

    def _refresh(self, old: Secret[str], *, patient: bool = True) -> None:
        """Put a new token in place of `old`, from the store if another process has one already."""
        for left in reversed(range(_WAITS if patient else 1)):
            try:
                with self._keeper.alone(patient=patient):
                    if not self._taken_over(old):
                        self._kept = self._asked(old, patient=patient)
                        self._keeper.write(self._kept)
                return
            except Locked:
                if self._taken_over(old):
                    return
                if not left:
                    raise

    def _taken_over(self, old: Secret[str]) -> bool:
        found = self._keeper.read()
        if found is None or found.token == old or not is_newer(found.token, old):
            return False
        self._kept = self._kept.with_token(found.token)
        return True

    def _asked(self, old: Secret[str], *, patient: bool) -> Kept:
        gate = Gate(
            self.endpoints,
            tls=self._tls,
            timeouts=self._timeouts,
            where=self.account.email,
            patient=patient,
        )
        with gate:
            try:
                return self._kept.with_token(gate.refresh(old).token)
            except AuthExpired:
                if self._again is None:
                    raise
            # A second try with what was refused once would only count as an attack.
            again, self._again = self._again, None
            made = again(gate)
        if made.account.uuid != self.account.uuid:
            raise AuthExpired("another account has this e-mail address now", where=again.email, hint=LOG_IN)
        self._again = again
        return self._kept.with_token(made.token)


def _from_environment(
    options: InternxtOptions, environ: Mapping[str, str]
) -> tuple[Again, Callable[[], str]]:
    """What the environment says of a login, and how the first one comes by a code."""
    given = Given.from_environ(environ)
    email = options.email or given.email
    if email is None or given.password is None:
        raise AuthMissing("nobody is logged in", hint=LOG_IN)
    if given.email is not None and given.email.lower() != email.lower():
        raise AuthMissing(
            f"the remote is for {email}, and the environment names {given.email}",
            hint=f"{LOG_IN} Or set INXT_USER to the address of the remote.",
        )
    password, code, secret = given.password, given.code, given.twofactortoken

    def first_code() -> str:
        if code is not None:
            return as_code(code.reveal())
        if secret is not None:
            return code_now(secret)
        raise AuthMissing("the account has a second factor, and no code was given", where=email, hint=NO_CODE)

    return Again(email, password, secret), first_code


__all__ = ["Account", "Session"]
