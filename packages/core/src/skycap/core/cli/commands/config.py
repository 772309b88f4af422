"""`skycap config`: where the configuration is, what it says, and an editor for it."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import Annotated

import typer

from skycap.core.cli.faults import faults
from skycap.core.cli.group import new_app
from skycap.core.cli.session import session
from skycap.core.cli.settings import effective
from skycap.core.cli.table import print_table
from skycap.core.errors import ConfigInvalid, DependencyMissing, Error

_HELP = """Show and edit the configuration.

\b
Examples:
  skycap config show --origin
  skycap config edit
"""
app = new_app(help=_HELP, no_args_is_help=True)


@app.command()
def path() -> None:
    """Print where the configuration file is, whether it exists yet or not.

    \b
    Examples:
      skycap config path
      cat "$(skycap config path)"
    """
    run = session()
    if run.json:
        run.emit({"type": "path", "path": run.config_path, "exists": os.path.exists(run.config_path)})
    else:
        run.line(run.config_path)


@app.command()
def show(
    origin: Annotated[bool, typer.Option("--origin", help="Where each value comes from.")] = False,
) -> int:
    """Show the settings that count, from the file and the environment; secrets only as references.

    \b
    Examples:
      skycap config show
      skycap config show --origin --json
    """
    run = session()
    rows = []
    for key, setting in effective(run):
        if run.json:
            run.emit({"type": "setting", "key": key, "value": setting.value, "origin": setting.origin})
        value = str(setting.value)
        rows.append((key, value, setting.origin) if origin else (key, value))
    if not run.json:
        print_table(run, ("key", "value", "set by") if origin else ("key", "value"), rows)
        if not rows:
            run.note("Nothing is set; everything is as it is built in.")
    status = 0
    for fault in faults(run):
        run.complain(fault)
        status = ConfigInvalid.exit_status
    return status


@app.command()
def edit() -> None:
    """Open the configuration file in your editor ($VISUAL or $EDITOR), and look it over afterwards.

    \b
    Examples:
      skycap config edit
      EDITOR=nano skycap config edit
    """
    from skycap.core.config import Config
    from skycap.core.config.edit import make_private

    run = session()
    make_private(run.config_path)
    editor = (
        run.environ.get("VISUAL") or run.environ.get("EDITOR") or ("notepad" if os.name == "nt" else "vi")
    )
    try:
        done = subprocess.run([*shlex.split(editor, posix=os.name != "nt"), run.config_path], check=False)
    except OSError as error:
        raise DependencyMissing(
            f"the editor cannot be run ({error.strerror})", where=editor, hint="EDITOR names another one."
        ) from error
    if done.returncode:
        raise Error(f"the editor ended with status {done.returncode}", where=editor)
    Config.load(run.config_path)
    run.note("The configuration can be read.")
