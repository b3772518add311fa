"""Clients that read: live, and some of them heal what they missed by sync."""
import array
import json
import threading

from checker import View
from connection import ENVELOPE, Roamer, now, raw_messages
from ledger import digest

SYNC_S = 10.0  # how long a reply may take before it is asked for again
AWAY = ("unavailable", "timeout")  # the database is, for all rooms or for those that came last: asked for again


class Shelf:
    """What came of one room, 16 bytes each: in order of arrival."""

    def __init__(self):
        self.seqs, self.digests = array.array("Q"), array.array("Q")

    def add(self, seq, digest_):
        self.seqs.append(seq)
        self.digests.append(digest_)

    def __iter__(self):
        return zip(self.seqs, self.digests)

    def __len__(self):
        return len(self.seqs)


class Watermark:
    """Up to where a room is known without a hole. For two threads."""

    def __init__(self):
        self.mark = 0
        self._beyond = set()
        self._lock = threading.Lock()

    def add(self, seq):
        with self._lock:
            if seq > self.mark:
                self._beyond.add(seq)
            while self.mark + 1 in self._beyond:
                self.mark += 1
                self._beyond.remove(self.mark)


class Reader(Roamer):
    """qos: of its subscriptions. naps: breaks the connection now and then for a while. syncing: asks for what it missed after each
    connect, and again whenever told to."""

    def __init__(self, server, ledger, seed, user, device, rooms, v, qos, clean, ws, naps, syncing):
        super().__init__(server, ledger, seed, user, device, v, clean, ws, inbox=syncing)
        self.rooms, self.qos, self.naps, self.syncing = rooms, qos, naps, syncing
        self.live = {room: Shelf() for room in rooms}
        self.synced = {room: Shelf() for room in rooms}
        self.known = {room: Watermark() for room in rooms}
        self.talk = {room: {} for room in rooms}  # room → seq → envelope, of what can change in history
        self._due = threading.Event()

    def sync(self):
        """Asks once more for what is new."""
        self._due.set()

    def views(self):
        return [View(self.device, room, shelf) for room, shelf in self.live.items()]

    def healed_views(self):
        """Of a syncing one: all it knows, however it got it."""
        return [View(self.device, room, [*self.live[room], *self.synced[room]]) for room in self.rooms] if self.syncing else []

    def synced_views(self):
        return [View(f"{self.device} (sync)", room, shelf) for room, shelf in self.synced.items() if len(shelf)]

    def heard(self):
        """Of a syncing one: the talk it knows, to be folded."""
        return [(self.device, room, {seq: json.loads(raw) for seq, raw in talk.items()})
                for room, talk in self.talk.items()] if self.syncing else []

    # --- its thread ---

    def subscribe(self):
        self.connection.subscribe(*[f"rooms/{room}/messages" for room in self.rooms], qos=self.qos)
        self._due.set()

    def while_connected(self):
        leave_at = now() + self.rng.expovariate(1 / 8) if self.naps else now() + 1e9
        while self.connected() and not self.done() and now() < leave_at:
            if self.syncing and self._due.is_set():
                self._due.clear()
                if not self._sync():
                    self._due.set()
                    self._abort.wait(0.3)
            else:
                self._abort.wait(0.1)

    def after_connection(self):
        if self.naps and self.connected():
            self.connection.connected = False
            self.connection.drop()
            self._abort.wait(self.rng.uniform(0, 2))

    def _sync(self):
        """True when it has got to the end of what is stored."""
        more = True
        while more and self.connected() and not self.done():
            reply = self.connection.ask("sync", SYNC_S, limit=500,
                                        rooms={room: {"since": known.mark} for room, known in self.known.items()})
            if reply is None:
                return False
            result = json.loads(reply)
            if not result["ok"]:
                if result["error"]["code"] not in AWAY:
                    self.ledger.wonder(f"{self.device}: sync was answered {result['error']}")
                return False
            for raw in raw_messages(reply):
                head = ENVELOPE.match(raw.encode())
                seq, room = int(head[1]), head[4].decode()
                self.synced[room].add(seq, digest(raw))
                self._hear(room, seq, raw.encode())
                self.known[room].add(seq)
            rooms = result["result"]["rooms"]
            more = any(page.get("more") for page in rooms.values())
            errors = {room: page["error"] for room, page in rooms.items() if "error" in page}
            if any(error["code"] not in AWAY for error in errors.values()):
                self.ledger.wonder(f"{self.device}: sync of rooms was answered {errors}")
            if errors:
                return False
        return not more

    # --- Paho's thread ---

    def on_envelope(self, payload):
        head = ENVELOPE.match(payload)
        if not head:
            return self.ledger.wonder(f"{self.device} got what is no envelope: {payload[:100]!r}")
        room = head[4].decode()
        if room not in self.live:
            return self.ledger.wonder(f"{self.device} got an envelope of {room}")
        self.live[room].add(int(head[1]), digest(payload))
        if self.syncing:
            self.known[room].add(int(head[1]))
            self._hear(room, int(head[1]), payload)

    def _hear(self, room, seq, payload):
        """Whichever way it comes first: live or stored, the fold must be the same."""
        if b'"ref":"talker' in payload:
            self.talk[room].setdefault(seq, payload)
