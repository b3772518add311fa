"""The clients of a run: many senders and readers of every kind, their quiet end, and the comparison of what they saw with history."""
import contextlib
import dataclasses
import itertools
import time

from census import Census
from checker import Findings, check_all, check_members
from collect import Archive
from harness import wait_until
from ledger import Ledger
from marker import Marker
from reader import Reader
from sender import Sender
from steward import Steward
from talker import Talker

SETTLE_S = 90  # how long each step of the quiet end may take
LATE_S = 40


@dataclasses.dataclass
class Size:
    rooms: int = 6
    users: int = 8
    senders: int = 24
    readers: int = 12
    rate: float = 250  # messages a second, of all senders
    talkers: int = 4
    talk_rate: float = 20  # entries a second, of all talkers
    markers: int = 6


SMALL = Size(rooms=2, users=4, senders=6, readers=4, rate=100, talkers=2, markers=3)


class Crowd:
    """Makes its users and rooms on a running server. All choices are drawn from `rng`."""

    def __init__(self, server, rng, size=SMALL):
        self.server, self.rng, self.size = server, rng, size
        self.ledger, self.problems = Ledger(), []
        self.rooms = [f"room{i}" for i in range(size.rooms)]
        self.users = [f"user{i}" for i in range(size.users)]
        guests = [f"guest{i}" for i in range(2)]
        server.populate(self.users, self.rooms, guests)
        self.senders, self.readers = self._make_senders(), self._make_readers()
        self.steward = Steward(server, self.ledger, rng.random(), self.rooms, guests)
        self.guests = guests
        self.markers = self._make_markers()
        self.clients = [*self.readers, *self.senders, *self.markers, self.steward]

    def _make_senders(self):
        """Every combination of version, QoS, ref and session in turn, in an order of the seed's; every fourth over WebSocket."""
        kinds = list(itertools.product((4, 5), (0, 1, 2), (True, False), (True, False)))
        self.rng.shuffle(kinds)
        senders = []
        for i in range(self.size.senders):
            v, qos, ref, clean = kinds[i % len(kinds)]
            rooms = sorted({self.rooms[(i + k) % len(self.rooms)] for k in range(2)})
            senders.append(Sender(self.server, self.ledger, self.rng.random(), self.users[i % len(self.users)], f"sender{i}",
                                  rooms, v=v, qos=qos, ref=ref, clean=clean, ws=i % 4 == 3,
                                  rate=self.size.rate / self.size.senders, window=self.rng.choice((1, 4, 16))))
        for i in range(self.size.talkers):
            senders.append(Talker(self.server, self.ledger, self.rng.random(), self.users[i % len(self.users)], f"talker{i}", self.rooms,
                                  ws=i % 2 == 1, rate=self.size.talk_rate / self.size.talkers))
        return senders

    def _make_readers(self):
        """Every combination of version, QoS and session. Those that sync use TCP: Mosquitto 2.0 sends 4 KiB a turn of its loop to a
        WebSocket, ten turns a second when little else happens, and a page of history is up to 256 KiB."""
        kinds = list(itertools.product((4, 5), (0, 1, 2), (True, False)))
        self.rng.shuffle(kinds)
        readers = []
        for i in range(self.size.readers):
            v, qos, clean = kinds[i % len(kinds)]
            rooms = sorted({self.rooms[(i + k) % len(self.rooms)] for k in range(3)})
            readers.append(Reader(self.server, self.ledger, self.rng.random(), self.users[i % len(self.users)], f"reader{i}",
                                  rooms, v=v, qos=qos, clean=clean, ws=i % 4 == 2 and i % 3 > 0, naps=not clean or i % 2 == 0,
                                  syncing=i % 3 == 0))
        return readers

    def _make_markers(self):
        """Two devices each of half of them, so that the marks of a user come from both."""
        return [Marker(self.server, self.ledger, self.rng.random(), self.users[i // 2 % len(self.users)], f"marker{i}", self.rooms, v=4 + i % 2,
                       ws=i % 3 == 2) for i in range(self.size.markers)]

    def start(self):
        for client in self.clients:
            client.start()
        return self

    def abort(self):
        for client in self.clients:
            client.abort()
        for client in self.clients:
            if client.ident is not None:
                client.join(10)

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.abort()

    def wait_accepted(self, more):
        """Until so many more messages have been accepted."""
        goal = len(self.ledger.accepted) + more
        wait_until(lambda: len(self.ledger.accepted) >= goal, f"{more} more messages are accepted")

    def settle(self):
        """Senders get all accepted that they began, history catches up, those who sync heal, all leave. Gives the history."""
        wait_until(self.server.ready, "parleyd is ready", SETTLE_S)
        writers = [*self.senders, self.steward]
        for writer in writers:
            writer.finish()
        end = time.monotonic() + SETTLE_S
        for writer in writers:
            writer.join(max(0.1, end - time.monotonic()))
        assert not self.steward.is_alive(), "a change of members is never confirmed"
        waiting = [f"{s} got no answer for {s.unanswered()[:3]}" for s in self.senders if s.is_alive()]
        assert not waiting, "\n".join(waiting)
        self._send_last()
        with Archive(self.server) as archive:
            for room in self.rooms:
                wait_until(lambda: any(entry.key == f"end#{room}" for entry in archive.tail(room)), f"{room} is stored to its end", SETTLE_S)
            history = self._history(archive)
            self._count()
            self._heal({room: entries[-1].seq for room, entries in history.items()})
            self.abort()
            return history

    def _history(self, archive):
        """All of it. Joins and leaves may be a little late when the backend's disk was full."""
        history = dict.fromkeys(self.rooms, ())

        def complete():
            for room in self.rooms:
                history[room] = archive.room(room, history[room])
            findings = Findings()
            check_members(history, self.steward.done_to, findings)
            return not findings

        with contextlib.suppress(AssertionError):  # compare() will say what is missing
            wait_until(complete, "joins and leaves are in history", LATE_S, step_s=0.5)
        return history

    def _send_last(self):
        with self.server.client("admin", "admin-end") as admin:
            for room in self.rooms:
                key = f"end#{room}"
                self.ledger.write(key, room, "admin", key, key)
                wait_until(lambda: admin.send(room, {"text": key, "ref": key}) < 0x80, f"{room} takes a message")
                self.ledger.accept(key)

    def _count(self):
        """Markers get all written down that they told; then everybody's counters and marks are asked for."""
        for marker in self.markers:
            marker.finish()
        end = time.monotonic() + SETTLE_S
        for marker in self.markers:
            marker.join(max(0.1, end - time.monotonic()))
        self.problems += [f"{m.device}'s receipts are never written down: {m.told}" for m in self.markers if m.is_alive()]
        self.census = Census(self.server, self.rooms, [*self.users, *self.guests])

    def _told(self):
        """(room, user) → the highest (received, read) any of their devices told."""
        told = {}
        for marker in self.markers:
            for room, (received, read) in marker.told.items():
                known = told.get((room, marker.user), (0, 0))
                told[room, marker.user] = max(known[0], received), max(known[1], read)
        return told

    def _heal(self, last):
        syncing = [reader for reader in self.readers if reader.syncing]
        for reader in syncing:
            reader.sync()
        healed = lambda: all(r.known[room].mark >= last[room] for r in syncing for room in r.rooms)
        try:
            wait_until(healed, "who syncs knows everything", SETTLE_S)
        except AssertionError as e:
            self.problems.append(str(e))

    def compare(self, history):
        """Findings; and `problems` has what else went wrong."""
        views = [view for reader in self.readers for view in [*reader.views(), *reader.synced_views()]]
        healed = [view for reader in self.readers for view in reader.healed_views()]
        heard = [one for reader in self.readers for one in reader.heard()]
        self.problems += self.ledger.untold[:5] + self.ledger.unexpected[:5] + self.steward.wrong[:5]
        findings = check_all(self.ledger.sent, self.ledger.accepted, history, views, healed, self.ledger.notices, self.steward.done_to, heard)
        self.census.check(self._told(), findings)
        return findings

    def figures(self, history, findings):
        ledger, counts = self.ledger, findings.counts
        return {
            "sent": len(ledger.sent), "publishes": ledger.published, "acknowledged": len(ledger.accepted),
            "refused_and_retried": ledger.refused,
            "lost": counts["lost"], "doubled": counts["doubled"], "unsent": counts["unsent"],
            "repeats": ledger.repeats_accepted, "duplicates_told": len(ledger.notices), "duplicates_told_wrong": counts["duplicate_wrong"],
            "duplicates_not_told": len(ledger.untold),
            "rooms": len(history), "history": sum(map(len, history.values())), "dense": not counts["not_dense"],
            "live_deliveries_compared": sum(len(shelf) for r in self.readers for shelf in r.live.values()),
            "synced_compared": sum(len(shelf) for r in self.readers for shelf in r.synced.values()),
            "live_wrong": counts["live_differs"] + counts["live_order"], "not_healed": counts["not_healed"],
            "talk_folded": sum(len(talk) for r in self.readers if r.syncing for talk in r.talk.values()),
            "folds_wrong": counts["fold_differs"],
            "receipts": sum(marker.receipts for marker in self.markers), "marks_wrong": counts["marks_wrong"],
            "counters_compared": self.census.compared(), "counters_wrong": counts["counter_wrong"],
            "epochs_changed": counts["epoch_changed"],
            "connects": sum(client.connects for client in self.clients),
            "member_changes": sum(map(len, self.steward.done_to.values())), "rights_probed": self.steward.probes,
            "members_wrong": counts["member_entries"] + counts["repeated_entry"] + len(self.steward.wrong),
        }
