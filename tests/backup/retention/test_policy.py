"""Retention, case by case."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from skycap.backup.retention.applying import Decision, plan
from skycap.backup.retention.calendar import at, before, zone_of
from skycap.backup.retention.ceiling import check_ceiling
from skycap.backup.retention.policy import Policy, Snapshot, Span, TagRule, group_fields
from skycap.core.errors import ConfirmationRequired, UsageError

BERLIN = ZoneInfo("Europe/Berlin")
UTC = ZoneInfo("UTC")
BILLION = 10**9


def ns(text: str, zone: ZoneInfo = UTC) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * BILLION


NOW = ns("2026-11-25T12:00")


def shots(*times: str, zone: ZoneInfo = UTC) -> list[Snapshot]:
    return [Snapshot(text, ns(text, zone), "host", (b"/home",)) for text in times]


def kept(decisions: list[Decision]) -> list[str]:
    return [one.snapshot.id for one in decisions if one.keep]


def codes(decisions: list[Decision]) -> dict[str, list[str]]:
    return {one.snapshot.id: [reason.code for reason in one.reasons] for one in decisions}


DAYS = (
    "2026-11-25",
    "2026-11-24T20:00",
    "2026-11-24T08:00",
    "2026-11-20",
    "2026-11-02",
    "2026-10-31",
    "2025-01-01",
)


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        (Policy({"last": 2}), DAYS[:2]),
        (Policy({"last": 1}), DAYS[:1]),
        (Policy({"last": -1}), DAYS),
        (Policy({"daily": 2}), DAYS[:2]),
        (Policy({"daily": 3}), (DAYS[0], DAYS[1], DAYS[3])),
        (Policy({"weekly": 2}), (DAYS[0], DAYS[3])),
        (Policy({"monthly": 2}), (DAYS[0], DAYS[5])),
        # Four months were asked for and there are three: all of them.
        (Policy({"monthly": 4}), (DAYS[0], DAYS[5], DAYS[6])),
        (Policy({"yearly": 1}), (DAYS[0],)),
        # A snapshot kept for its day uses up the week as well.
        (Policy({"daily": 1, "weekly": 1}), (DAYS[0],)),
        (Policy(within=Span(days=1)), DAYS[:3]),
        (Policy(within=Span(months=1)), DAYS[:6]),
        (Policy(within=Span(years=1, months=10, days=25)), DAYS),
        (Policy(within=Span(hours=17)), DAYS[:3]),
        (Policy(within=Span(hours=16)), DAYS[:2]),
        (Policy(within_each={"daily": Span(days=5)}), (DAYS[0], DAYS[1])),
        (Policy(within_each={"daily": Span(days=6)}), (DAYS[0], DAYS[1], DAYS[3])),
        (Policy({"last": 0, "daily": 1}), DAYS[:1]),
    ],
)
def test_rules_keep_these(policy: Policy, wanted: tuple[str, ...]) -> None:
    assert kept(plan(shots(*DAYS), policy, now_ns=NOW, zone=UTC)) == list(wanted)


def test_the_oldest_snapshot_is_kept_while_some_of_a_count_is_left() -> None:
    decisions = plan(
        shots("2026-11-25T10:00", "2026-11-25T09:00", "2026-11-25T08:00"),
        Policy({"daily": 2, "hourly": 1}),
        now_ns=NOW,
        zone=UTC,
    )
    assert codes(decisions) == {
        "2026-11-25T10:00": ["hourly", "daily"],
        "2026-11-25T09:00": ["no-rule"],
        "2026-11-25T08:00": ["oldest-daily"],
    }
    assert decisions[2].reasons[0].text == "oldest, daily 2 of 2 (2026-11-25)"


def test_reasons_tell_the_number_and_the_bucket() -> None:
    [first, second] = plan(
        shots("2026-11-25", "2026-11-24"), Policy({"last": -1, "daily": 7}), now_ns=NOW, zone=UTC
    )
    assert [reason.text for reason in first.reasons] == ["last all", "daily 1 of 7 (2026-11-25)"]
    assert [reason.text for reason in second.reasons] == ["last all", "daily 2 of 7 (2026-11-24)"]


def test_spans_are_measured_from_the_newest_snapshot_that_is_not_in_the_future() -> None:
    times = ("2027-05-01", "2026-06-10", "2026-06-05", "2026-05-01")
    decisions = plan(shots(*times), Policy(within=Span(days=7)), now_ns=NOW, zone=UTC)
    assert kept(decisions) == list(times[:3])


def test_where_all_snapshots_are_in_the_future_a_span_keeps_them_all() -> None:
    times = ("2029-01-01", "2028-01-01")
    assert kept(plan(shots(*times), Policy(within=Span(days=1)), now_ns=NOW, zone=UTC)) == list(times)


def test_a_span_longer_than_the_calendar_keeps_everything() -> None:
    policy = Policy(within=Span(years=5000))
    assert kept(plan(shots(*DAYS), policy, now_ns=NOW, zone=UTC)) == list(DAYS)


def test_ties_are_decided_by_id() -> None:
    moment = ns("2026-11-25")
    members = [Snapshot(name, moment) for name in ("b", "c", "a")]
    assert kept(plan(members, Policy({"last": 2}), now_ns=NOW, zone=UTC)) == ["a", "b"]


@pytest.mark.parametrize(
    ("zone", "wanted"),
    [
        # Half past midnight in Berlin is the day before in UTC.
        (BERLIN, ["2026-07-02T00:30", "2026-07-01T23:30"]),
        (UTC, ["2026-07-02T00:30"]),
    ],
)
def test_days_are_those_of_the_zone(zone: ZoneInfo, wanted: list[str]) -> None:
    members = shots("2026-07-02T00:30", "2026-07-01T23:30", "2026-06-01", zone=BERLIN)
    assert kept(plan(members, Policy({"daily": 2}), now_ns=NOW, zone=zone))[: len(wanted)] == wanted
    assert ("2026-07-01T23:30" in kept(plan(members, Policy({"daily": 2}), now_ns=NOW, zone=zone))) is (
        zone is BERLIN
    )


def test_the_hour_that_comes_twice_is_one_bucket() -> None:
    twice = [ns("2026-10-25T00:30"), ns("2026-10-25T01:30")]  # 02:30 in summer time, 02:30 in winter time
    members = [Snapshot(str(number), moment) for number, moment in enumerate(twice)]
    assert at(twice[0], BERLIN).hour == at(twice[1], BERLIN).hour == 2
    assert kept(plan(members, Policy({"hourly": 1}), now_ns=NOW, zone=BERLIN)) == ["1"]
    assert kept(plan(members, Policy(within_each={"hourly": Span(days=1)}), now_ns=NOW, zone=UTC)) == [
        "1",
        "0",
    ]


def test_weeks_are_those_of_iso_over_the_turn_of_a_year() -> None:
    # 2026-12-28 to 2027-01-03 is week 53 of 2026.
    times = ("2027-01-04", "2027-01-03", "2026-12-28", "2026-12-27")
    decisions = plan(shots(*times), Policy({"weekly": 3}), now_ns=ns("2028-01-01"), zone=UTC)
    assert kept(decisions) == ["2027-01-04", "2027-01-03", "2026-12-27"]
    assert decisions[1].reasons[0].text == "weekly 2 of 3 (2026-W53)"


@pytest.mark.parametrize(
    ("moment", "span", "zone", "wanted"),
    [
        ("2026-03-31T10:00", Span(months=1), UTC, "2026-03-03T10:00"),
        ("2024-03-31T10:00", Span(months=1), UTC, "2024-03-02T10:00"),
        ("2026-01-15T10:00", Span(months=2), UTC, "2025-11-15T10:00"),
        ("2024-02-29T10:00", Span(years=1), UTC, "2023-03-01T10:00"),
        ("2026-11-25T10:00", Span(1, 1, 1, 1), UTC, "2025-10-24T09:00"),
        # A day back over the end of summer time is the same time of day, 25 hours before.
        ("2026-10-26T00:30", Span(days=1), BERLIN, "2026-10-25T00:30"),
    ],
)
def test_spans_go_back_on_the_calendar(moment: str, span: Span, zone: ZoneInfo, wanted: str) -> None:
    assert before(ns(moment, zone) + 7, span, zone) == ns(wanted, zone) + 7


def test_hours_are_of_sixty_minutes_over_a_change_of_the_clock() -> None:
    assert before(ns("2026-10-26T00:30", BERLIN), Span(hours=24), BERLIN) == ns("2026-10-25T01:30", BERLIN)


def test_the_zone_of_this_computer_is_used_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        moment = ns("2026-10-25T12:00", BERLIN)
        assert at(moment, zone_of("local")).hour == 12
        assert before(moment, Span(days=1), None) == ns("2026-10-24T12:00", BERLIN)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_zone_is_found_by_name_or_refused_with_a_hint() -> None:
    assert zone_of("Europe/Berlin") == BERLIN
    for wrong in ("Mars/Olympus", "../etc/passwd", ""):
        with pytest.raises(UsageError) as caught:
            zone_of(wrong)
        assert caught.value.hint


def test_tags_and_names_keep_without_a_count() -> None:
    moment = ns("2026-11-01")
    members = [
        Snapshot("new", NOW),
        Snapshot("tagged", moment, tags={"keep": "yes"}),
        Snapshot("other", moment - 1, tags={"keep": "no"}),
        Snapshot("named", moment - 2, name="golden"),
        Snapshot("both", moment - 3, tags={"a": "1", "b": "2"}),
    ]
    policy = Policy({"last": 1}, tags=(TagRule.parse("keep=yes"), TagRule.parse("a,b=2")), names=("golden",))
    decisions = plan(members, policy, now_ns=NOW, zone=UTC)
    assert kept(decisions) == ["new", "tagged", "named", "both"]
    texts = {one.snapshot.id: one.reasons[0].text for one in decisions}
    assert texts["tagged"] == "has the tag keep=yes"
    assert texts["both"] == "has the tag a,b=2"
    assert texts["named"] == "is named golden"


def test_groups_are_held_apart() -> None:
    moment = ns("2026-11-01")
    members = [
        Snapshot("a1", moment, "a", (b"/x", b"/y")),
        Snapshot("a2", moment - 1, "a", (b"/y", b"/x")),
        Snapshot("b1", moment - 2, "b", (b"/x",), "n", {"t": "1"}),
        Snapshot("b2", moment - 3, "b", (b"/z",), "n", {"t": "2"}),
    ]

    def left(by: str) -> list[str]:
        found = plan(members, Policy({"last": 1}), now_ns=NOW, zone=UTC, group_by=group_fields(by))
        return sorted(kept(found))

    assert left("host,paths") == ["a1", "b1", "b2"]
    assert left("host") == ["a1", "b1"]
    assert left("") == ["a1"]
    assert left("name") == ["a1", "b1"]
    assert left("tags, name") == ["a1", "b1", "b2"]
    with pytest.raises(UsageError) as caught:
        group_fields("host,colour")
    assert "colour" in str(caught.value)


def test_pinned_and_locked_snapshots_are_never_given_up() -> None:
    members = [
        Snapshot("new", NOW),
        Snapshot("pinned", NOW - 1, pinned=True),
        Snapshot("locked", NOW - 2, locked_until_ns=NOW + 1),
        Snapshot("free", NOW - 3, locked_until_ns=NOW),
    ]
    decisions = plan(members, Policy({"last": 1}), now_ns=NOW, zone=UTC)
    assert kept(decisions) == ["new", "pinned", "locked"]
    assert codes(decisions)["locked"] == ["locked"]
    assert decisions[2].reasons[0].text == "locked until 2026-11-25 12:00 UTC"


def test_the_last_one_of_a_group_is_given_up_only_when_told_so() -> None:
    members = [Snapshot("b", NOW - 1), Snapshot("a", NOW - 2), Snapshot("only", NOW, "elsewhere")]
    policy = Policy(tags=(TagRule.parse("none-has-it"),))
    decisions = plan(members, policy, now_ns=NOW, zone=UTC)
    assert sorted(kept(decisions)) == ["b", "only"]
    assert codes(decisions)["only"] == ["last-left"]
    assert kept(plan(members, policy, now_ns=NOW, zone=UTC, allow_last=True)) == []


def test_unfinished_snapshots_take_no_part_and_go_when_a_finished_one_stands_for_them() -> None:
    members = [
        Snapshot("running", NOW, complete=False),
        Snapshot("done", NOW - 1, supersedes=("part", "held")),
        Snapshot("part", NOW - 2, complete=False),
        Snapshot("held", NOW - 3, complete=False, pinned=True),
        Snapshot("stray", NOW - 4, complete=False),
        Snapshot("old", NOW - 5),
    ]
    decisions = plan(members, Policy({"last": 1}), now_ns=NOW, zone=UTC)
    assert codes(decisions) == {
        "running": ["unfinished"],
        "done": ["last"],
        "part": ["superseded"],
        "held": ["pinned", "unfinished"],
        "stray": ["unfinished"],
        "old": ["no-rule"],
    }
    assert kept(decisions) == ["running", "done", "held", "stray"]
    alone = plan([Snapshot("x", NOW, complete=False)], Policy({"last": 1}), now_ns=NOW, zone=UTC)
    assert kept(alone) == ["x"]


@pytest.mark.parametrize(
    "policy", [Policy(), Policy({"daily": 0}), Policy(within=Span()), Policy(within_each={"daily": Span()})]
)
def test_an_empty_policy_is_refused(policy: Policy) -> None:
    assert policy.is_empty
    with pytest.raises(UsageError) as caught:
        plan(shots(*DAYS), policy, now_ns=NOW, zone=UTC)
    assert caught.value.exit_status == 2
    assert caught.value.hint


def test_a_policy_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(UsageError):
        Policy({"daily": -2})
    with pytest.raises(UsageError):
        Policy({"centennial": 1})  # type: ignore[dict-item]
    with pytest.raises(UsageError):
        Policy(within_each={"last": Span(days=1)})


@pytest.mark.parametrize(
    ("text", "wanted", "shown"),
    [
        ("1y6m", Span(1, 6), "1y6m"),
        ("8w", Span(days=56), "56d"),
        (" 7d12h ", Span(days=7, hours=12), "7d12h"),
        ("2y5m7d3h", Span(2, 5, 7, 3), "2y5m7d3h"),
        ("0d", Span(), "0h"),
    ],
)
def test_spans_are_read_and_shown(text: str, wanted: Span, shown: str) -> None:
    assert Span.parse(text) == wanted
    assert str(wanted) == shown


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "1d1y", "1.5d", "9999999d", "1 d", "٣d"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Span.parse(text)


@pytest.mark.parametrize("text", ["", "=x", "a,,b"])
def test_a_tag_rule_without_a_tag_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        TagRule.parse(text)


def test_more_than_a_quarter_is_not_given_up_unasked() -> None:
    def decisions(total: int, gone: int) -> list[Decision]:
        return [Decision(Snapshot(str(n), n), (), n >= gone, ()) for n in range(total)]

    check_ceiling(decisions(19, 18))
    check_ceiling(decisions(20, 5))
    for wrong in (decisions(20, 6), decisions(100, 26)):
        with pytest.raises(ConfirmationRequired) as caught:
            check_ceiling(wrong)
        assert caught.value.hint
    check_ceiling(decisions(5, 3), most=3)
    with pytest.raises(ConfirmationRequired):
        check_ceiling(decisions(5, 4), most=3)
