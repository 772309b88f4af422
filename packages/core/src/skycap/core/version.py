"""The version, where reading it costs nothing: `--version` must not import the packaging machinery."""

VERSION = "0.1.0"
