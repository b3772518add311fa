"""Somebody who asks for history and sync all the time, and afterwards compares every answer with what was delivered live."""
import json
import random
import threading
import time

from collect import Archive
from connection import raw_messages

PAGE_MAX = 100


class Asker(threading.Thread):
    """Of one room, from start() to finish(). Messages are small, so that no page ends early."""

    def __init__(self, server, room, seed):
        super().__init__(daemon=True)
        self.server, self.room, self.rng = server, room, random.Random(seed)
        self.answers = []  # (question, envelopes as text, through, when)
        self._end = threading.Event()

    def run(self):
        with Archive(self.server) as archive:
            while not self._end.is_set():
                self.ask(archive)
                time.sleep(0.005)

    def ask(self, archive):
        """One question; that it is not answered is no wrong answer."""
        limit, newest = self.rng.randint(1, PAGE_MAX), max((a[2] for a in self.answers), default=0)
        # The newest pages are what a cache is asked for most.
        at = max(0, newest - self.rng.randint(0, 2 * limit)) if self.rng.random() < 0.7 else self.rng.randint(0, newest)
        kind = self.rng.choice(("after", "before", "newest", "sync"))
        question = {"after": {"after": at}, "before": {"before": at + 1}, "newest": {}, "sync": {"rooms": {self.room: {"since": at}}}}[kind]
        method = "sync" if kind == "sync" else "history"
        reply = archive.connection.ask(method, 20, limit=limit, **question, **({} if kind == "sync" else {"room": self.room}))
        if reply is None or not json.loads(reply)["ok"]:
            return
        result = json.loads(reply)["result"]
        page = result["rooms"][self.room] if kind == "sync" else result
        if "error" not in page:
            self.answers.append(((kind, at, limit), raw_messages(reply), page["through"], time.monotonic()))

    def finish(self):
        self._end.set()
        self.join(60)
        assert not self.is_alive()

    def wrong(self, live):
        """Sentences. `live`: all envelopes of the room as they were delivered, the first having seq 1."""
        found, newest = [], 0
        for (kind, at, limit), page, through, _ in self.answers:
            if through < newest:
                found.append(f"{kind} {at}: through went back from {newest} to {through}")
            newest = max(newest, through)
            first, last = {"after": (at + 1, at + limit), "sync": (at + 1, at + limit), "before": (at + 1 - limit, at),
                           "newest": (through + 1 - limit, through)}[kind]
            expected = live[max(first, 1) - 1:min(last, through)]
            if page != expected:
                found.append(f"{kind} {at} limit {limit} through {through}: {len(page)} entries, not the {len(expected)} expected: "
                             f"{[json.loads(raw)['seq'] for raw in page[:3]]}")
        return found
