"""Two listings become actions: each path once, and nothing that was not asked for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skycap.core.errors import ScanFailed
from skycap.core.storage.entry import Entry, Kind
from skycap.core.transfer.compare import Compare
from skycap.core.transfer.plan import Action, ActionType, Rules, plan

Tree = dict[str, Entry]
FILE, DIR, LINK, OTHER = Kind.FILE, Kind.DIRECTORY, Kind.SYMLINK, Kind.OTHER

# Names that sort around the slash, that are not text, and that look alike.
awkward = st.sampled_from(
    ["a", "a-b", "a.", "a0", "a!", "A", "é", "e\u0301", "\udcff", "\U0001f600", "~", "a b"]
)
names = awkward | st.binary(min_size=1, max_size=3).map(os.fsdecode)
names = names.filter(lambda name: not set(name) & {"/", "\0"} and name not in {".", ".."})


def entry(path: str, kind: Kind = FILE, size: int | None = 1, mtime_ns: int | None = 1, **more: str) -> Entry:
    if kind is not FILE:
        size = None
    return Entry(path, kind, size, mtime_ns, target=more.get("target"), version=more.get("version"))


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """A tree as a file system holds it: all that is below something is below a directory."""
    tree: Tree = {}
    for parts in draw(st.lists(st.lists(names, min_size=1, max_size=3), max_size=12)):
        kind = draw(st.sampled_from([FILE, FILE, DIR, LINK]))
        above = ["/".join(parts[:n]) for n in range(1, len(parts))]
        if all(tree.get(path, entry(path, DIR)).is_dir for path in above):
            tree.update({path: entry(path, DIR) for path in above})
            path = "/".join(parts)
            if path not in tree:
                tree[path] = entry(path, kind, draw(st.integers(0, 1)), target="t")
    return tree


def listing(tree: Tree | Iterable[Entry]) -> Iterator[Entry]:
    found = tree.values() if isinstance(tree, dict) else tree
    return iter(sorted(found, key=lambda item: item.order))


def planned(ours: Iterable[Entry], theirs: Iterable[Entry], rules: Rules) -> list[Action]:
    return list(plan(listing(ours), listing(theirs), rules))


def one(ours: Entry | None, theirs: Entry | None, rules: Rules) -> Action | None:
    found = planned([ours] if ours else [], [theirs] if theirs else [], rules)
    assert len(found) <= 1
    return found[0] if found else None


@given(trees(), trees())
def test_any_two_trees_are_joined_as_sets_would_be(ours: Tree, theirs: Tree) -> None:
    found = planned(ours.values(), theirs.values(), Rules(remove=True))
    new = {p for p in ours if p not in theirs or ours[p].is_dir != theirs[p].is_dir}
    gone = {p for p in theirs if p not in ours or ours[p].is_dir != theirs[p].is_dir}
    both = ours.keys() - new
    same = {p for p in both if ours[p].kind is theirs[p].kind and ours[p].size == theirs[p].size}
    by_type = {kind: {a.path for a in found if a.type is kind} for kind in ActionType}
    assert by_type[ActionType.REMOVE] == gone
    assert by_type[ActionType.MAKE_DIR] == {p for p in new if ours[p].is_dir}
    assert by_type[ActionType.KEEP] == same
    assert by_type[ActionType.COPY] == {p for p in new | (both - same) if ours[p].kind is FILE}
    assert by_type[ActionType.LINK] == {p for p in new | (both - same) if ours[p].kind is LINK}
    assert len(found) == len({(a.path, a.type) for a in found})


@given(trees(), trees())
def test_what_a_link_at_the_target_would_lead_astray_is_marked(ours: Tree, theirs: Tree) -> None:
    links = [p for p, found in theirs.items() if found.kind is LINK]
    for action in planned(ours.values(), theirs.values(), Rules(remove=True)):
        if action.type is ActionType.REMOVE or action.source is None:
            continue
        inside = action.path + ("/" if action.source.is_dir else "")
        above = [link for link in links if inside.startswith(f"{link}/")]
        assert action.behind == (above[0] if above else "")


@given(trees())
def test_a_tree_and_itself_are_all_kept(tree: Tree) -> None:
    found = planned(tree.values(), tree.values(), Rules(remove=True))
    assert {action.type for action in found} <= {ActionType.KEEP}
    assert [action.path for action in found] == [item.path for item in listing(tree)]


@given(trees(), trees())
def test_nothing_is_removed_unless_it_was_asked_for(ours: Tree, theirs: Tree) -> None:
    assert ActionType.REMOVE not in {a.type for a in planned(ours.values(), theirs.values(), Rules())}


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_listing_out_of_order_ends_the_plan_before_it_removes_what_is_there(side: str) -> None:
    whole = [entry("a"), entry("b"), entry("c")]
    mixed = [entry("a"), entry("c"), entry("b")]
    ours, theirs = (mixed, whole) if side == "source" else (whole, mixed)
    with pytest.raises(ScanFailed, match="out of order") as caught:
        list(plan(iter(ours), iter(theirs), Rules(remove=True)))
    assert caught.value.hint


def test_a_name_that_a_target_has_twice_is_not_removed() -> None:
    twice = [entry("a"), entry("a", size=9), entry("b")]
    found = list(plan(iter([entry("a"), entry("b")]), iter(twice), Rules(remove=True)))
    assert [action.type for action in found] == [ActionType.KEEP, ActionType.KEEP]


def test_a_name_that_a_source_has_twice_is_copied_once_and_told_of() -> None:
    found = list(plan(iter([entry("a"), entry("a", size=9)]), iter([]), Rules()))
    assert [action.type for action in found] == [ActionType.COPY, ActionType.SKIP]
    assert "same name" in found[1].reason


@pytest.mark.parametrize("kind", [FILE, LINK])
def test_a_file_or_link_where_a_directory_is_now_makes_way(kind: Kind) -> None:
    ours = [entry("a", DIR), entry("a-b"), entry("a/x")]
    theirs = [entry("a", kind, target="t"), entry("a-b")]
    found = planned(ours, theirs, Rules(remove=True))
    assert [(a.type, a.path) for a in found] == [
        (ActionType.REMOVE, "a"),
        (ActionType.KEEP, "a-b"),
        (ActionType.MAKE_DIR, "a"),
        (ActionType.COPY, "a/x"),
    ]
    assert [a.behind for a in found[2:]] == (["a", "a"] if kind is LINK else ["", ""])


def test_a_directory_where_a_file_is_now_goes_with_all_below_it() -> None:
    theirs = [entry("a", DIR), entry("a/b", DIR), entry("a/b/c")]
    found = planned([entry("a")], theirs, Rules(remove=True))
    assert [(a.type, a.path) for a in found] == [
        (ActionType.COPY, "a"),
        (ActionType.REMOVE, "a"),
        (ActionType.REMOVE, "a/b"),
        (ActionType.REMOVE, "a/b/c"),
    ]


def test_where_directories_are_only_prefixes_only_those_in_the_way_of_a_file_go() -> None:
    theirs = [entry("a", DIR), entry("a/b", DIR), entry("a-b", DIR), entry("z", DIR)]
    found = planned([entry("a"), entry("a-c"), entry("m", DIR)], theirs, Rules(remove=True, dirs=False))
    assert [(a.type, a.path) for a in found] == [
        (ActionType.COPY, "a"),
        (ActionType.COPY, "a-c"),
        (ActionType.REMOVE, "a"),
        (ActionType.REMOVE, "a/b"),
    ]


CLASHES = [(a, b) for a in (FILE, LINK) for b in (FILE, LINK, OTHER) if a is not b]


@pytest.mark.parametrize(("ours", "theirs"), CLASHES)
def test_another_kind_is_replaced_unless_rules_protect_it(ours: Kind, theirs: Kind) -> None:
    pair = entry("a", ours, target="t", mtime_ns=5), entry("a", theirs, target="u", mtime_ns=9)
    made = ActionType.COPY if ours is FILE else ActionType.LINK
    for overwrite, wanted in {"always": made, "never": ActionType.SKIP, "newer": ActionType.SKIP}.items():
        action = one(*pair, Rules(overwrite=overwrite))
        assert action is not None
        assert action.type is wanted
        assert action.reason


def test_what_is_neither_file_nor_directory_nor_link_is_skipped() -> None:
    action = one(entry("pipe", OTHER), None, Rules())
    assert action is not None
    assert action.type is ActionType.SKIP


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        (Rules(), ActionType.LINK),
        (Rules(links="skip"), ActionType.SKIP),
        (Rules(links="follow"), ActionType.SKIP),
        (Rules(links_possible=False), ActionType.SKIP),
    ],
)
def test_links_go_by_the_policy_and_the_target(rules: Rules, wanted: ActionType) -> None:
    action = one(entry("l", LINK, target="t"), None, rules)
    assert action is not None
    assert action.type is wanted
    changed = one(entry("l", LINK, target="t"), entry("l", LINK, target="u"), rules)
    assert changed is not None
    assert changed.type is wanted


def test_a_link_that_leads_to_the_same_is_kept() -> None:
    action = one(entry("l", LINK, target="t", mtime_ns=1), entry("l", LINK, target="t", mtime_ns=2), Rules())
    assert action is not None
    assert action.type is ActionType.KEEP


@pytest.mark.parametrize(
    ("how", "ours", "theirs", "wanted"),
    [
        (Compare.MTIME, entry("f", size=1), entry("f", size=2), ActionType.COPY),
        (Compare.MTIME, entry("f", mtime_ns=1), entry("f", mtime_ns=2), ActionType.COPY),
        (Compare.MTIME, entry("f", mtime_ns=1), entry("f", mtime_ns=1), ActionType.KEEP),
        (Compare.MTIME, entry("f"), entry("f", mtime_ns=None), ActionType.CHECK),
        (Compare.MTIME, entry("f"), entry("f", size=None, mtime_ns=None), ActionType.CHECK),
        (Compare.SIZE, entry("f", mtime_ns=1), entry("f", mtime_ns=2), ActionType.KEEP),
        (Compare.SIZE, entry("f", size=1), entry("f", size=2), ActionType.COPY),
        (Compare.CHECKSUM, entry("f"), entry("f"), ActionType.CHECK),
        (Compare.CHECKSUM, entry("f", size=1), entry("f", size=2), ActionType.COPY),
    ],
)
def test_files_are_compared_by_what_was_asked_for(
    how: Compare, ours: Entry, theirs: Entry, wanted: ActionType
) -> None:
    action = one(ours, theirs, Rules(compare=how))
    assert action is not None
    assert action.type is wanted


@pytest.mark.parametrize(("there", "wanted"), [("aa", ActionType.KEEP), ("bb", ActionType.COPY)])
def test_a_hash_that_both_listings_carry_decides(there: str, wanted: ActionType) -> None:
    ours = entry("f")._replace(hashes={"md5": "aa", "sha1": "x"})
    theirs = entry("f")._replace(hashes={"md5": there})
    action = one(ours, theirs, Rules(compare=Compare.CHECKSUM))
    assert action is not None
    assert action.type is wanted


@given(st.integers(0, 10**19), st.integers(-3, 3), st.integers(1, 3))
def test_times_are_equal_within_the_tolerance_and_not_at_it(at: int, apart: int, tolerance: int) -> None:
    action = one(entry("f", mtime_ns=at), entry("f", mtime_ns=at + apart), Rules(tolerance_ns=tolerance))
    assert action is not None
    assert (action.type is ActionType.KEEP) == (abs(apart) < tolerance)


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"), [(5, 9, ActionType.SKIP), (9, 5, ActionType.COPY), (-5, 0, ActionType.SKIP)]
)
def test_newer_leaves_what_is_newer_at_the_target_alone(ours: int, theirs: int, wanted: ActionType) -> None:
    action = one(entry("f", mtime_ns=ours), entry("f", mtime_ns=theirs), Rules(overwrite="newer"))
    assert action is not None
    assert action.type is wanted


def test_newer_goes_by_the_clock_of_the_store_where_it_knows_no_other() -> None:
    stored = entry("f", size=2, mtime_ns=None)._replace(stored_at_ns=50)
    for mtime_ns, wanted in {40: ActionType.SKIP, 60: ActionType.COPY}.items():
        action = one(entry("f", mtime_ns=mtime_ns), stored, Rules(overwrite="newer"))
        assert action is not None
        assert action.type is wanted


class Table:
    """A state table that knows one pair."""

    def __init__(self, *row: str) -> None:
        self.row = row

    def same(self, path: str, source: str, target: str) -> bool:
        return (path, source, target) == self.row


@pytest.mark.parametrize(
    ("mtime_ns", "version", "wanted"),
    [(7, "v1", ActionType.KEEP), (8, "v1", ActionType.CHECK), (7, "v2", ActionType.CHECK)],
)
def test_the_state_table_answers_for_a_target_without_times(
    mtime_ns: int, version: str, wanted: ActionType
) -> None:
    ours = entry("f", mtime_ns=mtime_ns, version="anything")
    theirs = entry("f", mtime_ns=None, version=version)
    (action,) = plan(iter([ours]), iter([theirs]), Rules(), Table("f", "1:7", "1:v1"))
    assert action.type is wanted
    by_content = replace(Rules(), compare=Compare.CHECKSUM)
    (action,) = plan(iter([ours]), iter([theirs]), by_content, Table("f", "1:7", "1:v1"))
    assert action.type is ActionType.CHECK
