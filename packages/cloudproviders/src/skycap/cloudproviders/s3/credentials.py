"""Who we are: keys that are given, or that the AWS ways of finding them find.

The simple ways (options, environment, the shared credentials file) are read here, for botocore takes half a
second to import. All others are botocore's own chain, in `chain`.
"""

from __future__ import annotations

import configparser
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from skycap.cloudproviders.s3.options import S3Options
from skycap.cloudproviders.s3.signing import Keys
from skycap.core.errors import AuthMissing, ConfigInvalid


class Credentials(Protocol):
    """Where keys come from."""

    def keys(self) -> Keys | None:
        """Keys that are good now; None: send requests unsigned."""
        ...

    def renew(self) -> bool:
        """Get others, since the store says that these have expired; False if there is no way."""
        ...


class Given:
    """Keys that somebody wrote down, or none at all."""

    def __init__(self, keys: Keys | None) -> None:
        self._keys = keys

    def keys(self) -> Keys | None:
        """Always the same ones."""
        return self._keys

    def renew(self) -> bool:
        """What is written down does not renew itself."""
        return False


class Found:
    """Keys from a way that takes time, found at the first use and again when they run out."""

    def __init__(
        self, find: Callable[[bool], Callable[[], Keys]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._find = find
        self._current: Callable[[], Keys] | None = None
        self._lock = threading.Lock()
        self._clock = clock
        self._renewed_at: float | None = None

    def keys(self) -> Keys | None:
        """Keys that are good now."""
        current = self._current
        if current is None:
            with self._lock:
                current = self._current = self._current or self._find(False)
        return current()

    def renew(self) -> bool:
        """Look again, past every cache. Threads that come together look once."""
        with self._lock:
            if self._renewed_at is None or self._clock() - self._renewed_at > 5:
                self._current = self._find(True)
                self._renewed_at = self._clock()
        return True


def resolve(options: S3Options, *, environ: Mapping[str, str] | None = None) -> Credentials:
    """The credentials that the options mean."""
    environ = os.environ if environ is None else environ
    if options.anonymous:
        return Given(None)
    simple = _simple(options, environ)
    if simple is not None and not options.role_arn:
        return Given(simple)

    def find(fresh: bool) -> Callable[[], Keys]:
        from skycap.cloudproviders.s3 import chain

        return chain.find(options, simple, fresh=fresh)

    return Found(find)


def profile_settings(profile: str | None, *, environ: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """What the AWS configuration file says of a profile: its region, its endpoint."""
    environ = os.environ if environ is None else environ
    name = profile or environ.get("AWS_PROFILE") or "default"
    return _section("AWS_CONFIG_FILE", "config", (f"profile {name}", name), environ)


def origin(profile: str | None, *, environ: Mapping[str, str] | None = None) -> str | None:
    """Where keys that no option gives come from, in words; None where nobody can tell without asking."""
    environ = os.environ if environ is None else environ
    if profile is None:
        if environ.get("AWS_ACCESS_KEY_ID"):
            good = bool(environ.get("AWS_SECRET_ACCESS_KEY"))
            return "environment AWS_ACCESS_KEY_ID" if good else None
        if environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
            return "environment AWS_WEB_IDENTITY_TOKEN_FILE"
    name = profile or environ.get("AWS_PROFILE") or "default"
    known = {
        **_section("AWS_CONFIG_FILE", "config", (f"profile {name}", name), environ),
        **_section("AWS_SHARED_CREDENTIALS_FILE", "credentials", (name,), environ),
    }
    for option, what in _OF_A_PROFILE.items():
        if known.get(option):
            return f"profile {name}: {what}"
    for variable in ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        if profile is None and environ.get(variable):
            return f"environment {variable}"
    return None


_OF_A_PROFILE = {
    "role_arn": "role",
    "web_identity_token_file": "web identity token file",
    "sso_session": "single sign-on",
    "sso_start_url": "single sign-on",
    "aws_access_key_id": "access keys",
    "credential_process": "a program",
    "login_session": "sign-in",
}
"""What in a profile leads to keys, in the order in which it is looked at."""


def _simple(options: S3Options, environ: Mapping[str, str]) -> Keys | None:
    if options.access_key_id or options.secret_access_key:
        if not (options.access_key_id and options.secret_access_key):
            given, missing = "access_key_id", "secret_access_key"
            if not options.access_key_id:
                given, missing = missing, given
            raise ConfigInvalid(
                f"access_key_id and secret_access_key belong together, and {missing} is missing",
                hint=f'"skycap auth login REMOTE" asks for it; "skycap remote edit REMOTE {given}=" takes '
                "the other out, so that the AWS configuration and environment are used.",
            )
        token = options.session_token.reveal() if options.session_token else None
        return Keys(options.access_key_id, options.secret_access_key.reveal(), token)
    if options.web_identity_token_file:
        return None
    if options.profile is None and (key := environ.get("AWS_ACCESS_KEY_ID")):
        secret = environ.get("AWS_SECRET_ACCESS_KEY")
        if not secret:
            raise AuthMissing(
                "AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not",
                hint="Set both, or neither to use the AWS configuration files.",
            )
        return Keys(key, secret, environ.get("AWS_SESSION_TOKEN") or environ.get("AWS_SECURITY_TOKEN"))
    if options.profile is None and environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
        return None
    return _shared_file(options.profile or environ.get("AWS_PROFILE") or "default", environ)


def _shared_file(profile: str, environ: Mapping[str, str]) -> Keys | None:
    """Static keys of a profile in the shared credentials file, where nothing ranks above them."""
    credentials = _section("AWS_SHARED_CREDENTIALS_FILE", "credentials", (profile,), environ)
    if not {"aws_access_key_id", "aws_secret_access_key"} <= credentials.keys():
        return None
    config = _section("AWS_CONFIG_FILE", "config", (f"profile {profile}", profile), environ)
    ranks_above = {"role_arn", "sso_session", "sso_start_url", "web_identity_token_file"}
    if ranks_above & (credentials.keys() | config.keys()):
        return None
    return Keys(
        credentials["aws_access_key_id"],
        credentials["aws_secret_access_key"],
        credentials.get("aws_session_token") or None,
    )


def _section(
    variable: str, name: str, sections: tuple[str, ...], environ: Mapping[str, str]
) -> Mapping[str, str]:
    path = Path(environ.get(variable) or Path(environ.get("HOME") or Path.home()) / ".aws" / name)
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.expanduser().read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error):
        return {}  # botocore looks at it next, and says what is wrong with it
    return next((dict(parser[section]) for section in sections if section in parser), {})
