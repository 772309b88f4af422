"""Options of a storage type come from text and are refused where they do not fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.core.crypto.secret import Secret
from skycap.core.errors import ConfigInvalid
from skycap.core.storage.options import Duration, Size, StorageOptions, nearest, option


@dataclass(frozen=True, kw_only=True)
class BoxOptions(StorageOptions):
    endpoint: str = option("Where the service answers")
    token: Secret[str] | None = option("Access token", default=None, env=("BOX_TOKEN",))
    part_size: Size = option("Bytes a part", default=Size(1024))
    pause: Duration = option("Seconds between calls", default=Duration(0))
    tries: int = option("How often", default=3)
    share: float = option("How much", default=0.5)
    verify: bool = option("Look at certificates", default=True)
    style: Literal["path", "virtual"] = option("How buckets are named", default="path")
    scopes: tuple[str, ...] = option("What to ask for", default=())
    region: str | None = option("Which region", default=None)


def parse(**values: Any) -> BoxOptions:
    return BoxOptions.parse({"endpoint": "https://x", **values}, where="remote box")


def test_what_is_not_said_has_its_default() -> None:
    assert parse() == BoxOptions(endpoint="https://x")


@pytest.mark.parametrize(
    ("name", "given_value", "value"),
    [
        ("part_size", "16MiB", 16 << 20),
        ("part_size", 5, 5),
        ("pause", "1m", 60.0),
        ("pause", 2, 2.0),
        ("tries", "7", 7),
        ("tries", 7.0, 7),
        ("share", "0.25", 0.25),
        ("verify", "no", False),
        ("verify", "ON", True),
        ("verify", False, False),
        ("style", "virtual", "virtual"),
        ("scopes", "read, write", ("read", "write")),
        ("scopes", ["read"], ("read",)),
        ("scopes", "", ()),
        ("region", "", None),
        ("region", "eu", "eu"),
        ("token", "", None),
    ],
)
def test_text_and_toml_values_become_the_type(name: str, given_value: Any, value: Any) -> None:
    assert getattr(parse(**{name: given_value}), name) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("part_size", "big"),
        ("part_size", -1),
        ("part_size", 1.5),
        ("part_size", True),
        ("pause", -2),
        ("pause", float("nan")),
        ("pause", []),
        ("tries", "many"),
        ("tries", 1.5),
        ("tries", False),
        ("tries", float("inf")),
        ("share", "half"),
        ("verify", "perhaps"),
        ("style", "other"),
        ("style", []),
        ("scopes", 5),
        ("endpoint", 5),
        ("region", 5),
    ],
)
def test_what_does_not_fit_is_named_with_its_place_and_purpose(name: str, value: Any) -> None:
    with pytest.raises(ConfigInvalid, match=f"^remote box: .*'{name}'") as caught:
        parse(**{name: value})
    assert name in (caught.value.hint or "")


def test_an_unknown_name_gets_the_nearest_known() -> None:
    with pytest.raises(ConfigInvalid, match="'endpiont'") as caught:
        BoxOptions.parse({"endpiont": "x"}, where="remote box")
    assert caught.value.hint == "Did you mean 'endpoint'?"


def test_what_is_missing_is_named_with_what_it_is_for() -> None:
    with pytest.raises(ConfigInvalid, match="needs endpoint") as caught:
        BoxOptions.parse({}, where="remote box")
    assert "Where the service answers" in (caught.value.hint or "")


def test_a_secret_is_wrapped_and_never_shown() -> None:
    options = parse(token="hidden-value")
    assert options.token is not None
    assert options.token.reveal() == "hidden-value"
    assert "hidden-value" not in repr(options)


def test_a_description_tells_all_there_is_to_ask_for() -> None:
    found = {info.name: info for info in BoxOptions.describe()}
    assert list(found)[:2] == ["endpoint", "token"]
    assert found["endpoint"].required
    assert not found["token"].required
    assert found["token"].secret
    assert found["token"].env == ("BOX_TOKEN",)
    assert found["part_size"].default == 1024


def test_with_nothing_like_it_all_known_names_are_told() -> None:
    assert nearest("zzzzz", ["b", "a"]) == "Known are: a, b."
    assert nearest("zzzzz", []) == "Known are: none."


@given(
    st.sampled_from([info.name for info in BoxOptions.describe()]),
    st.none() | st.text(max_size=20) | st.integers() | st.floats() | st.booleans() | st.lists(st.text()),
)
def test_no_value_from_outside_raises_anything_else(name: str, value: Any) -> None:
    said = name
    try:
        parse(**{name: value})
    except ConfigInvalid as error:
        said = str(error)
    assert name in said
