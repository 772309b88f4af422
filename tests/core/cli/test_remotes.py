"""Remotes and logins: made, changed, shown, forgotten; from the file, from the environment."""

from __future__ import annotations

import io
import os
import tomllib
from pathlib import Path

import pytest

from tests.core.cli.conftest import Skycap

NOWHERE = "http://127.0.0.1:9"
"""An address where nothing answers."""


def written() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = tomllib.loads(Path(os.environ["SKYCAP_CONFIG"]).read_text()).get(
        "remotes", {}
    )
    return found


def answer(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_a_remote_is_made_and_used(skycap: Skycap, tree: Path) -> None:
    assert skycap("remote", "add", "docs", "local", f"root={tree}").status == 0
    assert written() == {"docs": {"type": "local", "root": str(tree)}}
    assert skycap("ls", "docs:sub").out == "b.txt\ndeep/\n"
    assert skycap("cat", "docs:sub/b.txt").out == "beta"


def test_a_remote_is_not_made_twice(skycap: Skycap) -> None:
    skycap("remote", "add", "docs", "local", "root=/a")
    for name in ("docs", "DOCS"):
        assert skycap("remote", "add", name, "local", "root=/b").status == 32
    assert skycap("remote", "add", "--replace", "docs", "local", "root=/b").status == 0
    assert written()["docs"]["root"] == "/b"


@pytest.mark.parametrize("name", ["-x", "a/b", "a b", ".x", ""])
def test_a_name_that_cannot_be_one_is_refused(name: str, skycap: Skycap) -> None:
    assert skycap("remote", "add", "--", name, "local").status == 2
    assert not Path(os.environ["SKYCAP_CONFIG"]).exists()


@pytest.mark.parametrize("option", ["roots=/x", "links=chase"])
def test_what_is_wrong_is_found_before_anything_is_written(option: str, skycap: Skycap) -> None:
    assert skycap("remote", "add", "docs", "local", option).status == 33
    assert not Path(os.environ["SKYCAP_CONFIG"]).exists()


@pytest.mark.parametrize(
    ("option", "status"),
    [
        ("retries=many", 33),
        ("timeout=soon", 33),
        ("limit_rate=fast", 33),
        ("connections=0", 33),
    ],
)
@pytest.mark.parametrize("verb", ["add", "edit"])
def test_what_every_remote_has_is_looked_at_before_it_is_written(
    verb: str, option: str, status: int, skycap: Skycap
) -> None:
    if verb == "edit":
        skycap("remote", "add", "docs", "local", "root=/a")
        before, words = written(), ("docs", option)
    else:
        before, words = {}, ("docs", "local", option)
    assert skycap("remote", verb, *words).status == status
    assert (written() if before else {}) == before


def test_the_type_of_a_new_remote_is_no_option(skycap: Skycap) -> None:
    assert skycap("remote", "add", "docs", "local", "type=s3").status == 2
    assert not Path(os.environ["SKYCAP_CONFIG"]).exists()


def test_an_edit_sets_and_takes_out(skycap: Skycap) -> None:
    skycap("remote", "add", "docs", "local", "root=/a", "links=skip")
    assert skycap("remote", "edit", "docs", "root=/b", "links=", "retries=3").status == 0
    assert written()["docs"] == {"type": "local", "root": "/b", "retries": "3"}
    assert skycap("remote", "edit", "docs", "lnks=skip").status == 33


def test_a_list_tells_names_types_and_origins(skycap: Skycap, monkeypatch: pytest.MonkeyPatch) -> None:
    skycap("remote", "add", "docs", "local", "root=/a")
    monkeypatch.setenv("SKYCAP_REMOTE_BOX_TYPE", "memory")
    records = skycap("remote", "list", "--json").records
    assert [(record["name"], record["storage_type"]) for record in records] == [
        ("box", "memory"),
        ("docs", "local"),
    ]
    assert records[0]["origin"] == "environment SKYCAP_REMOTE_BOX_TYPE"


def test_a_remote_is_forgotten_only_with_a_yes(skycap: Skycap) -> None:
    skycap("remote", "add", "docs", "local", "root=/a")
    assert skycap("remote", "remove", "docs").status == 31
    assert skycap("remote", "remove", "--yes", "docs").status == 0
    assert written() == {}
    assert skycap("remote", "remove", "--yes", "docs").status == 4


def test_the_environment_makes_a_whole_remote(
    skycap: Skycap, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYCAP_REMOTE_T_TYPE", "local")
    monkeypatch.setenv("SKYCAP_REMOTE_T_ROOT", str(tree))
    assert skycap("cat", "t:a.txt").out == "alpha"
    assert skycap("cat", "T:a.txt").out == "alpha"


def test_the_environment_wins_over_the_file(
    skycap: Skycap, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skycap("remote", "add", "my-docs", "local", "root=/nowhere")
    monkeypatch.setenv("SKYCAP_REMOTE_MY_DOCS_ROOT", str(tree))
    assert skycap("cat", "my-docs:a.txt").out == "alpha"
    found = {r["key"]: r for r in skycap("config", "show", "--origin", "--json").records}
    assert found["remotes.my-docs.root"]["origin"] == "environment SKYCAP_REMOTE_MY_DOCS_ROOT"
    assert found["remotes.my-docs.type"]["origin"].endswith("[remotes.my-docs] type")


def test_of_two_remotes_the_longest_known_option_decides(
    skycap: Skycap, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, root in (("A", "/nowhere"), ("A_B", str(tree))):
        monkeypatch.setenv(f"SKYCAP_REMOTE_{name}_TYPE", "local")
        monkeypatch.setenv(f"SKYCAP_REMOTE_{name}_ROOT", root)
    assert skycap("cat", "a_b:a.txt").out == "alpha"
    assert skycap("cat", "a:a.txt").status == 4


def test_an_unknown_option_in_the_environment_is_named(
    skycap: Skycap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYCAP_REMOTE_T_TYPE", "local")
    monkeypatch.setenv("SKYCAP_REMOTE_T_ROTO", "/x")
    outcome = skycap("ls", "t:")
    assert outcome.status == 33
    assert "SKYCAP_REMOTE_T_ROTO" in outcome.err
    assert "Did you mean 'root'?" in outcome.err


def test_a_secret_in_plain_goes_into_the_store_and_a_reference_into_the_file(
    skycap: Skycap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYCAP_PASSPHRASE", "correct horse")
    outcome = skycap("remote", "add", "box", "s3", "access_key_id=A", "secret_access_key=hunter2hunter2")
    assert outcome.status == 0
    assert "history" in outcome.err
    assert written()["box"]["secret_access_key"] == "keyring:skycap/box.secret_access_key"
    shown = skycap("remote", "show", "box")
    assert "hunter2" not in outcome.err + outcome.out + shown.out
    everything = b"".join(p.read_bytes() for p in Path(os.environ["SKYCAP_STATE"]).rglob("*") if p.is_file())
    assert b"hunter2" not in everything


def test_a_secret_is_asked_for_where_a_dash_stands(skycap: Skycap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYCAP_PASSPHRASE", "correct horse")
    answer(monkeypatch, "hunter2hunter2")
    outcome = skycap("remote", "add", "box", "s3", "secret_access_key=-")
    assert outcome.status == 0
    assert "history" not in outcome.err
    assert written()["box"]["secret_access_key"].startswith("keyring:")


def test_a_secret_in_the_environment_is_shown_as_stars(
    skycap: Skycap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYCAP_REMOTE_BOX_TYPE", "s3")
    monkeypatch.setenv("SKYCAP_REMOTE_BOX_SECRET_ACCESS_KEY", "hunter2hunter2")
    for words in (("remote", "show", "box"), ("config", "show", "--origin")):
        outcome = skycap(*words)
        assert "***" in outcome.out
        assert "hunter2" not in outcome.out


def test_a_login_asks_for_the_secrets_and_a_logout_forgets_them(
    skycap: Skycap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYCAP_PASSPHRASE", "correct horse")
    skycap("remote", "add", "box", "s3", "access_key_id=A", f"endpoint={NOWHERE}")
    assert skycap("auth", "status", "box").status == 11
    answer(monkeypatch, "hunter2hunter2", "")
    assert skycap("auth", "login", "box").status == 0
    assert written()["box"]["secret_access_key"] == "keyring:skycap/box.secret_access_key"
    assert "session_token" not in written()["box"]
    assert skycap("auth", "status", "box").status == 0
    assert skycap("auth", "logout", "box:").status == 0
    assert "secret_access_key" not in written()["box"]
    assert skycap("auth", "status", "box").status == 11


def test_a_login_asks_for_all_that_belongs_together(skycap: Skycap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYCAP_PASSPHRASE", "correct horse")
    skycap("remote", "add", "box", "s3", f"endpoint={NOWHERE}")
    answer(monkeypatch, "KEYID")
    assert skycap("auth", "login", "box").status == 11
    assert "access_key_id" not in written()["box"]
    answer(monkeypatch, "KEYID", "hunter2hunter2")
    assert skycap("auth", "login", "box").status == 0
    assert written()["box"]["access_key_id"] == "KEYID"
    assert skycap("auth", "status", "box").out.split()[-1] == "file"


def test_a_vault_with_a_key_file_needs_no_login(skycap: Skycap) -> None:
    Path("k").write_bytes(os.urandom(32))
    skycap("remote", "add", "safe", "crypt", "remote=./x", "key_file=k")
    assert skycap("auth", "status", "safe").status == 0


def test_the_doctor_looks_at_what_a_vault_stands_on(skycap: Skycap) -> None:
    Path("k").write_bytes(os.urandom(32))
    skycap("remote", "add", "gone", "local")
    skycap("remote", "add", "safe", "crypt", "remote=gone:x", "key_file=k")
    skycap("remote", "remove", "--yes", "gone")
    outcome = skycap("doctor")
    assert outcome.status != 0
    assert "what it stands on" in outcome.out


def test_a_login_with_nobody_there_is_told(skycap: Skycap, monkeypatch: pytest.MonkeyPatch) -> None:
    skycap("remote", "add", "box", "s3", "access_key_id=A", f"endpoint={NOWHERE}")
    answer(monkeypatch)
    outcome = skycap("auth", "login", "box")
    assert outcome.status == 11
    assert "nobody is there" in outcome.err


def test_a_check_of_a_remote_tells_what_it_can(skycap: Skycap, tree: Path) -> None:
    records = skycap("remote", "check", "--json", tree).records
    assert all(record["ok"] for record in records)
    assert [record["step"] for record in records] == ["identity", "list", "read", "quota", "can"]


def test_leftovers_are_cleaned_up(skycap: Skycap, tree: Path) -> None:
    left = tree / ".skycap-0123456789abcdef.part"
    left.write_bytes(b"half")
    assert skycap("remote", "cleanup", "--dry-run", tree).out.startswith(left.name)
    assert left.exists()
    assert skycap("remote", "cleanup", tree).status == 0
    assert not left.exists()


def test_an_encrypted_place_stands_on_another(
    skycap: Skycap, tree: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYCAP_REMOTE_V_TYPE", "crypt")
    monkeypatch.setenv("SKYCAP_REMOTE_V_REMOTE", str(home / "vault"))
    monkeypatch.setenv("SKYCAP_REMOTE_V_PASSPHRASE", "correct horse battery")
    assert skycap("copy", tree, "v:").status == 0
    assert skycap("check", tree, "v:").status == 0
    assert not list((home / "vault").rglob("a.txt"))


def test_a_place_that_stands_on_itself_is_refused(skycap: Skycap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYCAP_REMOTE_V_TYPE", "crypt")
    monkeypatch.setenv("SKYCAP_REMOTE_V_REMOTE", "v:")
    monkeypatch.setenv("SKYCAP_REMOTE_V_PASSPHRASE", "correct horse battery")
    outcome = skycap("ls", "v:")
    assert outcome.status == 33
    assert "stands on itself" in outcome.err


def test_a_local_path_of_a_remote_is_the_same_place_from_every_folder(
    skycap: Skycap, tree: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYCAP_PASSPHRASE", "correct horse")
    (home / "pw").write_text("correct horse battery\n")
    (home / "pw").chmod(0o600)
    made = skycap("remote", "add", "tk", "crypt", "remote=./localvault", "passphrase=file:pw")
    assert f"remote is kept as {home / 'localvault'}" in made.err
    assert skycap("copy", tree, "tk:").status == 0
    assert skycap("remote", "add", "here", "local", "root=tree").status == 0
    elsewhere = home / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert "a.txt" in skycap("ls", "tk:").out
    assert "a.txt" in skycap("ls", "here:").out
    assert skycap("copy", tree, "tk:again").status == 0
    assert list(elsewhere.iterdir()) == []
    assert "kept as" in skycap("remote", "edit", "here", "root=.").err
    assert written()["here"]["root"] == str(elsewhere)


def test_a_logout_takes_all_out_that_a_login_wrote(skycap: Skycap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYCAP_PASSPHRASE", "correct horse")
    skycap("remote", "add", "box", "s3", f"endpoint={NOWHERE}")
    before = written()["box"]
    answer(monkeypatch, "KEYID", "hunter2hunter2", "a-token-of-keys")
    assert skycap("auth", "login", "box").status == 0
    assert set(written()["box"]) - set(before) == {"access_key_id", "secret_access_key", "session_token"}
    outcome = skycap("auth", "logout", "box")
    assert "access_key_id" in outcome.err
    assert written()["box"] == before


def test_half_a_login_names_the_remote_and_what_mends_it(skycap: Skycap) -> None:
    skycap("remote", "add", "photos", "s3", "access_key_id=A", f"endpoint={NOWHERE}")
    outcome = skycap("ls", "photos:bucket")
    assert outcome.status == 33
    assert "photos:" in outcome.err
    assert "secret_access_key is missing" in outcome.err
    assert "skycap auth login photos" in outcome.err
    assert "skycap remote edit photos access_key_id=" in outcome.err


def test_a_login_with_half_of_it_changes_nothing(skycap: Skycap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYCAP_PASSPHRASE", "correct horse")
    skycap("remote", "add", "box", "s3", f"endpoint={NOWHERE}")
    answer(monkeypatch, "KEYID", "", "")
    assert skycap("auth", "login", "box").status == 11
    assert "access_key_id" not in written()["box"]


def test_an_empty_answer_takes_an_old_token_out(skycap: Skycap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYCAP_PASSPHRASE", "correct horse")
    skycap("remote", "add", "box", "s3", f"endpoint={NOWHERE}")
    answer(monkeypatch, "KEYID", "hunter2hunter2", "a-token-of-keys")
    outcome = skycap("auth", "login", "box")
    assert "is not known yet" in outcome.err
    assert "session_token" in written()["box"]
    answer(monkeypatch, "hunter3hunter3", "")
    outcome = skycap("auth", "login", "box")
    assert "session_token taken out" in outcome.err
    assert "session_token" not in written()["box"]
    assert "secret_access_key" in written()["box"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("docs", "local", "limit_rate=fast"), "option 'limit_rate': 'fast' is not a rate"),
        (("docs", "local", "limit_up=fast"), "option 'limit_up': 'fast' is not a rate"),
        (("docs", "local", "connections=many"), "'many' is not a number of connections"),
        (("docs", "local", "retries=often"), "retries"),
        (("v", "crypt", "remote=absent:x"), "it would stand on absent, and no remote has this name"),
        (("v", "crypt", "remote=v:x"), "it would stand on itself"),
        (("v", "crypt", "remote=/x", "key_file=/no/such/key"), "option 'key_file': there is no such file"),
        (("b", "s3", "connections=many"), "'many' does not fit (a whole number)"),
        (("b", "s3", "ca_bundle=/no/such/bundle"), "option 'ca_bundle': there is no such file"),
    ],
)
def test_what_can_never_work_is_found_before_anything_is_written(
    words: tuple[str, ...], told: str, skycap: Skycap
) -> None:
    outcome = skycap("remote", "add", *words)
    assert outcome.status == 33
    assert told in outcome.err
    assert "invalid literal" not in outcome.err
    assert not Path(os.environ["SKYCAP_CONFIG"]).exists()


def test_remotes_that_would_stand_on_each_other_are_refused(skycap: Skycap) -> None:
    skycap("remote", "add", "v", "crypt", "remote=/x")
    assert skycap("remote", "add", "w", "crypt", "remote=v:").status == 0
    assert skycap("remote", "edit", "v", "remote=w:").status == 33
    assert written()["v"]["remote"] == "/x"


def test_an_address_without_a_scheme_is_told_as_it_is_taken(skycap: Skycap) -> None:
    said = skycap("remote", "add", "box", "s3", "endpoint=localhost:9000").err
    assert "endpoint is taken as https://localhost:9000; write http://localhost:9000 if" in said
    assert "is taken as" not in skycap("remote", "edit", "box", "endpoint=http://localhost:9000").err


def test_a_vault_without_a_passphrase_is_logged_in_to_first(skycap: Skycap, home: Path) -> None:
    (home / "phrase").write_text("long enough, this one\n")
    assert '"skycap auth login v"' in skycap("remote", "add", "v", "crypt", "remote=/x").err
    words = ("remote", "add", "w", "crypt", "remote=/x", "passphrase=file:phrase")
    assert '"skycap ls w:"' in skycap(*words).err
