"""Clients that speak of messages: edits, deletions, reactions, replies, of each other's talk and of nothing else."""
import collections
import json
import re
import threading

from sender import Pending, Sender

TALK = re.compile(rb'"type":"(?:edit|delete|reaction)"|"talk":1')  # in an envelope, or in content that a talker wrote
REMEMBERED = 60  # messages of a room that may be spoken of
MENTIONS = ("", "@user0 look", "@USER1, @guest0", "@room", "mail@user0.org")
KEYS = ("👍", "👎", "x")


class Talker(Sender):
    """MQTT 5, QoS 1, every message with a ref, by which it is known in history when its content is gone."""

    def __init__(self, server, ledger, seed, user, device, rooms, ws, rate):
        super().__init__(server, ledger, seed, user, device, rooms, v=5, qos=1, ref=True, clean=True, ws=ws, rate=rate, window=4)
        self._seqs = {room: collections.deque(maxlen=REMEMBERED) for room in rooms}
        self._seqs_lock = threading.Lock()

    def subscribe(self):
        self.connection.subscribe(*[f"rooms/{room}/messages" for room in self.rooms])

    def _send_new(self):
        self._count += 1
        key, room = f"{self.device}#{self._count}", self.rng.choice(self.rooms)
        ref = f"{key}.ref"
        payload = json.dumps({**self._content(room, key), "ref": ref}, ensure_ascii=False, separators=(",", ":"))
        self.ledger.write(key, room, self.user, ref, key)
        self._publish(Pending(key, room, payload, None))

    def _content(self, room, key):
        with self._seqs_lock:
            known = list(self._seqs[room])
        draw = self.rng.random()
        if draw < 0.3 or not known:
            return {"text": f"{key} {self.rng.choice(MENTIONS)}", "talk": 1}
        target = self.rng.choice(known)
        if draw < 0.45:
            return {"text": key, "talk": 1, "thread": target, "reply_to": target}
        if draw < 0.65:
            return {"type": "edit", "target": target, "text": f"{key} edited", "talk": 1}
        if draw < 0.75:
            return {"type": "delete", "target": target}
        taken_back = {"remove": True} if self.rng.random() < 0.3 else {}
        return {"type": "reaction", "target": target, "key": self.rng.choice(KEYS), **taken_back}

    def on_envelope(self, payload):
        super().on_envelope(payload)
        if TALK.search(payload):
            envelope = json.loads(payload)
            with self._seqs_lock:
                self._seqs[envelope["room"]].append(envelope["seq"])
