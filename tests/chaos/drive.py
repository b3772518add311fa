"""One chaos run from beginning to end."""
import dataclasses
import random
import time

from crowd import Crowd, Size
from faults import Faults, kinds_of
from installation import Installation

FIRST_FAULT_S = 2.0


@dataclasses.dataclass
class Options:
    seconds: float = 45  # of faults; the quiet end comes on top
    seed: int = 0
    faults: tuple | None = None  # kinds; all that the profile has
    size: Size = dataclasses.field(default_factory=Size)
    pause_s: tuple = (0, 4.0)  # between faults
    journal_sync: str = "off"


@dataclasses.dataclass
class Outcome:
    figures: dict
    findings: object  # checker.Findings
    problems: list  # sentences

    @property
    def ok(self):
        return not self.findings and not self.problems


def torment(server, faults, rng, options):
    """Faults until the time is over; then all is running."""
    end = time.monotonic() + options.seconds
    time.sleep(min(FIRST_FAULT_S, options.seconds))
    while time.monotonic() < end:
        faults.one()
        time.sleep(min(rng.uniform(*options.pause_s), max(0.0, end - time.monotonic())))
    server.assert_running()


def run(folder, profile, options, log=lambda line: None):
    """Everything in `folder`, on an opened profile. AssertionError: the installation did not work at all; a process ended by itself;
    history did not catch up. Whatever comes, nothing of the installation is left running."""
    began = time.monotonic()
    rng = random.Random(options.seed)
    server = Installation(folder, profile, plugin_opts={"journal_sync": options.journal_sync})
    try:
        server.start()
        with Crowd(server, rng, options.size) as crowd:
            faults = Faults(server, rng, options.faults or kinds_of(profile.name), log)
            torment(server, faults, rng, options)
            log("quiet now")
            history = crowd.settle()
            server.assert_running()
    finally:
        server.kill()
    log("comparing")
    findings = crowd.compare(history)
    figures = {
        "seed": options.seed, "seconds": options.seconds, "elapsed_s": round(time.monotonic() - began, 1),
        "kills": dict(sorted(faults.kills.items())), "kills_survived": sum(faults.kills.values()),
        **crowd.figures(history, findings), "slowest_broker_start_ms": round(1000 * faults.slowest_start_s),
    }
    return Outcome(figures, findings, crowd.problems)
