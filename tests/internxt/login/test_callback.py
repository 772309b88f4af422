"""The place where the browser comes back to: who it lets in, what it says, and what it gives away."""

from __future__ import annotations

import base64
import http.client
import threading
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from skycap.core.crypto.secret import Secret
from skycap.core.errors import AuthExpired, AuthMissing, IntegrityError, UsageError
from skycap.internxt.emulator.running import Emulator
from skycap.internxt.endpoints import Endpoints
from skycap.internxt.login.account import Kept
from skycap.internxt.login.browser import Callback, log_in, page_address
from skycap.internxt.login.gate import Gate
from tests.internxt.login.people import ADA, BEA

PHRASE = "abandon " * 23 + "art"


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


QUERY = urlencode({"mnemonic": coded(PHRASE), "newToken": coded("a.b.c"), "privateKey": coded("key")})


class Page:
    """What a browser was shown."""

    def __init__(self, callback: Callback, target: str, **headers: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", callback.port, timeout=20)
        try:
            connection.request("GET", target, headers=headers)
            answer = connection.getresponse()
            self.status, self.headers = answer.status, answer.headers
            self.text = answer.read().decode()
        finally:
            connection.close()


def place(callback: Callback) -> str:
    return urlsplit(callback.url).path


def come_back(callback: Callback, query: str = QUERY) -> Page:
    return Page(callback, f"{place(callback)}?{query}")


def test_what_comes_back_is_taken_once_and_the_browser_is_told_the_outcome() -> None:
    with Callback() as callback, ThreadPoolExecutor() as pool:
        first = come_back(callback)
        answer = callback.wait(20)
        assert (answer.mnemonic, answer.token) == (Secret(PHRASE), Secret("a.b.c"))
        other = urlencode({"mnemonic": coded("another-phrase-73"), "newToken": coded("d.e.f")})
        assert come_back(callback, other).status == 303
        with pytest.raises(AuthMissing, match="nobody came back"):
            callback.wait(0.01)
        end = pool.submit(Page, callback, first.headers["location"])
        callback.tell(succeeded=True)
        callback.tell(succeeded=False)
        assert "Logged in" in end.result().text


def test_the_address_with_the_phrase_is_left_at_once_and_nothing_of_it_is_repeated() -> None:
    with Callback() as callback, ThreadPoolExecutor() as pool:
        page = come_back(callback)
        assert page.status == 303
        assert coded(PHRASE) not in f"{page.headers}{page.text}"
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert "?" not in page.headers["location"]
        end = pool.submit(Page, callback, page.headers["location"])
        callback.wait(20)
        callback.tell(succeeded=False)
        assert "Not logged in" in end.result().text


def test_a_login_that_breaks_off_is_told_to_the_browser_as_well() -> None:
    with ThreadPoolExecutor() as pool:
        with Callback() as callback:  # nobody tells it anything
            end = pool.submit(Page, callback, come_back(callback).headers["location"])
        assert "Not logged in" in end.result().text


def test_without_the_random_part_nothing_is_taken() -> None:
    with Callback() as callback:
        state = place(callback).split("/")[1]
        for target in ("/", "/callback", f"/x{state}/callback", f"/{state}", f"/{state}/end", f"/{state}/x"):
            assert Page(callback, f"{target}?{QUERY}").status == 404, target
        with pytest.raises(AuthMissing):
            callback.wait(0.01)


def test_a_page_that_has_another_name_resolve_to_this_machine_is_not_let_in() -> None:
    with Callback() as callback:
        target = f"{place(callback)}?{QUERY}"
        assert Page(callback, target, Host="evil.example.com").status == 404
        assert Page(callback, target, Host=f"localhost:{callback.port}").status == 303
        callback.wait(20)
        with ThreadPoolExecutor() as pool:
            end = pool.submit(Page, callback, f"/{place(callback).split('/')[1]}/end")
            callback.tell(succeeded=True)
            assert end.result().status == 200


def test_every_callback_is_somewhere_else() -> None:
    with Callback() as one, Callback() as other:
        assert place(one) != place(other)
        assert len(place(one)) > 32


@pytest.mark.parametrize(
    "query",
    [
        "",
        urlencode({"mnemonic": coded(PHRASE)}),
        urlencode({"newToken": coded("a.b.c")}),
        urlencode({"mnemonic": "!", "newToken": coded("a.b.c")}),
        urlencode({"mnemonic": coded(PHRASE), "newToken": base64.b64encode(b"\xff\xff").decode()}),
    ],
)
def test_what_lacks_a_part_is_refused_and_one_can_come_back_again(query: str) -> None:
    with Callback() as callback, ThreadPoolExecutor() as pool:
        assert come_back(callback, query).status == 400
        location = come_back(callback).headers["location"]
        assert callback.wait(20).token == Secret("a.b.c")
        end = pool.submit(Page, callback, location)
        callback.tell(succeeded=True)
        assert end.result().status == 200


@pytest.mark.parametrize("text", ["ü>?ü>?~~-73", "qj73-ab", "qj73-abc", "qj73-abcd"])
def test_base64_is_read_in_either_alphabet_also_where_plus_signs_became_blanks(text: str) -> None:
    usual, safe = coded(text), base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    for form in (quote(usual), usual, safe):
        with Callback() as callback, ThreadPoolExecutor() as pool:
            location = come_back(callback, f"mnemonic={form}&newToken={coded('a.new.token-73')}").headers[
                "location"
            ]
            assert callback.wait(20).mnemonic == Secret(text)
            end = pool.submit(Page, callback, location)
            callback.tell(succeeded=True)
            assert end.result().status == 200


def test_a_port_that_is_taken_is_told() -> None:
    with Callback() as callback, pytest.raises(UsageError, match=f"port {callback.port}"):
        Callback(callback.port)
    with pytest.raises(UsageError, match="port 99999"):
        Callback(99999)


def test_the_page_is_told_where_to_come_back_to() -> None:
    url = urlsplit(page_address("https://drive.example.com", "http://127.0.0.1:9/x/callback"))
    assert f"{url.scheme}://{url.netloc}{url.path}" == "https://drive.example.com/login"
    found = parse_qs(url.query)
    assert found["universalLink"] == ["true"]
    assert base64.b64decode(found["redirectUri"][0]) == b"http://127.0.0.1:9/x/callback"


# The whole way, over the page of the emulator


class Visitor:
    """Reads what is told, and goes to the page as a browser in which somebody is signed in."""

    def __init__(self, email: str) -> None:
        self._email = email
        self.told: list[str] = []
        self.page = ""
        self._thread: threading.Thread | None = None

    def tell(self, line: str) -> None:
        self.told.append(line)
        if line.startswith("http"):
            self._thread = threading.Thread(target=self._visit, args=(f"{line}&account={self._email}",))
            self._thread.start()

    def _visit(self, url: str) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=60) as answer:
            self.page = answer.read().decode()

    def finish(self) -> str:
        assert self._thread is not None
        self._thread.join(60)
        return self.page


@pytest.fixture
def through(gate: Gate, endpoints: Endpoints) -> Callable[..., Kept]:
    def call(visitor: Visitor, wanted: str | None = None) -> Kept:
        try:
            return log_in(gate, endpoints.web, visitor.tell, opens=False, wanted=wanted, timeout_s=60)
        finally:
            visitor.finish()

    return call


def test_a_second_factor_does_not_matter_to_a_login_by_the_page(
    through: Callable[..., Kept], emulator: Emulator
) -> None:
    visitor = Visitor(BEA.email)
    kept = through(visitor, wanted=BEA.email.upper())
    assert kept.account.email == BEA.email
    assert kept.account.mnemonic.reveal() == emulator.account(BEA.email)["mnemonic"]
    assert "<h1>Logged in</h1>" in visitor.page
    assert "ssh -L" in visitor.told[-1]


def test_another_account_than_the_wanted_one_is_not_taken(through: Callable[..., Kept]) -> None:
    visitor = Visitor(ADA.email)
    with pytest.raises(AuthMissing, match=f"{BEA.email} was wanted"):
        through(visitor, wanted=BEA.email)
    assert "<h1>Not logged in</h1>" in visitor.page


def test_a_token_that_the_server_does_not_take_is_no_login(
    through: Callable[..., Kept], emulator: Emulator
) -> None:
    visitor = Visitor(ADA.email)
    emulator.fault(path="cli/refresh", refuse_tokens=True)
    with pytest.raises(AuthExpired):
        through(visitor)
    assert "<h1>Not logged in</h1>" in visitor.page


def test_a_phrase_that_is_none_is_no_login(
    gate: Gate, endpoints: Endpoints, enter: Callable[..., Kept]
) -> None:
    query = urlencode({"mnemonic": coded("not 24 words"), "newToken": coded(enter(ADA).token.reveal())})
    pool = ThreadPoolExecutor()

    def tell(line: str) -> None:
        if line.startswith("http"):
            back = base64.b64decode(parse_qs(urlsplit(line).query)["redirectUri"][0]).decode()
            pool.submit(urllib.request.urlopen, f"{back}?{query}", timeout=60)

    with pool, pytest.raises(IntegrityError, match="no recovery phrase"):
        log_in(gate, endpoints.web, tell, opens=False, timeout_s=60)


def test_a_browser_that_nobody_has_is_no_failure(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    import webbrowser

    def nothing(url: str) -> bool:
        raise webbrowser.Error

    monkeypatch.setattr(webbrowser, "open", nothing)
    told: list[str] = []
    with pytest.raises(AuthMissing, match="nobody came back"):
        log_in(gate, "http://127.0.0.1:9", told.append, timeout_s=0.01)
    assert "ssh -L" in told[-1]
    monkeypatch.setattr(webbrowser, "open", lambda url: True)
    with pytest.raises(AuthMissing, match="nobody came back"):
        log_in(gate, "http://127.0.0.1:9", told.append, timeout_s=0.01)
    assert "by itself" in told[-1]
