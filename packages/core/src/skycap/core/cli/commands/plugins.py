"""`skycap plugins`: what is installed."""

from __future__ import annotations

from skycap.core import plugins as core_plugins
from skycap.core.cli.group import new_app
from skycap.core.cli.session import session
from skycap.core.cli.table import print_table

app = new_app()


@app.command()
def plugins() -> None:
    """Show the plugins that are installed, what they add, and which are broken and why.

    \b
    Examples:
      skycap plugins
      SKYCAP_DISABLE_PLUGINS=audit skycap plugins --json
    """
    run = session()
    rows = []
    for plugin in core_plugins.plugins().installed():
        found = plugin.found
        if run.json:
            run.emit(
                {
                    "type": "plugin",
                    "name": found.name,
                    "distribution": found.distribution,
                    "version": found.version,
                    "status": plugin.status,
                    "problem": plugin.problem or None,
                    "hooks": list(plugin.hooks),
                }
            )
        hooks = ", ".join(hook.removeprefix("register_") for hook in plugin.hooks)
        rows.append((found.name, found.distribution, found.version, plugin.status, plugin.problem or hooks))
    if not run.json:
        print_table(run, ("plugin", "package", "version", "status", "adds"), rows)
        if not rows:
            run.note('No plugins are installed; "pip install skycap-cloudproviders" adds S3.')
