"""Providers that fail half of the time, and parleyd and the database killed meanwhile: every notification has its end."""
import random
import time

import pytest
from harness import wait_until
from notifying import QUICK, log, register, settled, stand_ins
from standins import Fcm, Webhook

SEED = random.SystemRandom().randrange(10**9)
FAILING = [{"how": "lost", "p": 0.2}, {"how": "reset", "p": 0.15}, {"status": 500, "p": 0.15}]
ENDS = {"sent", "updated", "withdrawn", "dropped", "pruned", "dead"}
USERS, ROUNDS = 8, 10


@pytest.fixture
def rng():
    print(f"seed {SEED}")
    return random.Random(SEED)


@pytest.fixture
def providers(tmp_path):
    with stand_ins(tmp_path / "providers") as providers:
        yield providers


def kill_one(server, rng, kills):
    """parleyd or, where there is one, the database server; both run again."""
    postgres = getattr(server.storage, "postgres", None)
    kills.append(time.time() * 1000)
    if postgres and rng.random() < 0.4:
        postgres.kill()
        postgres.start()
    else:
        server.backend.kill()
        server.start_backend()


def check_one_notice(lines, kills):
    """One taken twice was taken again only because nobody could know of the first time."""
    taken = [line for line in lines if line["accepted"]]
    assert len({line["collapse"] for line in lines}) == 1
    for first, second in zip(taken, taken[1:]):
        killed = any(first["time_ms"] - 5000 <= at <= second["time_ms"] for at in kills)
        assert first.get("how") == "lost" or killed, f"sent twice for no reason: {first}, {second}"


def test_every_notification_ends_sent_or_as_a_dead_letter(make_server, providers, rng):
    standins = [providers.start(Fcm), providers.start(Webhook)]
    fcm = standins[0]
    server = make_server(backend_opts={**QUICK, **providers.keys(), "notify.window_s": 0, "notify.timeout_ms": 3000, "notify.attempts": 3, "notify.user_per_minute": 0}).start()
    users = [f"user{i}" for i in range(USERS)]
    for user in ["alice", *users]:
        server.add_user(user)
    server.add_room("lab", alice="owner", **dict.fromkeys(users, "member"))
    devices = {user: fcm.device() for user in users}
    for user, device in devices.items():
        register(server, user, "fcm", device)
    everybody = {fcm: set(devices.values()), standins[1]: {"admin", *users}}
    for standin in standins:
        standin.misbehave(*FAILING)
    kills = []
    with server.client("alice") as alice:
        for i in range(ROUNDS):
            before = sum(len(standin.attempts()) for standin in standins)
            assert alice.send("lab", {"text": f"number {i}", "ref": f"r{i}"}) < 0x80
            wait_until(lambda: sum(len(standin.attempts()) for standin in standins) > before, "somebody is told", timeout_s=60, log=server.backend)
            if rng.random() < 0.4:
                kill_one(server, rng, kills)
    # All is judged when the last message has reached somebody at the end, when providers behave.
    for standin in standins:
        standin.behave()
    with server.client("alice") as alice:
        alice.send("lab", {"text": "the last"})
    for standin in standins:
        wait_until(lambda: {line["target"] for line in standin.received() if "the last" in str(line["payload"])} == everybody[standin],
                   f"{standin.name} was told the last of everybody", timeout_s=120, log=server.backend)
    wait_until(lambda: settled(server), "nothing is left", timeout_s=120, log=server.backend)

    ended = {}
    for row in log(server):
        ended.setdefault(row["notice"], []).append(row["outcome"])
    dead = {letter["notice"] for letter in server.ctl("notify", "dead", "list")[1]}
    for standin in standins:
        notices = {}
        for line in standin.attempts():
            notices.setdefault((line["target"], line["id"]), []).append(line)
        for (target, notice), lines in notices.items():
            check_one_notice(lines, kills)
            outcomes = ended.get(notice, [])
            assert outcomes and outcomes[-1] in ENDS, f"{notice} for {target} has no end: {outcomes}"
            if outcomes[-1] == "dead":
                assert notice in dead
            if outcomes[-1] == "sent":
                assert any(line["accepted"] for line in lines)
        by_message = {}
        for (target, notice), lines in notices.items():
            if any(line["accepted"] for line in lines):
                seq = lines[0]["payload"]["data"]["seq"] if standin is fcm else lines[0]["payload"]["seq"]
                by_message.setdefault((target, str(seq)), set()).add(notice)
        assert all(len(ids) == 1 for ids in by_message.values()), "one message, two notifications"
    print(f"{len(kills)} kills, {len(ended)} notices, {len(dead)} dead letters,"
          f" {sum(len(outcomes) for outcomes in ended.values())} rows, {[len(s.attempts()) for s in standins]} attempts")
