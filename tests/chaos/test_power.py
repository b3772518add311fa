"""The power goes: all is killed at once, and what was not synced is gone. With `journal_sync always` nothing accepted is lost;
without it nothing is lost in silence. Real processes on a disk that keeps only what was synced (power.py)."""
import random
import signal

import pytest
from checker import Findings, check_never_two
from collect import Archive
from crowd import Crowd
from harness import wait_until
from installation import Installation
from power import Power

SEED = random.SystemRandom().randrange(10**9)


@pytest.fixture
def rng():
    print(f"seed {SEED}")
    return random.Random(SEED)


@pytest.fixture
def powered(make_server, tmp_path):
    """(server, power) for a journal_sync. The plugin's and the backend's folders are on the disk that loses its unsynced pages."""
    def make(sync):
        server = make_server(Installation, plugin_opts={"journal_sync": sync})
        power = Power([server.folder / "plugin", server.folder / "backend"], tmp_path / "power")
        server.env = power.env
        return server, power
    return make


def cut(server, power, rng):
    for process in (server.broker, server.backend):
        process.send(signal.SIGKILL)
    server.kill()
    power.cut(rng)


def test_with_journal_sync_always_no_power_cut_loses_or_doubles_anything(powered, rng, request):
    server, power = powered("always")
    server.start()
    with Crowd(server, rng) as crowd:
        for _ in range(request.config.getoption("--power-cuts", 5)):
            crowd.wait_accepted(rng.randint(5, 150))
            cut(server, power, rng)
            server.start()
        history = crowd.settle()
    findings = crowd.compare(history)
    assert not findings and not crowd.problems, "\n".join([*findings.lines(), *crowd.problems])
    assert power.names_lost + power.pages_lost > 0, "no cut lost anything: this test shows nothing"


@pytest.mark.parametrize("sync", ["off", "interval 50"])
def test_without_it_what_a_power_cut_took_is_never_silently_gone(powered, rng, sync):
    server, power = powered(sync)
    server.start().populate(["alice", "bob"], ["room0"])
    seen, sent = [], 0  # (room, epoch, seq, id) of all that was delivered
    for _ in range(4):
        with server.client("alice") as alice, server.client("bob") as bob:
            bob.subscribe("rooms/room0/messages")
            count = rng.randint(1, 60)
            for i in range(sent, sent + count):
                wait_until(lambda: alice.send("room0", {"text": f"n{i} " + "x" * 5000, "ref": f"n{i}"}) < 0x80, f"n{i} is accepted")
            bob.wait_envelopes(count)
            seen += [(e["room"], e["epoch"], e["seq"], e["id"]) for e in bob.envelopes()]
            sent += count
            cut(server, power, rng)
        server.start()
    with server.client("alice") as alice:
        wait_until(lambda: alice.send("room0", {"text": "end", "ref": "end"}) < 0x80, "the end is accepted")
    with Archive(server) as archive:
        wait_until(lambda: any(e.key == "end" for e in archive.tail("room0")), "all is stored")
        history = archive.room("room0")
    findings = Findings()
    check_never_two(seen + [("room0", e.epoch, e.seq, e.id) for e in history], findings)
    assert not findings, list(findings.lines())
    kept = {e.id for e in history}
    now = history[-1].epoch
    assert all(id_ in kept or epoch != now for _, epoch, _, id_ in seen), "a message is gone and its room's epoch has not changed"
    assert [e.seq for e in history] == sorted({e.seq for e in history})
    assert power.names_lost + power.pages_lost > 0, "no cut lost anything: this test shows nothing"
