"""What people write for a place is taken apart as documented."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.core.errors import UsageError
from skycap.core.remotes.address import Form, parse


@pytest.mark.parametrize(
    ("text", "form", "name", "path"),
    [
        ("photos:2024/a.jpg", Form.REMOTE, "photos", "2024/a.jpg"),
        ("photos:", Form.REMOTE, "photos", ""),
        ("p:x", Form.REMOTE, "p", "x"),
        ("my-box.2:a:b", Form.REMOTE, "my-box.2", "a:b"),
        ("s3://bucket/key", Form.SCHEME, "s3", "bucket/key"),
        ("S3://bucket", Form.SCHEME, "s3", "bucket"),
        ("file:///srv/a%20b", Form.LOCAL, "", "/srv/a b"),
        ("file://localhost/srv", Form.LOCAL, "", "/srv"),
        ("./a:b", Form.LOCAL, "", "./a:b"),
        ("a/b:c", Form.LOCAL, "", "a/b:c"),
        ("/srv/x", Form.LOCAL, "", "/srv/x"),
        ("~/x", Form.LOCAL, "", "~/x"),
        ("plain", Form.LOCAL, "", "plain"),
        ("with space:x", Form.LOCAL, "", "with space:x"),
    ],
)
def test_forms(text: str, form: Form, name: str, path: str) -> None:
    found = parse(text, windows=False)
    assert (found.form, found.name, found.path) == (form, name, path)


def test_one_letter_is_a_drive_on_windows_only() -> None:
    assert parse(r"C:\docs", windows=True).form is Form.LOCAL
    assert parse("c:docs", windows=False).form is Form.REMOTE
    assert parse("cc:docs", windows=True).form is Form.REMOTE


@pytest.mark.parametrize(
    ("text", "options", "path"),
    [
        (":s3:bucket", {}, "bucket"),
        (":s3,region=x:bucket/p", {"region": "x"}, "bucket/p"),
        (':s3,endpoint="http://h:9",region=x:b/k', {"endpoint": "http://h:9", "region": "x"}, "b/k"),
        (":s3,endpoint='http://h:9':b", {"endpoint": "http://h:9"}, "b"),
        (
            ":s3,endpoint=http://127.0.0.1:8333:bucket/path",
            {"endpoint": "http://127.0.0.1:8333"},
            "bucket/path",
        ),
        (":s3,endpoint=http://h:8333,region=eu:b", {"endpoint": "http://h:8333", "region": "eu"}, "b"),
        (":s3,endpoint=http://h:b/k", {"endpoint": "http://h"}, "b/k"),
        (":s3,endpoint=http://h:2024/photos", {"endpoint": "http://h"}, "2024/photos"),
        (":s3,endpoint=http://h:80/base:b", {"endpoint": "http://h:80/base"}, "b"),
        (":s3,endpoint=http://[::1]:83:b", {"endpoint": "http://[::1]:83"}, "b"),
        (":s3,endpoint=https://h/base/x:b", {"endpoint": "https://h/base/x"}, "b"),
        (':box,a="x""y",b=:p', {"a": 'x"y', "b": ""}, "p"),
        (":s3,anonymous:b", {"anonymous": "true"}, "b"),
        (":s3,storage-class=COLD:b", {"storage_class": "COLD"}, "b"),
    ],
)
def test_options_for_once(text: str, options: dict[str, str], path: str) -> None:
    found = parse(text)
    assert found.form is Form.INLINE
    assert (dict(found.options), found.path) == (options, path)


@pytest.mark.parametrize(
    "text", ["", ":", "::x", ":,a=b:c", ":s3", ":s3,a=b", ':s3,a="b:c', ":s3,=x:y", "file://other/x"]
)
def test_what_cannot_be_read_is_refused_with_a_hint_or_a_reason(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert caught.value.message


def test_values_of_options_are_not_shown() -> None:
    assert "hunter2" not in parse(":s3,secret_access_key=hunter2:b").shown
    with pytest.raises(UsageError) as caught:
        parse(":s3,secret_access_key=hunter2")
    assert "hunter2" not in str(caught.value) + (caught.value.hint or "")


def test_a_slash_at_the_end_is_remembered() -> None:
    assert parse("photos:a/").wants_dir
    assert not parse("photos:a").wants_dir


@given(
    st.dictionaries(st.from_regex(r"[a-z][a-z_]{0,9}", fullmatch=True), st.text(max_size=30)),
    st.text(max_size=20),
)
def test_what_is_quoted_comes_back_as_it_was(options: dict[str, str], path: str) -> None:
    quoted = "".join(f',{name}="{value.replace(chr(34), chr(34) * 2)}"' for name, value in options.items())
    found = parse(f":box{quoted}:{path}")
    assert dict(found.options) == options
    assert found.path == path


@given(st.text(max_size=60))
def test_any_text_is_a_place_or_a_usage_error(text: str) -> None:
    try:
        found = parse(text)
    except UsageError:
        return
    assert found.text == text
