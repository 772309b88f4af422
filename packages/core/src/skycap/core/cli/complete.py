"""What a shell offers when Tab is pressed: commands, flags, remotes, local paths. Never a network call.

The scripts are thin: they hand over the line, and get back one candidate a line. What shells think of colons
and blanks is dealt with here, where it can be tested.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping
from typing import Any

from skycap.core.errors import Error

VARIABLE = "_SKYCAP_COMPLETE"
SCRIPTS = {
    "bash": r"""
_skycap_complete() {
    local IFS=$'\n'
    COMPREPLY=($(_SKYCAP_COMPLETE=bash _SKYCAP_LINE="${COMP_LINE:0:COMP_POINT}" \
        _SKYCAP_BREAKS="$COMP_WORDBREAKS" skycap 2>/dev/null))
    case "${COMPREPLY[0]}" in
        *: | */) [ ${#COMPREPLY[@]} -eq 1 ] && compopt -o nospace ;;
    esac
}
complete -F _skycap_complete skycap
""",
    "zsh": r"""
#compdef skycap
_skycap_complete() {
    local -a found open closed
    local one
    found=("${(@f)$(_SKYCAP_COMPLETE=zsh skycap "${(@)words[2,$CURRENT]}" 2>/dev/null)}")
    for one in $found; do
        case $one in
            '') ;;
            *:|*/) open+=("$one") ;;
            *) closed+=("$one") ;;
        esac
    done
    compadd -S '' -a open
    compadd -a closed
}
if [ "$funcstack[1]" = "_skycap" ]; then _skycap_complete "$@"; else compdef _skycap_complete skycap; fi
""",
    "fish": r"""
complete -c skycap -f -a \
    '(_SKYCAP_COMPLETE=fish skycap (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
""",
}
_BASH_SPECIAL = re.compile(r"([^\w@%+=:,./~-])")
_IN_DOUBLE = re.compile(r'([\\"$`])')


def complete_place(incomplete: str) -> list[str]:
    """Remote names and local paths that begin with what was typed."""
    remotes = [] if "/" in incomplete or ":" in incomplete else complete_remote(incomplete)
    return [*(f"{name}:" for name in remotes), *complete_local(incomplete)]


def complete_remote(incomplete: str) -> list[str]:
    """Names of remotes."""
    from skycap.core.cli.session import session

    try:
        return [name for name in session().opener.remotes.names() if name.startswith(incomplete)]
    except Error:
        return []  # a broken configuration is told when a command runs, not while somebody types


def complete_local(incomplete: str) -> list[str]:
    """Local paths; folders with a slash."""
    folder, name = os.path.split(incomplete)
    try:
        with os.scandir(os.path.expanduser(folder) or ".") as found:
            names = sorted(
                entry.name + ("/" if entry.is_dir() else "")
                for entry in found
                if entry.name.startswith(name) and (name.startswith(".") or not entry.name.startswith("."))
            )
    except OSError:
        return []
    return [os.path.join(folder, one) for one in names]


def complete_type(incomplete: str) -> list[tuple[str, str]]:
    """Names of storage types with their line."""
    from skycap.core.plugins import storage_types

    return [(name, offer.summary) for name, offer in storage_types().items() if name.startswith(incomplete)]


def answer(args: list[str], environ: Mapping[str, str] = os.environ) -> int:
    """Answer the script of a shell: the candidates on standard output, one a line."""
    shell = environ.get(VARIABLE, "")
    if shell not in SCRIPTS:
        return 1
    words = split_line(environ.get("_SKYCAP_LINE", "")) if shell == "bash" else list(args)
    *before, incomplete = words or [""]
    found = candidates(before, incomplete)
    if shell == "bash":
        breaks = environ.get("_SKYCAP_BREAKS", "")
        quote, inside = open_quote(environ.get("_SKYCAP_LINE", ""))
        if quote:
            lines = [in_quotes(value, incomplete, quote, inside) for value, _ in found]
        else:
            lines = [for_bash(value, incomplete, breaks) for value, _ in found]
    elif shell == "fish":
        lines = [f"{value}\t{text}" if text else value for value, text in found]
    else:
        lines = [value for value, _ in found]
    sys.stdout.write("".join(f"{line}\n" for line in lines if "\n" not in line))
    return 0


def split_line(line: str) -> list[str]:
    """The words of a line after the command itself, the last one as far as it was typed."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    try:
        words.extend(lexer)
    except ValueError:
        words.append(lexer.token or "")  # an open quote: what stands in it was typed so far
    if not line or (line[-1].isspace() and not open_quote(line)[0]):
        words.append("")
    return words[1:]


def open_quote(line: str) -> tuple[str, str]:
    """The quote that is still open at the end of a line and what was typed in it; nothing where none is."""
    quote, start, position = "", 0, 0
    while position < len(line):
        mark = line[position]
        if mark == "\\" and quote != "'":
            position += 1
        elif mark == quote:
            quote = ""
        elif not quote and mark in "'\"":
            quote, start = mark, position + 1
        position += 1
    return quote, line[start:] if quote else ""


def in_quotes(value: str, incomplete: str, quote: str, inside: str) -> str:
    """A candidate for bash where a quote is open: what follows the quote, nothing escaped in vain."""
    typed = split_line(f"skycap {quote}{inside}")[-1] if inside else ""
    value = value[len(incomplete) - len(typed) :]
    return value.replace("'", r"'\''") if quote == "'" else _IN_DOUBLE.sub(r"\\\1", value)


def for_bash(value: str, incomplete: str, breaks: str) -> str:
    """A candidate as bash wants it: only what follows the last character at which bash breaks words."""
    cut = max((incomplete.rfind(mark) + 1 for mark in ":=" if mark in breaks), default=0)
    return _BASH_SPECIAL.sub(r"\\\1", value[cut:])


def candidates(before: list[str], incomplete: str) -> list[tuple[str, str]]:
    """What can stand in place of `incomplete` after these words: values, and a line about each or nothing."""
    from typer._click.shell_completion import ShellComplete

    from skycap.core.cli.group import root

    class Words(ShellComplete):
        """Only what the base class knows of commands is used."""

        name = "words"

        def source_vars(self) -> dict[str, Any]:
            return {}

        def get_completion_args(self) -> tuple[list[str], str]:
            return before, incomplete

        def format_completion(self, item: Any) -> str:
            return str(item.value)

    found = Words(root(), {}, "skycap", VARIABLE).get_completions(before, incomplete)
    return [(str(item.value), item.help or "") for item in found]
