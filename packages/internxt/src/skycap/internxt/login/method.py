"""Logging in to a remote of type `internxt`, by the hooks of the core."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from skycap.core.auth.method import SERVICE, Prompt, Status
from skycap.core.auth.method import Account as Remote
from skycap.core.auth.references import Secrets, points_to
from skycap.core.cli.prompt import TerminalPrompt
from skycap.core.crypto.secret import Secret
from skycap.core.errors import AuthMissing, Error, UsageError
from skycap.internxt.login.account import Kept
from skycap.internxt.login.codes import NO_CODE, as_code, code_now
from skycap.internxt.login.gate import Gate
from skycap.internxt.login.given import Given
from skycap.internxt.options import InternxtOptions

SECRETS = ("session", "password", "twofactortoken")
_log = logging.getLogger("skycap.internxt")


class PreparedPrompt(TerminalPrompt):
    """A prompt that knows some answers beforehand."""

    def __init__(self, given: Given) -> None:
        self.given = given


class Login:
    """E-mail and password, a code where the account has a second factor; or the web page."""

    def login(self, account: Remote, prompt: Prompt) -> Mapping[str, str | None]:
        """Log in and keep what came of it. A password and a secret of codes stay only if that was asked."""
        given: Given = getattr(prompt, "given", Given()).over(Given.from_environ())
        options = _options(account)
        attempt = _Attempt(account, prompt, given)
        with Gate(options.endpoints, tls=options.tls, timeouts=options.timeouts, where=account.name) as gate:
            kept = attempt.by_browser(gate, options) if attempt.email is None else attempt.by_password(gate)
        if kept is None:
            return {}
        reference = account.reference("session")
        found: dict[str, Secret[str] | None] = {
            "session": replace(kept, reference=reference).as_secret(),
            "password": attempt.password if given.keep_password else None,
            "twofactortoken": given.twofactortoken if given.keep_twofactortoken else None,
        }
        written: dict[str, str | None] = {"email": kept.account.email}
        for name, value in found.items():
            if value is not None:
                account.store.set(SERVICE, account.key(name), value)
                written[name] = account.reference(name)
            elif points_to(account.values.get(name), SERVICE, account.key(name)):
                account.store.delete(SERVICE, account.key(name))
                written[name] = None
        return written

    def logout(self, account: Remote) -> list[str]:
        """End the login at the server and forget it here; the latter also when the server is away."""
        revoke(account)
        for name in SECRETS:
            account.store.delete(SERVICE, account.key(name))
        return [name for name in SECRETS if points_to(account.values.get(name), SERVICE, account.key(name))]

    def status(self, account: Remote) -> Status:
        """Who is logged in, as the configuration says; the credential store is not opened."""
        email = account.values.get("email")
        if account.values.get("session"):
            kept = [name for name in SECRETS[1:] if account.values.get(name)]
            return Status(True, ", ".join([str(email or "session: set"), *(f"{name}: set" for name in kept)]))
        given = Given.from_environ()
        if (email or given.email) and given.password:
            return Status(True, f"{email or given.email}, by the environment, anew in each run")
        return Status(False, f"{email}, without a session" if email else "no session is set")


@dataclass
class _Attempt:
    """One try to log in: what is known, and who can be asked."""

    remote: Remote
    prompt: Prompt
    given: Given
    password: Secret[str] | None = None
    email: str | None = None

    def __post_init__(self) -> None:
        if self.given.browser:
            if self.given.keep_password or self.given.keep_twofactortoken:
                raise UsageError("a login by the browser has no password that could be kept")
            return
        if self.given.keep_twofactortoken and self.given.twofactortoken is None:
            raise UsageError(
                "there is no secret of the second factor that could be kept",
                hint="--twofactortoken gives it.",
            )
        known = self.remote.values.get("email")
        if self.given.email is not None:
            self.email = self.given.email
        elif known:
            self.prompt.tell(f"email is {known}, as the configuration says.")
            self.email = str(known)
        else:
            self.email = self.prompt.ask("email (Enter: log in by the browser)").strip() or None

    def by_browser(self, gate: Gate, options: InternxtOptions) -> Kept:
        """Through the web page; `AuthMissing` if another account than the wanted one comes back."""
        from skycap.internxt.login.browser import log_in

        return log_in(
            gate,
            options.endpoints.web,
            self.prompt.tell,
            port=self.given.port,
            opens=self.given.opens_browser,
            wanted=self.given.email,
        )

    def by_password(self, gate: Gate) -> Kept | None:
        """With e-mail and password; None if none was entered."""
        from skycap.internxt.login.password import log_in

        self.password = self.given.password or self.prompt.ask_secret("password")
        if self.email is None or not self.password:
            return None
        return log_in(gate, self.email, self.password, self._code)

    def _code(self) -> str:
        if self.given.code is not None:
            return as_code(self.given.code.reveal())
        secret = self.given.twofactortoken or _kept_secret(self.remote)
        if secret is not None:
            return code_now(secret)
        try:
            return as_code(self.prompt.ask("code of the second factor"))
        except AuthMissing:
            raise AuthMissing(
                "the account has a second factor, and no code was given",
                where=self.remote.name,
                hint=NO_CODE,
            ) from None


def revoke(account: Remote) -> bool:
    """Tell the server that the login of a remote is over; whether it knows. A warning says why not."""
    reference = account.values.get("session")
    if not reference:
        return False
    from skycap.core.plugins import plugins

    try:
        options = _options(account)
        secret = Secrets(plugins().credential_store).fetch(str(reference), where=account.name)
        token = Kept.of_secret(secret, where=account.name).token
        with Gate(
            options.endpoints, tls=options.tls, timeouts=options.timeouts, where=account.name, patient=False
        ) as gate:
            gate.logout(token)
    except Error as error:
        _log.warning(
            "Internxt could not be told that the login is over (%s); its token runs out by itself within a "
            "week. Changing the password ends it at once.",
            error,
        )
        return False
    return True


def _options(account: Remote) -> InternxtOptions:
    """The options of the remote without its secrets, which are references here."""
    known = {info.name for info in InternxtOptions.describe() if not info.secret}
    values = {name: value for name, value in account.values.items() if name in known}
    return InternxtOptions.parse(values, where=f"remote {account.name}")


def _kept_secret(account: Remote) -> Secret[str] | None:
    reference = account.values.get("twofactortoken")
    if not reference:
        return None
    from skycap.core.plugins import plugins

    return Secrets(plugins().credential_store).fetch(str(reference), where=account.name)
