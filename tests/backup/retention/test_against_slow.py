"""The retention rules, compared with a second, slow implementation of their words."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from skycap.backup.retention.applying import plan
from skycap.backup.retention.policy import COUNTED, SPANNED, Policy, Snapshot, Span, TagRule
from tests.backup.retention.slow import BILLION, kept_in_group

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]
START = 1_700_000_000
YEAR = 366 * 86_400

counts = st.dictionaries(st.sampled_from(COUNTED), st.integers(-1, 6), max_size=6)
spans = st.builds(Span, st.integers(0, 2), st.integers(0, 14), st.integers(0, 40), st.integers(0, 50))
policies = st.builds(
    Policy,
    counts=counts,
    within=spans | st.just(Span()),
    within_each=st.dictionaries(st.sampled_from(SPANNED), spans, max_size=2),
    tags=st.sampled_from([(), (TagRule.parse("keep"),), (TagRule.parse("keep=yes"), TagRule.parse("a,b"))]),
    names=st.sampled_from([(), ("golden",)]),
).filter(lambda policy: not policy.is_empty)


@st.composite
def groups(draw: st.DrawFn) -> list[Snapshot]:
    """Snapshots seconds, hours, days or months apart, some of them at the same moment."""
    moment = START * BILLION
    found = []
    steps = st.sampled_from([0, 1, 1_800, 3_600, 7_200, 86_399, 86_400, 3 * 86_400, 31 * 86_400])
    for number in range(draw(st.integers(1, 40))):
        moment -= draw(steps) * BILLION + draw(st.sampled_from([0, 0, 1, 999_999_999]))
        tags = draw(st.sampled_from([{}, {}, {"keep": "yes"}, {"keep": "no"}, {"a": "", "b": ""}]))
        name = draw(st.sampled_from(["", "", "golden"]))
        found.append(Snapshot(f"{number:04}", moment, "host", (b"/home",), name, tags))
    return found


@settings(max_examples=120)
@given(groups(), policies, st.sampled_from(ZONES), st.integers(-YEAR, YEAR))
def test_what_is_kept_is_what_the_words_of_the_rules_say(
    group: list[Snapshot], policy: Policy, zone: str, ago: int
) -> None:
    now = (START - ago) * BILLION
    decisions = plan(reversed(group), policy, now_ns=now, zone=ZoneInfo(zone), allow_last=True)
    kept = {one.snapshot.id for one in decisions if one.keep}
    assert [one.snapshot.id for one in decisions] == [one.id for one in group]
    assert kept == kept_in_group(group, policy, now, ZoneInfo(zone))


@settings(max_examples=40)
@given(groups(), policies)
@example([Snapshot("0", 0)], Policy(tags=(TagRule.parse("x"),)))
def test_something_is_always_left_of_a_group(group: list[Snapshot], policy: Policy) -> None:
    decisions = plan(group, policy, now_ns=START * BILLION, zone=ZoneInfo("UTC"))
    assert any(one.keep for one in decisions)
    assert all(one.reasons for one in decisions)


@settings(max_examples=40)
@given(groups(), policies, st.sampled_from(ZONES))
def test_a_second_run_at_once_gives_nothing_more_up_where_only_spans_and_labels_count(
    group: list[Snapshot], policy: Policy, zone: str
) -> None:
    policy = Policy(within=policy.within, tags=(*policy.tags, TagRule.parse("keep")), names=policy.names)
    now = START * BILLION
    first = plan(group, policy, now_ns=now, zone=ZoneInfo(zone))
    again = plan([one.snapshot for one in first if one.keep], policy, now_ns=now, zone=ZoneInfo(zone))
    assert all(one.keep for one in again)
