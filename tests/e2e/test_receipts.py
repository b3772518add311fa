"""Watermarks: what a member's devices say of received and read, and what everybody sees of it."""
import json
import random

import pytest
from harness import have_node, wait_until
from wsclient import WsClient


def marks(server, room, user="admin"):
    with server.client(user) as c:
        return {m["user"]: (m["received"], m["read"]) for m in c.ok("marks", room=room)["marks"]}


def wait_mark(server, room, user, received, read):
    wait_until(lambda: marks(server, room)[user] == (received, read), f"{user} at {(received, read)} in {room}")


def fill(server, room, count, **members):
    server.add_room(room, **members)
    with server.client("alice") as alice:
        for i in range(count):
            assert alice.send(room, f"m{i}") < 0x80
    return server.history(room)[-1]["seq"]


@pytest.mark.parametrize("v", [4, 5])
def test_receipts_reach_the_room_and_the_marks(chat, v):
    assert have_node(), "MQTT.js is not installed: tools/test does it (npm ci in tests/e2e)"
    room = f"receipts{v}"
    last = fill(chat, room, 5, alice="member", bob="member")
    web = WsClient(chat, "bob", f"bob-web{v}")
    try:
        web.wait_event("connected")
        web.command(subscribe=f"rooms/{room}/receipts/+")
        web.wait_event("suback")
        with chat.client("alice", v=v) as alice:
            alice.subscribe(f"rooms/{room}/receipts/+")
            assert alice.publish(f"rooms/{room}/receipts/alice", {"received": last, "read": last - 2}) < 0x80
            heard = web.wait(lambda e: e["event"] == "message" and e["topic"] == f"rooms/{room}/receipts/alice", "a receipt")
            assert json.loads(heard["payload"]) == {"received": last, "read": last - 2}
            wait_mark(chat, room, "alice", last, last - 2)
            web.command(publish=f"rooms/{room}/receipts/bob", payload=json.dumps({"read": last}), qos=1)
            wait_mark(chat, room, "bob", last, last)
            alice._wait(lambda: any(m.topic.endswith("/receipts/bob") for m in alice.seen), "bob's receipt")
    finally:
        web.close()


def test_a_read_request_is_written_down_and_told_to_the_other_devices(chat):
    last = fill(chat, "reading", 5, alice="member", bob="member")
    with chat.client("bob") as phone, chat.client("bob") as laptop, chat.client("alice") as alice:
        for c in (laptop, alice):
            c.subscribe("rooms/reading/receipts/bob")
        assert phone.ok("read", room="reading", read=last) == {"room": "reading", "received": last, "read": last}
        assert marks(chat, "reading", "alice")["bob"] == (last, last)
        for c in (laptop, alice):
            c._wait(lambda c=c: [json.loads(m.payload) for m in c.seen] == [{"received": last, "read": last}], "the receipt")
        assert phone.ok("read", room="reading", read=1)["read"] == last  # never backwards
        assert phone.request("read", room="reading", read=last + 1)["error"]["code"] == "above_last_seq"
        with chat.client("eve") as eve:
            assert eve.request("read", room="reading", read=1)["error"]["code"] == "not_a_member"
            assert eve.request("marks", room="reading")["error"]["code"] == "not_a_member"


@pytest.mark.parametrize("v", [4, 5])
def test_receipts_that_are_wrong_raise_nothing(chat, v):
    room = f"wrong{v}"
    last = fill(chat, room, 3, alice="member", bob="member")
    before = marks(chat, room)
    with chat.client("bob", v=v) as bob, chat.client("eve", v=v) as eve:
        for payload, code in (({"read": last + 5}, "above_last_seq"), ({"read": "x"}, "malformed"), ({}, "malformed")):
            assert bob.publish(f"rooms/{room}/receipts/bob", payload) == (0x87 if v == 5 else 0)
            bob.wait_notice(type="refused", code=code)
        for c, topic in ((bob, f"rooms/{room}/receipts/alice"), (eve, f"rooms/{room}/receipts/eve")):
            assert c.publish(topic, {"read": 1}) == (0x87 if v == 5 else 0)
        assert bob.publish(f"rooms/{room}/receipts/bob", {"received": last}) < 0x80
        wait_mark(chat, room, "bob", last, before["bob"][1])
    assert marks(chat, room)["alice"] == before["alice"]


def test_shuffled_repeated_receipts_of_several_devices_end_in_the_same_marks(chat):
    seed = random.randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)
    last = fill(chat, "shuffle", 30, alice="member", bob="member", mod="member")
    told = [{"received": max(a, b), "read": min(a, b)} for a, b in ((rng.randint(1, last), rng.randint(1, last)) for _ in range(40))] * 2
    most = max(t["received"] for t in told), max(t["read"] for t in told)
    for user in ("bob", "mod"):
        before = marks(chat, "shuffle")[user]
        devices = [chat.client(user, v=rng.choice((4, 5))) for _ in range(3)]
        try:
            rng.shuffle(told)
            for receipt in told:
                rng.choice(devices).mqtt.publish(f"rooms/shuffle/receipts/{user}", json.dumps(receipt), qos=rng.choice((0, 1)))
            wait_mark(chat, "shuffle", user, max(most[0], before[0]), max(most[1], before[1]))
        finally:
            for device in devices:
                device.close()


def test_marks_begin_with_the_membership_and_outlive_everything(make_server):
    server = make_server()
    server.start()
    for name in ("alice", "bob", "carol"):
        server.add_user(name)
    last = fill(server, "lab", 4, alice="member", bob="member")
    with server.client("bob") as bob:
        bob.ok("read", room="lab", read=last)
        for i in range(3):
            bob.send("lab", f"more {i}")
    last = server.history("lab")[-1]["seq"]
    server.ctl("member", "add", "lab", "carol")
    carol = server.history("lab")[-1]["seq"]  # her own join entry
    wait_mark(server, "lab", "carol", carol, carol)
    server.ctl("member", "role", "lab", "carol", "moderator")
    expected = marks(server, "lab")
    server.kill()
    server.start()
    assert marks(server, "lab") == expected
    server.ctl("member", "remove", "lab", "carol")
    assert "carol" not in marks(server, "lab")
