"""SIGKILL at random moments, and starting again what was killed."""
import collections
import time

from harness import wait_until

ABOUT = {
    "broker": "the broker",
    "backend": "parleyd",
    "both": "both at once",
    "starting": "the broker, parleyd or both, and again within milliseconds of their start, up to four times",
    "roll": "the broker, the moment a file comes or goes in its journal's folder",
    "postgres": "PostgreSQL, the postmaster first (production)",
    "immediate": "PostgreSQL, restarted as by pg_ctl restart -m immediate (production)",
    "redis": "Redis (production)",
    "flush": "what Redis holds: FLUSHALL, and nothing is killed (production)",
    "all": "broker, parleyd, PostgreSQL and Redis, which start again in any order (production)",
}
EMBEDDED = ("broker", "backend", "both", "starting", "roll")
START_S = {"broker": 0.06, "backend": 0.25}  # a killed start lived at most so long
ROLL_WAIT_S = 4.0


def kinds_of(profile_name):
    return EMBEDDED if profile_name == "embedded" else tuple(ABOUT)


class Faults:
    """Runs in the caller's thread. A process that ends without being killed fails the run."""

    def __init__(self, server, rng, kinds, log=lambda line: None):
        self.server, self.rng, self.kinds, self.log = server, rng, kinds, log
        self.kills = collections.Counter()  # kind of kill → processes killed
        self.slowest_start_s = 0.0  # of the broker, until it listens
        self._steps = {kind: getattr(self, f"_{kind}") for kind in kinds}

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
        self._process(name).kill()
        self.kills[counted_as] += 1

    def _start(self, name):
        if name == "broker":
            self.server.spawn_broker()
        elif name == "backend":
            self.server.start_backend(wait_ready=False)
        else:
            self._process(name).start()

    def _process(self, name):
        return getattr(self.server if name in ("broker", "backend") else self.server.storage, name)

    def _pause(self, max_s):
        time.sleep(self.rng.uniform(0, max_s) if self.rng.random() < 0.8 else 0)

    def _again(self, name, pause_s):
        self._kill(name, name)
        self._pause(pause_s)
        self._start(name)

    def _broker(self):
        self._again("broker", 1.0)

    def _backend(self):
        self._again("backend", 2.0)

    def _postgres(self):
        self._again("postgres", 2.0)

    def _redis(self):
        self._again("redis", 2.0)

    def _immediate(self):
        self.server.storage.postgres.restart_immediately()
        self.kills["postgres immediate"] += 1

    def _flush(self):
        self.server.storage.redis.ask("FLUSHALL")
        self.kills["redis flushed"] += 1

    def _both(self):
        self._together(["broker", "backend"], "both")

    def _all(self):
        self._together(["broker", "backend", "postgres", "redis"], "all")

    def _together(self, names, counted_as):
        for name in self._shuffled(names):
            self._kill(name, counted_as)
        self._pause(1.0)
        for name in self._shuffled(names):
            self._start(name)
            self._pause(0.3)

    def _starting(self):
        names = self.rng.choice((["broker"], ["backend"], self._shuffled(["broker", "backend"])))
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

    def _shuffled(self, names):
        return self.rng.sample(names, len(names))
