"""Runs a command line: parse, call, and turn whatever happens into an exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from skycap.core.cli import logs
from skycap.core.cli.failures import as_ours, as_record, show
from skycap.core.cli.session import Session, begin
from skycap.core.errors import Error, Interrupted, UsageError

BROKEN_PIPE = 141
"""What a shell reports of a program that SIGPIPE ended; `head` at the end of a pipe is no failure of ours."""


def run(args: Sequence[str]) -> int:
    """Run `skycap` with these arguments; the exit status."""
    # Rich is for what is pretty; typer would import it for its own messages, which are plain here.
    os.environ.setdefault("TYPER_USE_RICH", "0")
    session = begin()
    session.json = "--json" in args
    handlers = logs.start(session)
    try:
        status = _run(args)
        session.close()
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
        return BROKEN_PIPE
    except (KeyboardInterrupt, Interrupted) as error:
        return _fail(session, error if isinstance(error, Interrupted) else Interrupted("interrupted"))
    except Exception as error:  # noqa: BLE001 - the last line of defence; what it says is shown
        return _fail(session, error)
    finally:
        logs.stop(handlers)
    return status


def _run(args: Sequence[str]) -> int:
    from typer._click.exceptions import ClickException, NoArgsIsHelpError
    from typer.exceptions import Abort, Exit

    from skycap.core.cli.group import root

    if "_SKYCAP_COMPLETE" in os.environ:
        from skycap.core.cli.complete import answer

        return answer(list(args))
    try:
        # Not `main` of typer: it would turn a broken pipe into a failure.
        with root().make_context("skycap", list(args)) as context:
            found = root().invoke(context)
    except Exit as leaving:
        found = leaving.exit_code
    except NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return UsageError.exit_status
    except ClickException as error:
        raise _usage(error) from None
    except (Abort, EOFError):
        raise Interrupted("interrupted") from None
    return found if isinstance(found, int) else 0


def _usage(error: Exception) -> Error:
    from typer._click.core import ParameterSource
    from typer._click.exceptions import BadParameter

    from skycap.core.cli.defaults import wrong_value
    from skycap.core.cli.group import suggestion

    option = getattr(error, "param", None)
    if isinstance(error, BadParameter) and error.ctx is not None and option is not None:
        variable = getattr(option, "envvar", None)
        if variable and error.ctx.get_parameter_source(option.name) is ParameterSource.ENVIRONMENT:
            return wrong_value(error, option, f"environment {variable}")
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    message = " ".join(message.split())
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "skycap"
    hint = f'"{command} --help" shows what it takes.'
    if message.startswith("No such command"):
        name = message.split("'")[1] if "'" in message else ""
        found = suggestion(name) if command == "skycap" else None
        if found:
            hint = f'Did you mean "skycap {found}"? {hint}'
    where = command if command != "skycap" else None
    return UsageError(message.rstrip(".")[:1].lower() + message.rstrip(".")[1:], where=where, hint=hint)


def _fail(session: Session, error: BaseException) -> int:
    ours = session.named(as_ours(error))
    try:
        if session.json:
            session.emit(as_record(ours))
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
    show(session, ours)
    try:
        session.close()
    except Error as second:
        show(session, second)
    return ours.exit_status


def _forget_stdout() -> None:
    """Nobody reads any more; without this Python would complain at exit."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)
