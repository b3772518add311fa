"""The checker can fail: each check is given the fault it is there for, and finds that and nothing else."""
import dataclasses

import pytest
from checker import Entry, Findings, Notice, Sent, View, check_all, check_folds, check_never_two
from fold import fold

pytestmark = [pytest.mark.profile("embedded"), pytest.mark.transport("tcp")]  # nothing is started here


def sent(key, ref=None, room="lab", user="alice"):
    return Sent(key, room, user, ref, hash(key))


def entry(seq, message, **changes):
    made = Entry(message.room, seq, f"id-{message.room}-{seq}", "e1", "text", message.user, message.ref, message.key, message.text,
                 1000 + seq)
    return dataclasses.replace(made, **changes)


def join(seq, ref, room="lab", about=("added", "carol")):
    return Entry(room, seq, f"id-{room}-{seq}", "e1", "member", "admin", ref, "", 0, 1000 + seq, about)


class Run:
    """A run in which all is well; tests break it."""

    def __init__(self):
        self.messages = [sent("m1", "r1"), sent("m2"), sent("m3", "r3"), sent("m4", "r4")]
        self.sent = {m.key: m for m in self.messages}
        self.accepted = {"m1", "m2", "m3"}
        m1, m2, m3, _ = self.messages
        self.lab = [join(1, "d1.0"), entry(2, m1), entry(3, m2), entry(4, m3)]
        self.history = {"lab": self.lab}
        self.view = [(e.seq, e.digest) for e in self.lab]
        self.views = [View("bob", "lab", self.view)]
        self.healed = [View("carol", "lab", list(self.view))]
        self.notices = [Notice("alice", "lab", "r1", 2)]
        self.done = {("lab", "carol"): ["added"]}

    def counts(self):
        return dict(check_all(self.sent, self.accepted, self.history, self.views, self.healed, self.notices, self.done).counts)


@pytest.fixture
def run():
    return Run()


def test_a_run_in_which_all_is_well_has_no_findings(run):
    assert run.counts() == {}


def test_repeated_deliveries_are_no_fault(run):
    run.view[:] = [(2, 1002), (3, 1003), (2, 1002), (3, 1003), (4, 1004)]
    assert run.counts() == {}


def test_live_delivery_may_leave_gaps(run):
    run.view[:] = [(1, 1001), (4, 1004)]
    assert run.counts() == {}


def test_a_message_that_was_not_accepted_may_be_in_history_or_not(run):
    run.lab.append(entry(5, run.messages[3]))
    run.healed = []
    assert run.counts() == {}


def test_without_a_ref_a_message_may_be_there_twice(run):
    run.lab.append(entry(5, run.messages[1]))
    run.healed = []
    assert run.counts() == {}


def test_a_lost_message_is_found(run):
    run.lab.pop()
    run.view.pop()
    assert run.counts() == {"lost": 1}


def test_a_doubled_ref_is_found(run):
    run.lab.append(entry(5, run.messages[0]))
    run.healed = []
    assert run.counts() == {"doubled": 1}


def test_a_doubled_ref_is_found_when_nothing_of_it_was_accepted(run):
    run.lab += [entry(5, run.messages[3]), entry(6, run.messages[3])]
    run.healed = []
    assert run.counts() == {"doubled": 1}


def test_a_hole_in_the_numbers_is_found(run):
    run.lab[3] = entry(5, run.messages[2])
    run.view.pop()
    run.healed = []
    assert run.counts() == {"not_dense": 1}


def test_numbers_that_do_not_begin_at_1_are_found(run):
    del run.lab[0]
    run.views = run.healed = []
    run.done = {}
    assert run.counts() == {"not_dense": 1}


def test_a_repeated_number_is_found(run):
    run.lab.insert(3, entry(3, run.messages[1], id="other"))
    assert run.counts() == {"not_dense": 1}


def test_two_entries_of_one_id_are_found(run):
    run.history["den"] = [dataclasses.replace(join(1, "d2.0", "den", ("added", "dave")), id=run.lab[1].id)]
    assert run.counts() == {"same_id": 1}


@pytest.mark.parametrize("change", [{"key": "stranger"}, {"user": "mallory"}, {"ref": "r9"}, {"text": 1}, {"room": "den"}])
def test_an_entry_nobody_sent_so_is_found(run, change):
    run.accepted.discard("m3")
    run.lab[3] = dataclasses.replace(run.lab[3], **change)
    assert run.counts() == {"unsent": 1}


def test_a_join_that_is_there_twice_is_found(run):
    run.lab.append(join(5, "d1.0"))
    run.healed = []
    assert run.counts() == {"repeated_entry": 1, "member_entries": 1}


@pytest.mark.parametrize("done", [[], ["added", "removed"], ["removed"]])
def test_joins_and_leaves_other_than_those_confirmed_are_found(run, done):
    run.done["lab", "carol"] = done
    assert run.counts() == {"member_entries": 1}


def test_joins_and_leaves_in_another_order_are_found(run):
    run.done["lab", "carol"] = ["added", "removed", "added"]
    run.lab += [join(5, "d2.0"), join(6, "d3.0", about=("removed", "carol"))]
    run.healed = []
    assert run.counts() == {"member_entries": 1}


def test_other_bytes_under_a_number_are_found(run):
    run.view[2] = (3, 7)
    assert run.counts() == {"live_differs": 1}


def test_a_delivery_history_does_not_have_is_found(run):
    run.view.append((5, 1005))
    assert run.counts() == {"live_differs": 1}


def test_a_delivery_out_of_order_is_found(run):
    run.view[:] = [(1, 1001), (3, 1003), (2, 1002), (4, 1004)]
    assert run.counts() == {"live_order": 1}


def test_a_gap_that_sync_did_not_heal_is_found(run):
    del run.healed[0].arrivals[1]
    assert run.counts() == {"not_healed": 1}


@pytest.mark.parametrize("notice", [Notice("alice", "lab", "r1", 3), Notice("alice", "lab", "r9", 2), Notice("bob", "lab", "r1", 2)])
def test_a_sender_told_a_wrong_seq_is_found(run, notice):
    run.notices.append(notice)
    assert run.counts() == {"duplicate_wrong": 1}


def test_a_changed_epoch_is_found(run):
    run.lab[3] = dataclasses.replace(run.lab[3], epoch="e2")
    assert run.counts() == {"epoch_changed": 1}


def test_two_messages_under_one_number_of_an_epoch_are_found():
    findings = Findings()
    check_never_two([("lab", "e1", 1, "a"), ("lab", "e1", 1, "a"), ("lab", "e2", 1, "b"), ("den", "e1", 1, "c")], findings)
    assert not findings
    check_never_two([("lab", "e1", 1, "a"), ("lab", "e1", 1, "b")], findings)
    assert dict(findings.counts) == {"two_under_one_number": 1}


def talk(seq, user, role="member", type_="text", **content):
    return {"seq": seq, "from": user, "role": role, "at": 1000 + seq, "type": type_, "content": content}


TALK = {e["seq"]: e for e in (
    talk(1, "alice", text="one"), talk(2, "bob", text="re", thread=1), talk(3, "alice", type_="edit", target=1, text="uno"),
    talk(4, "bob", type_="reaction", target=1, key="+"), talk(5, "bob", type_="edit", target=1, text="forged"),
    talk(6, "bob", text="two"), talk(7, "mod", "moderator", "delete", target=6), talk(8, "bob", type_="delete", target=1))}


def test_what_stands_of_a_talk():
    told = fold(TALK)
    assert told[1]["content"] == {"text": "uno"} and told[1]["edited"] == {"seq": 3, "at": 1003}
    assert told[1]["reactions"] == [{"key": "+", "count": 1, "users": ["bob"]}]
    assert told[1]["thread"] == {"replies": 1, "last_seq": 2} and "deleted" not in told[1]
    assert told[6]["content"] == {} and told[6]["deleted"] == {"seq": 7, "at": 1007, "by": "mod"}
    assert {seq: told[seq] for seq in (2, 3, 4, 5, 7, 8)} == {seq: TALK[seq] for seq in (2, 3, 4, 5, 7, 8)}


def test_a_fold_that_is_not_historys_is_found():
    def check(told, envelopes):
        findings = Findings()
        history = {"lab": [dataclasses.replace(join(seq, "d"), told=e) for seq, e in told.items()]}
        check_folds(history, [("carol", "lab", envelopes)], findings)
        return dict(findings.counts)
    told = fold(TALK)
    assert check(told, TALK) == {}
    assert check(told, dict(reversed(TALK.items()))) == {}
    assert check({**told, 1: TALK[1]}, TALK) == {"fold_differs": 1}
    assert check(told, {seq: e for seq, e in TALK.items() if seq != 4}) == {"fold_differs": 2}


def test_bytes_of_talk_may_differ_from_historys(run):
    run.lab[3] = dataclasses.replace(run.lab[3], told={"seq": 4})
    run.view[3] = (4, 7)
    assert run.counts() == {}


def test_findings_count_all_and_keep_a_few_examples(run):
    run.view[:] = [(seq, 0) for seq in range(1, 5)] * 10
    findings = check_all(run.sent, run.accepted, run.history, run.views, run.healed, run.notices)
    assert findings.counts["live_differs"] == 40
    assert len(list(findings.lines())) == 1 + 5
