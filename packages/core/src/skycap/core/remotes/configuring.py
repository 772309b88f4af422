"""Makes, changes and removes remotes in the configuration file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from skycap.core.auth.method import SERVICE, CredentialStore
from skycap.core.auth.references import Secrets, prefix_of
from skycap.core.config import NAME, Setting, edited, same_name
from skycap.core.crypto.secret import Secret
from skycap.core.errors import ConfigInvalid, Conflict, NotFound, UsageError
from skycap.core.remotes.address import Form, parse
from skycap.core.remotes.opening import Opener
from skycap.core.remotes.settings import Remote
from skycap.core.remotes.stack import check as check_stack


def parse_pairs(pairs: list[str]) -> dict[str, str | None]:
    """`key=value` arguments; `key=` is None."""
    found: dict[str, str | None] = {}
    for pair in pairs:
        name, has_value, value = pair.partition("=")
        name = name.strip().replace("-", "_")
        if not name or not has_value:
            raise UsageError(
                f"{pair!r} is not an option", hint="Write NAME=VALUE, as in region=eu-central-1."
            )
        found[name] = value or None
    return found


def add(
    opener: Opener,
    name: str,
    type_name: str,
    values: Mapping[str, str],
    *,
    replace: bool = False,
    store: Callable[[], CredentialStore] | None = None,
) -> Remote:
    """Make a remote. What is wrong with it is found before anything is written.

    A secret that is given in plain goes into the credential store, and its reference into the file. Paths of
    this machine are written down absolute, since a remote is used from any folder.
    """
    check_name(name)
    if not replace and (taken := same_name(name, opener.config.remotes)):
        raise Conflict(
            "there is such a remote already",
            where=taken,
            hint=f'"skycap remote edit {taken}" changes it, --replace makes it anew.',
        )
    checked = _checked(opener, name, type_name, _absolute(opener, name, type_name, values))
    kept = _keep_secrets(opener, name, type_name, checked, store)
    with edited(opener.config.path) as document:
        tables = _table(document, "remotes")
        if replace and (old := same_name(name, tables)):
            del tables[old]
        table = _table(tables, name)
        table["type"] = type_name
        for option, value in kept.items():
            table[option] = value
    return Remote(
        name, type_name, {k: Setting(v, opener.config.path) for k, v in kept.items()}, opener.config.path
    )


def edit(
    opener: Opener,
    name: str,
    values: Mapping[str, str | None],
    *,
    store: Callable[[], CredentialStore] | None = None,
) -> dict[str, Any]:
    """Set options of a remote in the file, and give what was set; None takes one out. Comments stay."""
    real = same_name(name, opener.config.remotes)
    if real is None:
        origin = opener.remotes.get(name).origin  # says so if there is none at all
        raise NotFound("the file does not know this remote", where=name, hint=f"It is set by {origin}.")
    before = dict(opener.config.remotes[real])
    after = before | {k: v for k, v in values.items() if v is not None}
    for option in (option for option, value in values.items() if value is None):
        after.pop(option, None)
    type_name = str(after.pop("type", ""))
    _checked(opener, real, type_name, after)
    changed = {k: v for k, v in values.items() if v is not None and k != "type"}
    changed = _absolute(opener, real, type_name, changed)
    kept = _keep_secrets(opener, real, type_name, changed, store)
    write_options(opener, real, dict(values) | kept)
    return kept


def write_options(opener: Opener, name: str, values: Mapping[str, Any]) -> None:
    """Write options of a remote into the file as they are; None takes one out.

    A remote that only the environment knows is written down with its type.
    """
    if not values:
        return
    remote = opener.remotes.get(name)
    with edited(opener.config.path) as document:
        tables = _table(document, "remotes")
        known = same_name(name, tables)
        table = _table(tables, known or name)
        if known is None:
            table["type"] = remote.type
        for option, value in values.items():
            if value is not None:
                table[option] = value
            elif option in table:
                del table[option]


def remove(opener: Opener, name: str) -> list[str]:
    """Take a remote out of the file; the references to secrets that it had."""
    real = same_name(name, opener.config.remotes)
    if real is None:
        origin = opener.remotes.get(name).origin
        raise NotFound("the file does not know this remote", where=name, hint=f"It is set by {origin}.")
    references = [str(v) for v in opener.config.remotes[real].values() if Secrets.is_reference(str(v))]
    with edited(opener.config.path) as document:
        tables = _table(document, "remotes")
        if real in tables:
            del tables[real]
    return references


def check_name(name: str, *, windows: bool = os.name == "nt") -> None:
    """`UsageError` for what cannot be the name of a remote."""
    if not NAME.match(name):
        raise UsageError(
            "this cannot be the name of a remote",
            where=name,
            hint="A name has letters, digits, '-', '_' and '.', and begins with no '-' or '.'.",
        )
    if windows and len(name) == 1:
        raise UsageError("one letter is a drive on Windows", where=name, hint="Take a longer name.")


def _checked(opener: Opener, name: str, type_name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values, if a remote of this type can have them."""
    secret = {info.name for info in opener.load_options(type_name, name) if info.secret}
    settings = {
        option: Setting(Secret("given") if option in secret else value, f"remote {name}")
        for option, value in values.items()
    }
    if "type" in values:
        raise UsageError(
            "'type' is no option, it says what kind of remote it is",
            where=name,
            hint=f"It is given by itself: skycap remote add {name} TYPE.",
        )
    where = f"remote {name}"
    _, extra = opener.options(Remote(name, type_name, settings, "as given"))
    check_stack(extra, where=where)
    for info in opener.load_options(type_name, name):
        path = values.get(info.name)
        if info.must_exist and path and not os.path.isfile(os.path.expanduser(str(path))):
            raise ConfigInvalid(
                f"option {info.name!r}: there is no such file",
                where=where,
                hint=f"{info.name}: {info.help}.",
            )
    _check_below(opener, name, type_name, values)
    return dict(values)


def _check_below(opener: Opener, name: str, type_name: str, values: Mapping[str, Any]) -> None:
    """`ConfigInvalid` where a remote would stand on itself, or on one that there is none of."""
    wraps = getattr(opener.load(type_name, name), "wraps", None)
    seen = {name: None}
    while wraps is not None:
        address = parse(str(values.get(wraps, ".")))
        if address.form is not Form.REMOTE:
            return
        if same_name(address.name, seen) is not None:
            raise ConfigInvalid(
                "it would stand on itself", where=f"remote {name}", hint=f"Its {wraps!r} names another place."
            )
        try:
            below = opener.remotes.get(address.name)
        except NotFound as error:
            raise ConfigInvalid(
                f"it would stand on {address.name}, and no remote has this name",
                where=f"remote {name}",
                hint=error.hint,
            ) from error
        seen[below.name] = None
        values = below.values
        wraps = getattr(opener.load(below.type, below.name), "wraps", None)


def taken_as(opener: Opener, type_name: str, values: Mapping[str, Any]) -> dict[str, str]:
    """The addresses that name no scheme, by their option: what they are taken as."""
    urls = [info.name for info in opener.load_options(type_name, type_name) if info.url]
    given = {option: str(values[option]) for option in urls if values.get(option)}
    return {option: f"https://{value}" for option, value in given.items() if "://" not in value}


def needs_login(opener: Opener, made: Remote) -> bool:
    """Whether a remote has not what its type cannot do without.

    That is the option which the type names in `login_option`; for one that stands on another remote, a secret
    or a file in its place.
    """
    storage_type = opener.load(made.type, made.name)
    if (needed := getattr(storage_type, "login_option", None)) is not None:
        return not made.values.get(needed)
    wraps = getattr(storage_type, "wraps", None)
    keys = [info.name for info in opener.load_options(made.type, made.name) if info.secret or info.must_exist]
    return wraps is not None and bool(keys) and not any(made.values.get(key) for key in keys)


def _absolute(opener: Opener, name: str, type_name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values, with each path of this machine as it is from any folder."""
    files = {
        info.name: info.secret for info in opener.load_options(type_name, name) if info.file or info.secret
    }
    wraps = getattr(opener.load(type_name, name), "wraps", None)
    found = dict(values)
    for option, value in values.items():
        text = str(value)
        if option == wraps:
            address = parse(text)
            found[option] = _from_root(address.path) if address.form is Form.LOCAL else value
        elif files.get(option) is False:
            found[option] = _from_root(text)
        elif files.get(option) and text.startswith("file:"):
            found[option] = f"file:{_from_root(text.removeprefix('file:'))}"
    return found


def _from_root(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path))


def _keep_secrets(
    opener: Opener,
    name: str,
    type_name: str,
    values: Mapping[str, Any],
    store: Callable[[], CredentialStore] | None,
) -> dict[str, Any]:
    """The values with each plain secret put into the store and replaced by its reference."""
    secret = {info.name for info in opener.describe(type_name) if info.secret}
    kept: dict[str, Any] = {}
    for option, value in values.items():
        if option in secret and not Secrets.is_reference(str(value)):
            if store is None:
                raise UsageError(f"{option!r} is secret", where=name, hint="Write a reference to it.")
            key = f"{name}.{option}"
            keeping = store()
            keeping.set(SERVICE, key, Secret(str(value)))
            value = f"{prefix_of(keeping)}:{SERVICE}/{key}"
        kept[option] = value
    return kept


def _table(parent: Any, name: str) -> Any:
    """A table of a TOML document, made if need be."""
    import tomlkit

    if name not in parent:
        parent[name] = tomlkit.table(is_super_table=name == "remotes")
    return parent[name]
