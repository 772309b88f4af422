"""The configuration file: remotes and defaults, TOML, edited by hand or by command."""

from skycap.core.config.edit import edited
from skycap.core.config.file import NAME, Config, Setting, config_path, same_name, variable_name

__all__ = ["NAME", "Config", "Setting", "config_path", "edited", "same_name", "variable_name"]
