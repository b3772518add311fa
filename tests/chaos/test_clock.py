"""The wall clock is put back, and forth, while people chat. Order, refs, history and the lease must not depend on it."""
import os
import pathlib
import random
import struct
import subprocess

import pytest
from crowd import Crowd
from harness import wait_until
from installation import Installation

HOUR_S = 3600


class Clock:
    """The wall clock of every process that has its env."""

    def __init__(self, folder):
        library, self._file = folder / "stepped_clock.so", folder / "clock"
        source = pathlib.Path(__file__).with_name("stepped_clock.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
        self._file.write_bytes(bytes(8))
        self.env = {**os.environ, "LD_PRELOAD": str(library), "STEPPED_CLOCK": str(self._file)}

    def step_to(self, offset_s):
        with open(self._file, "r+b") as file:
            file.write(struct.pack("<q", offset_s))


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path)


def test_a_clock_that_steps_back_changes_neither_order_nor_refs(make_server, clock):
    server = make_server(Installation)
    server.env = clock.env
    server.start().populate(["alice", "bob"], ["room0"])
    say = lambda client, text: client.send("room0", {"text": text, "ref": text})
    with server.client("alice") as alice, server.client("bob") as bob:
        bob.subscribe("rooms/room0/messages")
        for step, offset_s in enumerate((0, -HOUR_S, -48 * HOUR_S, HOUR_S, -HOUR_S)):
            clock.step_to(offset_s)
            for i in range(5):
                assert say(alice, f"{step}.{i}") < 0x80
        live = bob.wait_envelopes(25)
        assert [e["seq"] for e in live] == list(range(live[0]["seq"], live[0]["seq"] + 25))
        assert live[4]["at"] - live[5]["at"] > 0.9 * HOUR_S * 1000, "the clock really stepped"
        assert len({e["id"] for e in live}) == 25
        for e in live:  # every retry is recognised
            assert say(alice, e["ref"]) < 0x80
            assert alice.wait_notice(type="duplicate", ref=e["ref"])["seq"] == e["seq"]
    server.kill()
    clock.step_to(-24 * HOUR_S)
    server.start()  # the lease's generation grows all the same
    with server.client("alice") as alice:
        assert say(alice, "0.0") < 0x80
        assert alice.wait_notice(type="duplicate", ref="0.0")["seq"] == live[0]["seq"]
        assert say(alice, "end") < 0x80
    wait_until(lambda: server.history("room0", 1)[0]["ref"] == "end", "all is stored")
    entries = server.history("room0")
    assert [e["seq"] for e in entries] == list(range(1, len(entries) + 1))
    assert entries[-26:-1] == live


def test_a_crowd_does_not_notice_that_the_clock_jumps_about(make_server, clock):
    seed = random.SystemRandom().randrange(10**9)
    print(f"seed {seed}")
    rng = random.Random(seed)
    server = make_server(Installation)
    server.env = clock.env
    server.start()
    with Crowd(server, rng) as crowd:
        for i in range(6):
            crowd.wait_accepted(40)
            clock.step_to(rng.randint(-20, 0) * HOUR_S)
            if i % 3 == 2:
                server.broker.kill()
                server.start_broker()
        history = crowd.settle()
    findings = crowd.compare(history)
    assert not findings and not crowd.problems, "\n".join([*findings.lines(), *crowd.problems])
