"""Who we are: each way to credentials, against stubs that answer as the services do."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from skycap.cloudproviders.s3 import chain
from skycap.cloudproviders.s3.credentials import Found, resolve
from skycap.cloudproviders.s3.options import S3Options
from skycap.cloudproviders.s3.signing import Keys
from skycap.cloudproviders.s3.storage import S3
from skycap.core.errors import AuthExpired, AuthMissing, ConfigInvalid, Error
from tests.cloudproviders.stub import Reply, Request, Stub, refusal


def options(**values: Any) -> S3Options:
    return S3Options.parse(values, where="test")


def keys_of(**values: Any) -> Keys:
    found = resolve(options(**values)).keys()
    assert found is not None
    return found


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Write the AWS configuration files."""

    def write(config: str = "", credentials: str = "") -> None:
        folder = Path(os.environ["HOME"]) / ".aws"
        folder.mkdir(exist_ok=True)
        (folder / "config").write_text(config)
        (folder / "credentials").write_text(credentials)

    return write


def soon(seconds: int = 3600) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def sts(request: Request, *, expires_s: int = 3600) -> Reply:
    """What STS answers: keys that are named after the role and after who asked for it."""
    form = request.form
    action = form["Action"]
    signed = request.headers.get("authorization", "")
    asked_by = signed.partition("Credential=")[2].partition("/")[0] or "nobody"
    role = form["RoleArn"].rpartition("/")[2]
    body = (
        f"<{action}Response xmlns='https://sts.amazonaws.com/doc/2011-06-15/'><{action}Result><Credentials>"
        f"<AccessKeyId>{role}-by-{asked_by}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>"
        f"<SessionToken>token</SessionToken><Expiration>{soon(expires_s)}</Expiration></Credentials>"
        f"<AssumedRoleUser><Arn>a</Arn><AssumedRoleId>i</AssumedRoleId></AssumedRoleUser>"
        f"</{action}Result></{action}Response>"
    )
    return Reply(body=body.encode())


def elsewhere(**values: Any) -> str:
    """The access key id that a new process finds."""
    code = (
        "import json, sys; from skycap.cloudproviders.s3.credentials import resolve;"
        "from skycap.cloudproviders.s3.options import S3Options;"
        "print(resolve(S3Options.parse(json.loads(sys.argv[1]), where='t')).keys().access_key_id)"
    )
    arguments = [sys.executable, "-c", code, json.dumps(values)]
    return subprocess.run(arguments, capture_output=True, text=True, check=True).stdout.strip()


def test_keys_among_the_options_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    found = keys_of(access_key_id="OPT", secret_access_key="x", session_token="t")
    assert (found.access_key_id, found.session_token) == ("OPT", "t")
    assert keys_of().access_key_id == "ENV"


def test_half_a_pair_of_keys_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigInvalid, match="belong together"):
        resolve(options(access_key_id="OPT"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ENV")
    with pytest.raises(AuthMissing, match="AWS_SECRET_ACCESS_KEY"):
        resolve(options())


def test_no_secret_is_ever_shown() -> None:
    given = options(access_key_id="OPT", secret_access_key="hidden-1", session_token="hidden-2")
    found = resolve(given).keys()
    assert "hidden" not in f"{given!r} {found!r} {S3(given, 'bucket')!r}"


def test_anonymous_requests_are_not_signed() -> None:
    reply = Reply(headers={"etag": '"e"'})
    with Stub(lambda _: reply) as stub, S3(options(endpoint=stub.url, anonymous=True), "bucket") as storage:
        storage.stat("a")
        storage.write("a", b"x")
    assert [r.method for r in stub.requests] == ["HEAD", "PUT"]
    assert all("authorization" not in r.headers for r in stub.requests)


def test_without_any_credentials_the_way_out_is_told() -> None:
    storage = S3(options(endpoint="http://127.0.0.1:9"), "bucket")
    with pytest.raises(AuthMissing) as caught:
        storage.stat("a")
    hint = caught.value.hint or ""
    assert all(word in hint for word in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "aws sso login", "anonymous"))


def test_a_profile_of_the_shared_file_needs_no_botocore(aws: Callable[..., None]) -> None:
    aws(
        credentials="[default]\naws_access_key_id=D\naws_secret_access_key=s\n"
        "[work]\naws_access_key_id=W\naws_secret_access_key=s\naws_session_token=t\n"
    )
    assert keys_of().access_key_id == "D"
    assert keys_of(profile="work").session_token == "t"
    code = (
        "import sys; from skycap.cloudproviders.s3.credentials import resolve;"
        "from skycap.cloudproviders.s3.options import S3Options;"
        "print(resolve(S3Options()).keys().access_key_id, 'botocore' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["D", "False"]


def test_a_named_profile_outranks_the_environment(
    aws: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    aws(credentials="[work]\naws_access_key_id=W\naws_secret_access_key=s\n")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    assert keys_of(profile="work").access_key_id == "W"


def test_a_profile_that_is_not_there_is_told(aws: Callable[..., None]) -> None:
    aws(config="[profile other]\nregion=eu-west-1\n")
    with pytest.raises(ConfigInvalid, match="nosuch"):
        keys_of(profile="nosuch")


def test_a_broken_configuration_is_told(aws: Callable[..., None]) -> None:
    aws(config="not an ini file")
    with pytest.raises(ConfigInvalid):
        keys_of()


def test_a_program_gives_credentials(aws: Callable[..., None], tmp_path: Path) -> None:
    answer = {"Version": 1, "AccessKeyId": "PROC", "SecretAccessKey": "s", "Expiration": soon()}
    (tmp_path / "answer.json").write_text(json.dumps(answer))
    aws(config=f"[profile p]\ncredential_process = cat {tmp_path}/answer.json\n")
    found = keys_of(profile="p")
    assert found.access_key_id == "PROC"
    assert found.expires_at is not None


def test_a_program_that_fails_is_told(aws: Callable[..., None]) -> None:
    aws(config="[profile p]\ncredential_process = false\n")
    with pytest.raises(AuthMissing):
        keys_of(profile="p")


@pytest.mark.parametrize("said", ["echo nonsense", "echo", "echo {}", "/nonexistent/program"])
def test_a_program_that_says_nonsense_is_told(aws: Callable[..., None], said: str) -> None:
    aws(config=f"[profile p]\ncredential_process = {said}\n")
    with pytest.raises(AuthMissing):
        keys_of(profile="p")


def test_a_container_at_an_address_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/creds")
    with pytest.raises(AuthMissing, match="Unsupported host"):
        keys_of()


@pytest.mark.parametrize("answer", [lambda r: sts(r, expires_s=-60), lambda _: Reply(body=b"<html>Log in")])
def test_keys_that_have_run_out_and_answers_that_are_none_are_told(
    monkeypatch: pytest.MonkeyPatch, answer: Callable[[Request], Reply]
) -> None:
    with Stub(answer) as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", stub.url)
        with pytest.raises(AuthMissing):
            keys_of(access_key_id="B", secret_access_key="s", role_arn="arn:aws:iam::1:role/x")


def test_a_bug_does_not_look_like_missing_credentials() -> None:
    not_keys: Any = object()
    with pytest.raises(AttributeError):
        chain.find(options(), not_keys, fresh=False)


def test_a_role_of_a_profile_is_assumed_and_remembered(
    aws: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    aws(
        config="[profile r]\nrole_arn = arn:aws:iam::1:role/reader\nsource_profile = base\n"
        "external_id = ext\nregion = eu-west-1\n",
        credentials="[base]\naws_access_key_id=BASE\naws_secret_access_key=s\n",
    )
    with Stub(sts) as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", stub.url)
        assert keys_of(profile="r").access_key_id == "reader-by-BASE"
        assert stub.requests[0].form["ExternalId"] == "ext"
        # Another process would find the same file.
        assert keys_of(profile="r").access_key_id == "reader-by-BASE"
        assert len(stub.requests) == 1
    folder = Path(os.environ["SKYCAP_STATE"]) / "aws-sessions"
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "BASE" not in json.loads(file.read_text())["Credentials"]["SecretAccessKey"]


def test_roles_are_assumed_one_from_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    roles = "arn:aws:iam::1:role/first, arn:aws:iam::2:role/second"
    given = {
        "access_key_id": "BASE", "secret_access_key": "s", "role_arn": roles, "external_id": "ext",
        "role_session_name": "me", "role_duration": "15m",
    }  # fmt: skip
    with Stub(sts) as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", stub.url)
        assert keys_of(**given).access_key_id == "second-by-first-by-BASE"
        first, second = (request.form for request in stub.requests)
        assert (first["RoleSessionName"], second["RoleSessionName"]) == ("me", "me")
        assert (first.get("ExternalId"), second["ExternalId"]) == (None, "ext")
        assert second["DurationSeconds"] == "900"
        # A new process, in truth: no request is made.
        assert elsewhere(**given) == "second-by-first-by-BASE"
        assert len(stub.requests) == 2


def test_a_refused_role_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    body = (
        b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>"
    )
    with Stub(lambda _: Reply(403, body)) as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", stub.url)
        with pytest.raises(Error, match="not you"):
            keys_of(access_key_id="B", secret_access_key="s", role_arn="arn:aws:iam::1:role/x")


def test_a_role_with_mfa_needs_a_terminal_once(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "access_key_id": "B", "secret_access_key": "s", "role_arn": "arn:aws:iam::1:role/x",
        "mfa_serial": "arn:aws:iam::1:mfa/me",
    }  # fmt: skip
    with Stub(sts) as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", stub.url)
        monkeypatch.setattr("sys.stdin", io.StringIO())
        with pytest.raises(AuthMissing, match="MFA"):
            keys_of(**given)
        monkeypatch.setattr("sys.stdin", _Terminal())
        monkeypatch.setattr("getpass.getpass", lambda prompt: "123456")
        assert keys_of(**given).access_key_id == "x-by-B"
        assert stub.requests[-1].form["TokenCode"] == "123456"


class _Terminal:
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("by", ["environment", "options", "profile"])
def test_a_web_identity_is_exchanged(
    by: str, aws: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("a.web.token")
    arn = "arn:aws:iam::1:role/web"
    given: dict[str, str] = {}
    if by == "environment":
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
        monkeypatch.setenv("AWS_ROLE_ARN", arn)
        monkeypatch.setenv("AWS_ROLE_SESSION_NAME", "me")
    elif by == "options":
        given = {"web_identity_token_file": str(token), "role_arn": arn, "role_session_name": "me"}
    else:
        aws(config=f"[profile w]\nrole_arn={arn}\nweb_identity_token_file={token}\nrole_session_name=me\n")
        given = {"profile": "w"}
    with Stub(sts) as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", stub.url)
        monkeypatch.setenv("AWS_REGION", "eu-west-1")
        assert keys_of(**given).access_key_id == "web-by-nobody"
    form = stub.requests[0].form
    assert (form["WebIdentityToken"], form["RoleSessionName"]) == ("a.web.token", "me")


def test_a_web_identity_without_a_role_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AuthMissing, match="role"):
        keys_of(web_identity_token_file=str(tmp_path / "token"))


def test_a_container_gives_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"AccessKeyId": "BOX", "SecretAccessKey": "s", "Token": "t", "Expiration": soon()}
    with Stub(lambda _: Reply(body=json.dumps(body).encode())) as stub:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{stub.url}/creds")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "let me in")
        assert keys_of().access_key_id == "BOX"
    assert stub.requests[0].headers["authorization"] == "let me in"


def test_an_instance_gives_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    def metadata(request: Request) -> Reply:
        if request.method == "PUT":
            return Reply(body=b"imds-token")
        assert request.headers["x-aws-ec2-metadata-token"] == "imds-token"
        if request.path.endswith("/security-credentials/"):
            return Reply(body=b"my-role")
        keys = {"Code": "Success", "AccessKeyId": "EC2", "SecretAccessKey": "s", "Token": "t"}
        return Reply(body=json.dumps({**keys, "Expiration": soon(), "LastUpdated": soon(0)}).encode())

    with Stub(metadata) as stub:
        monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"{stub.url}/")
        assert keys_of().access_key_id == "EC2"


_SSO = (
    "[profile s]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = reader\n"
    "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.example\n"
    "sso_registration_scopes = sso:account:access\n"
)


def _sso_token(expires: str, **more: str) -> None:
    folder = Path(os.environ["HOME"]) / ".aws" / "sso" / "cache"
    folder.mkdir(parents=True)
    name = hashlib.sha1(b"corp").hexdigest()
    content = {"accessToken": "bearer", "expiresAt": expires, "startUrl": "https://corp.example", **more}
    (folder / f"{name}.json").write_text(json.dumps(content))


def test_single_sign_on_uses_the_token_that_was_left_there(
    aws: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    aws(config=_SSO)
    _sso_token(soon())
    expiration = int(datetime.now(UTC).timestamp() + 3600) * 1000
    found = {"accessKeyId": "SSO", "secretAccessKey": "s", "sessionToken": "t", "expiration": expiration}
    with Stub(lambda _: Reply(body=json.dumps({"roleCredentials": found}).encode())) as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", stub.url)
        # botocore looks up the home folder when it is imported.
        assert elsewhere(profile="s") == "SSO"
    (request,) = stub.requests
    assert request.headers["x-amz-sso_bearer_token"] == "bearer"
    assert request.query == {"role_name": "reader", "account_id": "1"}


@pytest.mark.parametrize("expired", [False, True])
def test_whoever_is_signed_out_is_told_how_to_sign_in(aws: Callable[..., None], expired: bool) -> None:
    aws(config=_SSO)
    if expired:
        _sso_token(soon(-3600))
    with pytest.raises(AuthExpired) as caught:
        keys_of(profile="s")
    assert "aws sso login" in (caught.value.hint or "")


def test_credentials_that_expired_are_renewed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store says the session is over, though its end has not come: a new one is asked for."""
    calls: list[str] = []

    def answer(request: Request) -> Reply:
        if "Action" in request.form:
            calls.append("sts")
            return sts(request)
        calls.append(request.method)
        return refusal("ExpiredToken", 400) if len(calls) < 3 else Reply(headers={"etag": '"e"'})

    with Stub(answer) as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", stub.url)
        given = {"access_key_id": "B", "secret_access_key": "s", "role_arn": "arn:aws:iam::1:role/x"}
        with S3(options(endpoint=stub.url, **given), "bucket") as storage:
            assert storage.stat("a").version == '"e"'
            assert calls == ["sts", "HEAD", "sts", "HEAD"]


def test_keys_that_cannot_be_renewed_stay_expired() -> None:
    given = {"access_key_id": "B", "secret_access_key": "s", "session_token": "t"}
    with Stub(lambda _: refusal("ExpiredToken", 400)) as stub:
        storage = S3(options(endpoint=stub.url, **given), "bucket")
        with pytest.raises(AuthExpired):
            storage.write("a", b"x")


def test_many_who_find_them_expired_ask_once() -> None:
    asked: list[bool] = []
    now = [100.0]

    def find(fresh: bool) -> Callable[[], Keys]:
        asked.append(fresh)
        return lambda: Keys("K", "s")

    found = Found(find, clock=lambda: now[0])
    found.keys()
    assert found.renew()
    assert found.renew()
    assert asked == [False, True]
    now[0] += 6
    found.renew()
    assert asked == [False, True, True]
    assert found.keys() == Keys("K", "s")


def test_obstore_gets_keys_of_a_role(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: Request) -> Reply:
        return sts(request) if request.method == "POST" else Reply(headers={"etag": '"e"'})

    with Stub(answer) as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", stub.url)
        given = {"access_key_id": "B", "secret_access_key": "s", "role_arn": "arn:aws:iam::1:role/x"}
        with S3(options(endpoint=stub.url, **given), "bucket") as storage:
            storage.write("a", b"x")
    put = stub.requests[-1]
    assert "Credential=x-by-B/" in put.headers["authorization"]
    assert put.headers["x-amz-security-token"] == "token"


def test_a_profile_names_region_and_endpoint(
    aws: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = "[profile p]\nregion = eu-west-3\nendpoint_url = http://127.0.0.1:1\n"
    aws(config=f"[default]\nregion = eu-west-2\n{profile}")
    assert S3(options(), "bucket").client.endpoint.region == "eu-west-2"
    endpoint = S3(options(profile="p"), "bucket").client.endpoint
    assert (endpoint.region, endpoint.url()) == ("eu-west-3", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_REGION", "sa-east-1")
    assert S3(options(profile="p"), "bucket").client.endpoint.region == "sa-east-1"
    assert S3(options(profile="p", region="ap-east-1"), "bucket").client.endpoint.region == "ap-east-1"
