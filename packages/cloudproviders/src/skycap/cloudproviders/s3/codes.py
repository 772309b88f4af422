"""The table of S3's error codes: what each becomes, whether another try helps, and what to do about it.

Source: "Error responses", Amazon S3 API Reference, and what compatible stores were seen to answer.
"""

from __future__ import annotations

from typing import NamedTuple

from skycap.core.errors import (
    AccessDenied,
    AuthExpired,
    AuthMissing,
    ConfigInvalid,
    Conflict,
    Error,
    IntegrityError,
    NotFound,
    OutOfSpace,
    PathInvalid,
    ProviderError,
    RateLimited,
    Timeout,
    TransferFailed,
    Unsupported,
    UsageError,
)


class NoSuchBucket(NotFound):
    """It is the bucket that is missing, not the object."""


class Meaning(NamedTuple):
    """What a code stands for."""

    cls: type[Error]
    message: str
    hint: str | None = None
    retryable: bool = False


_ALLOWED = (
    "Check the permissions of the key: its policy, the bucket policy, the public access block, and the KMS "
    "key if the bucket is encrypted with one."
)
_PARTS = "Set a larger part_size: parts have 5 MiB to 5 GiB, and there are 10,000 at most."
_REGION = "Set region to the one the bucket is in."
_SLOWER = "Lower connections, or spread the files over several prefixes."
_STORE_CHECKSUMS = "If the store does not know checksums, set checksums = when_required."
_KMS = "Check the state and the policy of the KMS key."

_denied = Meaning(AccessDenied, "access denied", _ALLOWED)
_expired = Meaning(
    AuthExpired, "the credentials have expired", "Get new ones: for single sign-on, `aws sso login`.", True
)
_clock = Meaning(AuthMissing, "this machine's clock is wrong", "Set the clock and run it again.", True)
_exists = Meaning(Conflict, "a bucket of this name exists already")
_name = Meaning(PathInvalid, "the store does not allow this name", "A key has 1024 bytes of UTF-8 at most.")
_region = Meaning(ConfigInvalid, "the bucket is in another region", _REGION)
_concurrent = Meaning(Conflict, "somebody else changed it at the same moment", None, True)
_parts = Meaning(ProviderError, "the parts do not fit together", _PARTS)
_digest = Meaning(
    IntegrityError, "the bytes that arrived are not the ones that were sent", _STORE_CHECKSUMS, True
)
_cut = Meaning(TransferFailed, "the request broke off on the way", None, True)
_slow = Meaning(RateLimited, "the store asks to slow down", _SLOWER, True)
_server = Meaning(TransferFailed, "the store had an error of its own", None, True)
_archived = Meaning(
    ProviderError, "the object is archived", "Restore it first, for example `aws s3api restore-object`."
)
_unset = Meaning(NotFound, "it is not set up on this bucket")
_invalid = Meaning(ProviderError, "the store does not accept the request")
_kms = Meaning(AccessDenied, "the key that encrypts the bucket cannot be used", _KMS)
_full = Meaning(OutOfSpace, "the store is full", "Remove something, or raise the quota.")
_lacks = Meaning(Unsupported, "this store cannot do that", "Turn the option off for this remote.")
_no_object = Meaning(
    NotFound, "no such object", "Names are case-sensitive. Without permission to list, it may also be hidden."
)

CODES: dict[str, Meaning] = {
    "AccessDenied": _denied,
    "AllAccessDisabled": _denied,
    "AccountProblem": _denied._replace(hint="Something is wrong with the account: look at its console."),
    "InvalidAccessKeyId": Meaning(
        AuthMissing,
        "the store does not know the access key id",
        "Check the key, the endpoint, and the session token if the key is temporary.",
    ),
    "NotSignedUp": Meaning(AuthMissing, "the account is not signed up for S3", "Sign up in its console."),
    "SignatureDoesNotMatch": Meaning(
        AuthMissing,
        "the secret access key does not fit",
        "Check it for a missing character or a space, then region and addressing_style; a proxy that changes "
        "requests does the same.",
    ),
    "ExpiredToken": _expired,
    "ExpiredTokenException": _expired,
    "InvalidToken": _expired,
    "TokenRefreshRequired": _expired,
    "RequestTimeTooSkewed": _clock,
    "RequestExpired": _clock,
    "NoSuchBucket": Meaning(NoSuchBucket, "no such bucket", "Check its name, the account and the endpoint."),
    "NoSuchKey": _no_object,
    "NoSuchVersion": Meaning(NotFound, "no such version"),
    "NoSuchUpload": Meaning(NotFound, "the store has forgotten this upload", "It starts again from the top."),
    "BucketAlreadyExists": _exists._replace(hint="It belongs to someone else: choose another name."),
    "BucketAlreadyOwnedByYou": _exists._replace(hint="It is yours already."),
    "BucketNotEmpty": Meaning(
        Conflict, "the bucket is not empty", "Remove its objects, old versions and unfinished uploads first."
    ),
    "InvalidBucketName": _name._replace(hint="3 to 63 characters: lower-case letters, digits, - and dots."),
    "KeyTooLongError": _name,
    "InvalidURI": _name,
    "PermanentRedirect": _region,
    "TemporaryRedirect": _region._replace(cls=TransferFailed, retryable=True),
    "AuthorizationHeaderMalformed": _region,
    "IllegalLocationConstraintException": _region,
    "PreconditionFailed": Meaning(Conflict, "it exists already, or it has changed", "Look at it and decide."),
    "ConditionalRequestConflict": _concurrent,
    "OperationAborted": _concurrent,
    "EntityTooLarge": _parts._replace(message="it is too large for one request"),
    "EntityTooSmall": _parts._replace(message="a part is smaller than the store allows"),
    "InvalidPart": _parts._replace(message="a part is missing, or is not what was sent"),
    "InvalidPartOrder": _parts,
    "TooManyParts": _parts._replace(message="too many parts"),
    "BadDigest": _digest,
    "InvalidDigest": _digest,
    "XAmzContentSHA256Mismatch": _digest,
    "XAmzContentChecksumMismatch": _digest,
    "IncompleteBody": _cut,
    "MissingContentLength": _cut,
    "RequestTimeout": _cut._replace(cls=Timeout, message="the store waited too long for the next bytes"),
    "SlowDown": _slow,
    "ServiceUnavailable": _slow,
    "TooManyRequests": _slow,
    "TooManyRequestsException": _slow,
    "Throttling": _slow,
    "ThrottlingException": _slow,
    "ThrottledException": _slow,
    "RequestThrottled": _slow,
    "RequestThrottledException": _slow,
    "RequestLimitExceeded": _slow,
    "BandwidthLimitExceeded": _slow,
    "InternalError": _server,
    "InvalidRange": Meaning(ProviderError, "the object is shorter than the range that was asked for"),
    "InvalidObjectState": _archived,
    "RestoreAlreadyInProgress": _archived._replace(
        cls=Conflict, message="it is being restored", hint="Wait for it."
    ),
    "NoSuchBucketPolicy": _unset,
    "NoSuchLifecycleConfiguration": _unset,
    "NoSuchTagSet": _unset,
    "NoSuchCORSConfiguration": _unset,
    "ServerSideEncryptionConfigurationNotFoundError": _unset,
    "NoSuchPublicAccessBlockConfiguration": _unset,
    "OwnershipControlsNotFoundError": _unset,
    "MalformedPolicy": _invalid._replace(cls=UsageError, message="the policy is malformed"),
    "MalformedACLError": _invalid._replace(cls=UsageError, message="the ACL is malformed"),
    "MalformedXML": _invalid,
    "InvalidArgument": _invalid,
    "InvalidRequest": _invalid,
    "AccessControlListNotSupported": _lacks._replace(
        message="the bucket has its ACLs switched off",
        hint="Leave the option acl out, and use a bucket policy.",
    ),
    "MethodNotAllowed": _lacks,
    "NotImplemented": _lacks,
    "KMS.DisabledException": _kms,
    "KMS.NotFoundException": _kms,
    "KMS.KMSInvalidStateException": _kms,
    "QuotaExceeded": _full,
    "StorageFull": _full,
    "InsufficientStorage": _full,
}

# HEAD has no body, and a proxy has its own: then the status is all there is.
STATUSES: dict[int, Meaning] = {
    301: _region,
    307: CODES["TemporaryRedirect"],
    400: _invalid,
    401: CODES["InvalidAccessKeyId"]._replace(message="the store refuses the credentials"),
    403: _denied,
    404: _no_object,
    405: _lacks,
    408: CODES["RequestTimeout"],
    409: _concurrent,
    411: _cut,
    412: CODES["PreconditionFailed"],
    413: CODES["EntityTooLarge"],
    416: CODES["InvalidRange"],
    429: _slow,
    500: _server,
    501: _lacks,
    502: _server,
    503: _slow,
    504: _server,
    507: _full,
}
UNKNOWN = Meaning(ProviderError, "the store answered with an error")
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired"})
SKEWED = frozenset({"RequestTimeTooSkewed", "RequestExpired"})
REDIRECTED = frozenset(
    {
        "PermanentRedirect",
        "TemporaryRedirect",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
    }
)


def meaning_of(code: str, status: int) -> Meaning:
    """What an answer means: by its code, else by its status."""
    if code in CODES:
        return CODES[code]
    if code.startswith("Throttl"):
        return _slow
    if code.startswith("KMS."):
        return _kms
    return STATUSES.get(status, _server if status >= 500 else UNKNOWN)
