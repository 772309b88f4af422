"""`skycap internxt login`: by password and second factor, or by the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from skycap.core.cli.session import Session as Run
from skycap.core.cli.session import session
from skycap.core.errors import UsageError
from skycap.internxt.commands.remotes import DEFAULT, TYPE, Name, fresh, known, naming

if TYPE_CHECKING:
    from skycap.core.crypto.secret import Secret
    from skycap.internxt.login.given import Given

_SEEN = "stood on the command line, where the history of the shell and other users of this machine see it"

Email = Annotated[
    str | None, typer.Option("--email", "-e", metavar="ADDRESS", help="The e-mail address of the account.")
]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Take the password from a line of standard input.")
]
Password = Annotated[
    str | None,
    typer.Option(
        "--password",
        "-p",
        metavar="-",
        envvar=[],  # INXT_PASSWORD is the variable
        help="As other clients have it. - reads standard input; anything else can be seen by others.",
    ),
]
TwoFactor = Annotated[
    str | None,
    typer.Option(
        "--twofactor", "-w", "--2fa", metavar="CODE", envvar=[], help="The code of the second factor."
    ),
]
TwoFactorToken = Annotated[
    str | None,
    typer.Option(
        "--twofactortoken",
        "-t",
        metavar="BASE32",
        envvar=[],
        help="The secret that makes the codes; - reads a line of standard input.",
    ),
]
KeepPassword = Annotated[
    bool,
    typer.Option(
        "--keep-password", help="Keep the password in the credential store, to log in again by itself."
    ),
]
KeepToken = Annotated[
    bool,
    typer.Option("--keep-twofactortoken", help="Keep the secret of the codes there too."),
]
Browser = Annotated[bool, typer.Option("--browser", help="Log in on the web page of Internxt.")]
NoOpen = Annotated[
    bool, typer.Option("--no-open", help="Only tell the address of that page; open no browser here.")
]
Port = Annotated[
    int, typer.Option("--port", metavar="N", help="Port of this machine that the page comes back to; 0: any.")
]


def login(
    name: Name = None,
    email: Email = None,
    password_stdin: PasswordStdin = False,
    password: Password = None,
    twofactor: TwoFactor = None,
    twofactortoken: TwoFactorToken = None,
    keep_password: KeepPassword = False,
    keep_twofactortoken: KeepToken = False,
    browser: Browser = False,
    no_open: NoOpen = False,
    port: Port = 0,
) -> None:
    """Log in to Internxt Drive. What is not given is asked for, or taken from the environment.

    Without a name it is the remote internxt, which is made if there is none. The password itself is never
    sent, and not kept unless asked. INXT_USER, INXT_PASSWORD, INXT_TWOFACTORCODE and INXT_OTPTOKEN are read.

    skycap is unofficial, and not affiliated with Internxt.

    \b
    Examples:
      skycap internxt login --browser
      pass show internxt | skycap internxt login drive --email me@example.com --password-stdin -w 123456
    """
    from skycap.core.crypto.secret import Secret
    from skycap.internxt.login.given import Given

    run = session()
    if browser and (password_stdin or password is not None or twofactor or twofactortoken):
        raise UsageError("--browser needs no password and no code")
    given = Given(
        email=email,
        password=_secret(run, "password", "-" if password_stdin else password),
        code=Secret(twofactor) if twofactor else None,
        twofactortoken=_secret(run, "twofactortoken", twofactortoken),
        keep_password=keep_password,
        keep_twofactortoken=keep_twofactortoken,
        browser=browser,
        opens_browser=not no_open,
        port=port,
    )
    _log_in(run, name, given)


def _log_in(run: Run, name: str | None, given: Given) -> None:
    from skycap.core.plugins import plugins
    from skycap.core.remotes import configuring
    from skycap.core.remotes.login import login as log_in
    from skycap.internxt.login.method import PreparedPrompt

    found = known(run.opener, name)
    if found is None:
        configuring.add(run.opener, DEFAULT, TYPE, {})
    remote = found or DEFAULT
    done = None
    with fresh(run) as opener, naming(remote):
        try:
            done = log_in(opener, plugins(), remote, PreparedPrompt(given))
        finally:
            if found is None and (done is None or not done.set):
                configuring.remove(opener, remote)  # it was made for this login, which came to nothing
    if not done.set:
        run.note("Nothing was entered, nothing was changed.")
        return
    with fresh(run) as opener:
        email = str(opener.remotes.get(remote).values.get("email"))
    if run.json:
        run.emit(
            {
                "type": "login",
                "remote": remote,
                "email": email,
                "made": found is None,
                "kept": [option for option in done.set if option != "email"],
            }
        )
    made = f", and made the remote {remote}" if found is None else ""
    run.note(f'Logged in as {email}{made}. "skycap ls {remote}:" shows what is there.')
    if done.untried is not None:
        run.warn(f"the login is kept, and the files could not be looked at yet: {done.untried}")


def _secret(run: Run, option: str, value: str | None) -> Secret[str] | None:
    """A secret that was given as a word, with a warning, or as a line of standard input."""
    from skycap.core.cli.prompt import TerminalPrompt
    from skycap.core.crypto.secret import Secret

    if value is None:
        return None
    if value != "-":
        run.warn(f"--{option} {_SEEN}; --{option} - reads it from standard input")
        return Secret(value)
    return TerminalPrompt().ask_secret(option)
