"""Typing: told to those who are there, kept nowhere, and bounded."""
import json

import pytest
from harness import have_node, wait_until
from wsclient import WsClient

TYPING, DONE = '{"typing":true}', '{"typing":false}'


def typed(client, room="lobby", user="alice"):
    return [json.loads(m.payload)["typing"] for m in list(client.seen) if m.topic == f"rooms/{room}/typing/{user}"]


@pytest.mark.parametrize("v", [4, 5])
def test_members_see_who_is_typing(chat, v):
    assert have_node(), "MQTT.js is not installed: tools/test does it (npm ci in tests/e2e)"
    bob = WsClient(chat, "bob", "bob-web")
    try:
        bob.wait_event("connected")
        bob.command(subscribe="rooms/lobby/typing/+")
        bob.wait_event("suback")
        with chat.client("alice", v=v) as alice, chat.client("reader", v=v) as reader:
            reader.subscribe("rooms/lobby/typing/+")
            alice.publish("rooms/lobby/typing/alice", TYPING, qos=0)
            alice.publish("rooms/lobby/typing/alice", DONE, qos=0)
            wait_until(lambda: typed(reader) == [True, False], "typing and no more")
            bob.wait(lambda e: e["event"] == "message" and e["payload"] == DONE, "no more typing")
            bob.command(publish="rooms/lobby/typing/bob", payload=TYPING, qos=0)
            wait_until(lambda: typed(reader, user="bob") == [True], "bob types")
    finally:
        bob.close()


@pytest.mark.parametrize("v", [4, 5])
def test_typing_waits_for_nobody_and_is_not_kept(chat, v):
    with chat.client("bob", "bob-sleeper", v=v, clean=False, expiry_s=3600) as bob:
        bob.subscribe("rooms/lobby/typing/+", "rooms/lobby/messages")
    with chat.client("alice", v=v) as alice:
        assert alice.publish("rooms/lobby/typing/alice", TYPING, qos=1) == (0x87 if v == 5 else 0)
        assert alice.wait_notice(code="qos_not_allowed")["room"] == "lobby"
        assert alice.publish("rooms/lobby/typing/alice", TYPING, qos=1, retain=True) == (0x87 if v == 5 else 0)
        assert alice.wait_notice(code="retain_not_allowed")
        alice.publish("rooms/lobby/typing/alice", TYPING, qos=0)
        assert alice.send("lobby", f"after typing {v}") < 0x80
    bob.connect()
    bob.wait_text(f"after typing {v}")
    assert typed(bob) == []
    bob.close()
    with chat.client("bob", "bob-sleeper", v=v):  # ends the session
        pass


def test_who_may_not_type_is_told(chat):
    with chat.client("eve") as eve, chat.client("alice") as alice:
        eve.publish("rooms/lobby/typing/eve", TYPING, qos=0)
        eve.wait_notice(type="refused", code="not_a_member")
        alice.publish("rooms/lobby/typing/bob", TYPING, qos=0)
        alice.wait_notice(type="refused", code="not_allowed")
        alice.publish("rooms/lobby/typing/alice", '{"typing":1}', qos=0)
        alice.wait_notice(type="refused", code="malformed")


def test_typing_is_bounded_and_leaves_messages_alone(make_server):
    server = make_server(plugin_opts={"typing_rate": 1, "typing_burst": 5, "typing_room_max": 3}).start()
    for user in ("alice", "bob", "carol"):
        server.add_user(user)
    server.add_room("lobby", alice="member", bob="member")  # and the administrator
    with server.client("alice") as alice, server.client("bob") as bob:
        bob.subscribe("rooms/lobby/typing/+", "rooms/lobby/messages")
        for _ in range(50):
            alice.publish("rooms/lobby/typing/alice", TYPING, qos=0)
        assert alice.send("lobby", "a message all the same") < 0x80
        bob.wait_text("a message all the same")
        assert 5 <= len(typed(bob)) < 50
        alice.wait_notice(type="refused", code="rate_limited")
        server.ctl("member", "add", "lobby", "carol")
        told = len(typed(bob, user="bob"))
        bob.publish("rooms/lobby/typing/bob", TYPING, qos=0)
        assert "3 members" in bob.wait_notice(type="refused", code="not_allowed")["reason"]
        assert len(typed(bob, user="bob")) == told
