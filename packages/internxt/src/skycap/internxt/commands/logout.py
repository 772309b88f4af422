"""`skycap internxt logout`: end a login, there and here."""

from __future__ import annotations

from skycap.core.cli.session import session
from skycap.internxt.commands.remotes import Name, naming, required


def logout(name: Name = None) -> None:
    """Log out: the server ends the login, and this machine forgets it, also when the server is away.

    \b
    Examples:
      skycap internxt logout
      skycap internxt logout drive
    """
    from skycap.core.cli.prompt import nothing_found
    from skycap.core.plugins import plugins
    from skycap.core.remotes.login import logout as log_out

    run = session()
    remote = required(run.opener, name)
    with naming(remote):
        gone, absent = log_out(run.opener, plugins(), remote)
    for reference in absent:
        run.warn(nothing_found(reference))
    if run.json:
        run.emit({"type": "logout", "remote": remote, "forgotten": gone})
    run.note(
        f"Logged out of {remote}: {', '.join(gone)} forgotten."
        if gone
        else f"Nobody was logged in to {remote}."
    )
