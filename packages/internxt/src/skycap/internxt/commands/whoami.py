"""`skycap internxt whoami`: who the server says we are."""

from __future__ import annotations

from skycap.core.cli.session import session
from skycap.internxt.commands.remotes import Name, naming, options_of, required


def whoami(name: Name = None) -> None:
    """Ask the server who is logged in, and how much space the account has.

    \b
    Examples:
      skycap internxt whoami
      skycap internxt whoami --json drive
    """
    from skycap.core.cli.table import print_table
    from skycap.core.units import format_size
    from skycap.internxt.login.gate import Gate
    from skycap.internxt.login.session import Session
    from skycap.internxt.login.whoami import ask

    run = session()
    remote = required(run.opener, name)
    with naming(remote):
        options = options_of(run.opener, remote)
        found = Session.open(options, run.environ)
        with Gate(
            options.endpoints, tls=options.tls, timeouts=options.timeouts, where=found.account.email
        ) as gate:
            who = ask(found, gate)
    if run.json:
        run.emit(
            {
                "type": "account",
                "remote": remote,
                "email": who.email,
                "uuid": who.uuid,
                "name": who.name,
                "used": who.used,
                "limit": who.limit,
            }
        )
        return
    limit = "no limit" if who.limit is None else format_size(who.limit)
    used = "" if who.used is None else format_size(who.used)
    rows = [("email", who.email), ("name", who.name), ("account", who.uuid), ("used", used), ("limit", limit)]
    print_table(run, ("account", ""), [row for row in rows if row[1]])
