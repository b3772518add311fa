"""An administrator who lets people in and out of rooms all the time, and tries at once whether the broker agrees."""
import contextlib
import json

from connection import Roamer
from harness import Refused, wait_until

ANSWER_S = 5.0
NOTICE_S = 30  # the broker sends it with the acknowledgement; it may be stopped meanwhile, or killed
ACTIONS = ("added", "removed")  # in turn
REQUESTS = {"added": "member.add", "removed": "member.remove"}
DONE_BEFORE = {"added": "already_exists", "removed": "not_found"}  # what a repeat is told
TRY_AGAIN = ("unavailable", "timeout", "in_doubt", "backlog_full")


class Steward(Roamer):
    """`done_to[room, guest]`: all that was done, in order; each was repeated until it was confirmed. `wrong`: sentences."""

    def __init__(self, server, ledger, seed, rooms, guests):
        super().__init__(server, ledger, seed, "admin", "steward", v=5, clean=True, ws=False)
        self.done_to = {(room, guest): [] for room in rooms for guest in guests}
        self.wrong = []
        self.probes = 0  # times the broker was tried after an `ok`
        self._change = None  # (room, guest, action): under way
        self._tries = 0
        self._finishing = False

    def finish(self):
        self._finishing = True

    def done(self):
        return super().done() or (self._finishing and self._change is None)

    def while_connected(self):
        while self.connected() and not self.done():
            if self._change is None:
                room, guest = self.rng.choice(list(self.done_to))
                self._change, self._tries = (room, guest, ACTIONS[len(self.done_to[room, guest]) % 2]), 0
            if not self._try():
                self._abort.wait(0.2)

    def _try(self):
        room, guest, action = self._change
        self._tries += 1
        reply = self.connection.ask(REQUESTS[action], ANSWER_S, room=room, user=guest)
        if reply is None:
            return False
        answer = json.loads(reply)
        code = None if answer["ok"] else answer["error"]["code"]
        if code in TRY_AGAIN:
            return False
        if code is not None and (code != DONE_BEFORE[action] or self._tries == 1):
            self.wrong.append(f"{REQUESTS[action]} of {guest} in {room} at try {self._tries}: {answer['error']}")
        self.done_to[room, guest].append(action)
        self._change = None
        if code is None:
            self._probe(room, guest, action)
        return True

    def _probe(self, room, guest, action):
        """What was answered `ok` is in force, also in a broker that was killed and started since. A message refused because the
        disk or the journal is full says nothing."""
        key = f"{guest}@{room}#{len(self.done_to[room, guest])}"
        self.ledger.write(key, room, guest, key, key)
        try:
            with self.server.client(guest, f"{guest}-probe") as client:
                code = client.send(room, {"text": key, "ref": key})
                refusal = self._refusal(client, key) if code >= 0x80 else None
        except (OSError, Refused, AssertionError):
            return
        if code < 0 or refusal in TRY_AGAIN:
            return
        self.probes += 1
        if code < 0x80:
            self.ledger.accept(key)
        if refusal != (None if action == "added" else "not_a_member"):
            self.wrong.append(f"{guest} was {action} in {room}, and then a message of theirs was answered with {code:#x} {refusal or ''}")

    def _refusal(self, client, key):
        """The code of the notice, which names the refused message; one of TRY_AGAIN when the connection was lost before."""
        codes = lambda: [notice["code"] for notice in list(client.inbox) if notice.get("ref") == key]
        with contextlib.suppress(AssertionError):
            wait_until(lambda: codes() or not client.connected, "a notice, or a lost connection", NOTICE_S)
        if not codes() and client.connected:
            self.wrong.append(f"{key} was refused, and nobody says why: {client.inbox}")
        return codes()[0] if codes() else "unavailable"
