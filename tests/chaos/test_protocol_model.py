"""Every state of the abstract protocol is well; and each of its rules is needed."""
import dataclasses

import pytest
from protocol_model import Bounds, Machine, Rules, search

pytestmark = [pytest.mark.profile("embedded"), pytest.mark.transport("tcp")]  # nothing is started here

KILLS = Bounds(messages=3, attaches=2, kills=1)
TAKEOVERS = Bounds(messages=2, attaches=2, kills=1, backends=2)
OLD_DATABASE = Bounds(messages=2, attaches=3, kills=1, copies="store")
OLD_JOURNAL = Bounds(messages=2, attaches=2, kills=2, copies="journal")
OLD_JOURNAL_AND_TWO = Bounds(messages=2, attaches=2, kills=2, copies="journal", backends=2, under_way=1)
ALL = {"kills": KILLS, "takeovers": TAKEOVERS, "an old database": OLD_DATABASE, "an old journal": OLD_JOURNAL,
       "an old journal and two backends": OLD_JOURNAL_AND_TWO}

# Where a machine without the rule goes wrong, and how.
NEEDED = {
    "generations": (OLD_JOURNAL_AND_TWO, "skipped"),
    "holes_are_refused": (KILLS, "skipped"),
    "trim_what_is_acknowledged": (KILLS, "neither in the journal nor in the store"),
    "acks_of_this_generation": (OLD_DATABASE, "its epoch goes on"),
    "older_store_renews": (OLD_DATABASE, "its epoch goes on"),
    "copies_are_noticed": (OLD_JOURNAL, "given twice"),
    "closed_until_attached": (OLD_JOURNAL, "given twice"),
    "floors_are_sent": (OLD_JOURNAL, "two messages under number"),
}


@pytest.mark.parametrize("bounds", ALL.values(), ids=ALL)
def test_in_no_state_is_anything_lost_skipped_doubled_or_told_wrong(bounds):
    result = search(Machine(Rules(), bounds))
    assert not result.fault, f"{result.fault} after {result.history}"
    assert result.states > 10_000, "the search has not gone far"


@pytest.mark.parametrize("rule", [field.name for field in dataclasses.fields(Rules)])
def test_without_the_rule_the_search_finds_what_goes_wrong(rule):
    bounds, fault = NEEDED[rule]
    result = search(Machine(Rules(**{rule: False}), bounds))
    assert fault in result.fault, f"{result.states} states: {result.fault!r} after {result.history}"
