"""The place where the browser comes back to: who it lets in, what it says, and what it gives away."""

from __future__ import annotations

import base64
import http.client
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from skycap.core.crypto.secret import Secret
from skycap.core.errors import AuthMissing, UsageError
from skycap.internxt.login.browser import Callback, page_address

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
        other = urlencode({"mnemonic": coded("other"), "newToken": coded("d.e.f")})
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


@pytest.mark.parametrize("text", ["ü>?ü>?~~", "ab", "abc", "abcd"])
def test_base64_is_read_in_either_alphabet_also_where_plus_signs_became_blanks(text: str) -> None:
    usual, safe = coded(text), base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    for form in (quote(usual), usual, safe):
        with Callback() as callback, ThreadPoolExecutor() as pool:
            location = come_back(callback, f"mnemonic={form}&newToken={coded('t')}").headers["location"]
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
