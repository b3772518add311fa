"""What the clients of a run did and were told. One object, shared by all their threads."""
import hashlib
import threading

from checker import Notice, Sent


def digest(data):
    """64 bits of some bytes or text."""
    return int.from_bytes(hashlib.blake2b(data.encode() if isinstance(data, str) else data, digest_size=8).digest(), "big")


class Ledger:
    def __init__(self):
        self._lock = threading.Lock()
        self.sent = {}  # key → Sent
        self.accepted = set()  # keys
        self.notices = set()
        self.published = 0  # PUBLISH packets, retries and repeats included
        self.refused = 0  # answered with a reason code of failure; tried again
        self.repeats_accepted = 0  # acknowledged repeats of what was accepted before
        self.untold = []  # sentences: a repeat was acknowledged, its sender stayed, and no notice came
        self.unexpected = []  # sentences about what no client of ours may ever get

    def write(self, key, room, user, ref, text):
        with self._lock:
            self.sent[key] = Sent(key, room, user, ref, digest(text))

    def count_publish(self):
        with self._lock:
            self.published += 1

    def accept(self, key):
        with self._lock:
            self.accepted.add(key)

    def refuse(self):
        with self._lock:
            self.refused += 1

    def repeat(self, sentence=None):
        """A repeat was acknowledged; with a sentence: and nobody told the sender its seq."""
        with self._lock:
            self.repeats_accepted += 1
            if sentence:
                self.untold.append(sentence)

    def notice(self, user, room, ref, seq):
        with self._lock:
            self.notices.add(Notice(user, room, ref, seq))

    def wonder(self, sentence):
        with self._lock:
            self.unexpected.append(sentence)

    def totals(self):
        with self._lock:
            return len(self.sent), len(self.accepted)
