"""Faults that are not a kill: a backend that hangs, a full disk, copies put back, two backends. Each under a crowd's load."""
import random
import shutil
import signal
import time

import pytest
from checker import Findings, check_never_two
from collect import Archive
from crowd import Crowd
from harness import PARLEYD, Process, Refused, free_ports, wait_until
from installation import Installation
from small_disk import enlarge, fill, tmpfs

SEED = random.SystemRandom().randrange(10**9)


@pytest.fixture
def rng():
    print(f"seed {SEED}")
    return random.Random(SEED)


def assert_all_well(crowd, history):
    findings = crowd.compare(history)
    assert not findings and not crowd.problems, "\n".join([*findings.lines(), *crowd.problems])


def send_known(crowd, client, key, size=0):
    """A message beside the crowd's own that its ledger knows of. The reason code."""
    text = f"{key} " + "x" * size
    crowd.ledger.write(key, "room0", client.user, key, text)
    code = client.send("room0", {"text": text, "ref": key})
    if code < 0x80:
        crowd.ledger.accept(key)
    return code


# --- a backend that hangs ---

def test_a_stopped_backend_harms_no_chat_and_history_catches_up(make_server, rng, request):
    server = make_server(Installation).start()
    with Crowd(server, rng) as crowd, server.client("user0", "steady") as alice:
        crowd.wait_accepted(100)
        server.backend.send(signal.SIGSTOP)
        slowest, end = 0.0, time.monotonic() + request.config.getoption("--stop-seconds", 6)
        while time.monotonic() < end:
            begun = time.monotonic()
            assert send_known(crowd, alice, f"steady#{begun}") < 0x80
            slowest = max(slowest, time.monotonic() - begun)
            time.sleep(0.01)
        assert slowest < 3, f"an acknowledgement took {slowest:.2f} s"  # less than half the time parleyd was stopped
        server.backend.send(signal.SIGCONT)
        crowd.wait_accepted(100)
        assert_all_well(crowd, crowd.settle())


# --- a full disk ---

def test_a_full_disk_under_the_plugin_refuses_messages_and_nothing_else(make_server, tmp_path, rng):
    with tmpfs(tmp_path / "server0" / "plugin", "8M") as disk:
        server = make_server(Installation, plugin_opts={"other_topics": "allow", "journal_max_bytes": "4M"}).start()
        try:
            crowd = Crowd(server, rng)
            with server.client("user0") as alice, server.client("user1") as bob:
                bob.subscribe("plant/line1", "rooms/room0/messages")
                server.backend.send(signal.SIGSTOP)  # nothing is trimmed
                hog = fill(disk)
                codes = [send_known(crowd, alice, f"big{i}", size=50_000) for i in range(90)]
                assert codes[0] < 0x80 and codes[-1] == 0x87
                taken = codes.index(0x87)
                assert alice.wait_notice(type="refused", ref=f"big{taken}")["code"] in ("unavailable", "backlog_full")
                assert alice.wait_notice(type="refused", code="unavailable")["reason"].startswith("The server's disk is full")
                # The rest of the broker is unharmed.
                assert alice.publish("plant/line1", "21.5") < 0x80
                wait_until(lambda: any(m.topic == "plant/line1" for m in bob.seen), "other topics go on")
                server.client("user2").close()
                server.backend.send(signal.SIGCONT)
                wait_until(server.ready, "the backend is back")
                assert bob.ok("history", room="room0")["messages"]
                # Space comes back, and so does everything.
                hog.unlink()
                wait_until(lambda: send_known(crowd, alice, "again") < 0x80, "messages are taken again", step_s=0.1)
                bob.wait_text("again ")
            with crowd:
                crowd.wait_accepted(100)
                history = crowd.settle()
            assert_all_well(crowd, history)
            kept = [e.ref for e in history["room0"] if e.ref and e.ref.startswith("big")]
            assert kept == [f"big{i}" for i, code in enumerate(codes) if code < 0x80]  # what was refused is not there
        finally:
            server.kill()


@pytest.mark.profile("embedded")  # PostgreSQL's is in test_production.py
def test_a_full_disk_under_the_database_delays_history_and_nothing_else(make_server, tmp_path, rng):
    with tmpfs(tmp_path / "server0" / "backend", "6M") as disk:
        server = make_server(Installation).start()
        try:
            with Crowd(server, rng) as crowd:
                crowd.wait_accepted(100)
                hog = fill(disk)
                wait_until(lambda: "can't be stored" in server.backend.log(), "storing fails")
                crowd.wait_accepted(100)  # chat goes on
                server.assert_running()
                hog.unlink()
                enlarge(disk)
                assert_all_well(crowd, crowd.settle())
        finally:
            server.kill()


# --- what was put back from a copy ---

class Sightings:
    """What clients ever saw of a room: (room, epoch, seq, id), from live delivery and history."""

    def __init__(self):
        self.seen = []

    def live(self, client):
        self.seen += [(e["room"], e["epoch"], e["seq"], e["id"]) for e in client.envelopes()]

    def history(self, server, room):
        with Archive(server) as archive:
            entries = archive.room(room)
        self.seen += [(room, e.epoch, e.seq, e.id) for e in entries]
        return entries

    def check(self):
        findings = Findings()
        check_never_two(self.seen, findings)
        assert not findings, list(findings.lines())


def say(client, count, text, size=0):
    """So many messages, all accepted: what is refused, because the disk is slower, is sent again."""
    for i in range(count):
        message = {"text": f"{text}{i} " + "x" * size, "ref": f"{text}{i}"}
        wait_until(lambda: client.send("room0", message) < 0x80, f"{text}{i} is accepted")


def stored(server, text):
    with Archive(server) as archive:
        wait_until(lambda: any(e.key == text for e in archive.tail("room0")), f"{text} is stored")


def put_back(copy, folder):
    shutil.rmtree(folder)
    shutil.copytree(copy, folder)


def test_an_old_journal_put_back_numbers_nothing_twice_and_keeps_what_it_accepts(make_server, rng):
    server = make_server(Installation).start()
    server.populate(["alice", "bob"], ["room0"])
    sightings = Sightings()
    journal, copy = server.folder / "plugin" / "journal", server.folder / "journal.copy"
    with server.client("alice") as alice, server.client("bob") as bob:
        bob.subscribe("rooms/room0/messages")
        say(alice, 5, "before")
        bob.wait_envelopes(5)
        sightings.live(bob)
    stored(server, "before4")
    server.stop()
    shutil.copytree(journal, copy)
    server.start()
    with server.client("alice") as alice, server.client("bob") as bob:
        bob.subscribe("rooms/room0/messages")
        say(alice, 20, "between")
        bob.wait_envelopes(20)
        sightings.live(bob)
    stored(server, "between19")
    server.stop()
    put_back(copy, journal)
    # The broker is there before the backend, and people write at once.
    server.start_broker()
    accepted = []
    with server.client("alice") as alice, server.client("bob") as bob:
        bob.subscribe("rooms/room0/messages")
        for i in range(10):
            if alice.send("room0", {"text": f"early{i}", "ref": f"early{i}"}) < 0x80:
                accepted.append(f"early{i}")
        server.start_backend()
        say(alice, 5, "after")
        bob.wait_text("after4 ")
        sightings.live(bob)
    stored(server, "after4")
    entries = sightings.history(server, "room0")
    sightings.check()
    assert [e.seq for e in entries] == list(range(1, len(entries) + 1))
    refs = [e.ref for e in entries if e.type == "text"]
    assert refs == [f"before{i}" for i in range(5)] + [f"between{i}" for i in range(20)] + accepted + [f"after{i}" for i in range(5)]
    assert len({e.epoch for e in entries}) == 2


def test_the_plugins_whole_folder_lost_lets_nobody_in_before_the_backend_and_numbers_nothing_twice(make_server):
    server = make_server(Installation).start()
    server.populate(["alice", "bob"], ["room0"])
    sightings = Sightings()
    with server.client("alice") as alice:
        say(alice, 5, "before")
    stored(server, "before4")
    sightings.history(server, "room0")
    server.stop()
    shutil.rmtree(server.folder / "plugin")
    (server.folder / "plugin").mkdir()
    server.start_broker()
    with pytest.raises(Refused):
        server.client("alice")
    server.start_backend()
    with server.client("alice") as alice, server.client("bob") as bob:
        bob.subscribe("rooms/room0/messages")
        say(alice, 5, "after")
        bob.wait_text("after4 ")
        sightings.live(bob)
    stored(server, "after4")
    entries = sightings.history(server, "room0")
    sightings.check()
    assert [e.seq for e in entries] == list(range(1, len(entries) + 1))
    assert [e.ref for e in entries if e.type == "text"] == [f"{when}{i}" for when in ("before", "after") for i in range(5)]
    assert len({e.epoch for e in entries}) == 2


def test_an_old_database_put_back_behind_what_was_trimmed_changes_the_epoch(make_server, rng):
    server = make_server(Installation).start()
    server.populate(["alice", "bob"], ["room0"])
    sightings = Sightings()
    with server.client("alice") as alice:
        say(alice, 5, "before")
    stored(server, "before4")
    server.backend.stop()
    server.storage.copy()
    server.start_backend()
    first = server.journal_files()
    with server.client("alice") as alice, server.client("bob") as bob:
        bob.subscribe("rooms/room0/messages")
        say(alice, 150, "gone", size=40_000)  # 6 MB: the journal lets go of its beginning
        wait_until(lambda: f"{0:020}.seg" not in server.journal_files(), f"the first of {first} is let go of")
        bob.wait_envelopes(150)
        sightings.live(bob)
    stored(server, "gone149")
    server.backend.stop()
    server.storage.put_back()
    server.start_backend()
    assert "are lost to this database" in server.backend.log()
    with server.client("alice") as alice, server.client("bob") as bob:
        bob.subscribe("rooms/room0/messages")
        say(alice, 5, "after")
        live = [e for e in bob.wait_envelopes(5)]
        sightings.live(bob)
        assert live[0]["epoch"] not in {epoch for _, epoch, _, _ in sightings.seen[:1]}
        assert live[0]["seq"] > max(seq for _, _, seq, _ in sightings.seen[:150])
    stored(server, "after4")
    entries = sightings.history(server, "room0")
    sightings.check()
    assert [e.ref for e in entries if e.type == "text"][:5] == [f"before{i}" for i in range(5)]
    assert [e.ref for e in entries][-5:] == [f"after{i}" for i in range(5)]
    with server.client("alice") as alice:
        sync = alice.ok("sync", rooms={"room0": {"epoch": sightings.seen[0][1], "since": 155}})["rooms"]["room0"]
        assert sync["reset"] is True and sync["messages"][0]["seq"] == 1


def test_members_are_those_of_the_database_put_back_and_new_ones_take_their_place_in_history(make_server):
    server = make_server(Installation).start()
    server.populate(["alice"], ["room0"], guests=["carol", "dave"])
    server.backend.stop()
    server.storage.copy()
    server.start_backend()
    server.ctl("member", "add", "room0", "carol")
    server.backend.stop()
    server.storage.put_back()
    server.start_backend()
    with server.client("carol") as carol:
        assert carol.send("room0", "am I in?") == 0x87  # the database is the authority on members, also when it is older
    server.ctl("member", "add", "room0", "dave")  # makes the version again that carol's joining had made
    with server.client("dave") as dave:
        assert dave.send("room0", "hello") < 0x80
    wait_until(lambda: server.history("room0", 1)[0]["type"] == "text", "stored")
    assert [e["content"]["user"] for e in server.history("room0") if e["type"] == "member"] == ["alice", "carol", "dave"]


# --- two backends ---

class Backends:
    """Two parleyd on one database; whichever is killed comes back as the standby."""

    def __init__(self, server):
        self.server = server
        self.tomls = [server.toml, server.folder / "parleyd2.toml"]
        self.ports = [server.http_port, *free_ports(1)]
        self.tomls[1].write_text(server.toml.read_text().replace(f"port = {self.ports[0]}", f"port = {self.ports[1]}"))
        self.processes = [server.backend, None]
        self.start(1)

    def start(self, i):
        self.processes[i] = Process([PARLEYD, "--config", self.tomls[i]], self.server.folder / "log" / f"parleyd{i}.log")

    def status(self, i, path):
        self.server.http_port = self.ports[i]
        return self.server.http(path)[0]

    def active(self):
        return next((i for i in (0, 1) if self.processes[i].running() and self.status(i, "/readyz") == 200), None)

    def kill(self):
        for process in self.processes:
            if process:
                process.kill()


def test_the_standby_takes_over_again_and_again_and_nothing_is_lost_or_doubled(make_server, rng):
    server = make_server(Installation).start()
    backends = Backends(server)
    slowest = 0.0
    try:
        with Crowd(server, rng) as crowd:
            for _ in range(6):
                crowd.wait_accepted(rng.randint(10, 100))
                old = wait_until(lambda: (i := backends.active()) is not None and i + 1, "one is active") - 1
                wait_until(lambda: backends.status(1 - old, "/healthz") == 200, "the other one lives")
                backends.processes[old].kill()
                begun = time.monotonic()
                wait_until(lambda: backends.active() == 1 - old, "the standby took over")
                slowest = max(slowest, time.monotonic() - begun)
                backends.start(old)
            assert slowest < 10, f"a takeover took {slowest:.1f} s"
            leader = wait_until(lambda: (i := backends.active()) is not None and i + 1, "one is active") - 1
            server.backend, server.http_port = backends.processes[leader], backends.ports[leader]
            assert_all_well(crowd, crowd.settle())
    finally:
        backends.kill()
