"""`skycap internxt status`: what this machine knows of a login, without asking anybody."""

from __future__ import annotations

from skycap.core.cli.session import session
from skycap.internxt.commands.remotes import Name, naming, options_of, required


def status(name: Name = None) -> int:
    """Tell who is logged in and until when, without the network. Ends with 11 where nobody is.

    \b
    Examples:
      skycap internxt status
      skycap internxt status --json drive
    """
    import time

    from skycap.core.cli.entries import iso_time
    from skycap.core.cli.table import print_table
    from skycap.core.errors import AuthMissing
    from skycap.internxt.login.account import Kept
    from skycap.internxt.login.tokens import claims

    run = session()
    remote = required(run.opener, name)
    with naming(remote):
        options = options_of(run.opener, remote)
        kept = None if options.session is None else Kept.of_secret(options.session)
    if kept is None:
        if run.json:
            run.emit({"type": "status", "remote": remote, "logged_in": False})
        run.note(f'Nobody is logged in to {remote}. "skycap internxt login {remote}" does it.')
        return AuthMissing.exit_status
    known = claims(kept.token)
    again = options.password is not None
    is_over = known.is_over(time.time())
    expires = None if known.expires is None else iso_time(int(known.expires * 1e9))
    if run.json:
        run.emit(
            {
                "type": "status",
                "remote": remote,
                "logged_in": not is_over or again,
                "email": kept.account.email,
                "uuid": kept.account.uuid,
                "token_expires": expires,
                "token_expired": is_over,
                "password_kept": again,
                "twofactortoken_kept": options.twofactortoken is not None,
                "drive_url": options.endpoints.drive,
            }
        )
    else:
        until = f"{'ran out at' if is_over else 'good until'} {expires}" if expires else "says no time"
        rows = [
            ("email", kept.account.email),
            ("account", kept.account.uuid),
            ("token", f"{until}{'' if is_over else ', and renewed by use before that'}"),
            ("logs in again by itself", "yes" if again else "no"),
            ("server", options.endpoints.drive),
        ]
        print_table(run, (remote, ""), rows)
    return AuthMissing.exit_status if is_over and not again else 0
