"""Who may come in, over what: logins, files of users, TLS, and what is refused before anything is opened."""

from __future__ import annotations

import json
import os
import ssl
import sys
from pathlib import Path

import pytest

from skycap.core.state import state_folder
from tests.core.cli.conftest import Skycap
from tests.core.server.test_digest import answer
from tests.core.webdav.commands.servers import ask, fails, serving

ME = ("me", "correct horse")


def test_with_a_password_only_its_owner_comes_in(folder: Path, password: Path) -> None:
    with serving(folder, "--user", "me", "--password-file", password) as server:
        unknown = server.ask("PUT", "b.txt", b"x")
        assert unknown.status == 401
        assert unknown.headers["www-authenticate"].startswith("Basic ")
        assert server.ask("PUT", "b.txt", b"x", login=("me", "wrong")).status == 401
        assert server.ask("PUT", "b.txt", b"x", login=("you", "correct horse")).status == 401
        assert not (folder / "b.txt").exists()
        assert server.ask("PUT", "b.txt", b"x", login=ME).status == 201
        ended = server.stop()
    assert "correct horse" not in ended.out + ended.err
    assert "can be read by others" not in ended.err


def test_users_of_a_file_come_and_go_while_it_runs(folder: Path, tmp_path: Path) -> None:
    users = tmp_path / "users"
    added = fails("user", "add", "--users", users, "me", stdin=b"correct horse\n")
    assert added.status == 0, added.err
    assert users.stat().st_mode & 0o777 == 0o600
    assert "correct" not in users.read_text()
    with serving(folder, "--users", users) as server:
        assert server.ask("PUT", "b.txt", b"x", login=ME).status == 201
        assert server.ask("PUT", "b.txt", b"x", login=("ann", "secret 2")).status == 401
        assert (
            fails("user", "add", "--users", users, "--password-file", "-", "ann", stdin=b"secret 2").status
            == 0
        )
        assert server.ask("PUT", "b.txt", b"x", login=("ann", "secret 2")).status == 204
        assert fails("user", "remove", "me", env={"SKYCAP_WEBDAV_USERS": str(users)}).status == 0
        assert server.ask("PUT", "b.txt", b"x", login=ME).status == 401


def test_the_users_of_a_file_are_listed(skycap: Skycap, tmp_path: Path, password: Path) -> None:
    users = tmp_path / "users"
    for name in ("ann", "ben"):
        flags = ("--json", "--users", users, "--password-file", password)
        added = skycap("webdav", "user", "add", *flags, name)
        assert added.records == [{"type": "user", "name": name, "users": str(users)}]
    assert skycap("webdav", "user", "list", "--users", users).out == "ann\nben\n"
    assert [one["name"] for one in skycap("webdav", "user", "list", "--json", "--users", users).records] == [
        "ann", "ben",
    ]  # fmt: skip
    assert skycap("webdav", "user", "remove", "--users", users, "cem").status == 4
    assert skycap("webdav", "user", "list").status == 2
    assert skycap("webdav", "user", "list", "--users", tmp_path / "none").status == 4


@pytest.mark.parametrize(
    ("args", "status", "said"),
    [
        ((), 2, "nobody said who may come in"),
        (
            ("--anonymous", "--user", "me", "--password-file", "x"),
            2,
            "--user and --anonymous exclude each other",
        ),
        (("--users", "x", "--anonymous"), 2, "--users and --anonymous exclude"),
        (("--user", "me"), 2, "--user and --password-file belong together"),
        (("--password-file", "x"), 2, "belong together"),
        (
            ("--user", "me", "--password-file", "no/such/file"),
            11,
            "no/such/file: the password cannot be read",
        ),
        (("--users", "no/such/file"), 4, "no such file of users"),
        (("--anonymous", "--tls", "self-signed", "--server", "waitress"), 2, "waitress speaks no TLS"),
        (("--anonymous", "--tls", "one-file.pem"), 2, "no setting of TLS"),
        (("--anonymous", "--tls", "none.pem,none.key"), 4, "the certificate is not there"),
        (("--anonymous", "--host", "0.0.0.0"), 2, "without a login and without TLS"),
        (("--user", "me", "--password-file", "x", "--host", "::"), 2, "without TLS"),
        (("--anonymous", "--tls", "self-signed", "--host", "192.0.2.1"), 2, "without a login"),
        (("--anonymous", "--port", "70000"), 2, "--port"),
        (("--anonymous", "--mount", "odd"), 2, "no mount"),
        (("--anonymous", "--mount", "files=elsewhere"), 2, "would both be served as 'files'"),
        (("--anonymous", "--mount", "a/b=elsewhere"), 2, "one part of a URL"),
        (("--anonymous", "--name", "a/b"), 2, "cannot be the name"),
        (("--anonymous", "--locks", "postgresql://u:hunter2@h/d"), 2, "can be seen by others"),
        (("--anonymous", "--locks", "mysql://h/d"), 2, "no URL of a store of locks"),
        (("--anonymous", "--locks", "env:NOT_THERE"), 11, "NOT_THERE"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_makes_no_sense_is_refused(
    args: tuple[str, ...], status: int, said: str, skycap: Skycap, folder: Path
) -> None:
    outcome = skycap("webdav", "serve", folder, *args)
    assert said in outcome.err
    assert outcome.status == status
    assert outcome.out == ""
    assert "hunter2" not in outcome.err


def test_a_file_and_nothing_at_all_cannot_be_served(skycap: Skycap, folder: Path) -> None:
    assert "it is no folder" in skycap("webdav", "serve", folder / "a.txt", "--anonymous").err
    outcome = skycap("webdav", "serve", "--anonymous")
    assert outcome.status == 2
    assert "nobody said what to serve" in outcome.err
    assert skycap("webdav", "serve", "/", folder, "--anonymous").status == 2


def test_over_tls_a_client_that_trusts_the_ca_comes_in_and_no_other(folder: Path, password: Path) -> None:
    login = ("--user", "me", "--password-file", password)
    with serving("--json", folder, *login, "--tls", "self-signed") as server:
        ready = json.loads(server.first)
        assert ready["url"].startswith("https://127.0.0.1:")
        assert ready["ca"] == os.path.join(state_folder(), "servers", "tls", "ca.crt")
        assert ask(ready["url"], "PUT", "b.txt", b"beta", login=ME, ca=ready["ca"]).status == 201
        with pytest.raises(ssl.SSLCertVerificationError):
            ask(ready["url"], "OPTIONS", ca=None)
        ended = server.stop()
    assert ended.status == 0
    assert "SHA-256" in ended.err
    assert "skycap webdav cert install" in ended.err
    assert (folder / "b.txt").read_bytes() == b"beta"


def test_certificates_are_made_shown_and_made_anew(skycap: Skycap) -> None:
    assert "none yet" in skycap("webdav", "cert", "show").err
    assert skycap("webdav", "cert", "install").status == 4
    assert "Made " in skycap("webdav", "cert", "regenerate", "--host", "box.example").err
    ca, leaf = skycap("webdav", "cert", "show", "--json").records
    assert ca["is_ca"]
    assert not ca["trusted"]
    assert "box.example" in leaf["names"]
    assert leaf["sha256"] in skycap("webdav", "cert", "show").out
    assert skycap("webdav", "cert", "regenerate", "--ca").status == 31
    (made,) = skycap("webdav", "cert", "regenerate", "--ca", "--yes", "--json").records
    new_ca, new_leaf = skycap("webdav", "cert", "show", "--json").records
    assert new_ca["sha256"] != ca["sha256"]
    assert new_leaf["sha256"] == made["sha256"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it would ask the store of the user")
def test_what_was_never_trusted_is_not_trusted_any_more(
    skycap: Skycap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    skycap("webdav", "cert", "regenerate")
    (done,) = skycap("webdav", "cert", "uninstall", "--json").records
    assert done["type"] == "trust"
    assert done["trusted"] is False
    assert "not trusted any more" in skycap("webdav", "cert", "uninstall").err


def test_a_store_of_locks_by_a_reference_is_opened(folder: Path, tmp_path: Path) -> None:
    reference = tmp_path / "url"
    reference.write_text(f"sqlite:///{tmp_path}/shared.db")
    reference.chmod(0o600)
    with serving(folder, "--anonymous", "--locks", f"file:{reference}") as server:
        assert server.ask("PUT", "b.txt", b"x").status == 201
    assert (tmp_path / "shared.db").exists()


@pytest.mark.parametrize("name", ["cheroot", "waitress"])
def test_users_of_digest_come_in_without_saying_a_password(folder: Path, tmp_path: Path, name: str) -> None:
    users = tmp_path / "users"
    assert fails("user", "add", "--digest", users, "me", stdin=b"correct horse\n").status == 0
    assert users.stat().st_mode & 0o777 == 0o600
    assert "correct" not in users.read_text()
    assert fails("user", "list", "--digest", users).out == "me\n"
    with serving(folder, "--digest", users, "--server", name) as server:
        unknown = server.ask("PUT", "b.txt", b"x")
        assert unknown.status == 401
        said = answer(unknown.headers["www-authenticate"], "me", method="PUT", uri="/b.txt")
        assert server.ask("PUT", "b.txt", b"x", Authorization=said).status == 201
        assert server.ask("PUT", "b.txt", b"x", Authorization=said).status == 401
        assert server.ask("PUT", "b.txt", b"x", login=ME).status == 401
        assert fails("user", "remove", "--digest", users, "me").status == 0
        challenge = server.ask("GET", "b.txt").headers["www-authenticate"]
        said = answer(challenge, "me", uri="/b.txt")
        assert server.ask("GET", "b.txt", Authorization=said).status == 401


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_file_for_digest_that_others_can_read_is_refused(folder: Path, tmp_path: Path) -> None:
    users = tmp_path / "users"
    assert fails("user", "add", "--digest", users, "me", stdin=b"correct horse\n").status == 0
    users.chmod(0o644)
    ended = fails("serve", folder, "--digest", users)
    assert ended.status != 0
    assert "others can read" in ended.err
    assert "chmod 600" in ended.err
    assert fails("user", "list", "--digest", users, "--users", users).status == 2
