"""`skycap completion`: the script that teaches a shell to complete."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from skycap.core.cli.complete import SCRIPTS
from skycap.core.cli.group import new_app
from skycap.core.cli.session import session

app = new_app()


@app.command()
def completion(
    shell: Annotated[
        Literal["bash", "zsh", "fish"], typer.Argument(metavar="SHELL", help="bash, zsh or fish.")
    ],
) -> None:
    """Print the completion script of a shell: commands, flags, remotes, local paths; it uses no network.

    \b
    Examples:
      eval "$(skycap completion bash)"
      skycap completion fish > ~/.config/fish/completions/skycap.fish
    """
    session().line(SCRIPTS[shell].strip())
