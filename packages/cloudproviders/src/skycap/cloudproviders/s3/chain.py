"""The ways to credentials that take botocore: profiles, roles, single sign-on, instance and container.

This module is imported only when one of them is needed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from skycap.cloudproviders.s3.errors import NO_CREDENTIALS, botocore_error
from skycap.cloudproviders.s3.options import DEFAULT_REGION, S3Options, or_environment
from skycap.cloudproviders.s3.signing import Keys
from skycap.core.errors import AuthMissing, Error
from skycap.core.state import make_private_folder, state_folder

WHERE = "credentials"
_TIMEOUT_S = 5


def cache_folder() -> str:
    """Where sessions of assumed roles are kept, so that the next process need not ask for them."""
    return os.path.join(state_folder(), "aws-sessions")


def find(options: S3Options, given: Keys | None, *, fresh: bool) -> Callable[[], Keys]:
    """What gives keys that are good now, and renews them by itself.

    `given` are keys to assume the role with. `fresh` passes the cache by.
    """
    theirs = _errors_of_botocore()
    try:
        found = _find(options, given, fresh=fresh)
    except Error:
        raise
    except theirs as error:
        raise botocore_error(error, WHERE) from error
    if found is None:
        raise AuthMissing("no credentials were found", where=WHERE, hint=NO_CREDENTIALS)

    def keys() -> Keys:
        try:
            frozen = found.get_frozen_credentials()
        except Error:
            raise
        except theirs as error:
            raise botocore_error(error, WHERE) from error
        if not frozen.access_key:
            raise AuthMissing("no credentials were found", where=WHERE, hint=NO_CREDENTIALS)
        expires = getattr(found, "_expiry_time", None)
        return Keys(
            frozen.access_key, frozen.secret_key, frozen.token, expires.timestamp() if expires else None
        )

    keys()
    return keys


def _errors_of_botocore() -> tuple[type[Exception], ...]:
    """What becomes an error of ours. Anything else is a bug, and must not look like missing credentials."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    theirs = (BotoCoreError, ClientError, Boto3Error, ResponseParserError)
    # Besides its own, botocore raises a ValueError for an address or an answer it cannot read, the JSON of a
    # program among them, and a RuntimeError when what it renewed has run out, too.
    return (*theirs, OSError, ValueError, RuntimeError)


def _find(options: S3Options, given: Keys | None, *, fresh: bool) -> Any:
    import boto3
    import botocore.credentials
    import botocore.session
    from botocore.utils import JSONFileCache

    session = botocore.session.Session(profile=options.profile)
    cache: Any = {}
    if not fresh:
        cache = JSONFileCache(make_private_folder(cache_folder()))
    session.get_component("credential_provider").get_provider("assume-role").cache = cache
    region = or_environment(options.region, "AWS_REGION", "AWS_DEFAULT_REGION")
    region = region or session.get_config_variable("region") or DEFAULT_REGION
    clients = boto3.Session(botocore_session=session, region_name=region)
    if options.web_identity_token_file:
        return _web_identity(botocore.credentials, clients, options, cache)
    credentials: Any
    if given is not None:
        credentials = botocore.credentials.Credentials(
            given.access_key_id, given.secret_access_key, given.session_token, method="explicit"
        )
    else:
        credentials = clients.get_credentials()
    for number, role in enumerate(options.role_arn):
        if credentials is None:
            break
        last = number == len(options.role_arn) - 1
        credentials = _assume(botocore.credentials, clients, options, cache, credentials, role, last=last)
    return credentials


def _client_creator(clients: Any) -> Callable[..., Any]:
    from botocore.config import Config

    def create(service: str, **arguments: Any) -> Any:
        defaults = Config(
            connect_timeout=_TIMEOUT_S,
            read_timeout=30,
            retries={"mode": "standard", "total_max_attempts": 3},
        )
        config = arguments.pop("config", None)
        return clients.client(service, config=defaults.merge(config) if config else defaults, **arguments)

    return create


def _assume(
    botocore_credentials: Any,
    clients: Any,
    options: S3Options,
    cache: Any,
    source: Any,
    role: str,
    *,
    last: bool,
) -> Any:
    extra: dict[str, Any] = {}
    if options.role_session_name:
        extra["RoleSessionName"] = options.role_session_name
    if last:
        # The roles on the way are the first account's own affair.
        if options.external_id:
            extra["ExternalId"] = options.external_id
        if options.role_duration:
            extra["DurationSeconds"] = int(options.role_duration)
    if options.mfa_serial and role == options.role_arn[0]:
        extra["SerialNumber"] = options.mfa_serial
    fetcher = botocore_credentials.AssumeRoleCredentialFetcher(
        client_creator=_client_creator(clients),
        source_credentials=source,
        role_arn=role,
        extra_args=extra,
        mfa_prompter=ask_for_mfa,
        cache=cache,
    )
    return botocore_credentials.DeferredRefreshableCredentials(
        method="assume-role", refresh_using=fetcher.fetch_credentials
    )


def _web_identity(
    botocore_credentials: Any,
    clients: Any,
    options: S3Options,
    cache: Any,
) -> Any:
    from botocore.utils import FileWebIdentityTokenLoader

    if not options.role_arn:
        raise AuthMissing("a web identity needs a role", where=WHERE, hint="Set role_arn too.")
    extra = {"RoleSessionName": options.role_session_name} if options.role_session_name else {}
    fetcher = botocore_credentials.AssumeRoleWithWebIdentityCredentialFetcher(
        client_creator=_client_creator(clients),
        web_identity_token_loader=FileWebIdentityTokenLoader(options.web_identity_token_file),
        role_arn=options.role_arn[0],
        extra_args=extra,
        cache=cache,
    )
    return botocore_credentials.DeferredRefreshableCredentials(
        method="assume-role-with-web-identity", refresh_using=fetcher.fetch_credentials
    )


def ask_for_mfa(prompt: str) -> str:
    """Ask the user for the code of the MFA device; without a terminal there is nobody to ask."""
    if not sys.stdin.isatty():
        raise AuthMissing(
            "the role asks for an MFA code, and there is no terminal to ask at",
            where=WHERE,
            hint="Run the command once in a terminal: the session is kept for the next ones.",
        )
    from getpass import getpass

    return getpass(prompt)
