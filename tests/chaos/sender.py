"""Clients that send, retry what was not accepted, and sometimes repeat what was."""
import json
import threading

import paho.mqtt.client as paho
from connection import ENVELOPE, KEY, Roamer, now
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

RETRY_S = 2.0  # unanswered for so long on a live connection: sent again
REFUSED_PAUSE_S = 0.3
NOTICE_S = 15.0  # a notice that has not come for so long on a live connection will not come
HISTORY_MAX = 400  # accepted messages a sender may repeat later
PATTERN = "Lorem ipsum dolor sit amet, consectetur adipiscing elit; größer als 7 Bit – ☃ "


def sizes(rng):
    """Bytes of content: mostly small, some large, so that segments of 1 MiB roll every few seconds."""
    draw = rng.random()
    return rng.randint(0, 200) if draw < 0.75 else rng.randint(1000, 8000) if draw < 0.95 else rng.randint(20_000, 58_000)


class Pending:
    __slots__ = ("key", "room", "payload", "properties", "mid", "at", "repeat")

    def __init__(self, key, room, payload, properties, repeat=False):
        self.key, self.room, self.payload, self.properties, self.repeat = key, room, payload, properties, repeat
        self.mid, self.at = None, -RETRY_S  # mid: MQTT still answers for it


class Sender(Roamer):
    """Accepted: MQTT 5 with QoS 1 or 2: PUBACK or PUBREC says so. Otherwise: it saw its own envelope, or a duplicate notice."""

    def __init__(self, server, ledger, seed, user, device, rooms, v, qos, ref, clean, ws, rate, window):
        super().__init__(server, ledger, seed, user, device, v, clean, ws)
        self.rooms, self.qos, self.ref, self.rate, self.window = rooms, qos, ref, rate, window
        self.answered = v == 5 and qos > 0
        self._cv = threading.Condition()
        self._pending = {}  # key → Pending
        self._by_mid = {}  # mid → Pending
        self._untold = {}  # ref → when its repeat was acknowledged
        self._old = []  # accepted, to be repeated
        self._finishing = False
        self._count = 0

    # --- from outside ---

    def __str__(self):
        return (f"{self.device} (MQTT {3.1 if self.v == 4 else 5}, QoS {self.qos}, {'with' if self.ref else 'no'} ref, "
                f"{'clean' if self.clean else 'persistent'})")

    def finish(self):
        """Nothing new from now on; it leaves when all is accepted."""
        self._finishing = True

    def done(self):
        return super().done() or (self._finishing and not self._pending and not self._untold)

    def unanswered(self):
        with self._cv:
            return [p.key for p in self._pending.values()]

    # --- its thread ---

    def subscribe(self):
        if not self.answered:
            self.connection.subscribe(*[f"rooms/{room}/messages" for room in self.rooms])

    def while_connected(self):
        if self.clean:
            with self._cv:
                self._forget_mids()
        leave_at = now() + self.rng.expovariate(1 / 20)  # connections break without the broker's help, too
        next_at = now()
        while self.connected() and not self.done() and now() < leave_at:
            self._retry()
            self._expect_notices()
            if not self._finishing and now() >= next_at and len(self._pending) < self.window:
                self._send_new() if not self._old or self.rng.random() < 0.9 else self._send_repeat()
                next_at = max(next_at + self.rng.expovariate(self.rate), now() - 1)
            with self._cv:
                self._cv.wait(max(0.001, min(0.1, next_at - now())))

    def _forget_mids(self):
        """Clean session: nobody will answer for what was under way."""
        self._by_mid.clear()
        for pending in list(self._pending.values()):
            pending.mid, pending.at = None, -RETRY_S
            if pending.repeat:
                del self._pending[pending.key, True]

    def _retry(self):
        with self._cv:
            due = [p for p in self._pending.values() if p.mid is None and now() - p.at >= RETRY_S]
        for pending in due:
            self._publish(pending)

    def _send_new(self):
        self._count += 1
        key, room = f"{self.device}#{self._count}", self.rng.choice(self.rooms)
        size = sizes(self.rng)
        text = f"{key} " + (PATTERN * (size // len(PATTERN) + 1))[:size]
        ref = f"{key}.ref" if self.ref else None
        properties = None
        if self.v == 5 and self.rng.random() < 0.3:  # plain text, its ref beside it
            payload = text
            if ref:
                properties = Properties(PacketTypes.PUBLISH)
                properties.UserProperty = ("ref", ref)
        elif ref is None and self.rng.random() < 0.3:
            payload = text
        else:
            payload = json.dumps({"text": text, **({"ref": ref} if ref else {})}, ensure_ascii=False)
        self.ledger.write(key, room, self.user, ref, text)
        self._publish(Pending(key, room, payload, properties))

    def _send_repeat(self):
        old = self.rng.choice(self._old)
        with self._cv:
            if (old.key, True) in self._pending:
                return
        self._publish(Pending(old.key, old.room, old.payload, old.properties, repeat=True))

    def _publish(self, pending):
        with self._cv:  # so that the answer can't come before its mid is known
            self._pending[pending.key, pending.repeat] = pending
            pending.at = now()
            info = self.connection.mqtt.publish(f"rooms/{pending.room}/send", pending.payload, qos=self.qos, properties=pending.properties)
            if self.qos > 0 and info.rc in (paho.MQTT_ERR_SUCCESS, paho.MQTT_ERR_NO_CONN):
                pending.mid = info.mid
                self._by_mid[info.mid] = pending
        self.ledger.count_publish()

    def _expect_notices(self):
        with self._cv:
            late = [ref for ref, at in self._untold.items() if now() - at > NOTICE_S]
            for ref in late:
                del self._untold[ref]
        for ref in late:
            self.ledger.repeat(f"{self.device} repeated {ref}, which was acknowledged, and was not told its seq in {NOTICE_S} s")

    def after_connection(self):
        with self._cv:  # a notice may be lost with the connection
            self._untold.clear()

    # --- Paho's thread ---

    def on_ack(self, mid, code):
        with self._cv:
            pending = self._by_mid.pop(mid, None)
            if pending is None:
                return
            pending.mid, pending.at = None, now()
            if code >= 0x80:
                pending.at = now() - RETRY_S + REFUSED_PAUSE_S
                self.ledger.refuse()
            elif self.answered:
                self._accepted(pending)
            self._cv.notify()

    def on_envelope(self, payload):
        head, key = ENVELOPE.match(payload), KEY.search(payload)
        if not head or not key:
            return
        with self._cv:
            pending = self._pending.get((key[1].decode(), False))
            if pending is not None and not self.answered:
                self._accepted(pending)
                self._cv.notify()

    def on_inbox(self, notice):
        super().on_inbox(notice)
        if notice["type"] != "duplicate":
            return
        with self._cv:
            if self._untold.pop(notice["ref"], None) is not None:
                self.ledger.repeat()
            key = notice["ref"].removesuffix(".ref")
            for repeat in (False, True):
                pending = self._pending.get((key, repeat))
                if pending is not None and not self.answered:
                    self._accepted(pending)
            self._cv.notify()

    def _accepted(self, pending):
        """With the lock held."""
        self._pending.pop((pending.key, pending.repeat), None)
        if pending.mid is not None:  # its envelope came before its PUBACK
            self._by_mid.pop(pending.mid, None)
        if pending.repeat:
            if self.answered:
                self._untold[f"{pending.key}.ref"] = now()
            else:
                self.ledger.repeat()
            return
        self.ledger.accept(pending.key)
        if self.ref:
            self._old.append(pending)
            if len(self._old) > HISTORY_MAX:  # any of them may go, so that very old ones stay in the draw
                self._old.pop(self.rng.randrange(len(self._old)))
