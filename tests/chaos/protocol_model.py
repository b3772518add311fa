"""The conversation between journal, feed and store as a small abstract machine, and a search through all its states.

One room. Up to two backends on one database. Everything that may happen to the real thing is a step here: processes are killed at
any point, messages and acknowledgements under way are lost or come late, a backend is taken for dead while it goes on working, and
once in a history an old copy of the database, or of the journal's folder, is put back. plugin/feed/feed.h and
backend/control/control_loop.cc say what this follows; the names are theirs.

What must hold in every state is in `faults_of`. `Rules` can be switched off one by one: each of them is needed, which the test shows.
"""
import collections
import dataclasses
from typing import NamedTuple


@dataclasses.dataclass(frozen=True)
class Rules:
    """The protocol's own. False: the machine does without, to prove that the search finds what is wrong then."""
    generations: bool = True  # the store takes no batch of an older generation
    holes_are_refused: bool = True  # … and none that begins behind what it has
    trim_what_is_acknowledged: bool = True  # instead of what was sent
    acks_of_this_generation: bool = True
    older_store_renews: bool = True  # a store behind the journal's start gets new epochs
    copies_are_noticed: bool = True  # a journal folder that is a copy takes a new id and is closed
    closed_until_attached: bool = True  # a journal with a new id takes no message before feed.start
    floors_are_sent: bool = True  # numbering goes on above what the store has, too


@dataclasses.dataclass(frozen=True)
class Bounds:
    messages: int = 3
    attaches: int = 3
    kills: int = 2  # of any process
    window: int = 2
    under_way: int = 2  # batches to a backend, and acknowledgements to the broker
    copies: str = ""  # "store" or "journal": one is made, and put back later
    backends: int = 1


class Record(NamedTuple):
    epoch: int
    seq: int
    message: int


class Journal(NamedTuple):
    """On disk; outlives the broker."""
    id: int = 1
    records: tuple = ()  # since it began; its offsets are their indices
    start: int = 0  # what lies before is trimmed
    last_seq: int = 0
    generation: int = 0
    open: bool = False


class Plugin(NamedTuple):
    """The Directory's copy: on disk, too."""
    epoch: int = 1
    floor: int = 0


class Broker(NamedTuple):
    """In memory; None when it is dead."""
    consumer: int | None = None
    started: bool = False
    acked: int = 0
    sent: int = 0


class Backend(NamedTuple):
    """In memory; None when it is dead. phase: idle → granted → renewed → begun → told → leading."""
    phase: str = "idle"
    generation: int = 0
    renewed: bool = False
    journal: int = 0
    start: int = 0
    down: tuple = ()  # batches (generation, from, records) on their way to it


class Store(NamedTuple):
    """On disk."""
    journal: int = 0
    offset: int = 0
    generation: int = 0
    epoch: int = 1
    rows: tuple = ()


class World(NamedTuple):
    journal: Journal = Journal()
    plugin: Plugin = Plugin()
    broker: Broker | None = Broker()
    backends: tuple = (Backend(),)
    up: tuple = ()  # acknowledgements (backend, generation, offset) on their way to the broker
    store: Store = Store()
    ids: int = 1  # journal ids and epochs given out
    accepted: tuple = ()  # every Record anybody was told of
    kills: int = 0
    copy: object = None  # a Journal or Store set aside
    put_back: int | None = None  # messages accepted before the copy was put back: they may be missing from then on
    conflict: str = ""


def meet(rules, store, journal):
    """(renewed, journal begins anew): Feed::attach's cases."""
    if store.journal == 0:
        return journal.start > 0, False
    if store.journal != journal.id:
        return True, False
    if store.offset < journal.start:
        return rules.older_store_renews, False
    if store.offset > len(journal.records):
        return True, True
    return False, False


class Machine:
    def __init__(self, rules=Rules(), bounds=Bounds()):
        self.rules, self.bounds = rules, bounds

    def first(self):
        return World(backends=(Backend(),) * self.bounds.backends)

    def steps(self, w):
        """All (what happens, world after it)."""
        if w.broker is None:
            yield "broker starts", w._replace(broker=Broker())
        else:
            yield from self._broker_steps(w)
        for i, backend in enumerate(w.backends):
            yield from self._backend_steps(w, i, backend)
        if w.up:
            yield "an acknowledgement is lost", w._replace(up=w.up[1:])
        if self.bounds.copies:
            yield from self._copy_steps(w)

    # --- the broker ---

    def _broker_steps(self, w):
        journal, broker = w.journal, w.broker
        if w.kills < self.bounds.kills:
            yield "broker is killed", w._replace(broker=None, up=(), kills=w.kills + 1)
        if (journal.open or not self.rules.closed_until_attached) and len(w.accepted) < self.bounds.messages:
            floor = w.plugin.floor if self.rules.floors_are_sent else 0
            record = Record(w.plugin.epoch, max(journal.last_seq, floor) + 1, len(w.accepted))
            yield "a message", w._replace(journal=journal._replace(records=(*journal.records, record), last_seq=record.seq),
                                          accepted=(*w.accepted, record))
        if w.up:
            yield "an acknowledgement", self._acknowledge(w)
        if broker.consumer is None:
            return
        backend = w.backends[broker.consumer]
        if broker.started:
            end = len(journal.records)
            room = backend and len(backend.down) < self.bounds.under_way
            if room and broker.sent < min(end, broker.acked + self.bounds.window) and backend.generation == journal.generation:
                for to in range(broker.sent + 1, end + 1):
                    batch = (journal.generation, broker.sent, journal.records[broker.sent:to])
                    yield "a batch", self._with_backend(w._replace(broker=broker._replace(sent=to)), broker.consumer,
                                                        backend._replace(down=(*backend.down, batch)))
            if broker.sent > broker.acked:
                yield "a time-out", w._replace(broker=broker._replace(sent=broker.acked))
            limit = broker.acked if self.rules.trim_what_is_acknowledged else broker.sent
            if journal.start < limit:
                yield "a trim", w._replace(journal=journal._replace(start=limit))
        # Its consumer is dead, or so it seems: keepalives are missing.
        yield "broker gives its consumer up", w._replace(broker=Broker())

    def _acknowledge(self, w):
        (i, generation, offset), rest = w.up[0], w.up[1:]
        broker = w.broker
        current = broker.consumer == i and generation == w.journal.generation or not self.rules.acks_of_this_generation
        if current and broker.started and broker.acked < offset <= broker.sent:
            broker = broker._replace(acked=offset)
        return w._replace(up=rest, broker=broker)

    # --- a backend ---

    def _with_backend(self, w, i, backend):
        return w._replace(backends=(*w.backends[:i], backend, *w.backends[i + 1:]))

    def _backend_steps(self, w, i, b):
        if b is None:
            yield f"backend {i} starts", self._with_backend(w, i, Backend())
            return
        if w.kills < self.bounds.kills:
            yield f"backend {i} is killed", self._with_backend(w._replace(kills=w.kills + 1), i, None)
        connected = w.broker is not None and w.broker.consumer == i and b.generation == w.journal.generation
        if b.phase == "idle":
            if w.broker is not None and w.broker.consumer is None and w.journal.generation < self.bounds.attaches:
                yield f"backend {i} attaches", self._attach(w, i)
            return
        if b.phase == "granted" and b.renewed:
            fresh = w.ids + 1
            yield f"backend {i} renews epochs", self._with_backend(w._replace(store=w.store._replace(epoch=fresh), ids=fresh), i,
                                                                    b._replace(phase="renewed"))
        if b.phase == ("renewed" if b.renewed else "granted"):
            yield f"backend {i} begins", self._begin(w, i, b)
        if b.phase == "begun" and connected:
            last = max((row.seq for row in w.store.rows), default=0)
            yield f"backend {i} sends the Directory", self._with_backend(
                w._replace(plugin=Plugin(w.store.epoch, last)), i, b._replace(phase="told"))
        if b.phase == "told" and connected:
            at = b.start
            broker = w.broker._replace(started=True, acked=at, sent=at)
            yield f"backend {i} starts the feed", self._with_backend(
                w._replace(broker=broker, journal=w.journal._replace(open=True)), i, b._replace(phase="leading"))
        if b.down:
            yield f"a batch to backend {i} is lost", self._with_backend(w, i, b._replace(down=b.down[1:]))
        if b.phase == "leading" and b.down and len(w.up) < self.bounds.under_way:
            yield f"backend {i} stores", self._store(w, i, b)
        if not connected:
            yield f"backend {i} notices", self._with_backend(w, i, Backend())

    def _attach(self, w, i):
        renewed, anew = meet(self.rules, w.store, w.journal)
        journal = w.journal._replace(generation=w.journal.generation + 1)
        ids = w.ids
        if anew:
            ids += 1
            journal = journal._replace(id=ids, records=(), start=0, open=False)
        start = journal.start if renewed else min(max(w.store.offset, journal.start), len(journal.records))
        backend = Backend("granted", journal.generation, renewed, journal.id, start)
        return self._with_backend(w._replace(journal=journal, ids=ids, broker=Broker(consumer=i)), i, backend)

    def _begin(self, w, i, b):
        same = w.store.journal == b.journal
        if same and b.generation < w.store.generation and self.rules.generations:
            return self._with_backend(w, i, Backend())
        offset = b.start if b.renewed or w.store.journal == 0 else w.store.offset
        store = w.store._replace(journal=b.journal, offset=offset, generation=b.generation)
        return self._with_backend(w._replace(store=store), i, b._replace(phase="begun"))

    def _store(self, w, i, b):
        (generation, begin, records), store = b.down[0], w.store
        b = b._replace(down=b.down[1:])
        if generation != b.generation:
            return self._with_backend(w, i, b)
        if self.rules.generations and generation < store.generation:
            return self._with_backend(w, i, Backend())
        if begin > store.offset and self.rules.holes_are_refused:
            return self._with_backend(w, i, b)
        by_seq, conflict = {row.seq: row for row in store.rows}, w.conflict
        for record in records:
            if by_seq.setdefault(record.seq, record).message != record.message:
                conflict = f"two messages under number {record.seq}"
        offset = max(store.offset, begin + len(records))
        store = store._replace(rows=tuple(sorted(by_seq.values())), offset=offset, generation=generation)
        return self._with_backend(w._replace(store=store, up=(*w.up, (i, generation, offset)), conflict=conflict), i, b)

    # --- copies ---

    def _copy_steps(self, w):
        idle = all(b is None or b.phase == "idle" for b in w.backends) and (w.broker is None or w.broker.consumer is None)
        if self.bounds.copies == "store":
            if w.copy is None and w.store.journal:
                yield "the database is copied", w._replace(copy=w.store)
            elif isinstance(w.copy, Store) and idle and w.put_back is None and w.copy != w.store:
                yield "the old database is put back", w._replace(store=w.copy, put_back=len(w.accepted))
        elif self.bounds.copies == "journal" and w.broker is None:
            if w.copy is None:
                yield "the journal is copied", w._replace(copy=w.journal)
            elif w.put_back is None and w.copy != w.journal:
                # Generations follow the clock, so that none is given twice.
                journal, ids = w.copy._replace(generation=w.journal.generation), w.ids
                if self.rules.copies_are_noticed:
                    ids += 1
                    journal = journal._replace(id=ids, open=False)
                yield "the old journal is put back", w._replace(journal=journal, ids=ids, put_back=len(w.accepted))


def faults_of(w):
    """Sentences about what must never be."""
    if w.conflict:
        yield w.conflict
    given = {}
    for record in w.accepted:
        if given.setdefault((record.epoch, record.seq), record.message) != record.message:
            yield f"number {record.seq} of epoch {record.epoch} was given twice"
    rows = {row.message for row in w.store.rows}
    held = {record.message for record in w.journal.records[w.journal.start:]}
    may_lack = w.put_back or 0
    lost = {record.message for record in w.accepted[may_lack:]} - rows - held
    if lost:
        yield f"messages {sorted(lost)} are neither in the journal nor in the store"
    if w.store.journal == w.journal.id:
        skipped = {r.message for r in w.journal.records[:w.store.offset] if r.message >= may_lack} - rows
        if skipped:
            yield f"messages {sorted(skipped)} were skipped by the store"
    if w.broker is not None and w.broker.started:
        silent = [r for r in w.accepted if r.epoch == w.store.epoch and r.message not in rows and r.message not in held]
        if silent:
            yield f"message {silent[0].message} is gone, and its epoch goes on"
    seqs = [row.seq for row in w.store.rows]
    if len(set(seqs)) != len(seqs):
        yield "a number is stored twice"


@dataclasses.dataclass
class Result:
    states: int
    fault: str  # "" when there is none
    history: list  # what led to it


def search(machine, states_max=1_000_000):
    """Visits every reachable state, nearest first; ends at the first fault."""
    first = machine.first()
    came_from = {first: None}
    queue = collections.deque([first])
    while queue:
        world = queue.popleft()
        for what, after in machine.steps(world):
            if after in came_from:
                continue
            came_from[after] = (what, world)
            fault = next(faults_of(after), None)
            if fault:
                return Result(len(came_from), fault, path_to(came_from, after))
            if len(came_from) > states_max:
                raise AssertionError(f"more than {states_max} states")
            queue.append(after)
    return Result(len(came_from), "", [])


def path_to(came_from, world):
    steps = []
    while came_from[world] is not None:
        what, world = came_from[world]
        steps.append(what)
    return steps[::-1]
