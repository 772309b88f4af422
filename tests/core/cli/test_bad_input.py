"""Bad input gets one line that says what and where, one that says what to do, and the right exit status."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from skycap.core.errors import (
    AccessDenied,
    AuthMissing,
    Error,
    OutOfSpace,
    PathInvalid,
    ProviderError,
)
from tests.core.cli.conftest import Outcome, Skycap


def says(outcome: Outcome, status: int, *words: str) -> None:
    """The outcome has this status, one line of error with these words, and nothing like a traceback."""
    assert outcome.status == status, outcome.err
    lines = outcome.err.splitlines()
    assert lines[0].startswith("skycap: ")
    assert len([line for line in lines if line.startswith("skycap: ")]) == 1
    assert "Traceback" not in outcome.err
    for word in words:
        assert word in outcome.err, outcome.err


def config(text: str) -> Path:
    path = Path(os.environ["SKYCAP_CONFIG"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_an_unknown_remote(skycap: Skycap) -> None:
    config('[remotes.photos]\ntype = "local"\n')
    says(skycap("ls", "fotos:x"), 4, "fotos", "Did you mean 'photos'?", "./fotos:")


def test_a_local_file_with_a_colon_in_its_name_is_reached_by_a_dot(skycap: Skycap, home: Path) -> None:
    if os.name == "nt":
        pytest.skip("Windows has no such names")
    (home / "a:b").write_text("here")
    says(skycap("cat", "a:b"), 4, "./a:")
    assert skycap("cat", "./a:b").out == "here"


def test_an_unknown_scheme(skycap: Skycap) -> None:
    says(skycap("ls", "locale://x"), 2, "locale://x", "unknown scheme 'locale'", "Did you mean 'local'?")


def test_an_unknown_type_for_once(skycap: Skycap) -> None:
    says(skycap("ls", ":locale:x"), 2, "unknown storage type", "Did you mean 'local'?")


@pytest.mark.parametrize("place", ["s3://bucket/key", ":s3,region=x:bucket"])
def test_a_type_whose_plugin_is_not_installed(place: str, installed: Skycap) -> None:
    outcome = installed("ls", place, env={"SKYCAP_DISABLE_PLUGINS": "cloudproviders"})
    says(outcome, 10, "s3", "pip install skycap-cloudproviders")


def test_a_configured_remote_whose_plugin_is_not_installed(installed: Skycap) -> None:
    config('[remotes.photos]\ntype = "s3"\n')
    outcome = installed("ls", "photos:", env={"SKYCAP_DISABLE_PLUGINS": "cloudproviders"})
    says(outcome, 10, "[remotes.photos] type", "pip install skycap-cloudproviders")


def test_an_option_that_the_type_does_not_have(skycap: Skycap) -> None:
    config('[remotes.docs]\ntype = "local"\nroots = "/x"\n')
    says(skycap("ls", "docs:"), 33, "[remotes.docs] roots", "unknown option 'roots'", "Did you mean 'root'?")


def test_an_option_for_once_that_the_type_does_not_have(skycap: Skycap) -> None:
    says(skycap("ls", ":local,roots=/x:y"), 33, "unknown option 'roots'", "Did you mean 'root'?")


def test_a_value_that_does_not_fit(skycap: Skycap) -> None:
    config('[remotes.docs]\ntype = "local"\nlinks = "chase"\n')
    says(skycap("ls", "docs:"), 33, "docs", "'links'", "'chase'")


def test_a_configuration_that_is_no_toml(skycap: Skycap) -> None:
    path = config("[remotes.docs]\ntype = local\n")
    says(skycap("ls", "docs:"), 33, str(path), "line 2, column 8")


def test_a_configuration_that_is_cut_off(skycap: Skycap) -> None:
    config('[remotes.docs]\ntype = "loc')
    says(skycap("ls", "docs:"), 33, "line 2")


def test_an_unknown_key_of_the_configuration(skycap: Skycap) -> None:
    says(skycap("ls") if config("[remote.docs]\n") else skycap(), 33, "'remote'", "Did you mean 'remotes'?")


def test_an_unknown_default(skycap: Skycap) -> None:
    config("[defaults]\ntransfer = 8\n")
    says(skycap("ls"), 33, "'transfer'", "Did you mean 'transfers'?")


def test_a_broken_configuration_can_still_be_looked_at_and_mended(skycap: Skycap) -> None:
    path = config("nonsense")
    assert skycap("config", "path").out.strip() == str(path)
    assert skycap("doctor").status == 1
    assert "nonsense" not in skycap("--help").err
    assert skycap("completion", "bash").status == 0


def test_a_secret_that_is_written_out_in_the_file(skycap: Skycap) -> None:
    config('[remotes.box]\ntype = "s3"\nsecret_access_key = "hunter2hunter2"\n')
    outcome = skycap("ls", "box:b")
    says(outcome, 33, "[remotes.box] secret_access_key", "skycap auth login box", "env:")
    assert "hunter2" not in outcome.err + outcome.out


def test_a_secret_that_is_written_out_on_the_command_line(skycap: Skycap) -> None:
    outcome = skycap("ls", ":s3,secret_access_key=hunter2hunter2:b")
    says(outcome, 33, "secret_access_key")
    assert "hunter2" not in outcome.err + outcome.out


def test_a_reference_that_leads_nowhere(skycap: Skycap) -> None:
    config('[remotes.box]\ntype = "s3"\naccess_key_id = "x"\nsecret_access_key = "env:NOWHERE"\n')
    says(skycap("ls", "box:b"), 11, "NOWHERE", "secret_access_key")


def test_missing_credentials(installed: Skycap) -> None:
    env = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "HOME": os.environ["SKYCAP_STATE"],
    }
    outcome = installed("ls", "s3://bucket", env=env)
    says(outcome, 11, "credentials", "AWS_ACCESS_KEY_ID")


def test_no_such_file(skycap: Skycap, home: Path) -> None:
    for words in (("ls",), ("cat",), ("stat",), ("remove",), ("du",)):
        says(skycap(*words, home / "nope"), 4, str(home / "nope"), "no such file")
    says(skycap("copy", home / "nope", home / "out"), 4, str(home / "nope"))
    assert not (home / "out").exists()


def test_a_target_inside_the_source(skycap: Skycap, tree: Path) -> None:
    says(skycap("copy", tree, tree / "sub" / "new"), 2, "inside the source")


@pytest.mark.parametrize("verb", ["copy", "move", "sync"])
def test_the_same_place_twice(verb: str, skycap: Skycap, tree: Path) -> None:
    says(skycap(verb, tree, f"{tree}/sub/.."), 2, "the same")
    assert (tree / "a.txt").exists()


def test_the_same_file_twice(skycap: Skycap, tree: Path) -> None:
    says(skycap("move", tree / "a.txt", tree / "a.txt"), 2, "the same")
    assert (tree / "a.txt").read_text() == "alpha"


@pytest.mark.skipif(os.name == "nt", reason="needs the rights of POSIX")
def test_an_unreadable_file_is_left_out_and_told(as_nobody: Skycap, open_tree: Path, home: Path) -> None:
    (open_tree / "a.txt").chmod(0o000)
    outcome = as_nobody("copy", open_tree, open_tree.parent / "out")
    assert outcome.status in {3, 14}, outcome.err
    assert "a.txt: permission denied" in outcome.err
    assert (open_tree.parent / "out" / "sub" / "b.txt").read_text() == "beta"
    assert not (open_tree.parent / "out" / "a.txt").exists()
    checked = as_nobody("check", open_tree, open_tree.parent / "out")
    assert checked.status in {3, 14}


@pytest.mark.skipif(os.name == "nt", reason="needs the rights of POSIX")
def test_a_single_unreadable_file_is_an_error_of_its_own(as_nobody: Skycap, open_tree: Path) -> None:
    (open_tree / "a.txt").chmod(0o000)
    outcome = as_nobody("cat", open_tree / "a.txt")
    says(outcome, 6, "a.txt", "permission denied")


@pytest.mark.skipif(os.name == "nt", reason="needs the rights of POSIX")
def test_check_says_14_where_a_file_cannot_be_read(as_nobody: Skycap, open_tree: Path) -> None:
    assert as_nobody("copy", open_tree, open_tree.parent / "out").status == 0
    (open_tree / "a.txt").chmod(0o000)
    outcome = as_nobody("check", open_tree, open_tree.parent / "out")
    assert outcome.status == 14
    assert "unreadable a.txt" in outcome.out


def test_a_path_that_leaves_the_place(skycap: Skycap) -> None:
    config('[remotes.docs]\ntype = "local"\n')
    says(skycap("ls", "docs:../x"), 2, "'..'")


@pytest.mark.parametrize(
    "words", [("lss",), ("copy",), ("ls", "--bogus"), ("copy", "a", "b", "--transfers", "x")]
)
def test_a_wrong_command_line(words: tuple[str, ...], skycap: Skycap) -> None:
    says(skycap(*words), 2, "--help")


def test_a_misspelt_command_is_told_the_nearest(skycap: Skycap) -> None:
    says(skycap("cpoy"), 2, 'Did you mean "skycap copy"?')


def test_a_size_that_is_none(skycap: Skycap, tree: Path, home: Path) -> None:
    says(skycap("copy", "--min-size", "big", tree, home / "x"), 2, "'big' is not a size", "16MiB")


def test_a_filter_file_that_is_not_there(skycap: Skycap, tree: Path, home: Path) -> None:
    says(skycap("copy", "--filter-from", home / "rules", tree, home / "x"), 4, "rules")


@pytest.mark.parametrize("flags", [("--checksum", "--size-only")])
def test_flags_that_exclude_each_other(
    flags: tuple[str, ...], skycap: Skycap, tree: Path, home: Path
) -> None:
    says(skycap("copy", *flags, tree, home / "x"), 2, "exclude each other")


def test_a_place_in_options_that_cannot_be_read(skycap: Skycap) -> None:
    says(skycap("ls", ':s3,endpoint="http://x:bucket'), 2, "quote")
    says(skycap("ls", ":"), 2, "storage type")
    says(skycap("ls", ""), 2, "empty place")


@contextlib.contextmanager
def answering(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> Iterator[int]:
    """A server on loopback that answers everything alike; its port."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def s3_error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>told by the store</Message></Error>".encode()


KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example/secret"}


@pytest.mark.parametrize(
    ("code", "http", "status", "word"),
    [
        ("NoSuchBucket", 404, 4, "bucket"),
        ("AccessDenied", 403, AccessDenied.exit_status, "b"),
        ("InvalidAccessKeyId", 403, AuthMissing.exit_status, "key"),
        ("SignatureDoesNotMatch", 403, AuthMissing.exit_status, "secret"),
        ("RequestTimeTooSkewed", 403, None, "clock"),
        ("QuotaExceeded", 403, OutOfSpace.exit_status, ""),
    ],
)
def test_what_a_store_refuses(
    code: str, http: int, status: int | None, word: str, installed: Skycap, tree: Path
) -> None:
    with answering(http, s3_error(code), {"Content-Type": "application/xml"}) as port:
        outcome = installed(
            "copy", "--retries", "0", "-", f":s3,endpoint=http://127.0.0.1:{port},region=x:bucket/key",
            stdin=b"x", env=KEYS,
        )  # fmt: skip
    assert outcome.status == status if status else outcome.status in {6, 11, ProviderError.exit_status}
    assert word in outcome.err.lower()
    assert "hint:" in outcome.err
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in outcome.err


def test_a_server_that_does_not_answer(installed: Skycap) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        env = KEYS | {"SKYCAP_REMOTE_T_TYPE": "s3", "SKYCAP_REMOTE_T_RETRIES": "0"}
        env["SKYCAP_REMOTE_T_ENDPOINT"] = f"http://127.0.0.1:{port}"
        outcome = installed("ls", "t:bucket", env=env)
    says(outcome, outcome.status, "cannot be reached", "endpoint")
    assert outcome.status in {13, 14, 19}


def test_a_server_that_speaks_no_tls(installed: Skycap) -> None:
    assert ssl.HAS_TLSv1_3
    with answering(200) as port:
        env = KEYS | {"SKYCAP_REMOTE_T_TYPE": "s3", "SKYCAP_REMOTE_T_RETRIES": "0"}
        env["SKYCAP_REMOTE_T_ENDPOINT"] = f"https://127.0.0.1:{port}"
        outcome = installed("ls", "t:bucket", env=env)
    assert outcome.status not in {0, 1}
    assert "certificate" in outcome.err or "TLS" in outcome.err
    assert "hint:" in outcome.err


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/dev/full is Linux's")
def test_a_full_disk(installed: Skycap, tree: Path, home: Path) -> None:
    with open("/dev/full", "wb") as full:
        import subprocess

        done = subprocess.run(
            [sys.executable, "-m", "skycap.core", "cat", tree / "sub" / "deep" / "c.bin"],
            stdout=full, stderr=subprocess.PIPE, check=False, timeout=60,
        )  # fmt: skip
    assert done.returncode == OutOfSpace.exit_status
    assert b"full" in done.stderr


def test_a_name_that_the_target_cannot_hold(skycap: Skycap, home: Path) -> None:
    name = "n" * 300
    outcome = skycap("copy", "-v", ":memory:x", home / name)
    assert outcome.status in {PathInvalid.exit_status, 4}
    long = skycap("mkdir", home / name)
    says(long, long.status, "n" * 10)
    assert long.status in {PathInvalid.exit_status, Error.exit_status}


def test_an_error_in_json_is_the_last_line_and_an_object(skycap: Skycap, home: Path) -> None:
    outcome = skycap("ls", "--json", home / "nope")
    record = outcome.records[-1]
    assert record == {
        "type": "error",
        "class": "NotFound",
        "message": record["message"],
        "where": str(home / "nope"),
        "hint": record["hint"],
        "exit_status": 4,
        "retryable": False,
    }


def test_a_wrong_flag_in_json_is_an_object_too(skycap: Skycap) -> None:
    assert skycap("ls", "--json", "--bogus").records[-1]["exit_status"] == 2


def test_a_defect_is_one_line_and_a_traceback_only_on_demand(
    skycap: Skycap, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: object, path: str) -> None:
        password = "hunter2hunter2"  # noqa: F841 - a local that must not be shown
        raise ValueError("a bug")

    from skycap.core.storage.local import Local

    monkeypatch.setattr(Local, "scan", broken)
    outcome = skycap("ls", tree)
    says(outcome, 1, "a bug", "skycap info")
    loud = skycap("-vv", "ls", tree)
    assert "Traceback" in loud.err
    assert "hunter2hunter2" not in loud.err.replace('password = "hunter2hunter2"', "")


def test_a_reader_that_went_away_is_no_error(installed: Skycap, tree: Path) -> None:
    import subprocess

    (tree / "big").write_bytes(b"x" * 4_000_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "skycap.core", "cat", str(tree / "big")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=30) == 141
    assert err == b""
