"""Every error a user can meet, and the exit status it becomes.

Error                        1  failed, and no better answer
├── UsageError               2  the command line is wrong
│   └── PathInvalid          2  a path that no storage, or not this one, can hold
├── Partial                  3  finished and kept, but some items did not make it
├── NotFound                 4  also a FileNotFoundError
├── AccessDenied             6  also a PermissionError
├── Unsupported              7  this storage cannot do that
├── DependencyMissing       10  a plugin or a program is not installed
├── AuthMissing             11  no credentials, or refused at the start
├── ScanFailed              12  a listing is not whole; nothing is removed then
├── TransferFailed          13  bytes could not be moved
│   ├── UploadFailed        13  they could not be stored
│   ├── DownloadFailed      14  they could not be fetched
│   └── RateLimited         19  the store asks to slow down; carries retry_after
├── IntegrityError          15  bytes arrived, but not the right ones
├── DeleteFailed            16  something that should be gone is still there
├── StateWriteFailed        17  the state folder could not be written
├── StateReadFailed         18  the state folder could not be read
├── Timeout                 19  also a TimeoutError
├── Stopped                 20  a limit of your own was reached; it can go on
├── ProviderError           21  the store answered with a permanent error
├── Locked                  24  somebody else is at it
├── NoKey                   25  wrong passphrase, or no key that fits
├── FormatUnsupported       26  written by a newer version, or with a feature this one lacks
├── Damaged                 27  what is stored is not whole
├── TamperDetected          28  what is stored was changed, swapped, or put there by somebody else
├── OutOfSpace              29  quota or disk
├── ConfirmationRequired    31  a deletion nobody agreed to
├── Conflict                32  it exists already, or changed under us
├── ConfigInvalid           33  the configuration is wrong
├── AuthExpired             34  expired on the way, and could not be renewed
└── Interrupted            130  Ctrl-C; what was finished is kept

A class knows its exit status and whether another try could help. An error says what happened and
where, and has a hint when there is something to do. Storages translate at their edge, in one function;
nothing above them ever sees the exception of an SDK. The docs page and a test are made from this text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar


class Error(Exception):
    """Failed, and no better answer.

    `where` is the location it happened at, `hint` what the user can do. `retryable` overrides what the class
    says; `retry_after` is in seconds, and at least that long is waited. All of it survives pickling.
    """

    exit_status: ClassVar[int] = 1
    retryable: bool = False
    retry_after: float | None = None
    unreached: str | None = None
    """The server that takes no connection: it refused, or there is no host of its name."""
    rest: Callable[[], Iterator[Any]] | None = None
    """How a listing that broke off here goes on, where its storage can tell."""

    def __init__(
        self,
        message: str = "",
        *,
        where: str | None = None,
        hint: str | None = None,
        retryable: bool | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        if retryable is not None:
            self.retryable = retryable
        if retry_after is not None:
            self.retry_after = retry_after

    def __str__(self) -> str:
        # The address of a whole remote, `photos:`, ends with the colon already.
        return f"{self.where.removesuffix(':')}: {self.message}" if self.where else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        facts = {name: value for name, value in vars(self).items() if name != "rest"}
        return _rebuild, (type(self), self.message, facts)


def _rebuild(cls: type[Error], message: str, facts: dict[str, Any]) -> Error:
    error = cls(message)
    vars(error).update(facts)
    return error


class UsageError(Error):
    """The command line is wrong."""

    exit_status = 2


class PathInvalid(UsageError):
    """A path that no storage, or not this one, can hold."""


class Partial(Error):
    """Finished and kept, but some items did not make it."""

    exit_status = 3


class NotFound(Error, FileNotFoundError):
    """Nothing is there."""

    exit_status = 4


class AccessDenied(Error, PermissionError):
    """The store or the file system says no."""

    exit_status = 6


class Unsupported(Error):
    """This storage cannot do that."""

    exit_status = 7


class DependencyMissing(Error):
    """A plugin or a program is not installed."""

    exit_status = 10


class AuthMissing(Error):
    """No credentials, or they were refused at the start."""

    exit_status = 11


class ScanFailed(Error):
    """A listing is not whole; nothing is removed then."""

    exit_status = 12


class TransferFailed(Error):
    """Bytes could not be moved."""

    exit_status = 13
    retryable = True


class UploadFailed(TransferFailed):
    """Bytes could not be stored."""


class DownloadFailed(TransferFailed):
    """Bytes could not be fetched."""

    exit_status = 14


class RateLimited(TransferFailed):
    """The store asks to slow down."""

    exit_status = 19


class IntegrityError(Error):
    """Bytes arrived, but not the right ones."""

    exit_status = 15


class DeleteFailed(Error):
    """Something that should be gone is still there."""

    exit_status = 16


class StateWriteFailed(Error):
    """The state folder could not be written."""

    exit_status = 17


class StateReadFailed(Error):
    """The state folder could not be read."""

    exit_status = 18


class Timeout(Error, TimeoutError):
    """It took longer than it may."""

    exit_status = 19
    retryable = True


class Stopped(Error):
    """A limit of your own was reached; it can go on."""

    exit_status = 20


class ProviderError(Error):
    """The store answered with a permanent error."""

    exit_status = 21


class Locked(Error):
    """Somebody else is at it."""

    exit_status = 24
    conflicts: tuple[Any, ...] = ()
    """The locks in the way, where a store of locks said no."""


class NoKey(Error):
    """Wrong passphrase, or no key that fits."""

    exit_status = 25


class FormatUnsupported(Error):
    """Written by a newer version, or with a feature this one lacks."""

    exit_status = 26


class Damaged(Error):
    """What is stored is not whole."""

    exit_status = 27


class TamperDetected(Error):
    """What is stored was changed, swapped, or put there by somebody else."""

    exit_status = 28


class OutOfSpace(Error):
    """Quota or disk is full."""

    exit_status = 29


class ConfirmationRequired(Error):
    """A deletion nobody agreed to."""

    exit_status = 31


class Conflict(Error):
    """It exists already, or it changed under us."""

    exit_status = 32


class ConfigInvalid(Error):
    """The configuration is wrong."""

    exit_status = 33


class AuthExpired(Error):
    """Credentials expired on the way, and could not be renewed."""

    exit_status = 34


class Interrupted(Error):
    """Ctrl-C; what was finished is kept."""

    exit_status = 130


# When several apply: a signal, then the first of these, then what is not listed, then 7 and 3.
_PRECEDENCE = (28, 27, 15, 17, 13, 14, 29, 34, 19, 21)
_LAST = (7, 3)
_SIGNAL = 128


def exit_status(errors: list[Error]) -> int:
    """The one exit status of a run in which all of these happened; 0 for none.

    Status 2 is for the command line. A path that a target cannot hold is an item that did not make it.
    """
    usage = UsageError.exit_status
    statuses = {error.exit_status for error in errors}
    if usage in statuses:
        statuses = statuses - {usage} | {Partial.exit_status}
    signals = {status for status in statuses if status > _SIGNAL}
    others = statuses - signals - set(_PRECEDENCE) - set(_LAST)
    order = (*sorted(signals), *_PRECEDENCE, *sorted(others), *_LAST)
    return next((status for status in order if status in statuses), 0)
