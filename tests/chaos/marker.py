"""Clients that say how far they have got and read, in any order, repeated, from two devices of a user at once."""
import json
import threading

from connection import Roamer, ENVELOPE

ANSWER_S = 5.0


class Marker(Roamer):
    """`told[room]` is [received, read]: the highest it has ever said, got through or not. After finish() it repeats that, as clients do after a
    reconnect, until `marks` has it."""

    def __init__(self, server, ledger, seed, user, device, rooms, v, ws):
        super().__init__(server, ledger, seed, user, device, v, clean=True, ws=ws)
        self.rooms = rooms
        self.told = {room: [0, 0] for room in rooms}
        self.receipts = 0
        self._heard = dict.fromkeys(rooms, 0)
        self._finishing = False
        self._confirmed = set()
        self._lock = threading.Lock()

    def finish(self):
        self._finishing = True

    def done(self):
        return super().done() or (self._finishing and self._confirmed == set(self.rooms))

    def subscribe(self):
        self.connection.subscribe(*[f"rooms/{room}/messages" for room in self.rooms])

    def while_connected(self):
        while self.connected() and not self.done():
            room = self.rng.choice(self.rooms)
            if self._finishing:
                self._repeat(room)
            else:
                self._tell(room)
            self._abort.wait(self.rng.uniform(0, 0.1))

    def _tell(self, room):
        with self._lock:
            heard = self._heard[room]
        if heard == 0:
            return
        received = self.rng.randint(max(1, heard - 50), heard)
        read = self.rng.randint(0, received)
        with self._lock:
            told = self.told[room]
            told[:] = max(told[0], received), max(told[1], read)
        self.receipts += 1
        if self.rng.random() < 0.2:
            self.connection.ask("read", ANSWER_S, room=room, received=received, read=read)
        else:
            self._publish(room, received, read)

    def _publish(self, room, received, read):
        self.connection.mqtt.publish(f"rooms/{room}/receipts/{self.user}", json.dumps({"received": received, "read": read}),
                                     qos=self.rng.choice((0, 1)))

    def _repeat(self, room):
        if room in self._confirmed:
            return
        received, read = self.told[room]
        if received:
            self._publish(room, received, read)
        reply = self.connection.ask("marks", ANSWER_S, room=room)
        answer = json.loads(reply) if reply else {"ok": False}
        if not answer["ok"]:
            return
        mine = next((m for m in answer["result"]["marks"] if m["user"] == self.user), None)
        if mine and mine["received"] >= received and mine["read"] >= read:
            self._confirmed.add(room)

    # --- Paho's thread ---

    def on_envelope(self, payload):
        head = ENVELOPE.match(payload)
        room, seq = head[4].decode(), int(head[1])
        with self._lock:
            self._heard[room] = max(self._heard.get(room, 0), seq)
