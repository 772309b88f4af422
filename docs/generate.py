"""Writes the pages of `docs/reference/` that are made from the code: `python docs/generate.py`.

A test compares them with what this would write, so that they are never stale.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from skycap.core import errors, hookspecs
from skycap.core.plugins import plugins
from skycap.core.storage.capability import Capability
from skycap.core.storage.facts import Facts
from skycap.core.storage.interface import Storage
from skycap.core.storage.options import OptionInfo
from skycap.core.storage.overlays import Overlay
from skycap.core.transfer.report import SCHEMA
from skycap.core.units import format_size

REFERENCE = Path(__file__).resolve().parent / "reference"
README = REFERENCE.parent.parent / "README.md"
_NOTE = "<!-- Made by docs/generate.py from the code; change it there. -->\n"


def exit_codes() -> str:
    """From the tree in the docstring of `skycap.core.errors`."""
    text = inspect.getdoc(errors) or ""
    lines = [
        "# Exit codes",
        "",
        "`skycap` ends with 0 when everything was done, also when there was nothing to do. Every other",
        "status is the class of an error in `skycap.core.errors`:",
        "",
        "| status | class | meaning | another try may help |",
        "|---|---|---|---|",
    ]
    rows = []
    for name, status, meaning in re.findall(r"^[│├└─ ]*(\w+) +(\d+)  (.+)$", text, re.MULTILINE):
        kind: type[errors.Error] = getattr(errors, name)
        if meaning.startswith("also "):  # the tree says which builtin it is, the class what it means
            doc = (inspect.getdoc(kind) or "").rstrip(".")
            meaning = f"{doc[:1].lower()}{doc[1:]}; {meaning}"
        rows.append((int(status), name, meaning, "yes" if kind.retryable else ""))
    lines += [
        f"| {status} | `{name}` | {meaning} | {again} |" for status, name, meaning, again in sorted(rows)
    ]
    lines += [
        "",
        "`skycap check` ends with 3 where the two sides differ.",
        "",
        "A source that is not there is 4. Status 2 is for the command line alone: of a transfer in which",
        "the target cannot hold a path it is 3. A no to the question about a deletion is 31.",
        "",
        "When several apply, interruption comes first, then an integrity error, then failed transfers;",
        "3 and 7 come last. An error says what happened and where, and what to do where there is something.",
        "The tree:",
        "",
        "```text",
        text.split("\n\n")[1],
        "```",
    ]
    return "\n".join(lines)


def commands() -> str:
    """Every command, from the parsers themselves."""
    from skycap.core.cli.group import common, load, offers, root
    from skycap.core.cli.session import begin

    begin()
    shared = {parameter.name for parameter in common()}
    version = [one for one in root().params if one.name not in shared]
    lines = [
        "# Commands",
        "",
        f"{root().epilog} How places are written: [configuration](configuration.md#places).",
        "",
        "| command | what it does |",
        "|---|---|",
        *(f"| [`{name}`](#{name}) | {offer.summary} |" for name, offer in offers().items()),
        "",
        "Every command has these flags:",
        "",
        *_flags([*version, *common()]),
    ]
    for name, offer in offers().items():
        lines += ["", *_command(load(offer), f"skycap {name}", shared, 2)]
    return "\n".join(lines)


def _command(command: Any, called: str, shared: set[str], depth: int) -> Iterator[str]:
    below = getattr(command, "commands", {})
    yield f"{'#' * depth} {called.removeprefix('skycap ') if depth == 2 else called}"
    yield ""
    said, _, examples = inspect.cleandoc(command.help or "").partition("\b")
    yield said.replace("\f", "").strip()
    if not below:
        arguments = [one for one in command.params if one.param_type_name == "argument"]
        shown = " ".join(_argument(one) for one in arguments)
        yield from ["", "```text", f"{called} [OPTIONS] {shown}".rstrip(), "```"]
    if examples := examples.partition("Examples:")[2]:
        yield from ["", "```sh", inspect.cleandoc(examples.strip("\n")), "```"]
    own = [one for one in command.params if one.param_type_name == "option" and one.name not in shared]
    own = [one for one in own if one.name != "help" and not getattr(one, "hidden", False)]
    if own:
        yield ""
        yield from _flags(own)
    for name, one in below.items():
        yield ""
        yield from _command(one, f"{called} {name}", shared, depth + 1)


def _argument(parameter: Any) -> str:
    shown: str = parameter.metavar or parameter.name.upper()
    return shown if parameter.required else f"[{shown}]"


def _flags(parameters: list[Any]) -> Iterator[str]:
    yield "| flag | what | environment |"
    yield "|---|---|---|"
    for one in parameters:
        names = ", ".join(f"`{name}`" for name in [*one.opts, *one.secondary_opts])
        names += _value_of(one)
        help_text = " ".join((one.help or "").split()).replace("|", "\\|")
        plain = one.default not in (None, False, True, (), []) and not callable(one.default) and not one.count
        default = f" Default: `{getattr(one.default, 'value', one.default)}`." if plain else ""
        yield f"| {names} | {help_text}{default} | {f'`{one.envvar}`' if one.envvar else ''} |"


def _value_of(parameter: Any) -> str:
    """What stands after a flag."""
    if parameter.is_flag or parameter.count:
        return ""
    kind = parameter.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " " + " or ".join(f"`{one.value}`" for one in kind)
    if get_origin(kind) is Literal:
        return " " + " or ".join(f"`{one}`" for one in get_args(kind))
    return f" {parameter.metavar or _type(kind).upper()}"


def storage_types() -> str:
    """Every storage type that is installed: what it can do, what is so about it, how it is set up."""
    types = {name: lazy.load() for name, lazy in plugins().storage_types().items()}
    lines = [
        "# Storage types",
        "",
        "What each storage can do and how it is set up. A capability that is not declared raises",
        "`Unsupported` (exit code 7); the conformance suite proves both. *Below* means: where the storage",
        "under it can; *server*: where the server can.",
        "",
        "## Capabilities",
        "",
        f"| | {' | '.join(types)} |",
        f"|---|{'---|' * len(types)}",
    ]
    for one in Capability:
        marks = [_mark(kind, one) for kind in types.values()]
        if any(marks):
            lines.append(f"| `{one.value}` | {' | '.join(marks)} |")
    nobody = [f"`{one.value}`" for one in Capability if not any(_mark(kind, one) for kind in types.values())]
    if nobody:
        lines += ["", f"No type of this version declares {', '.join(nobody)}."]
    for (name, kind), lazy in zip(types.items(), plugins().storage_types().values(), strict=True):
        lines += ["", f"## {name}", "", f"{lazy.summary}.", ""]
        lines += _options(name, kind.Options.describe())
        lines += _facts(kind)
    return "\n".join(lines)


def _mark(kind: type[Storage], capability: Capability) -> str:
    if issubclass(kind, Overlay):
        return "below" if capability in kind.passes | kind.offers else ""
    if capability in getattr(kind, "by_server", ()):
        return "server"
    return "yes" if capability in kind.capabilities else ""


def _options(name: str, options: list[OptionInfo]) -> Iterator[str]:
    if not options:
        yield "It has no options."
        return
    yield "| option | what | type | default |"
    yield "|---|---|---|---|"
    for one in options:
        default = "**required**" if one.required else _shown(one.default, one.type)
        also = f" Also from {', '.join(f'`{variable}`' for variable in one.env)}." if one.env else ""
        what = one.help.rstrip(".") + "." + also
        kind = _type(one.type) + (", secret" if one.secret else "")
        yield f"| `{one.name}` | {what} | {kind} | {default} |"
    yield ""
    yield f"By environment: `SKYCAP_REMOTE_<NAME>_TYPE={name}`, `SKYCAP_REMOTE_<NAME>_<OPTION>`."


def _facts(kind: Any) -> Iterator[str]:
    facts = kind.facts
    if not isinstance(facts, Facts):
        return
    plain = Facts()
    told = [(one.name, getattr(facts, one.name)) for one in fields(Facts)]
    differing = [(name, value) for name, value in told if value != getattr(plain, name)]
    if differing:
        yield ""
        yield "| fact | value |"
        yield "|---|---|"
        for name, value in differing:
            yield f"| `{name}` | {_fact(name, value)} |"


def _fact(name: str, value: Any) -> str:
    if isinstance(value, frozenset):
        return ", ".join(f"`{one}`" for one in sorted(value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    if isinstance(value, int) and name in {"max_size", "part_min", "part_max", "part_size", "upload_from"}:
        return format_size(value)
    return f"`{value!r}`" if isinstance(value, str) else str(value)


def _shown(default: Any, kind: Any) -> str:
    if default is None or default is MISSING or default == ():
        return ""
    if "Size" in _type(kind) or getattr(type(default), "__name__", "") == "Size":
        return format_size(default)
    if isinstance(default, bool):
        return "true" if default else "false"
    return f"`{default}`"


def _type(kind: Any) -> str:
    if get_origin(kind) is not None:
        inner = [one for one in get_args(kind) if one is not type(None)]
        if all(isinstance(one, str) for one in inner):
            return " or ".join(f"`{one}`" for one in inner)
        if get_origin(kind) in {tuple, list}:
            return f"{_type(inner[0])}, several with `,`"
        return " or ".join(_type(one) for one in inner)
    names = {"str": "text", "int": "number", "float": "number", "bool": "true or false", "Secret": "text"}
    name = getattr(kind, "__name__", str(kind))
    return names.get(name, name.lower())


def hooks() -> str:
    """The hook families, from their specifications."""
    lines = ["# Hooks", "", (inspect.getdoc(hookspecs) or "").strip(), ""]
    for name, function in vars(hookspecs).items():
        if hasattr(function, "skycap_spec"):
            signature = re.sub(r"'", "", str(inspect.signature(function)))
            first = " Only the first answer counts." if function.skycap_spec["firstresult"] else ""
            lines += [f"## `{name}`", "", "```python", f"def {name}{signature}", "```", ""]
            lines += [f"{inspect.getdoc(function)}{first}", ""]
    lines += ["## `Lazy`", "", inspect.getdoc(hookspecs.Lazy) or ""]
    return "\n".join(lines)


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands,
    "exit-codes.md": exit_codes,
    "hooks.md": hooks,
    "storage-types.md": storage_types,
}


def all_pages() -> dict[str, str]:
    """Every page as it has to be."""
    os.environ["SKYCAP_CONFIG"] = os.devnull  # nobody's own configuration gets into the docs
    pages = {name: f"{_NOTE}\n{make().rstrip()}\n" for name, make in PAGES.items()}
    return {**pages, "run-report.schema.json": json.dumps(SCHEMA, indent=2) + "\n"}


def readme(text: str) -> str:
    """The README with the table of commands as it has to be."""
    from skycap.core.cli.group import offers

    table = [
        "| command | what it does |",
        "|---|---|",
        *(
            f"| [`{name}`](docs/reference/commands.md#{name}) | {offer.summary} |"
            for name, offer in offers().items()
        ),
    ]
    begin, end = "made by docs/generate.py -->\n", "<!-- end of commands -->"
    head, _, rest = text.partition(begin)
    return "\n".join([head + begin, *table, "", end + rest.partition(end)[2]])


def main() -> int:
    """Write all pages, and the table in the README."""
    for name, text in all_pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
    README.write_text(readme(README.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
