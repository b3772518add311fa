"""What must be true at the end of a chaos run, as pure functions over what was seen from outside.

Each check takes plain data and gives Findings: sentences about what is wrong, none when all is well. A check never stops at the
first fault, so that a report tells how many there are; `Findings.examples` keeps the first few of each kind.
"""
import collections
import dataclasses

from fold import fold

EXAMPLES_MAX = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Sent:
    """A message a client meant to send, however often it had to."""
    key: str  # unique; what the text begins with
    room: str
    user: str
    ref: str | None
    text: int  # digest of the text


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a room's history."""
    room: str
    seq: int
    id: str
    epoch: str
    type: str
    user: str
    ref: str | None
    key: str  # what the text begins with; "" when there is none
    text: int
    digest: int  # of the envelope's bytes
    about: tuple = ()  # of a member's entry: (action, user)
    told: dict | None = None  # of talk: the envelope as history folds it, whose bytes need not be those of live delivery


@dataclasses.dataclass(frozen=True, slots=True)
class Notice:
    """What the sender of a duplicate was told."""
    user: str
    room: str
    ref: str
    seq: int


@dataclasses.dataclass
class View:
    """What one subscriber got of one room, in order of arrival: pairs of seq and digest."""
    reader: str
    room: str
    arrivals: list | tuple = ()


class Findings:
    """Counts by kind, with the first few of each as sentences."""

    def __init__(self):
        self.counts = collections.Counter()
        self.examples = collections.defaultdict(list)

    def add(self, kind, sentence):
        self.counts[kind] += 1
        if len(self.examples[kind]) < EXAMPLES_MAX:
            self.examples[kind].append(sentence)

    def __bool__(self):
        return bool(self.counts)

    def lines(self):
        for kind, count in sorted(self.counts.items()):
            yield f"{kind}: {count}"
            yield from (f"    {sentence}" for sentence in self.examples[kind])


def by_key(history):
    """All entries of each key, of all rooms."""
    found = collections.defaultdict(list)
    for entries in history.values():
        for entry in entries:
            if entry.key:
                found[entry.key].append(entry)
    return found


def check_kept(sent, accepted, history, findings):
    """lost: an accepted message is not in history. doubled: one with a ref, accepted or not, is there more than once."""
    found = by_key(history)
    for key in accepted:
        if key not in found:
            findings.add("lost", f"{key} of {sent[key].user} in {sent[key].room} was accepted and is not in history")
    for key, entries in found.items():
        if key in sent and sent[key].ref is not None and len(entries) > 1:
            findings.add("doubled", f"{key} with ref {sent[key].ref} stands in {entries[0].room} at {[e.seq for e in entries]}")


def check_dense(history, findings):
    """not_dense: a room's numbers are not 1, 2, 3 …; same_id: two entries share an id."""
    ids = collections.Counter()
    for room, entries in history.items():
        for expected, entry in enumerate(entries, 1):
            if entry.seq != expected:
                findings.add("not_dense", f"{room} has {entry.seq} where {expected} belongs")
                break
        ids.update(entry.id for entry in entries)
    for id_, count in ids.items():
        if count > 1:
            findings.add("same_id", f"{id_} is the id of {count} entries")


def check_known(sent, history, findings):
    """unsent: an entry nobody sent so: unknown key, or another's room, name, ref or text. repeated_entry: one of the backend's
    own (a join, a rename) is there twice."""
    for room, entries in history.items():
        own = collections.Counter()
        for entry in entries:
            if entry.type in ("member", "room"):
                own[entry.ref] += 1
                continue
            message = sent.get(entry.key)
            if message is None or (message.room, message.user, message.ref, message.text) != (
                    entry.room, entry.user, entry.ref, entry.text):
                findings.add("unsent", f"{room} {entry.seq}: {entry.key!r} of {entry.user} with ref {entry.ref}, sent was {message}")
        for ref, count in own.items():
            if count > 1:
                findings.add("repeated_entry", f"{room}: the backend's entry {ref} is there {count} times")


def check_members(history, done, findings):
    """member_entries: joins and leaves in history are not those that were confirmed, in their order, each once.
    `done`: {(room, user): [action, …]}, complete for the users in it."""
    for (room, user), actions in done.items():
        found = [entry.about[0] for entry in history.get(room, ()) if entry.about[1:] == (user,)]
        if found != actions:
            findings.add("member_entries", f"{user} in {room} was {actions}; history has {found}")


def check_live(history, views, findings):
    """live_differs: a subscriber got other bytes under a number than history has, or a number history has not.
    live_order: numbers a subscriber saw for the first time did not go up."""
    digests = {room: {entry.seq: entry.digest for entry in entries} for room, entries in history.items()}
    talk = {room: {entry.seq for entry in entries if entry.told} for room, entries in history.items()}
    for view in views:
        known = digests.get(view.room, {})
        newest, seen = 0, set()
        for seq, digest in view.arrivals:
            if known.get(seq) != digest and seq not in talk.get(view.room, ()):
                what = "other bytes than" if seq in known else "nothing in"
                findings.add("live_differs", f"{view.reader} got {view.room} {seq}: {what} history")
            if seq in seen:
                continue
            seen.add(seq)
            if seq < newest:
                findings.add("live_order", f"{view.reader} got {view.room} {seq} for the first time after {newest}")
            newest = max(newest, seq)


def check_healed(history, views, findings):
    """not_healed: a subscriber that syncs lacks a number in the end. `views`: live and synced arrivals together."""
    for view in views:
        missing = {entry.seq for entry in history.get(view.room, ())} - {seq for seq, _ in view.arrivals}
        if missing:
            findings.add("not_healed", f"{view.reader} lacks {len(missing)} of {view.room}, the first {min(missing)}")


def check_folds(history, heard, findings):
    """fold_differs: what a reader that lacks nothing makes of a room's talk is not what history tells.
    `heard`: (reader, room, {seq: envelope as it came}) of each."""
    for reader, room, envelopes in heard:
        told = {entry.seq: entry.told for entry in history.get(room, ()) if entry.told}
        folded = fold(envelopes)
        for seq in sorted(told.keys() | folded.keys()):
            if told.get(seq) != folded.get(seq):
                findings.add("fold_differs", f"{reader} has {room} {seq} as {folded.get(seq)}, history {told.get(seq)}")


def check_duplicates(history, notices, findings):
    """duplicate_wrong: a sender was told another seq than the one its ref has in history."""
    first = {}
    for room, entries in history.items():
        for entry in entries:
            if entry.ref is not None and entry.type not in ("member", "room"):
                first.setdefault((entry.user, room, entry.ref), entry.seq)
    for notice in notices:
        seq = first.get((notice.user, notice.room, notice.ref))
        if seq != notice.seq:
            findings.add("duplicate_wrong", f"{notice.user} was told that {notice.ref} in {notice.room} is {notice.seq}; it is {seq}")


def check_epochs(history, findings):
    """epoch_changed: a room has more than one epoch though nothing was put back or lost."""
    for room, entries in history.items():
        epochs = sorted({entry.epoch for entry in entries})
        if len(epochs) > 1:
            findings.add("epoch_changed", f"{room} has epochs {epochs}")


def check_never_two(sightings, findings):
    """two_under_one_number: (room, epoch, seq) stood for two ids among all that clients ever saw. `sightings`: tuples
    (room, epoch, seq, id), from live delivery and history alike. Holds also when journals and databases were lost or put back."""
    first = {}
    for room, epoch, seq, id_ in sightings:
        if first.setdefault((room, epoch, seq), id_) != id_:
            findings.add("two_under_one_number", f"{room} {seq} of epoch {epoch} is {first[room, epoch, seq]} and {id_}")


def check_all(sent, accepted, history, views, healed, notices, done=None, heard=()):
    """All that must hold of a run in which processes were killed and no data was taken away."""
    findings = Findings()
    check_kept(sent, accepted, history, findings)
    check_dense(history, findings)
    check_known(sent, history, findings)
    check_members(history, done or {}, findings)
    check_live(history, views, findings)
    check_healed(history, healed, findings)
    check_folds(history, heard, findings)
    check_duplicates(history, notices, findings)
    check_epochs(history, findings)
    return findings
