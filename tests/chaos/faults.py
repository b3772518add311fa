"""SIGKILL at random moments, and starting again what was killed."""
import collections
import time

from harness import wait_until

KINDS = ("broker", "backend", "both", "starting", "roll")
ABOUT = {
    "broker": "the broker",
    "backend": "parleyd",
    "both": "both at once",
    "starting": "the broker, parleyd or both, and again within milliseconds of their start, up to four times",
    "roll": "the broker, the moment a file comes or goes in its journal's folder",
}
START_S = {"broker": 0.06, "backend": 0.25}  # a killed start lived at most so long
ROLL_WAIT_S = 4.0


class Faults:
    """Runs in the caller's thread. A process that ends without being killed fails the run."""

    def __init__(self, server, rng, kinds=KINDS, log=lambda line: None):
        self.server, self.rng, self.kinds, self.log = server, rng, kinds, log
        self.kills = collections.Counter()  # kind of kill → processes killed
        self.slowest_start_s = 0.0  # of the broker, until it listens
        self._steps = {"broker": self._broker, "backend": self._backend, "both": self._both, "starting": self._starting, "roll": self._roll}

    def one(self):
        """One fault, and everything started again. The broker listens at the end; parleyd may still be on its way."""
        self.server.assert_running()
        kind = self.rng.choice(self.kinds)
        self.log(kind)
        self._steps[kind]()
        begun = time.monotonic()
        self.server.wait_broker()
        self.slowest_start_s = max(self.slowest_start_s, time.monotonic() - begun)

    def _kill(self, name, counted_as):
        getattr(self.server, name).kill()
        self.kills[counted_as] += 1

    def _start(self, name):
        self.server.spawn_broker() if name == "broker" else self.server.start_backend(wait_ready=False)

    def _pause(self, max_s):
        time.sleep(self.rng.uniform(0, max_s) if self.rng.random() < 0.8 else 0)

    def _broker(self):
        self._kill("broker", "broker")
        self._pause(1.0)
        self._start("broker")

    def _backend(self):
        self._kill("backend", "backend")
        self._pause(2.0)
        self._start("backend")

    def _both(self):
        for name in self._shuffled():
            self._kill(name, "both")
        self._pause(1.0)
        for name in self._shuffled():
            self._start(name)
            self._pause(0.3)

    def _starting(self):
        names = self.rng.choice((["broker"], ["backend"], self._shuffled()))
        for name in names:
            self._kill(name, name)
        for _ in range(self.rng.randint(1, 4)):
            for name in names:
                self._start(name)
                time.sleep(self.rng.uniform(0, START_S[name]))
            for name in names:
                self._kill(name, f"{name} starting")
        for name in names:
            self._start(name)

    def _roll(self):
        before = self.server.journal_files()
        try:
            wait_until(lambda: self.server.journal_files() != before, "a segment rolls", ROLL_WAIT_S, step_s=0.0005)
            self._kill("broker", "broker rolling")
        except AssertionError:  # too little was said
            self._kill("broker", "broker")
        self._start("broker")

    def _shuffled(self):
        return self.rng.sample(["broker", "backend"], 2)
