"""The recount can fail, and says what is wrong."""
import pytest
from checker import Findings
from counters import check_counters, check_marks, members_of, recount

pytestmark = [pytest.mark.profile("embedded"), pytest.mark.transport("tcp")]  # nothing is started here


def row(seq, user="alice", type="text", text="hi", **more):
    return {"seq": seq, "from": user, "type": type, "role": "member", "content": {"text": text}, **more}


def join(seq, user, action="added"):
    return {"seq": seq, "from": "admin", "type": "member", "content": {"action": action, "user": user}}


ROWS = [join(1, "bob"), row(2), row(3, text="@Bob"), row(4, user="bob"), row(5, type="reaction"), row(6, deleted={"seq": 7}), row(7, type="delete"),
        row(8, imported=True), row(9, text="@room", role="owner"), row(10, text="@room")]


def counts(check, *args):
    findings = Findings()
    check(*args, findings)
    return dict(findings.counts)


@pytest.mark.parametrize("user,read,expected", [("bob", 1, (4, 2)), ("bob", 3, (2, 1)), ("bob", 10, (0, 0)), ("alice", 0, (1, 0)), ("zoe", 0, (5, 1))])
def test_what_counts_is_what_others_wrote_and_nobody_deleted(user, read, expected):
    assert recount(ROWS, user, read) == expected


def test_a_counter_that_is_not_its_recount_is_found():
    told = lambda unread, mentions: {"bob": {"lab": {"read": 1, "unread": unread, "mentions": mentions}}}
    assert counts(check_counters, {"lab": ROWS}, told(4, 2)) == {}
    assert counts(check_counters, {"lab": ROWS}, told(5, 2)) == {"counter_wrong": 1}
    assert counts(check_counters, {"lab": ROWS}, told(4, 1)) == {"counter_wrong": 1}


def test_members_begin_with_their_newest_entry():
    rows = [join(1, "bob"), join(2, "bob", "removed"), join(3, "bob"), join(4, "zoe", "joined"), join(5, "zoe", "left")]
    assert members_of(rows, "admin") == {"admin": 0, "bob": 3}


def test_marks_other_than_what_was_told_are_found():
    marks = lambda received, read: {"lab": {"admin": {"received": 0, "read": 0}, "bob": {"received": received, "read": read}}}
    told = {("lab", "bob"): (9, 5)}
    assert counts(check_marks, {"lab": ROWS}, marks(9, 5), told) == {}
    assert counts(check_marks, {"lab": ROWS}, marks(1, 1), {}) == {}
    assert counts(check_marks, {"lab": ROWS}, marks(9, 4), told) == {"marks_wrong": 1}
    assert counts(check_marks, {"lab": ROWS}, {"lab": {"admin": {"received": 0, "read": 0}}}, told) == {"marks_wrong": 1}
